"""`state4 snapshot` and `state4 verify`: what a running switch holds, and whether it is what it should be."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.table import Table

from state4.cli.options import (
    Commands,
    connect,
    console,
    json_option,
    names,
    new_command,
    preprocessor_options,
    state_map,
    target_options,
)
from state4.entries_file import load_entries, updates
from state4.errors import State4Error
from state4.verify.compare import DEFAULT_LIMIT, Comparison
from state4.verify.expected import against_file, against_snapshot
from state4.verify.snapshot import load, save, take

DIFFERS = 1
"""The exit code if there are differences."""


def add_command(commands: Commands) -> None:
    text = "Write the registers, counters and entries of a running switch to a file, for `verify`."
    parser = new_command(commands, "snapshot", _snapshot, text)
    target_options(parser)
    parser.add_argument("-o", dest="output", type=Path, required=True, metavar="FILE")
    preprocessor_options(parser)
    text = (
        "Compare the state of a running switch with a snapshot (also one from before a program change) or an entries "
        "file. Exit code: 0 no differences, 1 differences or a failure of the switch, 2 invalid input."
    )
    parser = new_command(commands, "verify", _verify, text)
    target_options(parser)
    parser.add_argument("--snapshot", type=Path, metavar="FILE", help="a file written by `state4 snapshot`")
    parser.add_argument("--entries", type=Path, metavar="FILE", help="entries, groups and sessions (docs/entries.md)")
    parser.add_argument("--only", type=names, metavar="A,B", help="registers and tables to compare, as for a plan")
    parser.add_argument("--map", type=Path, metavar="FILE", help="the map used for the change since the snapshot")
    text = "differences to list per component (default: %(default)s)"
    parser.add_argument("--limit", type=int, default=DEFAULT_LIMIT, metavar="N", help=text)
    json_option(parser)
    preprocessor_options(parser)


def _snapshot(args: argparse.Namespace) -> None:
    with connect(args) as target:
        snapshot = take(target)
    save(snapshot, args.output)
    print(
        f"{args.output}: {len(snapshot.registers)} registers with {snapshot.cells:,} cells, "
        f"{len(snapshot.counters)} counters, {len(snapshot.entities):,} entries and settings"
    )


def _verify(args: argparse.Namespace) -> int:
    if args.snapshot is None and args.entries is None:
        raise State4Error("nothing to compare with: give --snapshot or --entries")
    snapshot = load(args.snapshot) if args.snapshot is not None else None
    found: dict[str, Comparison] = {}
    with connect(args) as target:
        if snapshot is not None:
            state = state_map(args.map)
            found["snapshot"] = against_snapshot(
                target, snapshot, only=args.only, state_map=state, limit=max(0, args.limit)
            )
        if args.entries is not None:
            wanted = updates(load_entries(args.entries, target.running()))
            found["entries"] = against_file(target, wanted, limit=max(0, args.limit))
    if args.json:
        print(json.dumps({name: comparison.as_dict() for name, comparison in found.items()}, indent=2))
    else:
        for name, comparison in found.items():
            print_comparison(f"the {name}", comparison)
    return DIFFERS if any(comparison.total for comparison in found.values()) else 0


def print_comparison(name: str, comparison: Comparison) -> None:
    """A table, the differences that are listed, and how many there are."""
    table = Table(box=None, header_style="bold", title=f"Compared with {name}", title_justify="left")
    for heading in ("component", "compared", "differ"):
        table.add_column(heading, justify="left" if heading == "component" else "right", overflow="fold")
    for component, compared in comparison.compared.items():
        table.add_row(component, f"{compared:,}", f"{comparison.differing.get(component, 0):,}")
    out = console()
    out.print(table)
    for difference in comparison.listed:
        out.print(str(difference))
    left = comparison.total - len(comparison.listed)
    if left:
        out.print(f"... and {left:,} more (--limit)")
    for line in comparison.unchecked:
        out.print(f"not compared: {line}")
    out.print(f"{comparison.total:,} differences" if comparison.total else "no differences")
