"""The steps that p4utils delegates to us: `python -m topologies.p4app_tool compile | entries`.

Runs in our environment, on behalf of topologies/p4app/state4_p4utils.py, which runs in p4utils' environment.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from p4front.text.source import P4Error
from softswitch.build.program import compile_program
from softswitch.errors import SwitchError
from state4.entries_file import load_entries, updates
from state4.errors import State4Error
from state4.programs import prepare_program
from state4.targets import addresses
from state4.targets.bmv2.program import bmv2_config


def compile_for(target: str, source: Path, folder: Path) -> Path:
    """Instruments and compiles a program. Returns what a switch starts with: P4 for softswitch, JSON for bmv2.

    Raises P4Error, and State4Error if p4c is missing or rejects the program.
    """
    program = prepare_program(source)
    if target == "bmv2":
        config = folder / f"{source.stem}.json"
        config.write_text(bmv2_config(program))
        return config
    text = folder / source.name
    text.write_text(program.text)
    compile_program(text)  # into the cache, where the switch finds it
    return text


def write_entries(address: str, file: Path, *, device_id: int = 1) -> None:
    """Writes a file of entries to a running switch. Raises EntryError, State4Error."""
    with addresses.connect(address, device_id=device_id) as target:
        target.write_entities(updates(load_entries(file, target.running())))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="p4app_tool", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
    sub = commands.add_parser("compile", help="instrument and compile a program; prints what a switch starts with")
    sub.add_argument("source", type=Path, metavar="PROG.p4")
    sub.add_argument("--target", choices=("softswitch", "bmv2"), default="softswitch")
    sub.add_argument("-o", dest="folder", type=Path, required=True, metavar="FOLDER")
    sub = commands.add_parser("entries", help="write a file of entries to a running switch")
    sub.add_argument("file", type=Path, metavar="FILE")
    sub.add_argument("--target", required=True, metavar="ADDRESS")
    sub.add_argument("--device-id", type=int, default=1)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        if args.command == "compile":
            print(compile_for(args.target, args.source, args.folder))
        else:
            write_entries(args.target, args.file, device_id=args.device_id)
    except (P4Error, SwitchError, State4Error, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
