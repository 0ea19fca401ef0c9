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
    """Gaps and times (median over the repeats), packets lost, state kept, by strategy; configured times are marked."""
    console = Console()
    table = Table(title="five flows of 20 Mbit/s through a reconfiguration", box=SIMPLE_HEAD, pad_edge=False)
    table.caption = "* configured: register access is paced to the published time"
    for column in ("strategy", "gap at swap (ms)", "longest (ms)", "lost", "state kept", "time (s)"):
        table.add_column(column, justify="left" if column == "strategy" else "right")
    for strategy, numbers in measured.items():
        time, gap, longest = (
            f"{numbers[name]['median']:.3f}" if name in numbers else "-"
            for name in ("reconfiguration_s", "gap_at_swap_ms", "longest_gap_ms")
        )
        name = "state4, native control plane" if strategy == "native" else strategy
        mark = "*" if numbers["time_is_configured"] and "reconfiguration_s" in numbers else ""
        kept = "yes" if numbers["state_kept"] else "no"
        table.add_row(name, gap, longest, str(numbers["lost_packets"]), kept, time + mark)
    console.print(table)
    print_end(console, claims, folder, "fig4")
