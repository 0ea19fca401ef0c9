"""The operator's walk in the README, typed as it is written there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.doc_examples import ROOT


def walk() -> list[str]:
    """The README's commands without the first one, which opens the shell that the others are typed into."""
    found = re.search(r"<!-- walk: operator -->\n```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found is not None
    first, *others = found[1].splitlines()
    assert first.startswith("unshare --net bash")
    assert len(others) == 9
    return others


def test_the_operators_ten_commands(tmp_path: Path) -> None:
    script = "\n".join(["set -eu", *walk(), "wait"]).replace("/tmp/", f"{tmp_path}/")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["unshare", "--net", "--pid", "--fork", "--kill-child", "bash", "-m"],
        input=script,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=ROOT,
        env={**os.environ, "PATH": path, "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "chained_v2 is running (state4_exact" in done.stdout
    assert "registers: 463,742 cells" in done.stdout
    assert "may not be exact" not in done.stdout
