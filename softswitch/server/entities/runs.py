"""A fast path for reading tables: from rows of the runtime to the bytes of many entities, without a message for each.

Tables with notes (metadata, action sets) or with names of translated types are left to `table_reads`, and so are tables
of a few entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from finsy.proto import p4r
from numpy.typing import NDArray

from p4front.match_kinds import EXACT, LPM, OPTIONAL, RANGE
from softswitch.dataplane.interface import interface
from softswitch.dataplane.native import BY_ACTION, BY_GROUP, BY_MEMBER, METER_CONFIG_WORDS, U64_MAX
from softswitch.dataplane.rows import (
    READ_BYTES,
    READ_CONST,
    READ_HEAD,
    READ_IDLE,
    READ_KIND,
    READ_PACKETS,
    READ_PRIORITY,
    READ_REFERENCE,
    READ_UNUSED,
)
from softswitch.dataplane.tables import Table
from softswitch.model import words
from softswitch.server.program.config import Config
from softswitch.server.program.index import MatchView, TableView
from softswitch.server.values.wire import Columns, Flags, Words, equal, nested, number, scattered, shortest

MIN_ENTRIES = 32
"""Fewer are faster as messages."""
MAX_ENTRIES = 2000
"""Of one run."""
_TABLE_ENTRY, _FIELD, _ACTION = p4r.TableEntry.DESCRIPTOR, p4r.FieldMatch.DESCRIPTOR, p4r.Action.DESCRIPTOR
_PARAM, _TABLE_ACTION = p4r.Action.Param.DESCRIPTOR, p4r.TableAction.DESCRIPTOR
_COUNTER, _METER = p4r.CounterData.DESCRIPTOR, p4r.MeterConfig.DESCRIPTOR
_COLOURS, _IDLE = p4r.MeterCounterData.DESCRIPTOR, p4r.TableEntry.IdleTimeout.DESCRIPTOR
_SIGNED = np.uint64((1 << 63) - 1)
_SINGLE_RATE = interface().constants["SS_SINGLE_RATE"]


@dataclass(frozen=True)
class Run:
    """Some entities of one object of the program, as a serialised ReadResponse."""

    object_id: int
    count: int
    data: bytes


def read_rows(config: Config, view: TableView, table: Table) -> Words | None:
    """All entries as they are now, if the fast path can encode them."""
    if len(table) < MIN_ENTRIES or any(field.codec.names is not None for field in view.fields):
        return None
    for action in view.info.actions:
        number_ = config.index.action_ids.get(action.name)
        if number_ is None or any(codec.names is not None for _, codec in config.index.actions[number_].params):
            return None
    return table.snapshot()


def runs(config: Config, view: TableView, table: Table, request: p4r.TableEntry, rows: Words) -> Iterator[Run]:
    """The entries among `rows` that the request selects (its key is empty), in the form that it requests."""
    encoder = _Encoder(config, view, table, request)
    rows = rows[encoder.selected(rows)]
    for at in range(0, len(rows), MAX_ENTRIES):
        part = rows[at : at + MAX_ENTRIES]
        entries = nested(p4r.Entity.DESCRIPTOR, "table_entry", encoder.entry(part), len(part))
        entities = nested(p4r.ReadResponse.DESCRIPTOR, "entities", [entries], len(part))
        yield Run(view.id, len(part), entities.joined())


class _Encoder:
    def __init__(self, config: Config, view: TableView, table: Table, request: p4r.TableEntry) -> None:
        self._config = config
        self._view = view
        self._layout = table.layout
        self._ordered = table.has_priorities
        self._request = request

    def selected(self, rows: Words) -> Flags:
        request, found = self._request, np.ones(len(rows), np.bool_)
        if request.controller_metadata or request.metadata:  # which only entries with notes have
            found[:] = False
        if request.priority:
            found &= self._priorities(rows) == np.uint64(request.priority & U64_MAX)
        wanted = request.action.action.action_id
        if wanted:
            view = self._config.index.actions.get(wanted)
            indices = [action.index for action in self._view.info.actions if view and action.name == view.name]
            found &= (rows[:, READ_KIND] == BY_ACTION) & np.isin(rows[:, READ_REFERENCE], indices)
        return found

    def _priorities(self, rows: Words) -> Words:
        return rows[:, READ_PRIORITY] if self._ordered else np.zeros(len(rows), np.uint64)

    def entry(self, rows: Words) -> list[Columns]:
        count = len(rows)
        parts = [equal(_TABLE_ENTRY, "table_id", self._view.id, count)]
        parts += self._matches(rows)
        parts.append(self._action(rows))
        parts.append(number(_TABLE_ENTRY, "priority", self._priorities(rows)))
        parts.append(number(_TABLE_ENTRY, "idle_timeout_ns", rows[:, READ_IDLE]))
        parts.append(number(_TABLE_ENTRY, "is_const", (rows[:, READ_CONST] != 0).astype(np.uint64)))
        return parts + self._resources(rows)

    def _matches(self, rows: Words) -> list[Columns]:
        parts, at = [], READ_HEAD
        for field in self._view.fields:
            size = words(field.key.width)
            mask_at = at + self._layout.keys.words
            parts.append(_match(field, rows[:, at : at + size], rows[:, mask_at : mask_at + size]))
            at += size
        return parts

    def _action(self, rows: Words) -> Columns:
        kinds, references = rows[:, READ_KIND], rows[:, READ_REFERENCE]
        parts: list[tuple[NDArray[np.intp], Columns]] = []
        for kind, name in ((BY_MEMBER, "action_profile_member_id"), (BY_GROUP, "action_profile_group_id")):
            chosen = np.flatnonzero(kinds == kind)
            if len(chosen):
                parts.append((chosen, number(_TABLE_ACTION, name, references[chosen], zero=True)))
        for index in np.unique(references[kinds == BY_ACTION]).tolist():
            if index < len(self._view.info.actions):
                chosen = np.flatnonzero((kinds == BY_ACTION) & (references == index))
                parts.append((chosen, self._one_action(index, rows[chosen])))
        content = scattered(parts, len(rows))
        present: Flags = content.sizes != 0
        return nested(_TABLE_ENTRY, "action", [content], len(rows)).where(present)

    def _one_action(self, index: int, rows: Words) -> Columns:
        info, count = self._view.info.actions[index], len(rows)
        view = self._config.index.actions[self._config.index.action_ids[info.name]]
        parts = [equal(_ACTION, "action_id", view.id, count)]
        at = READ_HEAD + 2 * self._layout.keys.words
        for (id_, _), param in zip(view.params, info.params, strict=False):
            size = words(param.width)
            value = nested(_PARAM, "value", [shortest(rows[:, at : at + size], param.width)], count)
            numbered = [equal(_PARAM, "param_id", id_, count), value]
            parts.append(nested(_ACTION, "params", numbered, count))
            at += size
        return nested(_TABLE_ACTION, "action", parts, count)

    def _resources(self, rows: Words) -> list[Columns]:
        request, info, count = self._request, self._view.info, len(rows)
        parts = []
        if request.HasField("counter_data") and info.direct_counter:
            parts.append(nested(_TABLE_ENTRY, "counter_data", _counts(rows[:, [READ_PACKETS, READ_BYTES]]), count))
        meter = rows[:, self._layout.meter_at :]
        if request.HasField("meter_config") and info.direct_meter:
            configured = nested(_TABLE_ENTRY, "meter_config", _meter(meter), count)
            parts.append(configured.where(meter[:, 0] != 0))
        if request.HasField("meter_counter_data") and info.direct_meter:
            colours = meter[:, METER_CONFIG_WORDS:]
            shown = [
                nested(_COLOURS, colour, _counts(colours[:, at : at + 2]), count)
                for at, colour in ((0, "green"), (2, "yellow"), (4, "red"))
            ]
            parts.append(nested(_TABLE_ENTRY, "meter_counter_data", shown, count))
        if request.HasField("time_since_last_hit") and info.idle_timeout:
            elapsed = [number(_IDLE, "elapsed_ns", rows[:, READ_UNUSED])]
            parts.append(nested(_TABLE_ENTRY, "time_since_last_hit", elapsed, count))
        return parts


def _match(field: MatchView, value: Words, mask: Words) -> Columns:
    """A field that matches anything is left out."""
    kind, width, count = field.key.match, field.key.width, len(value)
    full = np.array([(1 << width) - 1 >> 64 * at & U64_MAX for at in range(value.shape[1])], np.uint64)
    of = _FIELD.fields_by_name[kind].message_type
    assert of is not None
    shown = nested(of, "low" if kind == RANGE.name else "value", [shortest(value, width)], count)
    parts = [shown]
    if kind == EXACT.name:
        present = np.ones(count, np.bool_)
    elif kind == LPM.name:
        lengths = np.bitwise_count(mask).sum(axis=1, dtype=np.uint64)
        parts.append(number(of, "prefix_len", lengths))
        present = lengths != 0
    elif kind == OPTIONAL.name:
        present = (mask == full).all(axis=1)
    elif kind == RANGE.name:
        parts.append(nested(of, "high", [shortest(mask, width)], count))
        present = (value != 0).any(axis=1) | (mask != full).any(axis=1)
    else:
        parts.append(nested(of, "mask", [shortest(mask, width)], count))
        present = (mask != 0).any(axis=1)
    numbered = [equal(_FIELD, "field_id", field.id, count), nested(_FIELD, kind, parts, count)]
    return nested(_TABLE_ENTRY, "match", numbered, count).where(present)


def _counts(packets_bytes: Words) -> list[Columns]:
    """The fields of a CounterData, whose integers are signed."""
    packets, bytes_ = (packets_bytes & _SIGNED).T
    return [number(_COUNTER, "byte_count", bytes_), number(_COUNTER, "packet_count", packets)]


def _meter(meter: Words) -> list[Columns]:
    """The fields of a MeterConfig; of a single rate, the last word is the excess burst."""
    single = meter[:, 0] == _SINGLE_RATE
    cir, cburst, pir, burst = meter[:, 1:METER_CONFIG_WORDS].T
    values = {
        "cir": cir,
        "cburst": cburst,
        "pir": np.where(single, cir, pir),
        "pburst": np.where(single, cburst, burst),
        "eburst": np.where(single, burst, np.uint64(0)),
    }
    return [number(_METER, name, value) for name, value in values.items()]
