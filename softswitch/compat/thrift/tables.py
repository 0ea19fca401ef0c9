"""Calls on tables: entries with actions, default actions, direct counters and meters (`bm_mt_*`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bm_runtime.standard.ttypes import (
    BmActionEntry,
    BmActionEntryType,
    BmCounterValue,
    BmMtEntry,
    BmMtEntryLife,
)
from finsy.proto import p4r

from softswitch.compat.thrift.access import Access, OneTable, Program
from softswitch.compat.thrift.errors import TABLES
from softswitch.compat.thrift.handles import EntryKey
from softswitch.compat.thrift.values import (
    from_action,
    from_keys,
    from_priority,
    from_rates,
    to_action,
    to_matches,
    to_priority,
    to_rates,
)
from softswitch.dataplane.entries import CounterValue, Entry, EntryState
from softswitch.proto.update_kinds import DELETE, INSERT, MODIFY
from softswitch.server.entities.tables import key_entry

SIMPLE = ("simple",)
INDIRECT = ("indirect", "indirect_ws")
_MASK = (1 << 64) - 1
_MS = 1_000_000  # in ns


class TableCalls:
    """Handlers. All raise InvalidTableOperation."""

    def __init__(self, access: Access) -> None:
        self._access = access

    # ---- entries ----

    def bm_mt_get_num_entries(self, context: int, name: str) -> int:
        with self._access.reading(context, TABLES) as program:
            return len(program.table(name).table)

    def bm_mt_clear_entries(self, context: int, name: str, reset_default: bool) -> None:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name)
            if one.view.info.const_entries:
                TABLES.fail("IMMUTABLE_TABLE_ENTRIES", f"the entries of table {name} are const")
            for _, key in list(one.handles.in_order()):
                state = one.table.find(Entry(key[0], priority=key[1]))
                if state is not None and not state.const:
                    delete(program, one, key)
            if reset_default and not one.view.info.const_default:
                write_default(program, one, None)

    def bm_mt_add_entry(
        self, context: int, name: str, key: Sequence[Any], action_name: str, data: Sequence[bytes], options: Any
    ) -> int:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name, SIMPLE)
            check_mutable(one)
            action = p4r.TableAction(action=to_action(program.config.index, tuple(one.view.scopes), action_name, data))
            return insert(program, one, key, options, action)

    def bm_mt_modify_entry(self, context: int, name: str, handle: int, action_name: str, data: Sequence[bytes]) -> None:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name, SIMPLE)
            check_mutable(one)
            action = p4r.TableAction(action=to_action(program.config.index, tuple(one.view.scopes), action_name, data))
            modify(program, one, handle, action)

    def bm_mt_delete_entry(self, context: int, name: str, handle: int) -> None:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name, SIMPLE)
            check_mutable(one)
            delete(program, one, one.handles.key(handle))

    def bm_mt_set_entry_ttl(self, context: int, name: str, handle: int, timeout_ms: int) -> None:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name)
            if not one.view.info.idle_timeout:
                TABLES.fail("AGEING_DISABLED", f"table {name} has no idle time-outs")
            message = program.message(one, one.handles.key(handle))
            message.idle_timeout_ns = (timeout_ms & 0xFFFFFFFF) * _MS
            program.write(MODIFY, p4r.Entity(table_entry=message))

    bm_mt_indirect_set_entry_ttl = bm_mt_set_entry_ttl

    def bm_mt_get_entries(self, context: int, name: str) -> list[Any]:
        """Empty for an unknown table, as in bmv2."""
        with self._access.reading(context, TABLES) as program:
            if all(view.name != name for view in program.config.index.tables.values()):
                return []
            one = program.table(name)
            states = {(state.entry.keys, state.entry.priority): state for state in one.table.states()}
            found = [(handle, states[key]) for handle, key in one.handles.in_order() if key in states]
            index, members, groups = self._ids(program, one)
        return [_entry(index, one, handle, state, members, groups) for handle, state in found]

    def bm_mt_get_entry(self, context: int, name: str, handle: int) -> Any:
        with self._access.reading(context, TABLES) as program:
            one = program.table(name)
            state = one.state(one.handles.key(handle))
            return _entry(program.config.index, one, handle, state, *self._ids(program, one)[1:])

    def bm_mt_get_entry_from_key(self, context: int, name: str, key: Sequence[Any], options: Any) -> Any:
        """An empty key means the default entry."""
        if not key:
            return BmMtEntry(action_entry=self.bm_mt_get_default_entry(context, name))
        with self._access.reading(context, TABLES) as program:
            one = program.table(name)
            found = key_entry(one.view, _key_message(one, key, options))
            state = one.table.find(found)
            if state is None:
                TABLES.fail("BAD_MATCH_KEY", f"table {name} has no entry with this key")
            handle = one.handles.handle((state.entry.keys, state.entry.priority))
            return _entry(program.config.index, one, handle, state, *self._ids(program, one)[1:])

    def _ids(self, program: Program, one: OneTable) -> tuple[Any, Any, Any]:
        """The P4Runtime index, and the handles of members and groups of the table's profile, if any."""
        if one.view.profile is None:
            return program.config.index, None, None
        name = one.view.profile.name
        return (
            program.config.index,
            program.handles.members(program.config, name),
            program.handles.groups(program.config, name),
        )

    # ---- default actions ----

    def bm_mt_set_default_action(self, context: int, name: str, action_name: str, data: Sequence[bytes]) -> None:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name, SIMPLE)
            action = to_action(program.config.index, tuple(one.view.scopes), action_name, data)
            check_default(one)
            write_default(program, one, p4r.TableAction(action=action))

    def bm_mt_reset_default_entry(self, context: int, name: str) -> None:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name, SIMPLE)
            if not one.view.info.const_default:  # a const default never changes
                write_default(program, one, None)

    def bm_mt_get_default_entry(self, context: int, name: str) -> Any:
        with self._access.reading(context, TABLES) as program:
            one = program.table(name)
            index, members, groups = self._ids(program, one)
            default = one.table.default()
            if default.member is not None:
                return BmActionEntry(BmActionEntryType.MBR_HANDLE, mbr_handle=members.handle(default.member))
            if default.group is not None:
                return BmActionEntry(BmActionEntryType.GRP_HANDLE, grp_handle=groups.handle(default.group))
            if one.view.profile is not None:
                return BmActionEntry(action_type=BmActionEntryType.NONE)
            return from_action(index, default.action, default.params)

    # ---- direct counters and meters ----

    def bm_mt_read_counter(self, context: int, name: str, handle: int) -> Any:
        with self._access.reading(context, TABLES) as program:
            one = self._counted(program, name)
            counter = one.state(one.handles.key(handle, any_version=True)).counter
            return BmCounterValue(bytes=signed(counter.bytes), packets=signed(counter.packets))

    def bm_mt_write_counter(self, context: int, name: str, handle: int, value: Any) -> None:
        with self._access.writing(context, TABLES) as program:
            one = self._counted(program, name)
            self._write_counter(program, one, one.handles.key(handle, any_version=True), value)

    def bm_mt_reset_counters(self, context: int, name: str) -> None:
        with self._access.writing(context, TABLES) as program:
            one = self._counted(program, name)
            for _, key in one.handles.in_order():
                self._write_counter(program, one, key, BmCounterValue(bytes=0, packets=0))

    def _counted(self, program: Program, name: str) -> OneTable:
        one = program.table(name)
        if not one.view.info.direct_counter:
            TABLES.fail("COUNTERS_DISABLED", f"table {name} has no direct counter")
        return one

    def _write_counter(self, program: Program, one: OneTable, key: EntryKey, value: Any) -> None:
        entity = p4r.Entity()
        entity.direct_counter_entry.table_entry.CopyFrom(_message(program, one, key))
        program.clients.check(entity)
        counter = CounterValue(packets=(value.packets or 0) & _MASK, bytes=(value.bytes or 0) & _MASK)
        one.table.set_direct_counter(Entry(key[0], priority=key[1]), counter)
        program.clients.note(program.config, entity)

    def bm_mt_set_meter_rates(self, context: int, name: str, handle: int, rates: Sequence[Any]) -> None:
        with self._access.writing(context, TABLES) as program:
            one = self._metered(program, name)
            entity = p4r.Entity()
            entry = entity.direct_meter_entry
            entry.table_entry.CopyFrom(_message(program, one, one.handles.key(handle, any_version=True)))
            entry.config.CopyFrom(to_rates(TABLES, rates))
            program.write(MODIFY, entity)

    def bm_mt_get_meter_rates(self, context: int, name: str, handle: int) -> list[Any]:
        with self._access.reading(context, TABLES) as program:
            one = self._metered(program, name)
            meter = one.state(one.handles.key(handle, any_version=True)).meter
            return from_rates(meter.config if meter is not None else None)

    def _metered(self, program: Program, name: str) -> OneTable:
        one = program.table(name)
        if not one.view.info.direct_meter:
            TABLES.fail("METERS_DISABLED", f"table {name} has no direct meter")
        return one


def check_mutable(one: OneTable) -> None:
    if one.view.info.const_entries:
        TABLES.fail("IMMUTABLE_TABLE_ENTRIES", f"the entries of table {one.view.name} are const")


def insert(program: Program, one: OneTable, key: Sequence[Any], options: Any, action: p4r.TableAction) -> int:
    """Inserts an entry and returns its handle."""
    if not one.view.fields:
        TABLES.fail("NO_TABLE_KEY", f"table {one.view.name} has no key")
    message = _key_message(one, key, options)
    message.action.CopyFrom(action)
    program.write(INSERT, p4r.Entity(table_entry=message))
    found = key_entry(one.view, message)
    return one.handles.added(one.table, (found.keys, found.priority))


def modify(program: Program, one: OneTable, handle: int, action: p4r.TableAction) -> None:
    message = program.message(one, one.handles.key(handle))
    message.action.CopyFrom(action)
    program.write(MODIFY, p4r.Entity(table_entry=message))


def delete(program: Program, one: OneTable, key: EntryKey) -> None:
    program.write(DELETE, p4r.Entity(table_entry=_message(program, one, key)))
    one.handles.removed(one.table, key)


def check_default(one: OneTable) -> None:
    if one.view.info.const_default:
        TABLES.fail("DEFAULT_ENTRY_IS_CONST", f"the default action of table {one.view.name} is const")


def write_default(program: Program, one: OneTable, action: p4r.TableAction | None) -> None:
    """None: back to the program's own."""
    message = p4r.TableEntry(table_id=one.view.id, is_default_action=True)
    if action is not None:
        message.action.CopyFrom(action)
    program.write(MODIFY, p4r.Entity(table_entry=message))


def signed(value: int) -> int:
    """The value as Thrift's signed 64-bit integer."""
    return value - (1 << 64) if value >> 63 else value


def _key_message(one: OneTable, key: Sequence[Any], options: Any) -> p4r.TableEntry:
    matches = to_matches(one.view, key)
    return p4r.TableEntry(table_id=one.view.id, match=matches, priority=to_priority(one.view, options))


def _message(program: Program, one: OneTable, key: EntryKey) -> p4r.TableEntry:
    """A message with the key alone."""
    whole = program.message(one, key)
    return p4r.TableEntry(table_id=one.view.id, match=whole.match, priority=whole.priority)


def _entry(index: Any, one: OneTable, handle: int, state: EntryState, members: Any, groups: Any) -> Any:
    entry = state.entry
    if entry.member is not None:
        action = BmActionEntry(action_type=BmActionEntryType.MBR_HANDLE, mbr_handle=members.handle(entry.member))
    elif entry.group is not None:
        action = BmActionEntry(action_type=BmActionEntryType.GRP_HANDLE, grp_handle=groups.handle(entry.group))
    elif entry.action:
        action = from_action(index, entry.action, entry.params)
    else:  # an action set of P4Runtime
        action = BmActionEntry(action_type=BmActionEntryType.NONE)
    life = None
    if one.view.info.idle_timeout and entry.idle_timeout_ns:
        life = BmMtEntryLife(timeout_ms=entry.idle_timeout_ns // _MS, time_since_hit_ms=state.idle_ns // _MS)
    return BmMtEntry(
        match_key=from_keys(one.view, entry.keys),
        options=from_priority(one.view, entry.priority),
        entry_handle=handle,
        action_entry=action,
        life=life,
    )
