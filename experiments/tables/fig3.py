"""Tables for people: what an experiment prints at its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from experiments.claims.base import Claim


def print_claims(claims: Iterable[Claim], console: Console) -> None:
    for claim in claims:
        verdict = "[green]holds[/]" if claim.holds else "[red]does not hold[/]"
        console.print(f"Claim {claim.id} {verdict}: {claim.why}", highlight=False)


def fig3_table(trials: Mapping[str, Mapping[str, Any]], claims: Iterable[Claim], folder: Path) -> None:
    """Packets received of those permitted, before and after the swap, by strategy and flow."""
    console = Console()
    flows = list(next(iter(trials.values()))["flows"])
    table = Table(title="packets received/permitted, before and after the swap", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("strategy", "time (s)", *flows):
        table.add_column(column, justify="left" if column == "strategy" else "right", no_wrap=True)
    for trial in trials.values():
        window = trial["window"]
        cells = [trial["strategy"], f"{window['end'] - window['begin']:.3f}"]
        for flow in flows:
            count = trial["flows"][flow]
            before = f"{count['arrived_before']}/{count['permitted_before']}"
            cells.append(f"{before} {count['arrived_after']}/{count['permitted_after']}")
        table.add_row(*cells)
    console.print(table)
    print_claims(claims, console)
    console.print(f"Figure: {folder / 'fig3.png'}", highlight=False, soft_wrap=True)
    console.print(f"Data:   {folder}", highlight=False, soft_wrap=True)


def delta_loss_table(
    losses: Mapping[str, Mapping[str, Mapping[str, Any]]], claims: Iterable[Claim], folder: Path
) -> None:
    """Median delta-loss in percent by strategy and rate; the packets that the switch lost, where there were any."""
    console = Console()
    rates = sorted({rate for by_rate in losses.values() for rate in by_rate}, key=float)
    table = Table(title="delta-loss (%), by rate (Mbit/s)", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("strategy")
    for rate in rates:
        table.add_column(rate, justify="right")
    for strategy, by_rate in losses.items():
        cells = []
        for rate in rates:
            result = by_rate.get(rate)
            if result is None:
                cells.append("-")
                continue
            lost = f" ({result['lost_packets']} lost)" if result["lost_packets"] else ""
            cells.append(f"{result['delta_loss']['median'] * 100:.3f}{lost}")
        table.add_row(strategy, *cells)
    console.print(table)
    print_claims(claims, console)
    console.print(f"Figure: {folder / 'delta_loss.png'}", highlight=False, soft_wrap=True)
    console.print(f"Data:   {folder}", highlight=False, soft_wrap=True)


def fig4_table(measured: Mapping[str, Mapping[str, Any]], claims: Iterable[Claim], folder: Path) -> None:
    """Times and gaps (median over the repeats), packets lost, state kept, by strategy."""
    console = Console()
    table = Table(title="five flows of 20 Mbit/s through a reconfiguration", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("strategy", "time (s)", "gap at swap (ms)", "longest (ms)", "lost", "state kept"):
        table.add_column(column, justify="left" if column == "strategy" else "right")
    for strategy, numbers in measured.items():
        cells = [
            f"{numbers[name]['median']:.3f}" if name in numbers else "-"
            for name in ("reconfiguration_s", "gap_at_swap_ms", "longest_gap_ms")
        ]
        table.add_row(strategy, *cells, str(numbers["lost_packets"]), "yes" if numbers["state_kept"] else "no")
    console.print(table)
    print_claims(claims, console)
    console.print(f"Figure: {folder / 'fig4.png'}", highlight=False, soft_wrap=True)
    console.print(f"Data:   {folder}", highlight=False, soft_wrap=True)
