"""Table entries that the program itself gives (14.2.1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from p4front.check import entry_priorities
from p4front.elaborate.evaluate import evaluate
from p4front.match_kinds import LPM, MATCH_KINDS, RANGE, TERNARY
from p4front.syntax import ast
from p4front.text.source import Span
from p4front.types.constants import ConstValue
from p4front.types.types import EnumType, ErrorType, Type, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import keysets
from softswitch.codegen.functions.environment import Environment
from softswitch.codegen.functions.translation_unit import TranslationUnit
from softswitch.codegen.values.layout import scalar_width
from softswitch.model import KeyField, words


@dataclass(frozen=True)
class ConstEntry:
    """Words of the key (value or low end, mask or high end), action and its data."""

    value: tuple[int, ...]
    mask: tuple[int, ...]
    priority: int
    action: int
    data: tuple[int, ...]
    const: bool = False  # of its own, in a table whose `entries` are not


def split(value: int, width: int) -> list[int]:
    """A number as 64-bit words, least significant first."""
    return [value >> 64 * i & (2**64 - 1) for i in range(words(width))]


class KeyedTable(Protocol):
    """What entries need to know of their table."""

    decl: ast.TableDecl
    keys: list[KeyField]
    key_types: list[Type]

    def action_index(self, target: ast.Node | None) -> int | None: ...

    def data_of(self, ref: ast.ActionRef, action: int) -> list[int]: ...


def value_words(unit: TranslationUnit, value: ConstValue | None, type_: Type, span: Span) -> list[int]:
    """The words of a compile-time scalar."""
    width = scalar_width(type_)
    plain = strip(type_)
    if isinstance(value, str) and isinstance(plain, (EnumType, ErrorType)):
        names = list(plain.members) if isinstance(plain, EnumType) else unit.program.errors
        value = names.index(value.rsplit(".", 1)[-1])
    if width is None or not isinstance(value, (int, bool)):
        raise refuse(span, "this must be a compile-time value")
    return split(int(value) & ((1 << width) - 1), width)


def read(unit: TranslationUnit, env: Environment, table: KeyedTable) -> list[ConstEntry]:
    """The entries of a table, first one first."""
    decl = table.decl
    if any(annotation.name == "priority" for entry in decl.entries for annotation in entry.annotations):
        return [_entry(unit, env, table, e, p) for e, p in zip(decl.entries, _annotated(unit, env, decl), strict=True)]
    priorities = entry_priorities.entry_priorities(unit.program, decl)
    if priorities and not entry_priorities.largest_wins(unit.program, decl):  # in the switch the larger one wins
        top = max(priorities) + 1
        priorities = [top - priority for priority in priorities]
    return [_entry(unit, env, table, entry, p) for entry, p in zip(decl.entries, priorities, strict=True)]


def _annotated(unit: TranslationUnit, env: Environment, decl: ast.TableDecl) -> list[int]:
    """Priorities by the old `@priority(n)`, or else by position from 1; there the smallest number wins."""
    numbers: list[int] = []
    for i, entry in enumerate(decl.entries):
        found = next((a for a in entry.annotations if a.name == "priority" and a.exprs), None)
        value = evaluate(env, found.exprs[0]) if found is not None else i + 1
        numbers.append(value if isinstance(value, int) else i + 1)
    top = max(numbers) + 1
    return [top - number for number in numbers]


def _entry(
    unit: TranslationUnit, env: Environment, table: KeyedTable, entry: ast.TableEntry, priority: int
) -> ConstEntry:
    value: list[int] = []
    mask: list[int] = []
    parts = keysets.items(entry.keyset, len(table.keys))
    for part, field, type_ in zip(parts, table.keys, table.key_types, strict=True):
        if not MATCH_KINDS[field.match].matched:
            continue
        known = keysets.known(unit, env, part, type_)
        if known is None:
            raise refuse(part.span, "the key of an entry must be known at compile time")
        low, high = _match(known, field.match, field.width, part)
        value += split(low, field.width)
        mask += split(high, field.width)
    action = table.action_index(unit.program.refs.get(entry.action))
    if action is None:
        raise refuse(entry.action.span, f"{entry.action.name} is not an action of this table")
    data = tuple(table.data_of(entry.action, action))
    return ConstEntry(tuple(value), tuple(mask), priority, action, data, entry.const)


def _match(known: keysets.Known, match: str, width: int, where: ast.Node) -> tuple[int, int]:
    """Value and mask (range: low and high) of one key field."""
    full = (1 << width) - 1
    if match == RANGE.name:
        match known.kind:
            case "any":
                return 0, full
            case "exact":
                return known.value, known.value
            case "range":
                return known.value, known.other
    elif known.kind == "any":
        if MATCH_KINDS[match].optional_field:
            return 0, 0
    elif known.kind == "exact":
        return known.value, full
    elif known.kind == "mask":
        if match == TERNARY.name:
            return known.value & known.other, known.other
        if match == LPM.name:
            low = known.other ^ full
            if low & (low + 1):
                raise refuse(where.span, "the mask of an lpm key must have its ones at the top")
            return known.value & known.other, known.other
        if known.other == full:
            return known.value, full
    raise refuse(where.span, f"this value does not fit a key of match kind {match}")
