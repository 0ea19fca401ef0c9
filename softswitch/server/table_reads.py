"""Reading table entries and their direct resources, with wildcards (P4Runtime specification 9.1.6)."""

from __future__ import annotations

from collections.abc import Iterator

from finsy.proto import p4r

from softswitch.entries import CounterValue, Entry, EntryState
from softswitch.server.actions import from_action
from softswitch.server.config import Config
from softswitch.server.direct import from_counter, from_meter
from softswitch.server.errors import invalid, not_found, unimplemented
from softswitch.server.index import TableView
from softswitch.server.matches import to_keys
from softswitch.server.tables import from_state, table_of, unpack_note


def read_table_entries(config: Config, request: p4r.TableEntry) -> Iterator[p4r.TableEntry]:
    """The entries that a request selects, as it asks for them. Raises Refused."""
    if request.HasField("meter_counter_data"):
        raise unimplemented("meters have no counters per colour here")
    if request.table_id == 0:
        if request.match or request.priority or request.HasField("action"):
            raise invalid("with table_id 0 all tables are read and nothing else can be selected")
        for view in config.index.tables.values():
            yield from _read_table(config, view, request)
        return
    view = config.index.table(request.table_id)
    if request.HasField("counter_data") and not view.info.direct_counter:
        raise invalid(f"table {view.name} has no direct counter")
    if request.HasField("meter_config") and not view.info.direct_meter:
        raise invalid(f"table {view.name} has no direct meter")
    if request.HasField("time_since_last_hit") and not view.info.idle_timeout:
        raise invalid(f"table {view.name} has no idle time-outs")
    yield from _read_table(config, view, request)


def _read_table(config: Config, view: TableView, request: p4r.TableEntry) -> Iterator[p4r.TableEntry]:
    if request.is_default_action:
        yield _default_entry(config, view, request)
        return
    table = table_of(config, view)
    for state in selected(config, view, request):
        message = from_state(config, view, state)
        if not _passes(request, message):
            continue
        if request.HasField("counter_data") and view.info.direct_counter:
            message.counter_data.CopyFrom(from_counter(state.counter))
        if request.HasField("meter_config") and view.info.direct_meter:
            meter = table.direct_meter(state.entry)
            if meter is not None:
                message.meter_config.CopyFrom(from_meter(meter))
        if request.HasField("time_since_last_hit") and view.info.idle_timeout:
            message.time_since_last_hit.elapsed_ns = state.idle_ns
        yield message


def selected(config: Config, view: TableView, request: p4r.TableEntry) -> list[EntryState]:
    """States of the entries with the request's key, or of all entries if it has none."""
    table = table_of(config, view)
    if not request.match:
        return table.states()
    keys = to_keys(view.fields, request.match, f"table {view.name}")
    if view.needs_priority and request.priority == 0:
        return [state for state in table.states() if state.entry.keys == keys]
    found = table.find(Entry(keys, priority=request.priority if view.needs_priority else 0))
    return [] if found is None else [found]


def _passes(request: p4r.TableEntry, message: p4r.TableEntry) -> bool:
    if request.priority and request.priority != message.priority:
        return False
    if request.controller_metadata and request.controller_metadata != message.controller_metadata:
        return False
    if request.metadata and request.metadata != message.metadata:
        return False
    wanted = request.action.action.action_id
    return not wanted or wanted == message.action.action.action_id


def _default_entry(config: Config, view: TableView, request: p4r.TableEntry) -> p4r.TableEntry:
    table = table_of(config, view)
    default = table.default()
    message = p4r.TableEntry(table_id=view.id, is_default_action=True, is_const=view.info.const_default)
    message.action.action.CopyFrom(from_action(config.index, default.action, default.params))
    unpack_note(config.default_notes.get(view.id, b""), message)
    if request.HasField("counter_data") and view.info.direct_counter:
        message.counter_data.CopyFrom(from_counter(table.default_counter()))
    return message


def read_direct_counters(config: Config, request: p4r.DirectCounterEntry) -> Iterator[p4r.DirectCounterEntry]:
    for view in _direct_tables(config, request.table_entry, "counter"):
        if request.table_entry.is_default_action:
            message = p4r.DirectCounterEntry(table_entry=p4r.TableEntry(table_id=view.id, is_default_action=True))
            message.data.CopyFrom(from_counter(table_of(config, view).default_counter()))
            yield message
            continue
        for state in _direct_states(config, view, request.table_entry):
            message = p4r.DirectCounterEntry(table_entry=_key_message(config, view, state))
            message.data.CopyFrom(from_counter(CounterValue(*state.counter)))
            yield message


def read_direct_meters(config: Config, request: p4r.DirectMeterEntry) -> Iterator[p4r.DirectMeterEntry]:
    if request.HasField("counter_data"):
        raise unimplemented("meters have no counters per colour here")
    for view in _direct_tables(config, request.table_entry, "meter"):
        table = table_of(config, view)
        for state in _direct_states(config, view, request.table_entry):
            message = p4r.DirectMeterEntry(table_entry=_key_message(config, view, state))
            meter = table.direct_meter(state.entry)
            if meter is not None:
                message.config.CopyFrom(from_meter(meter))
            yield message


def _direct_tables(config: Config, entry: p4r.TableEntry, what: str) -> list[TableView]:
    if entry.table_id == 0:
        if entry.match:
            raise invalid(f"direct {what}s of all tables are read without a match")
        views = list(config.index.tables.values())
    else:
        views = [config.index.table(entry.table_id)]
    found = [v for v in views if (v.info.direct_counter if what == "counter" else v.info.direct_meter)]
    if entry.table_id and not found:
        raise invalid(f"table {views[0].name} has no direct {what}")
    return found


def _direct_states(config: Config, view: TableView, entry: p4r.TableEntry) -> list[EntryState]:
    states = selected(config, view, entry)
    if entry.match and not states:
        raise not_found(f"table {view.name} has no entry with this key")
    return states


def _key_message(config: Config, view: TableView, state: EntryState) -> p4r.TableEntry:
    full = from_state(config, view, state)
    return p4r.TableEntry(table_id=view.id, match=full.match, priority=full.priority)
