"""Generates entries for the tables of a program that has none, so that its actions run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from finsy.proto import p4i, p4r

Value = Callable[[int], int]
"""Returns a number of so many bits."""
PER_ACTION = 3
_PORT_BITS = 9


def entries(p4info: p4i.P4Info, value: Value) -> Iterator[p4r.Update]:
    """A few entries for each action of each table that can have entries. Parameters of nine bits are ports."""
    actions = {action.preamble.id: action for action in p4info.actions}
    for table in p4info.tables:
        if table.is_const_table or table.implementation_id:
            continue
        priority = 1
        for ref in table.action_refs:
            if ref.scope == p4i.ActionRef.DEFAULT_ONLY:
                continue
            for _ in range(PER_ACTION):
                update = p4r.Update(type=p4r.Update.INSERT)
                entry = update.entity.table_entry
                entry.table_id = table.preamble.id
                needs_priority = False
                for match in table.match_fields:
                    needs_priority |= _match(entry, match, value)
                if needs_priority:
                    entry.priority = priority = priority + 1
                _action(entry.action.action, actions[ref.id], value)
                yield update


def _match(entry: p4r.TableEntry, match: p4i.MatchField, value: Value) -> bool:
    """Adds a key field; returns whether it requires a priority."""
    kind, number = match.match_type, value(match.bitwidth)
    field = p4r.FieldMatch(field_id=match.id)
    if kind == p4i.MatchField.EXACT:
        field.exact.value = _bytes(number)
    elif kind == p4i.MatchField.LPM:
        field.lpm.value, field.lpm.prefix_len = _bytes(number), match.bitwidth
    elif kind == p4i.MatchField.TERNARY:
        field.ternary.value, field.ternary.mask = _bytes(number), _bytes((1 << match.bitwidth) - 1)
    elif kind == p4i.MatchField.OPTIONAL:
        field.optional.value = _bytes(number)
    elif kind == p4i.MatchField.RANGE:
        field.range.low, field.range.high = _bytes(number), _bytes(max(number, value(match.bitwidth)))
    else:
        return False
    entry.match.append(field)
    return kind in (p4i.MatchField.TERNARY, p4i.MatchField.OPTIONAL, p4i.MatchField.RANGE)


def _action(made: p4r.Action, action: p4i.Action, value: Value) -> None:
    made.action_id = action.preamble.id
    for param in action.params:
        number = value(param.bitwidth)
        if param.bitwidth == _PORT_BITS:
            number = 1 + number % 4
        made.params.add(param_id=param.id, value=_bytes(number))


def _bytes(number: int) -> bytes:
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")
