"""The fabric's table: the effect of each way to change a spine on traffic, links, neighbours and state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from experiments.claims.base import CONTROL_TRIAL, Claim
from experiments.tables.base import print_end

MISSING = "-"
COLUMNS = (
    "UDP\nlost",
    "flows\ndead",
    "again\n(s)",
    "share\n(%)",
    "mean-\nwhile",
    "own\nframes",
    "own\nbytes",
    "neigh-\nbours",
    "state\noff (B)",
    "knocks",
)


def fabric_table(measured: Mapping[str, Mapping[str, Any]], claims: Sequence[Claim], folder: Path) -> None:
    """Medians over the trials that count; the worst of flows and knocks, the largest numbers of frames and bytes."""
    console = Console()
    table = Table(title="one spine is changed under traffic", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("strategy", no_wrap=True, min_width=12)
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for strategy, numbers in measured.items():
        table.add_row(
            "left alone" if strategy == CONTROL_TRIAL else strategy, *row(numbers, changed=strategy != CONTROL_TRIAL)
        )
    console.print(table)
    console.print(
        "again: time until HULA balances again; share: of the traffic, by the changed spine; own: frames that the "
        "strategy put on links, and those that neighbours had to take.",
        highlight=False,
    )
    print_end(console, claims, folder, "fabric")


def row(numbers: Mapping[str, Any], *, changed: bool = True) -> list[str]:
    """The cells behind the strategy's name."""
    if not numbers["runs"]:
        return ["not judged", *[MISSING] * (len(COLUMNS) - 1)]
    again = "never" if numbers["never_balanced"] else _median(numbers["balanced_again_s"], "{:.1f}")
    during = _median(numbers["share_meanwhile"], "{:.0f}", 100.0)
    usual = _median(numbers["share_before"], "{:.0f}", 100.0)
    strays = numbers["strays"]
    return [
        _median(numbers["lost_packets"], "{:,.0f}"),
        f"{numbers['dead']}/{numbers['flows']}",
        again if changed else MISSING,
        usual,
        during,
        f"{max(strays['frames']):,}",
        f"{max(strays['bytes']):,}",
        f"{max(strays['neighbour_frames']):,}",
        _median(numbers["missing_bytes"], "{:,.0f}"),
        f"{numbers['knocks_kept']}/{numbers['knocks']}",
    ]


def _median(numbers: Mapping[str, Any] | None, form: str, factor: float = 1.0) -> str:
    return MISSING if numbers is None else form.format(numbers["median"] * factor)
