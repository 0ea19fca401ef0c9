"""The table of Figure 3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from experiments.claims.base import Claim
from experiments.tables.base import print_end


def fig3_table(trials: Mapping[str, Mapping[str, Any]], claims: Iterable[Claim], folder: Path) -> None:
    """Packets received of those permitted, before and after the swap, by strategy and flow."""
    console = Console()
    flows = list(next(iter(trials.values()))["flows"])
    table = Table(title="packets received/permitted, before and after the swap", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("strategy", "time (s)", *flows):
        table.add_column(column, justify="left" if column == "strategy" else "right", no_wrap=True)
    for trial in trials.values():
        window = trial["window"]
        cells = [trial["strategy"], f"{window['end'] - window['begin']:.3f}"]
        for flow in flows:
            count = trial["flows"][flow]
            before = f"{count['arrived_before']}/{count['permitted_before']}"
            cells.append(f"{before} {count['arrived_after']}/{count['permitted_after']}")
        table.add_row(*cells)
    console.print(table)
    print_end(console, claims, folder, "fig3")
