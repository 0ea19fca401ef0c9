"""Entries of a program from a readable file: `load_entries(path, p4info)`, then `updates(entries)` for P4Runtime.

The file is TOML; nfs/README.md describes it. Every error of a file is reported at once, each with its line.
"""

from nfs.entries.model import (
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
from nfs.entries.resolve import load_entries, resolve
from nfs.entries.source import EntrySource, parse
from nfs.entries.updates import updates

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
