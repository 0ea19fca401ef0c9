"""Writing table entries, default entries, direct counters and direct meters; each write knows how to undo itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from finsy.proto import p4r

from softswitch.entries import CounterValue, Entry, EntryState, MeterConfig
from softswitch.server.actions import check_scope, to_action
from softswitch.server.config import Config
from softswitch.server.direct import apply_resources, check_resources, to_counter, to_meter
from softswitch.server.errors import Code, Refused, denied, invalid, not_found, unimplemented
from softswitch.server.index import TableView
from softswitch.server.tables import full_entry, key_entry, pack_note, table_of
from softswitch.tables import Table

Undo = Callable[[], None]
INSERT, MODIFY, DELETE = p4r.Update.INSERT, p4r.Update.MODIFY, p4r.Update.DELETE


def write_table_entry(config: Config, kind: int, message: p4r.TableEntry) -> Undo:
    """Carries out one update. Raises Refused or SwitchError, and then has changed nothing."""
    if message.table_id == 0:
        raise invalid("table_id is missing")
    view = config.index.table(message.table_id)
    if message.is_const:
        raise invalid("is_const can only be read")
    if message.is_default_action:
        return _write_default(config, view, kind, message)
    if kind == INSERT and not view.fields:
        raise invalid(f"table {view.name} has no key: it has no entries but the default one")
    if view.info.const_entries and (kind != MODIFY or message.HasField("action")):
        raise denied(f"the entries of table {view.name} are const: only their counters and meters can be written")
    table, key = table_of(config, view), key_entry(view, message)
    if kind == DELETE:
        return _delete(view, table, key)
    check_resources(view, message)
    entry = full_entry(config, view, key, message)
    if entry.member is not None or entry.group is not None:
        _check_reference(config, view, entry)
    if kind == MODIFY:
        return _modify(view, table, key, entry, message)
    if not message.HasField("action"):
        raise invalid(f"table {view.name}: an entry to insert needs an action")
    table.insert(entry)
    try:
        apply_resources(view, table, key, message, modify=False)
    except Exception:
        table.delete(key)
        raise
    return lambda: table.delete(key)


def _check_reference(config: Config, view: TableView, entry: Entry) -> None:
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


def _meter(view: TableView, table: Table, key: Entry) -> MeterConfig | None:
    return table.direct_meter(key) if view.info.direct_meter else None


def _put_back(
    view: TableView, table: Table, state: EntryState, meter: MeterConfig | None, counter: CounterValue
) -> None:
    if view.info.direct_counter:
        table.set_direct_counter(state.entry, counter)
    if view.info.direct_meter:
        table.set_direct_meter(state.entry, meter)


def _delete(view: TableView, table: Table, key: Entry) -> Undo:
    old = _find(view, table, key)
    meter = _meter(view, table, key)
    table.delete(key)

    def undo() -> None:
        table.insert(old.entry)
        _put_back(view, table, old, meter, old.counter)

    return undo


def _modify(view: TableView, table: Table, key: Entry, entry: Entry, message: p4r.TableEntry) -> Undo:
    old = _find(view, table, key)
    meter = _meter(view, table, key)
    if not message.HasField("action"):
        kept = replace(old.entry, idle_timeout_ns=entry.idle_timeout_ns, metadata=entry.metadata)
        entry = kept
    if not view.info.const_entries:
        table.modify(entry)

    def undo() -> None:
        if not view.info.const_entries:
            table.modify(old.entry)
        _put_back(view, table, old, meter, old.counter)

    try:
        apply_resources(view, table, key, message, modify=True)
    except Exception:
        undo()
        raise
    return undo


def _write_default(config: Config, view: TableView, kind: int, message: p4r.TableEntry) -> Undo:
    if kind != MODIFY:
        raise invalid(f"table {view.name}: the default entry is always there, it can only be modified")
    if message.match or message.priority:
        raise invalid(f"table {view.name}: the default entry has neither match nor priority")
    if message.idle_timeout_ns or message.HasField("time_since_last_hit"):
        raise invalid(f"table {view.name}: the default entry has no idle time-out")
    if view.info.const_default:
        raise denied(f"the default action of table {view.name} is const")
    check_resources(view, message)
    if message.HasField("meter_config"):
        raise unimplemented(f"table {view.name}: the default entry's direct meter can't be configured")
    table = table_of(config, view)
    old, counter, note = table.default(), table.default_counter(), config.default_notes.get(view.id, b"")

    def undo() -> None:
        table.set_default(old.action, old.params)
        config.default_notes[view.id] = note
        if view.info.direct_counter:
            table.set_default_counter(counter)

    if not message.HasField("action"):
        table.reset_default()
        config.default_notes.pop(view.id, None)
        if view.info.direct_counter:
            table.set_default_counter(CounterValue())
        return undo
    if message.action.WhichOneof("type") != "action":
        raise invalid(f"table {view.name}: the default entry needs an action")
    check_scope(view, message.action.action.action_id, default=True)
    table.set_default(*to_action(config.index, message.action.action))
    config.default_notes[view.id] = pack_note(message)
    if message.HasField("counter_data"):
        table.set_default_counter(to_counter(message.counter_data))
    return undo


def write_direct_counter(config: Config, kind: int, message: p4r.DirectCounterEntry) -> Undo:
    view = _direct_table(config, kind, message.table_entry, "counter")
    if not view.info.direct_counter:
        raise invalid(f"table {view.name} has no direct counter")
    table = table_of(config, view)
    value = to_counter(message.data) if message.HasField("data") else None
    if message.table_entry.is_default_action:
        old_default = table.default_counter()
        if value is not None:
            table.set_default_counter(value)
        return lambda: table.set_default_counter(old_default)
    key = key_entry(view, message.table_entry)
    old = _find(view, table, key).counter
    if value is not None:
        table.set_direct_counter(key, value)
    return lambda: table.set_direct_counter(key, old)


def write_direct_meter(config: Config, kind: int, message: p4r.DirectMeterEntry) -> Undo:
    view = _direct_table(config, kind, message.table_entry, "meter")
    if not view.info.direct_meter:
        raise invalid(f"table {view.name} has no direct meter")
    if message.HasField("counter_data"):
        raise unimplemented("meters have no counters per colour here")
    if message.table_entry.is_default_action:
        raise unimplemented(f"table {view.name}: the default entry's direct meter can't be configured")
    table, key = table_of(config, view), key_entry(view, message.table_entry)
    wanted = to_meter(message.config) if message.HasField("config") else None
    _find(view, table, key)
    old = table.direct_meter(key)
    table.set_direct_meter(key, wanted)
    return lambda: table.set_direct_meter(key, old)


def _direct_table(config: Config, kind: int, entry: p4r.TableEntry, what: str) -> TableView:
    if kind != MODIFY:
        raise invalid(f"direct {what}s can only be modified: they come and go with their entry")
    if entry.table_id == 0:
        raise invalid("table_entry.table_id is missing")
    return config.index.table(entry.table_id)
