"""The tables of the overhead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.claims.base import Claim
from experiments.tables.base import add_columns, print_end


def overhead_table(measured: Mapping[str, Mapping[str, Any]], claims: Iterable[Claim], folder: Path) -> None:
    """What instrumentation adds to each program, and its cost; times are medians."""
    console = Console()
    size = Table(title="what instrumentation adds (bits)")
    add_columns(size, ("program", "state KiB", "writes", "regs", "header", "metadata", "lines of P4"))
    cost = Table(title="time per packet (ns), cost of the instrumentation (%)")
    add_columns(cost, ("program", "original", "flag off", "flag on", "off %", "on %", "cloned"))
    series = None
    for key, numbers in measured.items():
        if series is not None and numbers["series"] != series:
            size.add_section()
            cost.add_section()
        series = numbers["series"]
        name = key.removeprefix(series.replace(" ", "-") + "-")
        lines = numbers["lines"]
        size.add_row(
            name,
            f"{numbers['state_bits'] / 8192:.0f}",
            *(str(numbers[kind]) for kind in ("slots", "added_register_bits", "header_bits", "metadata_bits")),
            f"{lines['original']}+{lines['instrumented'] - lines['original']}",
        )
        cost.add_row(
            name,
            *(f"{numbers['nanoseconds'][variant]['median']:.0f}" for variant in ("original", "flag off", "flag on")),
            *(f"{numbers['cost_percent'][variant]['median']:+.0f}" for variant in ("flag off", "flag on")),
            f"{numbers['clones_per_packet']:.0%}",
        )
    console.print(size)
    console.print(cost)
    print_end(console, claims, folder, "overhead")
