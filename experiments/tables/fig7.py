"""The table of Figure 7."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.claims.base import Claim
from experiments.tables.base import add_columns, print_end


def cloning_table(measured: Mapping[str, Any], claims: Iterable[Claim], folder: Path) -> None:
    """Throughput and loss (medians) during the reconfiguration and of the whole trial, by load and strategy."""
    console = Console()
    steady = measured["steady"]
    if steady is None:
        print_end(console, claims, folder, "fig7")
        return
    console.print(
        f"Highest steady rate: {steady['megabits_per_s']:.0f} Mbit/s, {steady['frames_per_s'] / 1e3:.1f} k frames/s of "
        f"{steady['frame_bytes']} bytes (limited by {steady['limited_by']})",
        highlight=False,
        soft_wrap=True,
    )
    flood, cloning, keeps = (steady[name]["median"] for name in ("flood_mbit", "flood_cloning_mbit", "cloning_keeps"))
    console.print(
        f"Flooded: {flood:.0f} Mbit/s get through, {cloning:.0f} Mbit/s when every packet is cloned ({keeps:.0%})",
        highlight=False,
        soft_wrap=True,
    )
    table = Table(title="a state write per packet: what is left of the throughput, and what is lost")
    table.caption = "Mbit/s received before, during, after the reconfiguration; % lost during it, and in all"
    add_columns(table, ("load", "strategy", "sent", "before", "during", "after", "lost", "in all"))
    strategies = measured["strategies"]
    loads = sorted({load for by_load in strategies.values() for load in by_load}, key=float, reverse=True)
    for load in loads:
        for strategy, by_load in strategies.items():
            if load not in by_load:
                continue
            parts = by_load[load]["parts"]
            mbit = [
                f"{parts[part]['mbit']['median']:.0f}" if part in parts else "-"
                for part in ("before", "during", "after")
            ]
            loss = [
                f"{parts[part]['loss']['median'] * 100:.2f}" if part in parts else "-" for part in ("during", "whole")
            ]
            table.add_row(f"{load} %", strategy, f"{by_load[load]['offered_mbit']['median']:.0f}", *mbit, *loss)
        table.add_section()
    console.print(table)
    print_end(console, claims, folder, "fig7")
