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
    console,
    json_option,
    new_command,
    plan_options,
    preprocessor_options,
    state_map,
)
from state4.instrumentation.running import hashes_of
from state4.plan.compare import make_plan
from state4.plan.components import Plan
from state4.programs import prepare_program


def add_command(commands: Commands) -> None:
    text = "Say what a change from one program to another keeps, and what it would lose."
    parser = new_command(commands, "plan", _run, text)
    parser.add_argument("old", type=Path, metavar="OLD.p4")
    parser.add_argument("new", type=Path, metavar="NEW.p4")
    plan_options(parser)
    json_option(parser)
    preprocessor_options(parser)


def _run(args: argparse.Namespace) -> None:
    old, new = (_described(path, args.include, args.define) for path in (args.old, args.new))
    hashes = old.hashes, new.hashes
    plan = make_plan(old.p4info, new.p4info, only=args.only, state_map=state_map(args.map), hashes=hashes)
    if args.json:
        print(json.dumps(plan_as_dict(plan), indent=2))
    else:
        _print(plan, console())
    plan.check(allow_loss=args.allow_loss)


@dataclass(frozen=True)
class _Described:
    """What a plan needs of a program. `hashes`: that its registers are indexed by."""

    p4info: p4i.P4Info
    hashes: Mapping[str, str]


def _described(path: Path, include_dirs: Sequence[Path], defines: Sequence[str]) -> _Described:
    """Of the instrumented program, whose P4Info tells more; of the program itself if it cannot be instrumented."""
    try:
        program = prepare_program(path, include_dirs=include_dirs, defines=defines)
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


def _print(plan: Plan, console: Console) -> None:
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
