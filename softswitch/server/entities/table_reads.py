"""Reading table entries and their direct resources, with wildcards (P4Runtime specification 9.1.6).

Each function reads the state at once and returns an iterator that encodes it later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from finsy.proto import p4r

from softswitch.dataplane.entries import CounterValue, DefaultEntry, Entry, EntryState, MeterState
from softswitch.server.entities.actions import from_action
from softswitch.server.entities.direct import from_colours, from_counter, from_meter, show_resources
from softswitch.server.entities.matches import to_keys
from softswitch.server.entities.runs import Run, read_rows, runs
from softswitch.server.entities.tables import check_default_key, from_state, table_of, unpack_note
from softswitch.server.errors import Code, Refused, invalid, not_found
from softswitch.server.program.config import Config
from softswitch.server.program.index import TableView


@dataclass(frozen=True)
class _Default:
    """The current default entry."""

    entry: DefaultEntry
    counter: CounterValue
    meter: MeterState | None
    note: bytes


def read_table_entries(config: Config, request: p4r.TableEntry) -> Iterator[p4r.TableEntry | Run]:
    """The entries that a request selects, in the form that it requests; of large tables in runs. Raises Refused."""
    if request.table_id == 0:
        if request.match or request.priority or request.HasField("action"):
            raise invalid("table_id 0 reads all tables: nothing else can be selected")
        views = list(config.index.tables.values())
    else:
        views = [config.index.table(request.table_id)]
        _check_shown(views[0], request)
    if request.is_default_action:
        for view in views:
            check_default_key(view, request)
        defaults = [(view, _default(config, view)) for view in views]
        return (_default_message(config, view, request, found) for view, found in defaults)
    taken = [_read(config, view, request) for view in views]
    return (item for items in taken for item in items)


def _read(config: Config, view: TableView, request: p4r.TableEntry) -> Iterator[p4r.TableEntry | Run]:
    table = table_of(config, view)
    rows = None if request.match else read_rows(config, view, table)
    if rows is not None:
        return runs(config, view, table, request, rows)
    return _messages(config, view, request, selected(config, view, request))


def _check_shown(view: TableView, request: p4r.TableEntry) -> None:
    if request.HasField("counter_data") and not view.info.direct_counter:
        raise invalid(f"table {view.name} has no direct counter")
    if (request.HasField("meter_config") or request.HasField("meter_counter_data")) and not view.info.direct_meter:
        raise invalid(f"table {view.name} has no direct meter")
    if (request.HasField("time_since_last_hit") or request.idle_timeout_ns) and not view.info.idle_timeout:
        raise invalid(f"table {view.name} has no idle time-outs")


def _messages(
    config: Config, view: TableView, request: p4r.TableEntry, states: list[EntryState]
) -> Iterator[p4r.TableEntry]:
    for state in states:
        message = from_state(config, view, state)
        if not _passes(request, message):
            continue
        show_resources(view, request, message, state.counter, state.meter)
        if request.HasField("time_since_last_hit") and view.info.idle_timeout:
            message.time_since_last_hit.elapsed_ns = state.idle_ns
        yield message


def selected(config: Config, view: TableView, request: p4r.TableEntry) -> list[EntryState]:
    """States of the entries with the request's key, or of all entries if it has none."""
    table = table_of(config, view)
    if not request.match:
        return table.states()
    try:
        keys = to_keys(view.fields, request.match, f"table {view.name}", create=False)
    except Refused as refused:
        if refused.code == Code.NOT_FOUND:  # a translated name that was never written
            return []
        raise
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


def _default(config: Config, view: TableView) -> _Default:
    table = table_of(config, view)
    meter = table.direct_meter_state(None) if view.info.direct_meter else None
    return _Default(table.default(), table.default_counter(), meter, config.default_notes.get(view.id, b""))


def _default_message(config: Config, view: TableView, request: p4r.TableEntry, found: _Default) -> p4r.TableEntry:
    message = p4r.TableEntry(table_id=view.id, is_default_action=True)
    if found.entry.member is not None:
        message.action.action_profile_member_id = found.entry.member
    elif found.entry.group is not None:
        message.action.action_profile_group_id = found.entry.group
    else:
        message.is_const = view.info.const_default or view.profile is not None
        message.action.action.CopyFrom(from_action(config.index, found.entry.action, found.entry.params))
    unpack_note(found.note, message)
    show_resources(view, request, message, found.counter, found.meter)
    return message


def read_direct_counters(config: Config, request: p4r.DirectCounterEntry) -> Iterator[p4r.DirectCounterEntry]:
    """Counters of the entries that the request selects. Raises Refused."""
    taken = _direct(config, request.table_entry, "counter")

    def messages() -> Iterator[p4r.DirectCounterEntry]:
        for view, states in taken:
            for state in states:
                message = p4r.DirectCounterEntry(table_entry=_key_message(config, view, state))
                message.data.CopyFrom(from_counter(state.counter))
                yield message

    return messages()


def read_direct_meters(config: Config, request: p4r.DirectMeterEntry) -> Iterator[p4r.DirectMeterEntry]:
    """Meters of the entries that the request selects, with per-colour counts if requested. Raises Refused."""
    taken = _direct(config, request.table_entry, "meter")

    def messages() -> Iterator[p4r.DirectMeterEntry]:
        for view, states in taken:
            for state in states:
                meter = state.meter or MeterState()
                message = p4r.DirectMeterEntry(table_entry=_key_message(config, view, state))
                if meter.config is not None:
                    message.config.CopyFrom(from_meter(meter.config))
                if request.HasField("counter_data"):
                    message.counter_data.CopyFrom(from_colours(meter.counts))
                yield message

    return messages()


def _direct(
    config: Config, entry: p4r.TableEntry, what: str
) -> list[tuple[TableView, list[EntryState] | list[_Default]]]:
    """The entries (or default entries) of the tables with this resource."""
    if entry.table_id == 0:
        if entry.match:
            raise invalid(f"table_id 0 reads direct {what}s of all tables: no match can be given")
        views = list(config.index.tables.values())
    else:
        views = [config.index.table(entry.table_id)]
    views = [v for v in views if (v.info.direct_counter if what == "counter" else v.info.direct_meter)]
    if entry.table_id and not views:
        raise invalid(f"table {config.index.table(entry.table_id).name} has no direct {what}")
    taken: list[tuple[TableView, list[EntryState] | list[_Default]]] = []
    for view in views:
        if entry.is_default_action:
            check_default_key(view, entry)
            taken.append((view, [_default(config, view)]))
            continue
        states = selected(config, view, entry)
        if entry.match and not states:
            raise not_found(f"table {view.name} has no entry with this key")
        taken.append((view, states))
    return taken


def _key_message(config: Config, view: TableView, state: EntryState | _Default) -> p4r.TableEntry:
    if isinstance(state, _Default):
        return p4r.TableEntry(table_id=view.id, is_default_action=True)
    full = from_state(config, view, state)
    return p4r.TableEntry(table_id=view.id, match=full.match, priority=full.priority)
