"""`softswitch compat`: the commands that users of bmv2 and p4c type."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from softswitch.cli import run_command
from softswitch.cli.user_errors import USER_ERRORS, error_line
from softswitch.compat import p4c, simple_switch, simple_switch_cli
from softswitch.compat.flags import CommandError, Parser
from softswitch.compat.install import COMMANDS, install

EXECUTE = ["compat", "exec"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "compat", help="commands named like those of bmv2 and p4c", description="The commands that bmv2 users know."
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="COMMAND")
    sub = parts.add_parser(
        "install",
        help=f"write {', '.join(COMMANDS)} into a folder",
        description=f"Writes {', '.join(COMMANDS)} into a folder of your choice, to be put into PATH. Nothing that is "
        "there and not ours is replaced.",
    )
    sub.add_argument("folder", type=Path, metavar="FOLDER")
    sub.set_defaults(function=_install)


def _install(options: argparse.Namespace) -> int:
    """Raises CommandError, OSError."""
    paths = install(options.folder)
    print(f"{options.folder}: {', '.join(path.name for path in paths)}")
    for path in paths:
        found = shutil.which(path.name)
        if found is not None and Path(found).resolve() != path.resolve():
            print(f"note: {path.name} in PATH is {found}; put {options.folder.resolve()} before it", file=sys.stderr)
    return 0


def execute(words: Sequence[str]) -> int:
    """One of the commands, by its name, with its arguments. Exit codes are the originals': 1 for whatever is wrong, but
    2 for arguments of simple_switch_CLI. Raises CommandError if there is no command of that name."""
    name, *arguments = words or [""]
    if name not in COMMANDS:
        raise CommandError(f"compat exec: expected one of {', '.join(COMMANDS)}")
    with suppress(OSError):  # scripts end switches by this name
        Path("/proc/self/comm").write_text(name)
    try:
        if name in p4c.FLAGS:
            return p4c.run(name, arguments, os.environ, _version())
        if name in simple_switch.FLAGS:
            return _switch(name, arguments)
        simple_switch_cli.run(arguments)
    except USER_ERRORS as error:
        print(error_line(error, name), file=sys.stderr)
        return 2 if isinstance(error, simple_switch_cli.UnusableArguments) else 1


def _switch(name: str, arguments: Sequence[str]) -> int:
    translated = simple_switch.translate(name, arguments)
    if not translated.words:
        print(f"{_version()} (softswitch)")
        return 0
    parser: argparse.ArgumentParser = Parser(prog=name)
    run_command.add_parser(parser.add_subparsers())
    options = parser.parse_args(["run", *translated.words])
    run_command.check(options)  # before the notes, which an error would be lost behind
    for note in translated.notes:
        print(f"{name}: note: {note}", file=sys.stderr, flush=True)
    return run_command.run(options)


def _version() -> str:
    try:
        return version("state4")
    except PackageNotFoundError:  # a checkout that was not installed
        return "unknown"
