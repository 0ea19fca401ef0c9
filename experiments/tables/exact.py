"""The table of `experiments.exact`: what was lost at each rate, and how long packets waited."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def exact_table(
    rows: Sequence[Mapping[str, Any]], highest: Mapping[str, Any], unusable: Mapping[str, str], folder: Path
) -> None:
    """Sums over the repeats; times as median and maximum, in ms. "meanwhile": among the packets due during the
    reconfiguration; what a flow loses before or after it is the machine's fault."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    table = Table(title="lost by a reconfiguration in the middle of a flow", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("rate (Mbit/s)", "profile", "strategy"):
        table.add_column(column, no_wrap=True)
    for column in ("runs", "packets", "packets lost", "bytes lost", "writes lost", "held (ms)", "in all (ms)"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        rate = row["rate"] if _is_number(row["rate"]) else f"{row['mbit']:.0f} ({row['rate']})"
        lost = str(row["lost_packets"])
        if row["lost_packets"] and "lost_meanwhile" in row:
            lost += f" ({row['lost_meanwhile']} meanwhile)"
        times = [_times(row[name]) if name in row else "-" for name in ("held_ms", "total_ms")]
        writes = f"{row['lost_writes']} of {row['acknowledged_writes']:,}" if row.get("acknowledged_writes") else "-"
        numbers = (str(row["runs"]), f"{row['packets']:,}", lost, f"{row['lost_bytes']:,}", writes, *times)
        table.add_row(rate, row["profile"], row["strategy"], *numbers)
    console.print(table)
    if highest:
        console.print(
            f"The highest rate without loss while every packet is cloned: {highest['mbit']:.0f} Mbit/s "
            f"({highest['frames_per_s'] / 1e3:.1f} k/s), limited by {highest['limited_by']}.",
            highlight=False,
        )
    console.print(verdict(rows, unusable), highlight=False)
    console.print(f"Data: {folder}", highlight=False, soft_wrap=True)


def verdict(rows: Sequence[Mapping[str, Any]], unusable: Mapping[str, str]) -> str:
    """One line: whether anything was lost, and by which strategies; how many trials do not count."""
    bad = [row for row in rows if row["runs_with_loss"]]
    if not bad:
        left = f" {len(unusable)} trials do not count: {next(iter(unusable.values()))}." if unusable else ""
        return f"Nothing was lost.{left}"
    alone = all(row["strategy"] == "no-reconfiguration" for row in bad)
    names = ", ".join(dict.fromkeys(f"{row['strategy']} at {row['rate']} ({row['profile']})" for row in bad))
    return f"Lost: {names}." + (" Flows that were left alone lost it, so the machine did." if alone else "")


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _times(values: Sequence[float]) -> str:
    return " / ".join(f"{value:.0f}" if value >= 100 else f"{value:.2g}" for value in (np.median(values), max(values)))
