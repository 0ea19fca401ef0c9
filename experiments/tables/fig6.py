"""The table of Figure 6."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.claims.base import Claim
from experiments.tables.base import add_columns, print_end


def fig6_table(measured: Mapping[str, Mapping[str, Any]], claims: Iterable[Claim], folder: Path) -> None:
    """Updates made and lost, by strategy; several repeats' numbers one after the other."""
    console = Console()
    table = Table(title="updates of the state: made and lost")
    add_columns(table, ("strategy", "made", "lost", "lost %", "between read and swap", "packets lost"))
    for strategy, numbers in measured.items():
        made, lost = numbers["updates"], numbers["lost_updates"]
        between = [w["between_read_and_swap"] - w["survived_between"] for w in numbers["windows"]]
        table.add_row(
            strategy,
            *(" ".join(map(str, values)) for values in (made, lost)),
            " ".join(f"{100 * gone / all_:.3f}" if all_ else "-" for gone, all_ in zip(lost, made, strict=True)),
            " ".join(map(str, between)) or "-",
            " ".join(map(str, numbers["lost_packets"])),
        )
    console.print(table)
    print_end(console, claims, folder, "fig6")
