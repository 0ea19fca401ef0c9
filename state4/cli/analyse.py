"""`state4 analyse`: what CAM finds in a program."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from p4front.load import load_program
from state4.cam import Analysis, analyse
from state4.cli.options import Commands, console, json_option, new_command, preprocessor_options


def add_command(commands: Commands) -> None:
    text = "List a program's stateful components and every write of them."
    parser = new_command(commands, "analyse", _run, text)
    parser.add_argument("program", type=Path, metavar="PROG.p4")
    json_option(parser)
    preprocessor_options(parser)


def _run(args: argparse.Namespace) -> None:
    analysis = analyse(load_program(args.program, include_dirs=args.include, defines=args.define))
    if args.json:
        print(json.dumps(analysis_as_dict(analysis), indent=2))
    else:
        _print(analysis, console())


def analysis_as_dict(analysis: Analysis) -> dict[str, Any]:
    """CAM's list for machines."""
    return {
        "components": [
            {
                "number": c.number or None,
                "kind": c.kind,
                "name": c.name,
                "cells": c.cells,
                "width_bits": c.width,
                "kib": c.kib,
                "place": str(c.place),
            }
            for c in analysis.components
        ],
        "writes": [
            {
                "components": list(w.components),
                "kind": w.kind,
                "index": w.index,
                "value": w.value,
                "operation": w.operation.kind,
                "place": str(w.place),
                "blocks": list(w.blocks),
                "inside": list(w.inside),
            }
            for w in analysis.writes
        ],
        "clones": [{"place": str(c.place), "blocks": list(c.blocks)} for c in analysis.clones],
        "registers": len(analysis.registers),
        "largest_size_cells": analysis.largest_size,
        "widest_value_bits": analysis.widest_value,
        "register_kib": analysis.register_kib,
        "max_writes_of_a_packet": {block: len(analysis.longest(block).updates) for block in ("ingress", "egress")},
    }


def _print(analysis: Analysis, console: Console) -> None:
    table = Table(title="Stateful components", box=None, title_justify="left", header_style="bold")
    for name, justify in (("#", "right"), ("kind", "left"), ("name", "left"), ("cells", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("bits", justify="right")
    table.add_column("KiB", justify="right")
    table.add_column("declared at", overflow="fold")
    for c in analysis.components:
        cells = "" if c.cells is None else f"{c.cells:,}"
        kib = "" if c.kib is None else f"{c.kib:.1f}"
        table.add_row(str(c.number or ""), c.kind, c.name, cells, str(c.width or ""), kib, str(c.place))
    console.print(table)
    console.print()
    writes = Table(title="Writes", box=None, title_justify="left", header_style="bold")
    for name in ("component", "index", "value", "pass", "inside", "at"):
        writes.add_column(name, overflow="fold")
    for w in analysis.writes:
        value = f"+= {w.operation.amount}" if w.operation.kind == "add" and w.operation.amount else w.value
        row = (" or ".join(w.components), w.index, value, ", ".join(w.blocks), " > ".join(w.inside), str(w.place))
        writes.add_row(*(" ".join(cell.split()) for cell in row))
    console.print(writes if analysis.writes else "No writes.")
    console.print()
    most = ", ".join(f"{len(analysis.longest(block).updates)} in {block}" for block in ("ingress", "egress"))
    console.print(
        f"{len(analysis.registers)} registers, {analysis.register_kib:.1f} KiB packed; "
        f"largest {analysis.largest_size:,} cells, widest value {analysis.widest_value} bits; "
        f"a packet writes at most {most}."
    )
