"""`state4 plan`: what a change from one program to another keeps, without a switch."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from p4front.load import load_program
from p4front.p4info import build_p4info
from state4.cli.options import (
    Commands,
    console,
    json_option,
    new_command,
    plan_options,
    preprocessor_options,
    state_map,
)
from state4.plan.compare import Plan, make_plan


def add_command(commands: Commands) -> None:
    text = "Say what a change from one program to another keeps, and what it would lose."
    parser = new_command(commands, "plan", _run, text)
    parser.add_argument("old", type=Path, metavar="OLD.p4")
    parser.add_argument("new", type=Path, metavar="NEW.p4")
    plan_options(parser)
    json_option(parser)
    preprocessor_options(parser)


def _run(args: argparse.Namespace) -> None:
    old, new = (
        build_p4info(load_program(path, include_dirs=args.include, defines=args.define))
        for path in (args.old, args.new)
    )
    plan = make_plan(old, new, only=args.only, state_map=state_map(args.map))
    if args.json:
        print(json.dumps(plan_as_dict(plan), indent=2))
    else:
        _print(plan, console())
    plan.check(allow_loss=args.allow_loss)


def plan_as_dict(plan: Plan) -> dict[str, Any]:
    return {
        "carried": [{"name": c.old.name, "new_name": c.new.name, "changes": list(c.changes)} for c in plan.registers],
        "tables": list(plan.tables),
        "converted_tables": dict(plan.converted),
        "new": [*plan.new, *plan.new_tables],
        "left_out": list(plan.left_out),
        "losses": list(plan.losses),
    }


def _print(plan: Plan, console: Console) -> None:
    table = Table(box=None, header_style="bold")
    for name in ("", "component", "what changes"):
        table.add_column(name)
    for c in plan.registers:
        table.add_row("carried", c.old.name, ", ".join(c.changes))
    words = dict(plan.converted)
    for name in plan.tables:
        table.add_row("carried", f"table {name}", words.get(name, ""))
    for name in plan.new:
        table.add_row("new", name, "begins empty")
    for name in plan.new_tables:
        table.add_row("new", f"table {name}", "begins empty")
    for name in plan.left_out:
        table.add_row("left out", name, "not in --only")
    for loss in plan.losses:
        table.add_row("lost", loss, "")
    console.print(table)
