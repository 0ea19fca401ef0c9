"""`state4 instrument`: CIM as a command."""

from __future__ import annotations

import argparse
from pathlib import Path

from state4.cli.options import Commands, counts_option, new_command, preprocessor_options, session_option
from state4.programs import instrument_file


def add_command(commands: Commands) -> None:
    parser = new_command(commands, "instrument", _run, "Add the cloning of state updates to a program.")
    parser.add_argument("program", type=Path, metavar="PROG.p4")
    parser.add_argument("-o", dest="output", type=Path, required=True, metavar="OUT.p4")
    session_option(parser)
    counts_option(parser)
    preprocessor_options(parser)


def _run(args: argparse.Namespace) -> None:
    result = instrument_file(
        args.program, include_dirs=args.include, defines=args.define, session=args.session, counts=args.clone_counts
    )
    args.output.write_text(result.text)
    layout = result.layout
    print(
        f"{args.output}: {len(layout.components)} registers, {layout.slots} updates per clone, "
        f"{layout.header_bytes} bytes per clone, session {layout.session}"
    )
