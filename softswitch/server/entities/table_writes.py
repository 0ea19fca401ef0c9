"""Writes of table entries, default entries, direct counters and direct meters; each returns its undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from finsy.proto import p4r

from softswitch.dataplane.entries import ColourCounts, CounterValue, DefaultEntry, Entry, EntryState, MeterState
from softswitch.dataplane.tables import Table
from softswitch.proto.update_kinds import DELETE, INSERT, MODIFY
from softswitch.server.entities.actions import check_scope, to_action
from softswitch.server.entities.direct import (
    apply_resources,
    check_cleared,
    check_resources,
    set_counter,
    set_meter,
    to_counter,
    to_meter,
)
from softswitch.server.entities.tables import check_default_key, full_entry, key_entry, pack_note, table_of
from softswitch.server.errors import Code, Refused, denied, invalid, not_found
from softswitch.server.program.config import Config
from softswitch.server.program.index import TableView

Undo = Callable[[], None]
_MEMBER, _GROUP = "action_profile_member_id", "action_profile_group_id"


def write_table_entry(config: Config, kind: int, message: p4r.TableEntry) -> Undo:
    """Applies one update. Raises Refused or SwitchError without having changed anything."""
    if message.table_id == 0:
        raise invalid("table_id is missing")
    view = config.index.table(message.table_id)
    if message.is_const:
        raise invalid("is_const can only be read")
    if message.is_default_action:
        return _write_default(config, view, kind, message)
    if kind == INSERT and not view.fields:
        raise invalid(f"table {view.name} has no key, and so no entry but the default one")
    table, key = table_of(config, view), key_entry(view, message)
    old = None if kind == INSERT else table.find(key)
    _check_const(view, kind, message, old)
    if kind != INSERT and old is None:
        raise Refused(Code.NOT_FOUND, f"table {view.name} has no entry with this key")
    if kind == DELETE:
        assert old is not None
        return _delete(view, table, key, old)
    check_resources(view, message)
    entry = full_entry(config, view, key, message)
    if view.profile is not None and message.HasField("action"):
        _check_reference(config, view, entry)
        _check_style(config, view, entry, old)
    if old is not None:
        return _modify(view, table, key, entry, message, old)
    if not message.HasField("action"):
        raise invalid(f"table {view.name}: an inserted entry needs an action")
    table.insert(entry)
    try:
        apply_resources(view, table, key, message, modify=False)
    except Exception:
        table.delete(key)
        raise
    return lambda: table.delete(key)


def _check_const(view: TableView, kind: int, message: p4r.TableEntry, old: EntryState | None) -> None:
    """Of const entries only counters and meters can be written (9.1.4 and 9.1.5). Raises Refused."""
    fixed = view.info.const_entries if old is None else old.const
    more = message.HasField("action") or message.idle_timeout_ns or message.metadata or message.controller_metadata
    if fixed and (kind != MODIFY or more):
        raise denied(f"table {view.name}: only counters and meters of const entries can be written")


def _check_style(config: Config, view: TableView, entry: Entry, old: EntryState | None) -> None:
    """Either all entries of a selector's tables have action sets, or none (9.2.3). Raises Refused."""
    one_shot, counted = bool(entry.action_set), 0
    for other in config.index.tables.values():
        if view.profile is not None and other.profile is not None and other.profile.id == view.profile.id:
            sharing = table_of(config, other)
            counted += len(sharing) - sharing.action_sets if one_shot else sharing.action_sets
    if old is not None and bool(old.entry.action_set) != one_shot:
        counted -= 1  # this entry changes over
    if counted:
        raise invalid(
            f"table {view.name}: entries of one action profile either all have action sets, or all name members and "
            f"groups; {counted} use the other form"
        )


def _check_reference(config: Config, view: TableView, entry: Entry | DefaultEntry) -> None:
    assert view.profile is not None
    profile = config.pipeline.profiles[view.profile.name]
    if entry.member is not None and all(m.id != entry.member for m in profile.members()):
        raise not_found(f"action profile {view.profile.name} has no member {entry.member}")
    if entry.group is not None and all(g.id != entry.group for g in profile.groups()):
        raise not_found(f"action profile {view.profile.name} has no group {entry.group}")


def _find(view: TableView, table: Table, key: Entry) -> EntryState:
    state = table.find(key)
    if state is None:
        raise Refused(Code.NOT_FOUND, f"table {view.name} has no entry with this key")
    return state


def _put_back(
    view: TableView, table: Table, key: Entry | None, counter: CounterValue, meter: MeterState | None
) -> None:
    """Restores the resources of an entry, or of the default entry."""
    if view.info.direct_counter:
        set_counter(table, key, counter)
    if meter is not None:
        set_meter(table, key, meter)


def _delete(view: TableView, table: Table, key: Entry, old: EntryState) -> Undo:
    table.delete(key)

    def undo() -> None:
        table.insert(old.entry)
        _put_back(view, table, key, old.counter, old.meter)

    return undo


def _modify(view: TableView, table: Table, key: Entry, entry: Entry, message: p4r.TableEntry, old: EntryState) -> Undo:
    if not message.HasField("action"):
        entry = replace(old.entry, idle_timeout_ns=entry.idle_timeout_ns, metadata=entry.metadata)
    if not old.const:
        table.modify(entry)

    def undo() -> None:
        if not old.const:
            table.modify(old.entry)
        _put_back(view, table, key, old.counter, old.meter)

    try:
        apply_resources(view, table, key, message, modify=True)
    except Exception:
        undo()
        raise
    return undo


def _write_default(config: Config, view: TableView, kind: int, message: p4r.TableEntry) -> Undo:
    if kind != MODIFY:
        raise invalid(f"table {view.name}: the default entry always exists: it can only be modified")
    check_default_key(view, message)
    if view.info.const_default:
        raise denied(f"the default action of table {view.name} is const")
    chosen = message.action.WhichOneof("type")
    if view.profile is not None and message.HasField("action") and chosen not in (_MEMBER, _GROUP):
        raise denied(f"table {view.name} has an action profile: the action of its default entry is const (9.1.3)")
    check_resources(view, message)
    table = table_of(config, view)
    old, counter, note = table.default(), table.default_counter(), config.default_notes.get(view.id, b"")
    meter = table.direct_meter_state(None) if view.info.direct_meter else None

    def undo() -> None:
        table.put_default(old)
        config.default_notes[view.id] = note
        _put_back(view, table, None, counter, meter)

    if not message.HasField("action"):
        table.reset_default()
        config.default_notes.pop(view.id, None)
        _put_back(view, table, None, CounterValue(), MeterState() if meter is not None else None)
        return undo
    if view.profile is not None:  # as bmv2's Thrift clients can
        if chosen == _MEMBER:
            default = DefaultEntry("", member=message.action.action_profile_member_id)
        else:
            default = DefaultEntry("", group=message.action.action_profile_group_id)
        _check_reference(config, view, default)
        table.put_default(default)
    elif chosen != "action":
        raise invalid(f"table {view.name}: the default entry needs an action")
    else:
        check_scope(view, message.action.action.action_id, default=True)
        table.set_default(*to_action(config.index, message.action.action))
    config.default_notes[view.id] = pack_note(message)
    apply_resources(view, table, None, message, modify=True)
    return undo


def write_direct_counter(config: Config, kind: int, message: p4r.DirectCounterEntry) -> Undo:
    view = _direct_table(config, kind, message.table_entry, "counter")
    if not view.info.direct_counter:
        raise invalid(f"table {view.name} has no direct counter")
    table, key = table_of(config, view), _resource_key(view, message.table_entry)
    value = to_counter(message.data) if message.HasField("data") else None
    old = table.default_counter() if key is None else _find(view, table, key).counter
    if value is not None:
        set_counter(table, key, value)
    return lambda: set_counter(table, key, old)


def write_direct_meter(config: Config, kind: int, message: p4r.DirectMeterEntry) -> Undo:
    view = _direct_table(config, kind, message.table_entry, "meter")
    if not view.info.direct_meter:
        raise invalid(f"table {view.name} has no direct meter")
    table, key = table_of(config, view), _resource_key(view, message.table_entry)
    wanted = to_meter(message.config, view.meter_type) if message.HasField("config") else None
    check_cleared(message.counter_data)
    if key is not None:
        _find(view, table, key)
    old = table.direct_meter_state(key)
    table.set_direct_meter(key, wanted)
    if message.HasField("counter_data"):
        table.set_meter_counts(key, ColourCounts())
    return lambda: set_meter(table, key, old)


def _resource_key(view: TableView, message: p4r.TableEntry) -> Entry | None:
    """The entry whose resource is addressed; None: the default entry."""
    if not message.is_default_action:
        return key_entry(view, message)
    check_default_key(view, message)
    return None


def _direct_table(config: Config, kind: int, entry: p4r.TableEntry, what: str) -> TableView:
    if kind != MODIFY:
        raise invalid(f"direct {what}s can only be modified: they exist exactly as long as their entry")
    if entry.table_id == 0:
        raise invalid("table_entry.table_id is missing")
    return config.index.table(entry.table_id)
