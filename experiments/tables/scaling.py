"""The tables of the scaling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.claims.base import Claim
from experiments.tables.base import add_columns, bytes_text, print_end

_TIMES = (("reconfiguration_s", 3, "time"), ("held_ms", 2, "held"), ("longest_gap_ms", 1, "gap"))


def scaling_table(measured: Mapping[str, Any], claims: Iterable[Claim], folder: Path) -> None:
    """Medians by profile, amount of state and strategy."""
    console = Console()
    profiles = dict.fromkeys(point["profile"] for point in measured["points"])
    for profile in profiles:
        table = Table(title=f"against the amount of state, control plane: {profile}")
        table.caption = "time in s; packets held, and longest gap at the receiver, in ms; delta-loss in %; packets lost"
        points = [point for point in measured["points"] if point["profile"] == profile]
        # bmv2 does not report how long packets waited: then there is no such column.
        shown = [one for one in _TIMES if any(one[0] in point for point in points)]
        add_columns(table, ("state", "regs", "strategy", *(name for _, _, name in shown), "delta-loss", "lost"))
        before: tuple[int, int] | None = None
        for point in points:
            place = (int(point["state_bytes"]), int(point["components"]))
            if before is not None and place != before:
                table.add_section()
            first = (bytes_text(place[0]), str(place[1])) if place != before else ("", "")
            before = place
            if "delta_loss" not in point:
                table.add_row(*first, point["strategy"], "failed")
                continue
            medians = [f"{point[name]['median']:.{digits}f}" if name in point else "-" for name, digits, _ in shown]
            loss = f"{point['delta_loss']['median'] * 100:.3f}"
            table.add_row(*first, point["strategy"], *medians, loss, str(point["lost_packets"]))
        console.print(table)
    _load_table(console, measured["load"])
    for point in measured["left_out"]:
        where = f"{bytes_text(point['state_bytes'])} in {point['components']} registers, {point['profile']}"
        console.print(f"Left out: {where}: {point['reason']}", highlight=False)
    for point in measured["points"]:
        for message in point["failed"]:
            where = f"{point['strategy']} with {bytes_text(point['state_bytes'])}, {point['profile']}"
            console.print(f"Failed: {where}: {message}", highlight=False)
    print_end(console, claims, folder, "scaling")


def _load_table(console: Console, load: Iterable[Mapping[str, Any]]) -> None:
    table = Table(title="packets lost against the rate, 1 MB of state")
    add_columns(table, ("Mbit/s", "State4 reconfigures", "left alone"))
    for one in load:
        lost = ("-" if one[name] is None else str(one[name]) for name in ("lost_packets", "lost_alone"))
        table.add_row(f"{one['rate']:g}", *lost)
    if table.row_count:
        console.print(table)
