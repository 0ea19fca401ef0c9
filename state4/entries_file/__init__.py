"""Entries of a program from a readable file: `load_entries(path, p4info)`, then `updates(entries)` for P4Runtime.

The file is TOML; docs/entries.md describes it. Every error of a file is reported at once, each with its line.
"""

from state4.entries_file.model import (
    CloneRow,
    Entries,
    EntryError,
    Match,
    MulticastRow,
    Param,
    Place,
    RegisterRow,
    Replica,
    TableRow,
)
from state4.entries_file.resolve import load_entries, resolve
from state4.entries_file.source import EntrySource, parse
from state4.entries_file.updates import updates

__all__ = [
    "CloneRow",
    "Entries",
    "EntryError",
    "EntrySource",
    "Match",
    "MulticastRow",
    "Param",
    "Place",
    "RegisterRow",
    "Replica",
    "TableRow",
    "load_entries",
    "parse",
    "resolve",
    "updates",
]
