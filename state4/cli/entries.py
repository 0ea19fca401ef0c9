"""`state4 entries load`: a file of entries, groups, sessions and register cells into a running switch."""

from __future__ import annotations

import argparse
from pathlib import Path

from state4.cli.options import Commands, connect, new_command, preprocessor_options, target_options
from state4.entries_file import load_entries, updates
from state4.loading import load


def add_command(commands: Commands) -> None:
    text = "Entries of a running switch."
    parser = commands.add_parser("entries", help=text, description=text)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    text = (
        "Write a file of entries, multicast groups, clone sessions and register cells (docs/entries.md) into a running "
        "switch. Existing objects are modified to match the file, so a file can be loaded repeatedly."
    )
    parser = new_command(actions, "load", _load, text)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--without-cells", action="store_true", help="leave all register cells unchanged")
    target_options(parser)
    preprocessor_options(parser)


def _load(args: argparse.Namespace) -> None:
    with connect(args) as target:
        wanted = updates(load_entries(args.file, target.running()))
        if args.without_cells:
            wanted = [update for update in wanted if not update.entity.HasField("register_entry")]
        loaded = load(target, wanted)
    print(f"{args.file}: {loaded.made} made, {loaded.changed} changed, {loaded.same} there already")
