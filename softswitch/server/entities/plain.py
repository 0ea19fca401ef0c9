"""A fast path for ordinary table entries: from messages straight to rows of the runtime, many in one call.

Anything special or invalid is left to `table_writes`, which knows all rules and reports errors; the row is `None` here.
So nothing is checked twice, and each error has one text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from finsy.proto import p4r

from p4front.match_kinds import EXACT, LPM, MATCH_KINDS, OPTIONAL, RANGE, TERNARY
from softswitch.dataplane.native import BY_ACTION, U64_MAX
from softswitch.dataplane.tables import Table
from softswitch.model import words
from softswitch.proto.update_kinds import DELETE, INSERT, MODIFY
from softswitch.server.entities.actions import DEFAULT_ONLY
from softswitch.server.program.config import Config
from softswitch.server.program.index import MatchView, TableView

MAX_ROWS = 1024
"""Rows that are written in one safe point."""

_Match = Callable[[p4r.FieldMatch, int, int], tuple[int, int] | None]
_SPECIAL = ("counter_data", "meter_config", "meter_counter_data", "time_since_last_hit")


def _number(data: bytes, full: int) -> int:
    """The number; -1 if it is not a value of the field."""
    value = int.from_bytes(data, "big") if data else -1
    return value if value <= full else -1


def _exact(match: p4r.FieldMatch, width: int, full: int) -> tuple[int, int] | None:
    value = _number(match.exact.value, full)
    return None if value < 0 else (value, full)


def _optional(match: p4r.FieldMatch, width: int, full: int) -> tuple[int, int] | None:
    if not match.HasField("optional"):
        return None
    value = _number(match.optional.value, full)
    return None if value < 0 else (value, full)


def _lpm(match: p4r.FieldMatch, width: int, full: int) -> tuple[int, int] | None:
    value, prefix = _number(match.lpm.value, full), match.lpm.prefix_len
    if value < 0 or not 0 < prefix <= width:
        return None
    mask = full >> (width - prefix) << (width - prefix)
    return None if value & ~mask else (value, mask)


def _ternary(match: p4r.FieldMatch, width: int, full: int) -> tuple[int, int] | None:
    value, mask = _number(match.ternary.value, full), _number(match.ternary.mask, full)
    return None if value < 0 or mask <= 0 or value & ~mask else (value, mask)


def _range(match: p4r.FieldMatch, width: int, full: int) -> tuple[int, int] | None:
    low, high = _number(match.range.low, full), _number(match.range.high, full)
    return None if low < 0 or high < low or (low == 0 and high == full) else (low, high)


_MATCHES: dict[str, _Match] = {
    EXACT.name: _exact,
    LPM.name: _lpm,
    TERNARY.name: _ternary,
    RANGE.name: _range,
    OPTIONAL.name: _optional,
}
"""How each kind of match becomes value and mask (low and high for ranges)."""


@dataclass(frozen=True)
class _Field:
    """`absent`: value and mask if the field is omitted; None: it must be present."""

    match: _Match
    width: int
    full: int
    words: int
    absent: tuple[int, int] | None


@dataclass(frozen=True)
class _Action:
    """`params`: id -> (position, largest value); `sizes`: words of each parameter, in order."""

    index: int
    params: dict[int, tuple[int, int]]
    sizes: tuple[int, ...]


class PlainTable:
    """A table whose entries can take the fast path: no action profile, no const entries, no translated names."""

    def __init__(self, view: TableView, table: Table, actions: dict[int, _Action]) -> None:
        self.table = table
        self._view = view
        fields = [_field(field) for field in view.fields]
        self._fields = {field.id: (at, fields[at]) for at, field in enumerate(view.fields)}
        self._absent = [field.absent for field in fields]
        self._sizes = [words(field.key.width) for field in view.fields]
        self._wide = any(size > 1 for size in self._sizes)
        self._actions = actions
        self._data_words = table.data_words
        self._resets_meter = bool(view.info.direct_meter)

    def takes(self, kind: int) -> bool:
        """Whether writes of this kind can take the fast path; entries with notes need the general one, except new
        ones."""
        if kind == INSERT:
            return True
        return not self.table.has_notes and (kind == DELETE or (kind == MODIFY and not self._resets_meter))

    def row(self, kind: int, entry: p4r.TableEntry) -> list[int] | None:
        """The row for an entry; None: it needs the general path."""
        priority, idle_ns = entry.priority, entry.idle_timeout_ns
        if entry.is_default_action or entry.is_const or (priority <= 0 if self._view.needs_priority else priority):
            return None
        keys = self._keys(entry)
        if keys is None:
            return None
        if kind == DELETE:
            return [priority, BY_ACTION, 0, 0, *keys, *([0] * self._data_words)]
        if (
            entry.controller_metadata
            or entry.metadata
            or (idle_ns and (idle_ns < 0 or not self._view.info.idle_timeout))
        ):
            return None
        for name in _SPECIAL:
            if entry.HasField(name):  # type: ignore[arg-type]
                return None
        if not entry.action.HasField("action"):
            return None
        message = entry.action.action
        action = self._actions.get(message.action_id)
        data = None if action is None else self._data(action, message.params)
        return None if action is None or data is None else [priority, BY_ACTION, action.index, idle_ns, *keys, *data]

    def _keys(self, entry: p4r.TableEntry) -> list[int] | None:
        found = list(self._absent)
        given = 0
        for match in entry.match:
            at, field = self._fields.get(match.field_id, (-1, None))
            if field is None:
                return None
            given |= 1 << at
            found[at] = field.match(match, field.width, field.full)
            if found[at] is None:
                return None
        if None in found or given.bit_count() != len(entry.match):
            return None
        values, masks = zip(*found, strict=True)
        return _split((*values, *masks), self._sizes * 2) if self._wide else [*values, *masks]

    def _data(self, action: _Action, params: Sequence[p4r.Action.Param]) -> list[int] | None:
        if len(params) != len(action.params):
            return None
        values = [-1] * len(params)
        for param in params:
            at, full = action.params.get(param.param_id, (-1, 0))
            if at < 0 or values[at] >= 0:
                return None
            values[at] = _number(param.value, full)
        if -1 in values:
            return None
        data = _split(values, action.sizes)
        return data + [0] * (self._data_words - len(data))


def _field(view: MatchView) -> _Field:
    kind, width = MATCH_KINDS[view.key.match], view.key.width
    absent = kind.anything(width) if kind.optional_field else None
    return _Field(_MATCHES[kind.name], width, (1 << width) - 1, words(width), absent)


def _split(values: Sequence[int], sizes: Sequence[int]) -> list[int]:
    """Values as words, least significant first."""
    found: list[int] = []
    for value, size in zip(values, sizes, strict=True):
        found.append(value & U64_MAX)
        for at in range(1, size):
            found.append(value >> 64 * at & U64_MAX)
    return found


def plain_table(config: Config, number: int) -> PlainTable | None:
    """The table with this id, if its entries can take the fast path."""
    view = config.index.tables.get(number)
    if view is None or view.profile is not None or view.info.const_entries or not view.fields:
        return None
    if any(field.codec.names is not None for field in view.fields):
        return None
    actions = {}
    infos = {action.name: action for action in view.info.actions}
    for action_id, scope in view.scopes.items():
        action = config.index.actions.get(action_id)
        info = infos.get(action.name) if action is not None else None
        if action is None or info is None or scope == DEFAULT_ONLY or info.scope == "defaultonly":
            continue
        codecs = [codec for _, codec in action.params]
        if any(codec.names is not None for codec in codecs) or len(codecs) != len(info.params):
            continue
        params = {param_id: (at, (1 << codec.width) - 1) for at, (param_id, codec) in enumerate(action.params)}
        actions[action_id] = _Action(info.index, params, tuple(words(param.width) for param in info.params))
    return PlainTable(view, config.pipeline.tables[view.name], actions)
