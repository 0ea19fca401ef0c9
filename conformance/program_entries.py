"""Generates entries for the tables of a program that has none, so that its actions run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from finsy.proto import p4i, p4r

from conformance.program_packets import PacketMaker, Sample
from conformance.program_values import PORT_BITS

PER_ACTION = 4
_ANY = 0.2
"""How often a key that may be left out is."""
_VALIDITY = (".isValid()", ".$valid$")
_PRIORITY = (p4i.MatchField.TERNARY, p4i.MatchField.OPTIONAL, p4i.MatchField.RANGE)


@dataclass(frozen=True)
class Entries:
    """`updates`: of tables; `sessions`: every number that may come to be a clone session."""

    updates: list[p4r.Update]
    sessions: frozenset[int]


def entries(p4info: p4i.P4Info, maker: PacketMaker, *, clones: bool) -> Entries:
    """A few entries for each action of each table that can have entries, with keys of generated packets where the keys
    are their fields, and a default action for tables without keys. Parameters of nine bits are ports. With `clones`
    no parameter is 0, since the program may clone to the session that one names."""
    actions = {action.preamble.id: action for action in p4info.actions}
    updates: list[p4r.Update] = []
    for table in p4info.tables:
        if table.implementation_id:
            continue
        if not table.match_fields:
            updates += _default(table, actions, maker, clones)
        elif not table.is_const_table:
            updates += _table(table, actions, maker, clones)
    params = (param.value for u in updates for param in u.entity.table_entry.action.action.params)
    numbers = frozenset(int.from_bytes(value, "big") for value in params) if clones else frozenset()
    return Entries(updates, frozenset(number for number in numbers if 0 < number < 1 << 32))


def _default(
    table: p4i.Table, actions: dict[int, p4i.Action], maker: PacketMaker, clones: bool
) -> Iterator[p4r.Update]:
    """Another default action, unless the program gives one that does something."""
    initial = table.initial_default_action.action_id or table.const_default_action_id
    refs = [ref for ref in table.action_refs if ref.scope != p4i.ActionRef.TABLE_ONLY and not _idle(actions[ref.id])]
    if refs and (not initial or _idle(actions[initial])):
        update = p4r.Update(type=p4r.Update.MODIFY)
        entry = update.entity.table_entry
        entry.table_id, entry.is_default_action = table.preamble.id, True
        _action(entry.action.action, actions[maker.values.any_of(refs).id], maker, clones)
        yield update


def _idle(action: p4i.Action) -> bool:
    return action.preamble.name == "NoAction"


def _table(table: p4i.Table, actions: dict[int, p4i.Action], maker: PacketMaker, clones: bool) -> Iterator[p4r.Update]:
    priority = 1
    for ref in table.action_refs:
        if ref.scope == p4i.ActionRef.DEFAULT_ONLY:
            continue
        for _ in range(PER_ACTION):
            update = p4r.Update(type=p4r.Update.INSERT)
            entry = update.entity.table_entry
            entry.table_id = table.preamble.id
            sample = maker.sample()
            for match in table.match_fields:
                _match(entry, match, maker, sample)
            if any(match.match_type in _PRIORITY for match in table.match_fields):
                entry.priority = priority = priority + 1
            _action(entry.action.action, actions[ref.id], maker, clones)
            yield update


def _match(entry: p4r.TableEntry, match: p4i.MatchField, maker: PacketMaker, sample: Sample) -> None:
    """Adds a key field."""
    kind, width = match.match_type, match.bitwidth
    if kind not in (*_PRIORITY, p4i.MatchField.EXACT, p4i.MatchField.LPM):
        return
    if kind != p4i.MatchField.EXACT and maker.values.chance(_ANY):
        return  # matches anything
    number = _key(match, maker, sample)
    field = p4r.FieldMatch(field_id=match.id)
    if kind == p4i.MatchField.EXACT:
        field.exact.value = _bytes(number)
    elif kind == p4i.MatchField.LPM:
        field.lpm.value, field.lpm.prefix_len = _bytes(number), width
    elif kind == p4i.MatchField.TERNARY:
        field.ternary.value, field.ternary.mask = _bytes(number), _bytes((1 << width) - 1)
    elif kind == p4i.MatchField.OPTIONAL:
        field.optional.value = _bytes(number)
    else:
        field.range.low, field.range.high = _bytes(number), _bytes(max(number, maker.values.number(width)))
    entry.match.append(field)


def _key(match: p4i.MatchField, maker: PacketMaker, sample: Sample) -> int:
    """The value that a packet has there; else one that the program may compute."""
    place = match.name.partition(".")[2] or match.name
    for ending in _VALIDITY:
        if place.endswith(ending):
            return sample.get(place.removesuffix(ending), 0)
    name = place.rpartition(".")[2]
    return sample.get(place, maker.values.of_field(name, match.bitwidth)) % (1 << match.bitwidth)


def _action(made: p4r.Action, action: p4i.Action, maker: PacketMaker, clones: bool) -> None:
    made.action_id = action.preamble.id
    for param in action.params:
        number = maker.values.number(param.bitwidth)
        if param.bitwidth == PORT_BITS:
            number = 1 + number % 4
        made.params.add(param_id=param.id, value=_bytes(number or int(clones)))


def _bytes(number: int) -> bytes:
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")
