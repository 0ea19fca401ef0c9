"""Virtual environments for tests of what users install and type."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.doc_examples import ROOT

BASE_PYTHON = str(Path(sys.base_prefix) / "bin" / "python3")
"""The interpreter that the running virtual environment was made with."""


def make_venv(folder: Path, *, packages: bool) -> Path:
    """Creates a virtual environment that sees the packages of the running one (except ours), or none. Returns its
    python."""
    subprocess.run([BASE_PYTHON, "-m", "venv", "--without-pip", str(folder)], check=True)
    if packages:
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "shared.pth").write_text("".join(f"{entry}\n" for entry in package_folders()))
    return folder / "bin" / "python"


def package_folders() -> list[Path]:
    """The folders of the running interpreter's installed packages, without Python's own."""
    standard = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
    entries = [Path(entry) for entry in sys.path if entry and Path(entry).is_dir()]
    others = [entry for entry in entries if entry.name.endswith("-packages") or not standard & {entry, entry.parent}]
    return [entry for entry in others if entry.resolve() != ROOT]


def environment(**variables: str) -> dict[str, str]:
    """The environment of a shell without variables that affect Python or State4, plus `variables`."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "STATE4"))} | variables


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command as typed in such a shell."""
    return subprocess.run(
        command, cwd=cwd, env=environment(**variables), capture_output=True, text=True, check=False, timeout=400
    )
