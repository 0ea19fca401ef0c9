"""Our network functions: P4_16 programs for v1model, and the entries that each one starts with (see README.md)."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent

PROGRAMS = (
    "l2",
    "hula",
    "port_knocking",
    "chained",
    "chained_v2",
    "chained_counting",
    "chained_counting_v2",
    "byte_counter",
)


def program_path(name: str) -> Path:
    """The source file of one of `PROGRAMS`."""
    return FOLDER / f"{name}.p4"


def entries_path(program: Path) -> Path:
    """The entries file next to a program: `chained.entries.toml` for `chained.p4`."""
    return program.with_suffix(".entries.toml")
