"""The program that a call works on, under the lock that all clients share, and lookups by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from finsy.proto import p4r

from softswitch.compat.thrift.errors import TABLES, Errors
from softswitch.compat.thrift.handles import AllHandles, EntryHandles, EntryKey, ProgramHandles
from softswitch.dataplane.entries import Entry, EntryState
from softswitch.dataplane.tables import Table
from softswitch.server.device.unelected import Unelected
from softswitch.server.entities.direct import from_meter
from softswitch.server.entities.tables import from_state
from softswitch.server.errors import invalid
from softswitch.server.program.config import Config
from softswitch.server.program.index import ProfileView, TableView

View = TypeVar("View")
_CONTEXT = 0
"""simple_switch has one context."""


@dataclass(frozen=True)
class OneTable:
    """A table with its up-to-date handles."""

    view: TableView
    table: Table
    handles: EntryHandles

    def state(self, key: EntryKey) -> EntryState:
        """Raises INVALID_HANDLE if the entry has just been removed."""
        state = self.table.find(Entry(key[0], priority=key[1]))
        if state is None:
            TABLES.fail("INVALID_HANDLE")
        return state


@dataclass(frozen=True)
class Program:
    """The program that a call works on."""

    clients: Unelected
    config: Config
    handles: ProgramHandles

    def write(self, kind: p4r.Update.Type.ValueType, entity: p4r.Entity) -> None:
        """Applies one update. Raises Refused."""
        self.clients.write(self.config, kind, entity)

    def table(self, name: str, types: tuple[str, ...] = ()) -> OneTable:
        """`types`: bmv2's types of tables that the call accepts; empty: any. Raises INVALID_TABLE_NAME,
        WRONG_TABLE_TYPE."""
        view = by_name(self.config.index.tables, name)
        if view is None:
            TABLES.fail("INVALID_TABLE_NAME", f"there is no table {name!r}")
        if types and table_type(view) not in types:
            TABLES.fail("WRONG_TABLE_TYPE", f"table {name} is {table_type(view)}")
        table = self.config.pipeline.tables[name]
        return OneTable(view, table, self.handles.entries(table))

    def profile(self, name: str) -> ProfileView:
        """Raises INVALID_ACTION_PROFILE_NAME."""
        view = by_name(self.config.index.profiles, name)
        if view is None:
            TABLES.fail("INVALID_ACTION_PROFILE_NAME", f"there is no action profile {name!r}")
        return view

    def message(self, one: OneTable, key: EntryKey) -> p4r.TableEntry:
        """The entry as it is, to be written back with a change; with its meter, which would be reset otherwise."""
        state = one.state(key)
        message = from_state(self.config, one.view, state)
        message.is_const = False
        if state.meter is not None and state.meter.config is not None:
            message.meter_config.CopyFrom(from_meter(state.meter.config))
        return message


class Access:
    """Gives calls the program, for reading or for writing."""

    def __init__(self, clients: Unelected) -> None:
        self.clients = clients
        self._handles = AllHandles()

    @contextmanager
    def reading(self, context: int, errors: Errors) -> Iterator[Program]:
        """Refusals inside become exceptions of `errors`."""
        with errors.translated():
            _check_context(context)
            with self.clients.reading() as config:
                yield Program(self.clients, config, self._handles.of(config))

    @contextmanager
    def writing(self, context: int, errors: Errors) -> Iterator[Program]:
        with errors.translated():
            _check_context(context)
            with self.clients.writing() as config:
                yield Program(self.clients, config, self._handles.of(config))


def by_name(views: Mapping[int, View], name: str) -> View | None:
    return next((view for view in views.values() if getattr(view, "name", None) == name), None)


def table_type(view: TableView) -> str:
    """bmv2's name for the type of the table."""
    if view.profile is None:
        return "simple"
    return "indirect_ws" if view.profile.info.selector else "indirect"


def _check_context(context: int) -> None:
    if context != _CONTEXT:
        raise invalid(f"there is no context {context}, only {_CONTEXT}")
