"""The tables of the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.claims.base import Claim
from experiments.claims.m1_model import QUANTITIES
from experiments.claims.stats import spread
from experiments.tables.base import add_columns, print_end

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def model_table(measured: Mapping[str, Any], claims: Iterable[Claim], folder: Path) -> None:
    """The check, then the extrapolation, by packet rate and variant."""
    console = Console()
    _check_table(console, measured["check"])
    _rate_table(console, measured["rates"], measured["measured_up_to"])
    if bounds := measured["bounds"]:
        every = bounds["shortest_every_s_at_6_gpps"]
        console.print(
            f"The listener takes {in_short(bounds['highest_packets_per_s'])} clones/s at most, which is "
            f"{in_short(bounds['port_bits_per_s_then'])}bit/s on the CPU port; at 6 Gpps it would be "
            f"{in_short(bounds['port_bits_per_s_at_6_gpps'])}bit/s, or a cell at most every {1e3 * every:.3g} ms.",
            highlight=False,
        )
    print_end(console, claims, folder, "model")


def _check_table(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table(title="predicted and measured, medians")
    add_columns(table, ("strategy", "pps", "cells", "pace", "what", "predicted", "measured", "error"))
    for row in rows:
        first = [row["strategy"], in_short(row["packets_per_s"]), str(row["cells"]), row["profile"]]
        for name, errors in row["errors"].items():
            ours, theirs = row["predicted"][name]["median"], row["measured"][name]["median"]
            table.add_row(*first, QUANTITIES[name], f"{ours:.4g}", f"{theirs:.4g}", f"{spread(errors).median:+.1%}")
            first = [""] * len(first)
        table.add_section()
    console.print(table)


def _rate_table(console: Console, entries: Sequence[Mapping[str, Any]], measured_up_to: float | None) -> None:
    table = Table(title="predicted against the packet rate")
    table.caption = "* beyond what was measured; delta-loss in %, time in s, packets held in ms"
    add_columns(table, ("strategy", "pps", "delta-loss", "time", "held", "CPU port bit/s", "keeps up"))
    before = ""
    for entry in entries:
        if not _shown(entry["value"]):
            continue
        if before and entry["variant"] != before:
            table.add_section()
        beyond = measured_up_to is None or entry["value"] > measured_up_to
        table.add_row(
            entry["variant"] if entry["variant"] != before else "",
            in_short(entry["value"]) + ("*" if beyond else " "),
            f"{100 * entry['delta_loss']:.3g}",
            f"{entry['total_s']:.3g}",
            f"{1e3 * entry['held_s']:.3g}",
            in_short(entry["port_bits_per_s"]),
            "yes" if entry["keeps_up"] and entry["converges"] else "no",
        )
        before = entry["variant"]
    console.print(table)


def _shown(rate: float) -> bool:
    """Powers of ten, and the highest rate; the figure has the others."""
    return rate > 1e9 or f"{rate:e}".startswith("1.000000e")


def in_short(number: float) -> str:
    """1.5e9 is 1.5 G."""
    for size, unit in _UNITS:
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.3g} "
