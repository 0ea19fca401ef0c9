"""The worked examples of docs/reproducing.md, so that tests run what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reproducing.md"


def example(name: str) -> str:
    """The code block that follows `<!-- example: NAME -->`."""
    found = re.search(rf"<!-- example: {re.escape(name)} -->\n```\w+\n(.*?)\n```\n", PAGE.read_text(), re.DOTALL)
    assert found is not None, f"{PAGE} has no example {name}"
    return found[1] + "\n"


def write_example(name: str, folder: Path) -> Path:
    """The example as a file of that name below `folder`."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(example(name))
    return path
