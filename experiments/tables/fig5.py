"""The table of Figure 5."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from experiments.claims.base import Claim
from experiments.tables.base import print_end


def delta_loss_table(
    losses: Mapping[str, Mapping[str, Mapping[str, Any]]], claims: Iterable[Claim], folder: Path
) -> None:
    """Median delta-loss in percent by strategy and rate; the packets that the switch lost, where there were any."""
    console = Console()
    rates = sorted({rate for by_rate in losses.values() for rate in by_rate}, key=float)
    table = Table(title="delta-loss (%), by rate (Mbit/s)", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("strategy")
    for rate in rates:
        table.add_column(rate, justify="right")
    for strategy, by_rate in losses.items():
        cells = []
        for rate in rates:
            result = by_rate.get(rate)
            if result is None:
                cells.append("-")
                continue
            lost = f" ({result['lost_packets']} lost)" if result["lost_packets"] else ""
            cells.append(f"{result['delta_loss']['median'] * 100:.3f}{lost}")
        table.add_row(strategy, *cells)
    console.print(table)
    print_end(console, claims, folder, "fig5")
