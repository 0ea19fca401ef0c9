"""The match kinds of table keys and value sets: one row for each; everything that handles keys looks here.

A new match kind is a row below, its member of `enum ss_match` (softswitch/runtime/include/pipeline.h), and what it
means: to packets in `softswitch/runtime/tables/matcher.c`, to controllers as a class in
`softswitch/dataplane/entries.py`. Sources: P4_16 14.2.1.1 and v1model.p4 for the kinds, the P4Runtime specification
9.1.1 for their messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from finsy.proto import p4i, p4r


class Operand(Enum):
    """The second operand of a match, in addition to its value."""

    NONE = "nothing"
    PREFIX = "the length of the prefix that must match"
    MASK = "a mask: the bits that must match"
    HIGH = "the upper bound; the value is the lower one"


@dataclass(frozen=True)
class MatchKind:
    """`name`: as programs write it; P4Runtime's FieldMatch has a member of that name. `operand`: the second number.
    `operand_field`: its name in that member. `needs_priority`: several entries may match one packet, and nothing but
    their priority decides. `optional_field`: an entry may leave the field out, which then matches anything.
    `in_p4info`: p4i.MatchField's number, None for a kind that no entry matches. `forms`: the operators that an entry of
    the program may use in such a field, besides a value and, if it is optional, `_`. `enums`: a key of an enum type
    can have it."""

    name: str
    operand: Operand
    needs_priority: bool
    optional_field: bool
    in_p4info: int | None
    operand_field: str = ""
    forms: tuple[str, ...] = ()
    enums: bool = True

    @property
    def c_name(self) -> str:
        """In `enum ss_match` of the runtime."""
        return f"SS_{self.name.upper()}"

    @property
    def matched(self) -> bool:
        """Whether entries have a value for it; a selector's field only goes into the hash."""
        return self.in_p4info is not None

    def single(self, value: int, width: int) -> int:
        """The operand with which `value` alone matches in a field of `width` bits."""
        every = (1 << width) - 1
        return {Operand.NONE: 0, Operand.PREFIX: width, Operand.MASK: every, Operand.HIGH: value}[self.operand]

    def anything(self, width: int) -> tuple[int, int]:
        """Value and operand that match anything; of an optional match, which has no such value, (0, 0)."""
        return 0, (1 << width) - 1 if self.operand is Operand.HIGH else 0


EXACT = MatchKind("exact", Operand.NONE, False, False, p4i.MatchField.EXACT)
LPM = MatchKind("lpm", Operand.PREFIX, False, True, p4i.MatchField.LPM, "prefix_len", ("&&&",), enums=False)
TERNARY = MatchKind("ternary", Operand.MASK, True, True, p4i.MatchField.TERNARY, "mask", ("&&&",), enums=False)
RANGE = MatchKind("range", Operand.HIGH, True, True, p4i.MatchField.RANGE, "high", ("..",), enums=False)
OPTIONAL = MatchKind("optional", Operand.NONE, True, True, p4i.MatchField.OPTIONAL)
SELECTOR = MatchKind("selector", Operand.NONE, False, False, None)

MATCH_KINDS = {kind.name: kind for kind in (EXACT, LPM, TERNARY, RANGE, OPTIONAL, SELECTOR)}
MATCHED = {name: kind for name, kind in MATCH_KINDS.items() if kind.matched}
"""Those that entries match; the ones of value sets, too."""
_BY_P4INFO = {kind.in_p4info: kind for kind in MATCHED.values()}


def need_priority(names: Iterable[str]) -> bool:
    """Whether entries of a table with keys of these kinds need a priority; one of the program's own does."""
    return any(name not in MATCH_KINDS or MATCH_KINDS[name].needs_priority for name in names)


def kind_in_p4info(match_type: int) -> MatchKind | None:
    """The kind with that number of p4i.MatchField, None for an unknown one."""
    return _BY_P4INFO.get(match_type)


def table_needs_priority(table: p4i.Table) -> bool:
    """Whether entries of the table need a priority (P4Runtime specification 9.1.1)."""
    kinds = [kind_in_p4info(field.match_type) for field in table.match_fields]
    return any(kind is not None and kind.needs_priority for kind in kinds)


def shortest_bytes(value: int) -> bytes:
    """P4Runtime's canonical bytestring: big-endian, as short as it can be, one byte for 0 (8.4)."""
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def field_match(field_id: int, kind: MatchKind, value: int, operand: int) -> p4r.FieldMatch:
    """P4Runtime's message for a match of plain numbers; `operand` as `kind.operand` says."""
    message = p4r.FieldMatch(field_id=field_id)
    member: Any = getattr(message, kind.name)
    if kind.operand is Operand.HIGH:
        member.low = shortest_bytes(value)
    else:
        member.value = shortest_bytes(value)
    if kind.operand is Operand.PREFIX:
        member.prefix_len = operand
    elif kind.operand is not Operand.NONE:
        setattr(member, kind.operand_field, shortest_bytes(operand))
    return message
