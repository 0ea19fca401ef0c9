"""The table of Figure 4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from experiments.claims.base import Claim
from experiments.tables.base import print_end


def fig4_table(measured: Mapping[str, Mapping[str, Any]], claims: Iterable[Claim], folder: Path) -> None:
    """Times and gaps (median over the repeats), packets lost, state kept, by strategy."""
    console = Console()
    table = Table(title="five flows of 20 Mbit/s through a reconfiguration", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("strategy", "time (s)", "gap at swap (ms)", "longest (ms)", "lost", "state kept"):
        table.add_column(column, justify="left" if column == "strategy" else "right")
    for strategy, numbers in measured.items():
        cells = [
            f"{numbers[name]['median']:.3f}" if name in numbers else "-"
            for name in ("reconfiguration_s", "gap_at_swap_ms", "longest_gap_ms")
        ]
        table.add_row(strategy, *cells, str(numbers["lost_packets"]), "yes" if numbers["state_kept"] else "no")
    console.print(table)
    print_end(console, claims, folder, "fig4")
