"""Tables of the experiments on loss windows, cloning, overhead and scaling: what they print at their end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.claims import Claim
from experiments.tables import print_claims


def print_end(console: Console, claims: Iterable[Claim], folder: Path, figure: str) -> None:
    """The verdicts, and where figure and data are."""
    print_claims(claims, console)
    console.print(f"Figure: {folder / figure}.png", highlight=False, soft_wrap=True)
    console.print(f"Data:   {folder}", highlight=False, soft_wrap=True)


def fig6_table(measured: Mapping[str, Mapping[str, Any]], claims: Iterable[Claim], folder: Path) -> None:
    """Updates that were made and lost, by strategy; numbers of several repeats one after the other."""
    console = Console()
    table = Table(title="updates of the state: made and lost")
    for column in ("strategy", "made", "lost", "share (%)", "lost between read and swap", "packets lost"):
        table.add_column(column, justify="left" if column == "strategy" else "right")
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
