"""Whether a map fits two programs: every name in it is one of theirs, and every value has room."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from typing import Any

from finsy.proto import p4i

from p4front.match_kinds import EXACT, kind_in_p4info
from state4.errors import BadMap
from state4.instrumentation.running import all_registers
from state4.plan.conversion import Conversion, limits
from state4.plan.state_map import StateMap
from state4.values import RegisterSpec

_LISTS = (
    "tables",
    "actions",
    "action_profiles",
    "counters",
    "meters",
    "registers",
    "value_sets",
    "digests",
)


def check_map(state_map: StateMap, old: p4i.P4Info, new: p4i.P4Info) -> None:
    """Raises BadMap for the first thing that does not fit."""
    for name, target in state_map.names.items():
        place = state_map.place(name)
        left_behind = name in state_map.actions and state_map.actions[name].left_behind
        _known(place, name, _names(old), "the running program")
        if not left_behind:
            _known(place, target, _names(new), "the new program")
    _check_registers(state_map, old, new)
    _check_tables(state_map, old, new)
    _check_actions(state_map, old, new)


def _check_registers(state_map: StateMap, old: p4i.P4Info, new: p4i.P4Info) -> None:
    before, after = ({spec.name: spec for spec in all_registers(info)} for info in (old, new))
    for name, conversion in state_map.registers.items():
        place = state_map.place(name)
        _known(place, name, before, "the running program", "register")
        target = _known(place, state_map.renamed(name), after, "the new program", "register")
        if conversion.first >= before[name].cells:
            raise BadMap(f"{place}: first is {conversion.first}, but {name} has {before[name].cells} cells")
        _check_members(place, conversion, before[name], after[target])
        low, high = limits(after[target])
        if not low <= conversion.initial <= high:
            raise BadMap(f"{place}: initial must be {low} to {high}, not {conversion.initial}")


def _check_members(place: str, conversion: Conversion, old: RegisterSpec, new: RegisterSpec) -> None:
    for member, target in conversion.members.items():
        _known(place, member, old.members, f"register {old.name}", "member")
        _known(place, target, new.members, f"register {new.name}", "member")
    if old.group is not None and (conversion.scale != 1 or conversion.saturate or conversion.initial):
        raise BadMap(f"{place}: scale, overflow and initial are for registers whose cells are one number")


def _check_tables(state_map: StateMap, old: p4i.P4Info, new: p4i.P4Info) -> None:
    before, after = ({table.preamble.name: table for table in info.tables} for info in (old, new))
    for name, change in state_map.tables.items():
        place = state_map.place(name)
        _known(place, name, before, "the running program", "table")
        target = _known(place, state_map.renamed(name), after, "the new program", "table")
        fields = {f.name for f in before[name].match_fields}
        new_fields = {f.name: f for f in after[target].match_fields}
        for field in (*change.keys, *change.drop):
            _known(place, field, fields, f"table {name}", "key field")
        for field in (*change.keys.values(), *change.add):
            _known(place, field, new_fields, f"table {target}", "key field")
        for field, value in change.add.items():
            declared = new_fields[field]
            if value is None and not (kind_in_p4info(declared.match_type) or EXACT).optional_field:
                raise BadMap(f'{place}: key field {field} is exact: give it a value instead of "*"')
            _fits(place, f"key field {field}", value or 0, declared.bitwidth)


def _check_actions(state_map: StateMap, old: p4i.P4Info, new: p4i.P4Info) -> None:
    before, after = ({action.preamble.name: action for action in info.actions} for info in (old, new))
    for name, change in state_map.actions.items():
        place = state_map.place(name)
        _known(place, name, before, "the running program", "action")
        if change.left_behind:
            if change.params or change.drop or change.add:
                raise BadMap(f"{place}: entries with a dropped action have no parameters to change")
            continue
        target = _known(place, state_map.renamed(name), after, "the new program", "action")
        params = {p.name for p in before[name].params}
        new_params = {p.name: p for p in after[target].params}
        for param in (*change.params, *change.drop):
            _known(place, param, params, f"action {name}", "parameter")
        for param in (*change.params.values(), *change.add):
            _known(place, param, new_params, f"action {target}", "parameter")
        for param, value in change.add.items():
            _fits(place, f"parameter {param}", value, new_params[param].bitwidth)


def _names(p4info: p4i.P4Info) -> set[str]:
    return {item.preamble.name for kind in _LISTS for item in getattr(p4info, kind)}


def _known(place: str, name: str, known: Collection[Any] | Iterable[str], where: str, kind: str = "component") -> str:
    names = [str(item) for item in known]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1) or [n for n in names if n.endswith(f".{name}")][:1]
        choices = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(names)) or 'none'}"
        raise BadMap(f"{place}: {where} has no {kind} {name}; {choices}")
    return name


def _fits(place: str, what: str, value: int, bits: int) -> None:
    if bits and value >> bits:
        raise BadMap(f"{place}: {value} does not fit the {bits} bits of {what}")
