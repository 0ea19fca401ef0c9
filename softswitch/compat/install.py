"""`softswitch compat install`: writes commands with the names of bmv2's and p4c's into a folder."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from p4front.own_files import write_whole
from softswitch.compat.flags import CommandError

COMMANDS = ("p4c-bm2-ss", "p4c", "simple_switch", "simple_switch_grpc", "simple_switch_CLI")
_MARK = "# written by: softswitch compat install"
_HEAD_BYTES = 4096


def install(folder: Path) -> list[Path]:
    """Writes the commands into a folder, which is created if missing; older ones of ours are replaced.

    Raises CommandError, without having written anything, if another file has one of the names; OSError."""
    _check_interpreter()
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in COMMANDS]
    foreign = [path for path in paths if not _may_write(path)]
    if foreign:
        named = ", ".join(str(path) for path in foreign)
        raise CommandError(f"nothing was installed: {named} exists and is not ours; choose another folder")
    for path in paths:
        write_whole(path, _script(path.name).encode())
        path.chmod(0o755)
    return paths


def _may_write(path: Path) -> bool:
    if path.is_symlink():
        return False
    try:
        with path.open("rb") as file:
            return _MARK.encode() in file.read(_HEAD_BYTES)
    except FileNotFoundError:
        return True
    except IsADirectoryError:
        return False


def _script(name: str) -> str:
    # -I: modules must come neither from the current folder nor from PYTHONPATH, which test suites set.
    python = shlex.quote(sys.executable)
    return f'#!/bin/sh\n{_MARK}\nexec {python} -I -m softswitch compat exec {name} "$@"\n'


def _check_interpreter() -> None:
    """Raises CommandError if the installed commands would not find softswitch."""
    done = subprocess.run([sys.executable, "-I", "-c", "import softswitch"], capture_output=True, check=False)
    if done.returncode:
        raise CommandError(
            f"softswitch is not installed for {sys.executable}: install it there first (pip, or make venv)"
        )
