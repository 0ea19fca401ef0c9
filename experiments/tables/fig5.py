"""The table of Figure 5."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from experiments.claims.base import Claim
from experiments.tables.base import bytes_text, print_end


def delta_loss_table(
    measured: Mapping[str, Mapping[str, Mapping[str, Any]]], claims: Iterable[Claim], folder: Path
) -> None:
    """Median delta-loss in percent by strategy and rate, and by bytes of state, one table for each control-plane
    profile; the packets that the switch lost, if any."""
    console = Console()
    for profile, losses in measured["rates"].items():
        _print(console, f"delta-loss (%) by rate (Mbit/s), control plane: {profile}", losses, lambda rate: rate)
    for profile, losses in measured["sizes"].items():
        title = f"delta-loss (%) by amount of state, control plane: {profile}"
        _print(console, title, losses, lambda size: bytes_text(int(float(size))))
    print_end(console, claims, folder, "fig5")


def _print(console: Console, title: str, losses: Mapping[str, Mapping[str, Any]], name: Callable[[str], str]) -> None:
    rates = sorted({rate for by_rate in losses.values() for rate in by_rate}, key=float)
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("strategy")
    for rate in rates:
        table.add_column(name(rate), justify="right")
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
