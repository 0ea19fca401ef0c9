"""Shared by the tables: columns, verdicts, and the paths of figure and data."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.claims.base import Claim, Verdict


def add_columns(table: Table, names: Iterable[str]) -> None:
    """Text left-aligned on one line, numbers right-aligned."""
    for name in names:
        words = name in ("strategy", "program")
        table.add_column(name, justify="left" if words else "right", no_wrap=words, min_width=18 if words else None)


def print_claims(claims: Iterable[Claim], console: Console) -> None:
    for claim in claims:
        better = f" (better than published: {escape(claim.better)})" if claim.better else ""
        verdict = f"[{_COLOURS[claim.verdict]}]{claim.verdict.value}[/]{better}"
        console.print(f"Claim {claim.id} {verdict}: {escape(claim.why)}", highlight=False)


_COLOURS = {Verdict.HOLDS: "green", Verdict.FAILS: "red", Verdict.NOT_JUDGED: "yellow"}


def print_end(console: Console, claims: Iterable[Claim], folder: Path, figure: str) -> None:
    """The verdicts, and the paths of figure and data."""
    print_claims(claims, console)
    if (picture := folder / f"{figure}.png").exists():  # there is none if no trial counts
        console.print(f"Figure: {picture}", highlight=False, soft_wrap=True)
    console.print(f"Data:   {folder}", highlight=False, soft_wrap=True)


def bytes_text(number: int) -> str:
    """1024 is 1 KB, because array sizes are powers of two."""
    for unit, size in (("MB", 1 << 20), ("KB", 1 << 10)):
        if number >= size:
            return f"{number / size:g} {unit}"
    return f"{number} B"
