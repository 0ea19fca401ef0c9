"""Copies entries of tables that mean the same in two programs from one to the other inside the switch."""

from __future__ import annotations

from collections.abc import Sequence

from finsy.proto import p4r
from google.protobuf.message import DecodeError

from softswitch.proto import bulk_pb2
from softswitch.server.entities.tables import key_entry, table_of
from softswitch.server.errors import invalid, not_found
from softswitch.server.program.config import Config
from softswitch.server.program.index import ActionView, TableView
from softswitch.server.values.translation import NameTable

Pair = tuple[TableView, TableView]
"""A table of the old program, and the table of the new program that gets its entries."""


def pairs(old: Config, new: Config, wanted: Sequence[bulk_pb2.TablePair]) -> list[Pair]:
    """Raises Refused: NOT_FOUND; INVALID_ARGUMENT for entries that have to be translated."""
    views = [{view.name: view for view in config.index.tables.values()} for config in (old, new)]
    found = []
    for pair in wanted:
        for known, name in zip(views, (pair.old_name, pair.new_name), strict=True):
            if name not in known:
                raise not_found(f"the program has no table {name}")
        found.append((views[0][pair.old_name], views[1][pair.new_name]))
    for one in found:
        problem = difference(old, new, *one)
        if problem:
            raise invalid(f"entries of table {one[0].name} cannot be carried as they are: {problem}")
    return found


def difference(old: Config, new: Config, before: TableView, after: TableView) -> str:
    """Why a table's entries do not mean the same in another table; "" if they do."""
    if before.info.keys != after.info.keys or _fields(before) != _fields(after):
        return "it has another key"
    if (before.profile is None) != (after.profile is None):
        return "it has another implementation"
    if after.info.const_entries:
        return "its entries are const in the new program"
    table = table_of(new, after)
    for action in before.info.actions:
        if table.same_action(action) is None or _params(old, action.name) != _params(new, action.name):
            return f"its action {action.name} is not the same there"
    both = before.info.direct_meter and after.info.direct_meter
    if both and (before.info.direct_meter_kind, before.meter_type) != (after.info.direct_meter_kind, after.meter_type):
        return "it has another kind of meter"
    return ""


def _fields(view: TableView) -> list[NameTable | None]:
    """The translated type whose names stand for the values of each match field; None: none."""
    return [field.codec.names for field in view.fields]


def _params(config: Config, name: str) -> list[NameTable | None]:
    number = config.index.action_ids.get(name)
    view: ActionView | None = config.index.actions.get(number) if number is not None else None
    return [codec.names for _, codec in view.params] if view is not None else []


def carry(old: Config, new: Config, wanted: Sequence[Pair], asked: Sequence[bytes]) -> bulk_pb2.CarryEntriesResponse:
    """Raises Refused or SwitchError if a table is full, or a member or group is missing."""
    by_new = {after.id: before for before, after in wanted}
    answer = bulk_pb2.CarryEntriesResponse()
    for before, after in wanted:
        answer.carried.append(table_of(new, after).carry_from(table_of(old, before)))
    for position, data in enumerate(asked):
        try:
            entry = p4r.TableEntry.FromString(data)
        except DecodeError:
            raise invalid("malformed p4.v1.TableEntry") from None
        view = new.index.table(entry.table_id)
        if view.id not in by_new:
            raise invalid(f"table {view.name} is not one of those that are carried")
        state = table_of(old, by_new[view.id]).find(key_entry(view, entry))
        if state is not None and not state.const:
            answer.there.append(position)
    return answer
