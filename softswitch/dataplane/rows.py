"""Entries as the C runtime takes them: rows of 64-bit words (runtime/api.h, "tables").

A key field or parameter of W bits takes ceil(W / 64) words (at least one), least significant first. Every value is
checked against its width here, so that the runtime never sees one that does not fit.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from p4front.match_kinds import MATCH_KINDS
from softswitch.dataplane.entries import (
    MATCH_CLASSES,
    ColourCounts,
    CounterValue,
    Entry,
    Exact,
    KeyMatch,
    Lpm,
    MeterState,
    Optional,
    Range,
    Ternary,
    meter_config,
)
from softswitch.dataplane.interface import interface
from softswitch.dataplane.native import METER_CONFIG_WORDS, METER_WORDS, U64_MAX
from softswitch.errors import BadEntry
from softswitch.model import ActionInfo, ActionParam, KeyField, TableInfo, words

ROW_NAMES, READ_NAMES = interface().enums["ss_row"][:-1], interface().enums["ss_read_row"][:-1]
ROW_HEAD, READ_HEAD = len(ROW_NAMES), len(READ_NAMES)


def _position(name: str) -> int:
    return interface().constants[f"SS_READ_{name}"]


READ_ORDER, READ_SLOT, READ_PRIORITY, READ_KIND = map(_position, ("ORDER", "SLOT", "PRIORITY", "KIND"))
READ_REFERENCE, READ_IDLE, READ_UNUSED = map(_position, ("REFERENCE", "IDLE_NS", "UNUSED_NS"))
READ_PACKETS, READ_BYTES, READ_CONST = map(_position, ("PACKETS", "BYTES", "CONST"))


def put_words(value: int, count: int, out: list[int]) -> None:
    if count == 1:
        out.append(value)
        return
    for _ in range(count):
        out.append(value & U64_MAX)
        value >>= 64


def get_words(row: Sequence[int], at: int, count: int) -> int:
    if count == 1:
        return int(row[at])
    value = 0
    for i in range(count):
        value |= int(row[at + i]) << (64 * i)
    return value


def prefix_mask(width: int, prefix: int) -> int:
    return ((1 << prefix) - 1) << (width - prefix)


class Keys:
    """The match keys of a table or value set: matches to value and mask words, and back."""

    def __init__(self, owner: str, fields: Sequence[KeyField]) -> None:
        self.owner = owner
        self.fields = tuple(field for field in fields if MATCH_KINDS[field.match].matched)
        self._layout = tuple(
            (field, MATCH_CLASSES[field.match], words(field.width), (1 << field.width) - 1) for field in self.fields
        )
        self.words = sum(count for _, _, count, _ in self._layout)

    def encode(self, matches: Sequence[KeyMatch]) -> tuple[list[int], list[int]]:
        """Raises BadEntry when number, kind or width of the matches is not that of the fields."""
        if len(matches) != len(self._layout):
            names = ", ".join(field.name for field in self.fields) or "none"
            raise BadEntry(f"{self.owner} has {len(self._layout)} keys ({names}), the entry has {len(matches)}")
        value_words: list[int] = []
        mask_words: list[int] = []
        for match, (field, kind, count, full) in zip(matches, self._layout, strict=True):
            if match.__class__ is not kind:
                raise BadEntry(f"{self.owner}: key {field.name} is {field.match}, the entry has {match}")
            value, mask = _value_and_mask(match, field.width, full)
            if not (0 <= value <= full and 0 <= mask <= full):
                raise BadEntry(f"{self.owner}: {match} does not fit key {field.name}, which has {field.width} bits")
            put_words(value, count, value_words)
            put_words(mask, count, mask_words)
        return value_words, mask_words

    def decode(self, row: Sequence[int], value_at: int) -> tuple[KeyMatch, ...]:
        matches: list[KeyMatch] = []
        mask_at = value_at + self.words
        for field, kind, count, full in self._layout:
            value = get_words(row, value_at, count)
            mask = get_words(row, mask_at, count)
            value_at += count
            mask_at += count
            if kind is Exact:
                matches.append(Exact(value))
            elif kind is Lpm:
                matches.append(Lpm(value, mask.bit_count() if mask else 0))
            elif kind is Ternary:
                matches.append(Ternary(value, mask))
            elif kind is Range:
                matches.append(Range(value, mask))
            else:
                matches.append(Optional(value if mask == full else None))
            del field
        return tuple(matches)


def _value_and_mask(match: KeyMatch, width: int, full: int) -> tuple[int, int]:
    if isinstance(match, Exact):
        return match.value, full
    if isinstance(match, Lpm):
        return match.value, prefix_mask(width, match.prefix) if 0 <= match.prefix <= width else -1
    if isinstance(match, Ternary):
        return match.value, match.mask
    if isinstance(match, Range):
        return match.low, match.high
    return (0, 0) if match.value is None else (match.value, full)


class TableRows:
    """Entries of one table to rows, and rows that were read back to entries."""

    def __init__(self, info: TableInfo, data_words: int) -> None:
        self.info = info
        self.keys = Keys(f"table {info.name}", info.keys)
        self.actions = {action.name: action for action in info.actions}
        self.data_words = data_words
        self.row_words = ROW_HEAD + 2 * self.keys.words + data_words
        self.meter_at = READ_HEAD + 2 * self.keys.words + data_words
        self.read_words = self.meter_at + (METER_WORDS if info.direct_meter else 0)

    def action(self, name: str) -> ActionInfo:
        found = self.actions.get(name)
        if found is None:
            raise BadEntry(f"table {self.info.name} has no action {name}; it has {', '.join(self.actions)}")
        return found

    def data(self, action: ActionInfo, params: Sequence[int]) -> list[int]:
        return encode_params(f"table {self.info.name}", action, params, self.data_words)

    def row(self, entry: Entry, kind: int, reference: int, data: list[int]) -> list[int]:
        value, mask = self.keys.encode(entry.keys)
        if not -(1 << 31) <= entry.priority < 1 << 31:
            raise BadEntry(f"table {self.info.name}: priority {entry.priority} is not a 32-bit integer")
        return [entry.priority & U64_MAX, kind, reference, entry.idle_timeout_ns, *value, *mask, *data]  # ROW_NAMES

    def decode_action(self, index: int, row: Sequence[int], at: int) -> tuple[str, tuple[int, ...]]:
        if index >= len(self.info.actions):
            return "", ()
        action = self.info.actions[index]
        return action.name, decode_params(action.params, row, at)


def encode_params(owner: str, action: ActionInfo, params: Sequence[int], data_words: int) -> list[int]:
    """Parameters as `data_words` words. Raises BadEntry for a wrong number, or a value that does not fit."""
    if len(params) != len(action.params):
        names = ", ".join(param.name for param in action.params) or "none"
        raise BadEntry(
            f"{owner}: action {action.name} takes {len(action.params)} parameters ({names}), not {len(params)}"
        )
    data: list[int] = []
    for value, param in zip(params, action.params, strict=True):
        if param.signed and value < 0:
            value += 1 << param.width
        if value < 0 or value >> param.width:
            where = f"parameter {param.name} of action {action.name}"
            raise BadEntry(f"{owner}: {value} does not fit {where}, which has {param.width} bits")
        put_words(value, words(param.width), data)
    data.extend([0] * (data_words - len(data)))
    return data


def decode_params(params: Sequence[ActionParam], row: Sequence[int], at: int) -> tuple[int, ...]:
    values: list[int] = []
    for param in params:
        count = words(param.width)
        values.append(get_words(row, at, count))
        at += count
    return tuple(values)


def decode_meter(row: Sequence[int], at: int = 0) -> MeterState:
    """METER_WORDS of a row that was read."""
    words_ = [int(word) for word in row[at : at + METER_WORDS]]
    config = meter_config(words_)
    counts = words_[METER_CONFIG_WORDS:]
    green, yellow, red = (CounterValue(*counts[i : i + 2]) for i in (0, 2, 4))
    return MeterState(config, ColourCounts(green, yellow, red))


def encode_counts(counts: ColourCounts) -> list[int]:
    return [number for value in counts for number in value]


def packed(rows: Sequence[int]) -> array[int]:
    """Words in memory that C can read (`.buffer_info()[0]` is the address)."""
    return array("Q", rows)


def address(memory: array[int]) -> int:
    return memory.buffer_info()[0]
