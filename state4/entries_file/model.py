"""What a file of entries says, checked against the program: full names, ids and plain integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from state4.errors import State4Error


@dataclass(frozen=True)
class Place:
    """A line of a file, counted from 1."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class EntryError(State4Error):
    """A file of entries that can't be used. `problems`: every one found, as `file:line: error: what`."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Match:
    """What one key field of a table must be.

    `kind`: a name of p4front.match_kinds.MATCHED, which says what `operand` is; 0 where there is none.
    """

    name: str
    id: int
    width: int
    kind: str
    value: int
    operand: int = 0


@dataclass(frozen=True)
class Param:
    name: str
    id: int
    width: int
    value: int


@dataclass(frozen=True)
class TableRow:
    """An entry, or with `is_default` the default action of a table.

    `matches`: in the order of the table's key; a field that matches everything is left out. `params`: in the action's
    order. `priority`: larger wins; 0 in a table that has only exact and lpm fields.
    """

    table: str
    table_id: int
    matches: tuple[Match, ...]
    action: str
    action_id: int
    params: tuple[Param, ...]
    priority: int
    is_default: bool
    place: Place


@dataclass(frozen=True)
class Replica:
    port: int
    instance: int


@dataclass(frozen=True)
class MulticastRow:
    group: int
    replicas: tuple[Replica, ...]
    place: Place


@dataclass(frozen=True)
class CloneRow:
    """`truncate`: bytes that a clone keeps, 0 all."""

    session: int
    replicas: tuple[Replica, ...]
    truncate: int
    place: Place


@dataclass(frozen=True)
class RegisterRow:
    """Values for the cells from `index` on."""

    register: str
    register_id: int
    width: int
    index: int
    values: tuple[int, ...]
    place: Place


@dataclass(frozen=True)
class Entries:
    """All that a file says, in its order."""

    rows: tuple[TableRow, ...] = ()
    multicast: tuple[MulticastRow, ...] = ()
    clones: tuple[CloneRow, ...] = ()
    registers: tuple[RegisterRow, ...] = ()
