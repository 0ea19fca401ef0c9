"""Tables of the experiments on loss windows, cloning, overhead and scaling: what they print at their end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.claims.base import Claim
from experiments.tables.base import print_claims


def _columns(table: Table, names: Iterable[str]) -> None:
    """Words to the left and in one line, numbers to the right."""
    for name in names:
        words = name in ("strategy", "program")
        table.add_column(name, justify="left" if words else "right", no_wrap=words, min_width=18 if words else None)


def print_end(console: Console, claims: Iterable[Claim], folder: Path, figure: str) -> None:
    """The verdicts, and where figure and data are."""
    print_claims(claims, console)
    console.print(f"Figure: {folder / figure}.png", highlight=False, soft_wrap=True)
    console.print(f"Data:   {folder}", highlight=False, soft_wrap=True)


def fig6_table(measured: Mapping[str, Mapping[str, Any]], claims: Iterable[Claim], folder: Path) -> None:
    """Updates that were made and lost, by strategy; numbers of several repeats one after the other."""
    console = Console()
    table = Table(title="updates of the state: made and lost")
    _columns(table, ("strategy", "made", "lost", "lost %", "between read and swap", "packets lost"))
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


def cloning_table(measured: Mapping[str, Any], claims: Iterable[Claim], folder: Path) -> None:
    """Throughput and loss (medians) during the reconfiguration and of the whole trial, by load and strategy."""
    console = Console()
    steady = measured["steady"]
    console.print(
        f"Highest steady rate: {steady['megabits_per_s']:.0f} Mbit/s, {steady['frames_per_s'] / 1e3:.1f} k frames/s of "
        f"{steady['frame_bytes']} bytes (limited by {steady['limited_by']})",
        highlight=False,
        soft_wrap=True,
    )
    flood, cloning, keeps = (steady[name]["median"] for name in ("flood_mbit", "flood_cloning_mbit", "cloning_keeps"))
    console.print(
        f"Flooded: {flood:.0f} Mbit/s get through, {cloning:.0f} Mbit/s when every packet is cloned ({keeps:.0%})",
        highlight=False,
        soft_wrap=True,
    )
    table = Table(title="a state write per packet: what is left of the throughput, and what is lost")
    table.caption = "Mbit/s received before, during, after the reconfiguration; % lost during it, and in all"
    _columns(table, ("load", "strategy", "sent", "before", "during", "after", "lost", "in all"))
    strategies = measured["strategies"]
    loads = sorted({load for by_load in strategies.values() for load in by_load}, key=float, reverse=True)
    for load in loads:
        for strategy, by_load in strategies.items():
            if load not in by_load:
                continue
            parts = by_load[load]["parts"]
            mbit = [
                f"{parts[part]['mbit']['median']:.0f}" if part in parts else "-"
                for part in ("before", "during", "after")
            ]
            loss = [
                f"{parts[part]['loss']['median'] * 100:.2f}" if part in parts else "-" for part in ("during", "whole")
            ]
            table.add_row(f"{load} %", strategy, f"{by_load[load]['offered_mbit']['median']:.0f}", *mbit, *loss)
        table.add_section()
    console.print(table)
    print_end(console, claims, folder, "fig7")


def overhead_table(measured: Mapping[str, Mapping[str, Any]], claims: Iterable[Claim], folder: Path) -> None:
    """What instrumentation adds to each program, and what it costs; times are medians."""
    console = Console()
    size = Table(title="what instrumentation adds (bits)")
    _columns(size, ("program", "state KiB", "writes", "regs", "header", "metadata", "lines of P4"))
    cost = Table(title="time per packet (ns), cost of the instrumentation (%)")
    _columns(cost, ("program", "original", "flag off", "flag on", "off %", "on %", "cloned"))
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


def scaling_table(measured: Mapping[str, Any], claims: Iterable[Claim], folder: Path) -> None:
    """Medians by profile, amount of state and strategy."""
    console = Console()
    profiles = dict.fromkeys(point["profile"] for point in measured["points"])
    for profile in profiles:
        table = Table(title=f"against the amount of state, control plane: {profile}")
        table.caption = "time in s; packets held, and longest gap at the receiver, in ms; delta-loss in %; packets lost"
        _columns(table, ("state", "regs", "strategy", "time", "held", "gap", "delta-loss", "lost"))
        before: tuple[int, int] | None = None
        for point in (point for point in measured["points"] if point["profile"] == profile):
            place = (int(point["state_bytes"]), int(point["components"]))
            if before is not None and place != before:
                table.add_section()
            first = (bytes_text(place[0]), str(place[1])) if place != before else ("", "")
            before = place
            if "delta_loss" not in point:
                table.add_row(*first, point["strategy"], "failed")
                continue
            median = {name: point[name]["median"] for name in ("reconfiguration_s", "held_ms", "longest_gap_ms")}
            table.add_row(
                *first,
                point["strategy"],
                f"{median['reconfiguration_s']:.3f}",
                f"{median['held_ms']:.2f}",
                f"{median['longest_gap_ms']:.1f}",
                f"{point['delta_loss']['median'] * 100:.3f}",
                str(point["lost_packets"]),
            )
        console.print(table)
    for point in measured["left_out"]:
        where = f"{bytes_text(point['state_bytes'])} in {point['components']} registers, {point['profile']}"
        console.print(f"Left out: {where}: {point['reason']}", highlight=False)
    for point in measured["points"]:
        for message in point["failed"]:
            where = f"{point['strategy']} with {bytes_text(point['state_bytes'])}, {point['profile']}"
            console.print(f"Failed: {where}: {message}", highlight=False)
    print_end(console, claims, folder, "scaling")


def bytes_text(number: int) -> str:
    """1024 is 1 KB, as the sizes of arrays are powers of two."""
    for unit, size in (("MB", 1 << 20), ("KB", 1 << 10)):
        if number >= size:
            return f"{number / size:g} {unit}"
    return f"{number} B"
