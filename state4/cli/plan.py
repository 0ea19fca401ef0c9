"""`state4 plan`: what a change from one program to another keeps, without a switch."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finsy.proto import p4i
from rich.console import Console
from rich.table import Table

from p4front.load import load_program
from p4front.p4info import build_p4info
from p4front.text.source import P4Error
from state4.analysis.hashes import index_hashes
from state4.cli.options import (
    Commands,
    chosen,
    console,
    json_option,
    new_command,
    plan_options,
    preprocessor_options,
    state_map,
)
from state4.dirty.layout import MapLayout, best_shift
from state4.dirty.theory import predict
from state4.errors import State4Error
from state4.instrumentation.running import hashes_of
from state4.pacing import PAPER, PROFILES, Profile
from state4.plan.compare import make_plan
from state4.plan.components import Plan
from state4.programs import PrepareOptions, prepare_program


def add_command(commands: Commands) -> None:
    text = "Show what a change from one program to another keeps, and what it would lose."
    parser = new_command(commands, "plan", _run, text)
    parser.add_argument("old", type=Path, metavar="OLD.p4")
    parser.add_argument("new", type=Path, metavar="NEW.p4")
    plan_options(parser)
    text = (
        "predict strategy precopy for packets that write this many different cells per second: rounds, and cells "
        "left for the hold"
    )
    parser.add_argument("--dirty-rate", type=float, metavar="CELLS_PER_S", help=text)
    text = "the assumed speed of register access"
    parser.add_argument("--control-plane", choices=sorted(PROFILES), default=PAPER.name, help=text)
    json_option(parser)
    preprocessor_options(parser)


def _run(args: argparse.Namespace) -> None:
    old, new = (_described(path, args.include, args.define) for path in (args.old, args.new))
    hashes = old.hashes, new.hashes
    only, needless = chosen(args, args.new)
    plan = make_plan(old.p4info, new.p4info, only=only, state_map=state_map(args.map), hashes=hashes, needless=needless)
    rounds = None if args.dirty_rate is None else _precopy(plan, PROFILES[args.control_plane], args.dirty_rate)
    if args.json:
        prediction = {} if rounds is None else {"precopy": vars(rounds)}
        print(json.dumps({**plan_as_dict(plan), **prediction}, indent=2))
    else:
        print_plan(plan, console())
        if rounds is not None:
            _print_rounds(rounds, console())
    plan.check(allow_loss=args.allow_loss)


@dataclass(frozen=True)
class PlannedRounds:
    """What the theory expects of strategy precopy. `map_words`, `blocks`: of the dirty map; `first_s`: the first
    reading, and writing it; `rounds`: cells that each round reads after that; `shares`: the same as shares of all
    cells; `remainder`: cells left for the moment in which packets wait; `converges`: whether rounds end because few
    are."""

    map_words: int
    blocks: int
    first_s: float
    rounds: tuple[float, ...]
    shares: tuple[float, ...]
    remainder: float
    converges: bool


def _precopy(plan: Plan, profile: Profile, written_per_s: float) -> PlannedRounds:
    """Raises State4Error for a profile whose rates are the switch's own, or a rate that is none."""
    if profile.read_cells_per_s is None or profile.write_cells_per_s is None:
        raise State4Error(f"profile {profile.name} does not say how fast registers are read; choose {PAPER.name}")
    if not written_per_s >= 0:
        raise State4Error("--dirty-rate is a number of cells per second, 0 or more")
    sizes = [(i.old.name, i.old.cells, best_shift(i.old.cells, -(-i.old.width // 8))) for i in plan.registers]
    layout = MapLayout.of("map", sizes)
    cell_s = 1 / profile.read_cells_per_s + 1 / profile.write_cells_per_s
    look_s = layout.words / profile.read_cells_per_s
    found = predict(plan.cells, plan.cells * cell_s, written_per_s, 1 / cell_s, look_s)
    shares = tuple(cells / plan.cells if plan.cells else 0.0 for cells in found.rounds)
    first_s = plan.cells * cell_s
    return PlannedRounds(layout.words, layout.blocks, first_s, found.rounds, shares, found.remainder, found.converges)


def _print_rounds(planned: PlannedRounds, console: Console) -> None:
    console.print(
        f"precopy: a map of {planned.blocks:,} blocks in {planned.map_words:,} words; the first reading takes "
        f"{planned.first_s:.2f} s"
    )
    for number, (cells, share) in enumerate(zip(planned.rounds, planned.shares, strict=True), 1):
        console.print(f"  round {number}: {cells:,.0f} cells ({share:.2%}) are read again")
    end = "left for the hold"
    why = "" if planned.converges else "; rounds do not help, as packets write faster than the control plane reads"
    console.print(f"  {planned.remainder:,.0f} cells {end}{why}")


@dataclass(frozen=True)
class _Described:
    """What a plan needs of a program. `hashes`: that its registers are indexed by."""

    p4info: p4i.P4Info
    hashes: Mapping[str, str]


def _described(path: Path, include_dirs: Sequence[Path], defines: Sequence[str]) -> _Described:
    """Of the instrumented program, whose P4Info has more; of the program itself if it cannot be instrumented."""
    try:
        program = prepare_program(path, PrepareOptions(tuple(include_dirs), tuple(defines)))
        return _Described(program.p4info, hashes_of(program.p4info))
    except P4Error:
        checked = load_program(path, include_dirs=include_dirs, defines=defines)
        p4info = build_p4info(checked)
        return _Described(p4info, hashes_of(p4info) or index_hashes(checked))


def plan_as_dict(plan: Plan) -> dict[str, Any]:
    """A plan for machines."""
    return {
        "components": [
            {
                "kind": c.kind,
                "name": c.name,
                "new_name": c.new_name or None,
                "fate": c.fate.value,
                "why": c.why,
                "losses": list(c.losses),
            }
            for c in plan.components
        ],
        "losses": list(plan.losses),
        "warnings": list(plan.warnings),
    }


def print_plan(plan: Plan, console: Console) -> None:
    """The table of a plan, what it loses, and what it warns of."""
    table = Table(box=None, header_style="bold")
    for name in ("", "kind", "component", "what changes, or why"):
        table.add_column(name, overflow="fold")
    for component in plan.components:
        table.add_row(component.fate.value, component.kind, component.name, component.why)
    console.print(table)
    for loss in plan.losses:
        console.print(f"lost: {loss}")
    for warning in plan.warnings:
        console.print(f"warning: {warning}")
    if plan.losses:
        console.print("A plan compares declarations: it does not know whether what is lost is empty on the switch.")
