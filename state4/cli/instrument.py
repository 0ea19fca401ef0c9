"""`state4 instrument`: CIM as a command."""

from __future__ import annotations

import argparse
from pathlib import Path

from p4front.own_files import write_whole
from state4.cim import Track
from state4.cli.options import (
    Commands,
    counts_option,
    new_command,
    prepare_options,
    preprocessor_options,
    session_option,
    track_option,
)
from state4.programs import instrument_file


def add_command(commands: Commands) -> None:
    parser = new_command(
        commands, "instrument", _run, "Add the cloning of state updates, or a map of them, to a program."
    )
    parser.add_argument("program", type=Path, metavar="PROG.p4")
    parser.add_argument("-o", dest="output", type=Path, required=True, metavar="OUT.p4")
    track_option(parser, Track.CLONES)
    session_option(parser)
    counts_option(parser)
    preprocessor_options(parser)


def _run(args: argparse.Namespace) -> None:
    result = instrument_file(args.program, prepare_options(args))
    write_whole(args.output, result.text.encode())
    layout = result.layout
    summary = [f"{len(layout.components)} registers"]
    if args.track is not Track.MAP:
        summary += [f"{layout.slots} updates per clone", f"{layout.header_bytes} bytes per clone"]
        summary.append(f"session {layout.session}")
    if result.map is not None:
        summary.append(f"a dirty map of {result.map.blocks:,} blocks in {result.map.words:,} words")
    print(f"{args.output}: {', '.join(summary)}")
