"""What the control plane put into one program, in the terms of another: names stay, P4Runtime's numbers change.

Carried over are table entries with priorities, idle time-outs, direct counters and meters, default actions, action
profile members and groups, value sets, meter configurations and digest subscriptions. Multicast groups and clone
sessions belong to the switch and need no carrying.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from finsy.proto import p4i, p4r
from google.protobuf.message import Message

from p4front.match_kinds import OPTIONAL, field_match, kind_in_p4info, shortest_bytes, table_needs_priority
from state4.plan.entities import ORDER, identity, kind_of
from state4.plan.state_map import ActionChange, StateMap, TableChange

M = TypeVar("M", bound=Message)

_MODIFIED = ("value_set_entry", "meter_entry")
GONE = "is not in the new program"
_SAME_TABLE, _SAME_ACTION = TableChange(), ActionChange()


@dataclass(frozen=True)
class Translation:
    """`updates`: for the new program; `left`: why something cannot be carried, one line each."""

    updates: list[p4r.Update] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class NoPlace(Exception):
    """The new program has no place for something; the message says for what and why."""


class Translator:
    """Translates from the ids of program `old` to those of `new`. `state_map`: what has another name or form there."""

    def __init__(self, old: p4i.P4Info, new: p4i.P4Info, state_map: StateMap | None = None) -> None:
        self._map = state_map or StateMap()
        self.old_tables = _by_id(old.tables)
        self.new_tables = _by_name(new.tables)
        self.old_actions = _by_id(old.actions)
        self.new_actions = _by_name(new.actions)
        self._old = {
            kind: _by_id(getattr(old, kind))
            for kind in ("action_profiles", "value_sets", "meters", "counters", "digests")
        }
        self._counted = {counter.direct_table_id for counter in new.direct_counters}
        self._metered = {meter.direct_table_id for meter in new.direct_meters}
        self._new = {kind: _by_name(getattr(new, kind)) for kind in self._old}
        self._translate: dict[str, Callable[[Any], Any]] = {
            "table_entry": self._entry,
            "action_profile_member": self._member,
            "action_profile_group": self._group,
            "value_set_entry": self._value_set,
            "meter_entry": self._meter,
            "counter_entry": self._counter,
            "digest_entry": self._digest,
        }

    def translate(self, entities: Sequence[p4r.Entity]) -> Translation:
        """Inserts for what is new there, modifications for what every program has (such as default actions)."""
        result = Translation()
        seen: set[bytes] = set()
        for entity in sorted(entities, key=self._turn):
            kind = kind_of(entity)
            try:
                message = self._translate[kind](getattr(entity, kind))
            except NoPlace as error:
                if str(error) not in result.left:
                    result.left.append(str(error))
                continue
            modified = kind in _MODIFIED or (kind == "table_entry" and message.is_default_action)
            update = p4r.Update(type=p4r.Update.MODIFY if modified else p4r.Update.INSERT)
            getattr(update.entity, kind).CopyFrom(message)
            if kind == "table_entry" and self.drops_keys(entity.table_entry.table_id):
                if identity(update) in seen:
                    name = self.old_tables[entity.table_entry.table_id].preamble.name
                    result.left.append(f"table {name}: entries that are the same without their dropped key fields")
                    continue
                seen.add(identity(update))
            result.updates.append(update)
        return result

    def one(self, entity: p4r.Entity) -> p4r.Entity:
        """One entity, or one without values, in the new program's terms. Raises NoPlace."""
        kind = kind_of(entity)
        result = p4r.Entity()
        getattr(result, kind).CopyFrom(self._translate[kind](getattr(entity, kind)))
        return result

    def _turn(self, entity: p4r.Entity) -> tuple[int, int]:
        """Where keys are dropped, entries that become the same come with the highest priority first: it stays."""
        kind = ORDER.index(kind_of(entity))
        entry = entity.table_entry
        return kind, -entry.priority if entity.HasField("table_entry") and self.drops_keys(entry.table_id) else 0

    def drops_keys(self, table_id: int) -> bool:
        """Whether several entries of a table may become one."""
        table = self.old_tables.get(table_id)
        return table is not None and bool(self._table_change(table).drop)

    def _table_change(self, old: Any) -> TableChange:
        return self._map.tables.get(old.preamble.name, _SAME_TABLE)

    def _action_change(self, old: p4i.Action) -> ActionChange:
        return self._map.actions.get(old.preamble.name, _SAME_ACTION)

    # ------------------------------------------------------------ what fits

    def table_problem(self, old: p4i.Table) -> str:
        """Why entries of a table cannot be carried, "" if they can."""
        new = self.new_tables.get(self.renamed(old.preamble.name))
        if new is None:
            return GONE
        change = self._table_change(old)
        kept = {change.keys.get(f, f): form for f, form in _key(old).items() if f not in change.drop}
        added = {f: form for f, form in _key(new).items() if f in change.add}
        if {**kept, **added} != _key(new) or kept.keys() & added.keys():
            return "has another key"
        if bool(old.implementation_id) != bool(new.implementation_id):
            return "has another implementation"
        if new.is_const_table:
            return "has const entries in the new program"
        return ""

    def action_problem(self, old: p4i.Action, table: p4i.Table) -> str:
        """Why an action cannot be carried to a table of the new program, "" if it can, or if the map leaves it
        behind."""
        if self._action_change(old).left_behind:
            return ""
        name = self.renamed(old.preamble.name)
        new = self.new_actions.get(name)
        if new is None or all(ref.id != new.preamble.id for ref in table.action_refs):
            return f"has no action {name} in the new program"
        return "" if self._same_params(old, new) else f"has other parameters of action {name}"

    def _same_params(self, old: p4i.Action, new: p4i.Action) -> bool:
        """As far as the map does not say otherwise."""
        change = self._action_change(old)
        kept = {change.params.get(p, p): bits for p, bits in _params(old).items() if p not in change.drop}
        added = {p: bits for p, bits in _params(new).items() if p in change.add}
        return {**kept, **added} == _params(new) and not kept.keys() & added.keys()

    def is_alike(self, old: p4i.Table) -> bool:
        """Whether entries of a table mean the same in the new program, but for P4Runtime's numbers. Those
        of an action profile name members and groups, which have to be there first."""
        new = self.new_tables.get(self.renamed(old.preamble.name))
        if new is None or self.table_problem(old) or self._table_change(old) != _SAME_TABLE:
            return False
        if old.implementation_id:
            return False
        if [_form(f) for f in old.match_fields] != [_form(f) for f in new.match_fields]:
            return False
        scopes = {ref.id: ref.scope for ref in new.action_refs}
        return all(self._is_same_action(self.old_actions.get(ref.id), ref.scope, scopes) for ref in old.action_refs)

    def _is_same_action(self, old: p4i.Action | None, scope: int, scopes: dict[int, Any]) -> bool:
        if old is None or self._action_change(old) != _SAME_ACTION:
            return False
        new = self.new_actions.get(self.renamed(old.preamble.name))
        if new is None or new.preamble.name != old.preamble.name or scopes.get(new.preamble.id) != scope:
            return False
        return [(p.name, p.bitwidth, p.type_name.name) for p in old.params] == [
            (p.name, p.bitwidth, p.type_name.name) for p in new.params
        ]

    def changes(self, name: str) -> list[str]:
        """What the map changes in the entries of a table, in words."""
        change = self._map.tables.get(name, _SAME_TABLE)
        words = [f"renamed to {self.renamed(name)}"] if self.renamed(name) != name else []
        words += [f"key field {a} -> {b}" for a, b in change.keys.items()]
        words += [f"key field {f} goes" for f in change.drop]
        words += [f"key field {f} = {'any' if v is None else v}" for f, v in change.add.items()]
        for action in self._actions_of(name):
            found, old = self._action_change(action), action.preamble.name
            if found.left_behind:
                words.append(f"entries with action {old} are left behind")
                continue
            parts = [f"{a} -> {b}" for a, b in found.params.items()] + [f"{p} goes" for p in found.drop]
            parts += [f"{p} = {v}" for p, v in found.add.items()]
            if parts or self.renamed(old) != old:
                words.append(f"action {old} -> {self.renamed(old)}" + (f" ({', '.join(parts)})" if parts else ""))
        return words

    def losses(self, name: str) -> list[str]:
        """What the map takes away from the entries of a table, in words."""
        change = self._map.tables.get(name, _SAME_TABLE)
        found = [f"its key field {f}" for f in change.drop]
        if (change.drop or change.add or change.keys) and self._counts(name):
            found.append("what its entries count during the reconfiguration")
        for action in self._actions_of(name):
            own = self._action_change(action)
            if own.left_behind:
                found.append(f"its entries with action {action.preamble.name}")
            found += [f"parameter {p} of action {action.preamble.name}" for p in own.drop]
        return found

    def _actions_of(self, name: str) -> list[p4i.Action]:
        table = next(t for t in self.old_tables.values() if t.preamble.name == name)
        return [self.old_actions[ref.id] for ref in table.action_refs if ref.id in self.old_actions]

    def _counts(self, name: str) -> bool:
        return self.new_tables[self.renamed(name)].preamble.id in self._counted

    def object_problem(self, kind: str, old: Any) -> str:
        """Why an action profile, value set, meter, counter or digest (`kind`: P4Info's field) cannot be carried, "" if
        it can."""
        new = self._new[kind].get(self.renamed(old.preamble.name))
        if new is None:
            return GONE
        if kind == "action_profiles" and new.with_selector != old.with_selector:
            return "is of another kind in the new program"
        if kind == "value_sets" and _key(old) != _key(new):
            return "has other members in the new program"
        if kind in ("meters", "counters") and new.spec.unit != old.spec.unit:
            return "counts something else in the new program"
        if kind != "digests" and 0 < new.size < old.size:
            return "has fewer places in the new program"
        return ""

    def renamed(self, name: str) -> str:
        return self._map.renamed(name)

    # ------------------------------------------------------------ entities

    def _entry(self, entry: p4r.TableEntry) -> p4r.TableEntry:
        old = self.old_tables[entry.table_id]
        name = old.preamble.name
        problem = self.table_problem(old)
        if problem:
            raise NoPlace(f"table {name} {problem}")
        new = self.new_tables[self.renamed(name)]
        result = p4r.TableEntry()
        result.CopyFrom(entry)
        result.table_id = new.preamble.id
        change = self._table_change(old)
        _fields(result.match, old, new, change)
        if not result.is_default_action and (change.drop or change.add):
            result.priority = (result.priority or 1) if table_needs_priority(new) else 0
        for volatile in ("time_since_last_hit", "meter_counter_data"):
            result.ClearField(volatile)
        if not new.idle_timeout_behavior:
            result.ClearField("idle_timeout_ns")
        if new.preamble.id not in self._counted or result.is_default_action:
            result.ClearField("counter_data")
        if new.preamble.id not in self._metered or result.is_default_action:
            result.ClearField("meter_config")
        if result.action.HasField("action"):
            self._action(result.action.action, f"table {name}", new)
        for item in result.action.action_profile_action_set.action_profile_actions:
            self._action(item.action, f"table {name}", new)
        return result

    def _action(self, action: p4r.Action, where: str, table: p4i.Table | None) -> None:
        if action.action_id == 0:
            return
        old = self.old_actions[action.action_id]
        new = self.new_actions.get(self.renamed(old.preamble.name))
        change = self._action_change(old)
        if change.left_behind:
            raise NoPlace(f"{where}: entries with action {old.preamble.name}, as the map says")
        if table is not None:
            problem = self.action_problem(old, table)
        else:
            same = new is not None and self._same_params(old, new)
            problem = "" if same else f"has no action {old.preamble.name}"
        if problem or new is None:
            raise NoPlace(f"{where} {problem}")
        ids = {p.name: p.id for p in new.params}
        names = {p.id: p.name for p in old.params}
        action.action_id = new.preamble.id
        kept = [p for p in action.params if names[p.param_id] not in change.drop]
        params = [
            p4r.Action.Param(param_id=ids[change.params.get(names[p.param_id], names[p.param_id])], value=p.value)
            for p in kept
        ]
        added = ((ids[name], shortest_bytes(value)) for name, value in change.add.items())
        params += [p4r.Action.Param(param_id=number, value=value) for number, value in added]
        del action.params[:]
        action.params.extend(sorted(params, key=lambda param: param.param_id))

    def _object(self, kind: str, number: int, word: str) -> Any:
        """The new program's object for the old one's number."""
        old = self._old[kind][number]
        problem = self.object_problem(kind, old)
        if problem:
            raise NoPlace(f"{word} {old.preamble.name} {problem}")
        return self._new[kind][self.renamed(old.preamble.name)]

    def _member(self, member: p4r.ActionProfileMember) -> p4r.ActionProfileMember:
        new = self._object("action_profiles", member.action_profile_id, "action profile")
        result = _copy(member)
        result.action_profile_id = new.preamble.id
        self._action(result.action, f"action profile {new.preamble.name}", None)
        return result

    def _group(self, group: p4r.ActionProfileGroup) -> p4r.ActionProfileGroup:
        result = _copy(group)
        result.action_profile_id = self._object(
            "action_profiles", group.action_profile_id, "action profile"
        ).preamble.id
        return result

    def _value_set(self, entry: p4r.ValueSetEntry) -> p4r.ValueSetEntry:
        new = self._object("value_sets", entry.value_set_id, "value set")
        result = _copy(entry)
        result.value_set_id = new.preamble.id
        for member in result.members:
            _fields(member.match, self._old["value_sets"][entry.value_set_id], new)
        return result

    def _meter(self, entry: p4r.MeterEntry) -> p4r.MeterEntry:
        result = _copy(entry)
        result.meter_id = self._object("meters", entry.meter_id, "meter").preamble.id
        result.ClearField("counter_data")
        return result

    def _counter(self, entry: p4r.CounterEntry) -> p4r.CounterEntry:
        result = _copy(entry)
        result.counter_id = self._object("counters", entry.counter_id, "counter").preamble.id
        return result

    def _digest(self, entry: p4r.DigestEntry) -> p4r.DigestEntry:
        old = self._old["digests"][entry.digest_id]
        new = self._new["digests"].get(self.renamed(old.preamble.name))
        if new is None:
            raise NoPlace(f"digest {old.preamble.name} is not in the new program")
        result = _copy(entry)
        result.digest_id = new.preamble.id
        return result


def _by_id(objects: Sequence[Any]) -> dict[int, Any]:
    return {item.preamble.id: item for item in objects}


def _by_name(objects: Sequence[Any]) -> dict[str, Any]:
    return {item.preamble.name: item for item in objects}


def _copy(message: M) -> M:
    result = type(message)()
    result.CopyFrom(message)
    return result


def _match_fields(declared: Any) -> Any:
    return declared.match if isinstance(declared, p4i.ValueSet) else declared.match_fields


def _key(declared: Any) -> dict[str, tuple[int, int]]:
    return {f.name: (f.bitwidth, f.match_type) for f in _match_fields(declared)}


def _form(field: p4i.MatchField) -> tuple[object, ...]:
    return field.name, field.bitwidth, field.match_type, field.other_match_type, field.type_name.name


def _params(action: p4i.Action) -> dict[str, int]:
    return {p.name: p.bitwidth for p in action.params}


def _fields(matches: Any, old: Any, new: Any, change: TableChange | None = None) -> None:
    """Renumbers match fields in place, and drops or adds some as a map says."""
    change = change or _SAME_TABLE
    declared = {f.name: f for f in _match_fields(new)}
    names = {f.id: f.name for f in _match_fields(old)}
    kept = [_copy(match) for match in matches if names[match.field_id] not in change.drop]
    for match in kept:
        name = names[match.field_id]
        match.field_id = declared[change.keys.get(name, name)].id
    kept += [_match(declared[name], value) for name, value in change.add.items() if value is not None]
    del matches[:]
    matches.extend(kept)


def _match(field: p4i.MatchField, value: int) -> p4r.FieldMatch:
    """A match of one value."""
    kind = kind_in_p4info(field.match_type) or OPTIONAL
    return field_match(field.id, kind, value, kind.single(value, field.bitwidth))
