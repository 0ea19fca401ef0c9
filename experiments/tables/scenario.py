"""The scenario's table: what each strategy keeps, and its cost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from experiments.measure.scenario_numbers import AROUND_S
from experiments.tables.base import print_end

MISSING = "-"
NOT_JUDGED = "not judged"


def scenario_table(measured: Mapping[str, Mapping[str, Any]], folder: Path, *, paced: bool) -> None:
    """Medians over the valid trials; `paced`: the time is configured, not measured."""
    console = Console()
    console.print(make_table(measured, paced=paced))
    for line in remarks(measured):
        console.print(line, highlight=False)
    if (folder / "scenario.png").exists():
        print_end(console, (), folder, "scenario")
    else:
        console.print(f"No strategy has a valid trial, so there is no figure. Data: {folder}", soft_wrap=True)


def make_table(measured: Mapping[str, Mapping[str, Any]], *, paced: bool) -> Table:
    title = "the program is changed under traffic" + (" (time: configured pace)" if paced else "")
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("strategy", no_wrap=True, min_width=18)
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for strategy, numbers in measured.items():
        table.add_row(strategy, *row(numbers))
    return table


COLUMNS = (
    "delta-\nloss",
    "flows\ncontinue",
    "UDP\nlost",
    "gap\n(ms)",
    "time\n(s)",
    "plane\n(%)",
    "listen\n(ms)",
    "ctrl\n(ms)",
)


def row(numbers: Mapping[str, Any]) -> list[str]:
    """The cells after the strategy's name: medians over the valid trials, the worst of flows and packets."""
    if not numbers["runs"]:
        return [NOT_JUDGED, *[MISSING] * (len(COLUMNS) - 1)]
    return [
        percent(numbers["delta_loss"]),
        f"{numbers['flows_that_go_on']}/{numbers['flows_let_in']}",
        f"{numbers['lost_packets']:,}",
        _gap(numbers),
        _median(numbers["reconfiguration_s"], "{:.2f}"),
        _median(numbers["data_plane_cores_meanwhile"], "{:.0f}", 100.0),
        _median(numbers["listener_cpu_ms"], "{:.0f}"),
        _median(numbers["control_plane_cpu_ms"], "{:.0f}"),
    ]


def remarks(measured: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Notes on the table: trials that were repeated, and those that do not count."""
    lines = []
    repeated = {strategy: numbers["repeated"] for strategy, numbers in measured.items() if numbers["repeated"]}
    if repeated:
        text = ", ".join(f"{strategy} {count}" for strategy, count in repeated.items())
        lines.append(f"Trials were repeated for: {text} (reasons in trials/*.json).")
    for strategy, numbers in measured.items():
        for reason in dict.fromkeys(numbers["not_judged"]):
            lines.append(f"{strategy}: a trial is not judged: {reason}")
    return lines


def percent(loss: Mapping[str, Any] | None) -> str:
    """A share as percent: exactly 0 is `0 %`, and nothing else is."""
    if loss is None:
        return MISSING
    value = loss["median"] * 100
    return "0 %" if value == 0 else f"{value:.2g} %" if abs(value) < 1 else f"{value:.3g} %"


def _gap(numbers: Mapping[str, Any]) -> str:
    """Without a gap in numbers there either was no swap, or nothing came any more after it."""
    if numbers["gap_at_swap_ms"] is None and numbers["reconfiguration_s"] is not None:
        return f">{AROUND_S * 1e3:g}"
    return _median(numbers["gap_at_swap_ms"], "{:.1f}")


def _median(numbers: Mapping[str, Any] | None, form: str, factor: float = 1.0) -> str:
    return MISSING if numbers is None else form.format(numbers["median"] * factor)
