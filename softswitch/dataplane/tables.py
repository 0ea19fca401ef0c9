"""Tables as controllers see them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from ctypes import addressof, byref, c_uint32
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from p4front.match_kinds import LPM, MATCH_KINDS, Operand, need_priority
from softswitch.dataplane import native
from softswitch.dataplane.entries import (
    ColourCounts,
    CounterValue,
    DefaultEntry,
    Entry,
    EntryState,
    MeterConfig,
    MeterState,
    WeightedAction,
)
from softswitch.dataplane.handle import PipelineHandle
from softswitch.dataplane.interface import interface
from softswitch.dataplane.native import (
    BY_ACTION,
    BY_GROUP,
    BY_MEMBER,
    DEFAULT_SLOT,
    DELETE,
    INSERT,
    METER_WORDS,
    MODIFY,
    NO_ACTION,
)
from softswitch.dataplane.profiles import Profile
from softswitch.dataplane.rows import (
    READ_BYTES,
    READ_CONST,
    READ_HEAD,
    READ_IDLE,
    READ_KIND,
    READ_ORDER,
    READ_PACKETS,
    READ_PRIORITY,
    READ_REFERENCE,
    READ_SLOT,
    READ_UNUSED,
    ROW_HEAD,
    TableRows,
    address,
    decode_meter,
    encode_counts,
    packed,
)
from softswitch.errors import BadEntry, ConstantTable, EntryNotFound, ObjectNotFound, PipelineLoadError
from softswitch.model import ActionInfo, TableInfo

_Key = tuple[tuple[int, ...], int]  # value and mask words, priority
_Carry: Any = interface().structs["ss_table_carry"]


class Table:
    """One table of a loaded pipeline.

    Writing one entry is one step to packets. Of many, packets see some before others, unless inside a safe point.

    Errors: BadEntry (does not fit the table), TableFull, EntryExists, EntryNotFound, ConstantTable, Closed.
    """

    def __init__(self, handle: PipelineHandle, info: TableInfo, profile: Profile | None) -> None:
        self.info = info
        self.profile = profile
        self._handle = handle
        with handle.use() as pipeline:
            lib = native.library()
            self.pointer = lib.ss_pipeline_table(pipeline, info.index)
            self.layout = TableRows(info, lib.ss_table_data_words(self.pointer))
            if lib.ss_table_row_words(self.pointer) != self.layout.row_words:
                raise PipelineLoadError(f"table {info.name} is not described as its shared object has it")
        kinds = [key.match for key in info.keys]
        self.has_priorities = kinds.count(LPM.name) > 1 or need_priority(kinds)
        self.revision = 0
        """Another one whenever entries have come or gone."""
        self._metadata: dict[_Key, bytes] = {}
        self._sets: dict[_Key, tuple[int, Entry]] = {}  # hidden group, and the entry with the action set
        self._carried: dict[_Key, Entry] = {}  # of those with notes: what came from another program

    # ---- entries ----

    def insert(self, entry: Entry) -> None:
        self.insert_many((entry,))

    def modify(self, entry: Entry) -> None:
        """Gives the entry with the same keys (and priority) another action, time-out and metadata."""
        self.modify_many((entry,))

    def delete(self, entry: Entry) -> None:
        """Removes the entry with the same keys (and priority); what it does is not compared."""
        self.delete_many((entry,))

    def insert_many(self, entries: Iterable[Entry]) -> None:
        """In turn up to the first that fails; those before it stay."""
        self._write(INSERT, list(entries))

    def modify_many(self, entries: Iterable[Entry]) -> None:
        self._write(MODIFY, list(entries))

    def delete_many(self, entries: Iterable[Entry]) -> None:
        self._write(DELETE, list(entries))

    def entries(self) -> list[Entry]:
        """All entries in the order of their insertion, the program's own first."""
        return [state.entry for state in self.states()]

    def states(self, *, expired_only: bool = False) -> list[EntryState]:
        """All entries with their direct counters; `expired_only`: those idle for longer than their time-out."""
        width = self.layout.read_words
        with self._handle.use():
            memory, count = self._read(expired_only)
        rows = [memory[at : at + width] for at in range(0, count * width, width)]
        rows.sort(key=lambda row: row[READ_ORDER])
        return [self._state(row) for row in rows]

    def snapshot(self) -> NDArray[np.uint64] | None:
        """`ss_read_row` of all entries in the order of their insertion; None: some entries have notes."""
        with self._handle.use():
            if self.has_notes:
                return None
            memory, count = self._read(False)
        rows = np.frombuffer(memory, np.uint64).reshape(-1, self.layout.read_words)[:count]
        return rows[np.argsort(rows[:, READ_ORDER])]

    def expired(self) -> list[Entry]:
        return [state.entry for state in self.states(expired_only=True)]

    def find(self, entry: Entry) -> EntryState | None:
        """The entry with these keys (and priority) as it is now."""
        try:
            return self._state(self._find(entry))
        except EntryNotFound:
            return None

    def clear(self) -> None:
        """Removes all entries but those that are `const` in the program."""
        self._check_entries_writable()
        with self._handle.use():
            native.library().ss_table_clear(self.pointer)
            if self.profile is not None:
                for group, _ in self._sets.values():
                    self.profile.drop_hidden_group(group)
            self.forget_notes()

    @property
    def data_words(self) -> int:
        """Of a row, for the action that has the most."""
        return self.layout.data_words

    @property
    def has_notes(self) -> bool:
        """Whether some entries have metadata or action sets, which are kept apart from the rows."""
        return bool(self._metadata or self._sets)

    def write_rows(self, operation: int, rows: list[int]) -> int:
        """Rows that fit the table, as `ss_row` of api.h, without notes: in turn up to the first that is refused.
        Returns how many were written."""
        with self._handle.use():
            return self._put(operation, rows)[1]

    def carry_from(self, old: Table) -> int:
        """Entries of a table with the same keys in another program of the switch (ss_table_carry_entries of api.h).
        Packets may use that one meanwhile, but not this one. Returns how many. Raises also BadEntry for an entry with
        an action that is not here as it is there."""
        if self.info.keys != old.info.keys:
            raise BadEntry(f"tables {old.info.name} and {self.info.name} have different keys")
        self._check_entries_writable()
        with self._handle.use():
            if old.action_sets or self._sets:
                return self._carry_one_by_one(old)
            numbers = [
                NO_ACTION if (found := self.same_action(action)) is None else found.index for action in old.info.actions
            ]
            actions = (c_uint32 * max(1, len(numbers)))(*numbers)
            carry = _Carry(
                to=self.pointer,
                actions=addressof(actions),
                idle_timeouts=int(self.info.idle_timeout),
                counters=int(bool(self.info.direct_counter and old.info.direct_counter)),
                meters=int(bool(self.info.direct_meter and old.info.direct_meter)),
                **{"from": old.pointer},
            )
            self.revision += 1
            status = native.library().ss_table_carry_entries(addressof(carry))
            self._carry_notes(old)
            native.check(status)
            return int(carry.carried)

    def same_action(self, action: ActionInfo) -> ActionInfo | None:
        """The action of this table that takes the same parameters as one of another program, and is for entries."""
        found = self.layout.actions.get(action.name)
        same = found is not None and found.params == action.params and found.scope in ("", action.scope)
        return found if same else None

    def _carry_notes(self, old: Table) -> None:
        if not old._metadata and not self._carried:
            return
        const = {self._key_of(state.entry) for state in self.states() if state.const} if len(self) else set()
        for key in self._carried:
            self._metadata.pop(key, None)
        self._carried = {key: Entry(()) for key in old._metadata if key not in const}
        self._metadata |= {key: old._metadata[key] for key in self._carried}

    def _carry_one_by_one(self, old: Table) -> int:
        """Where an entry is more than a row."""
        states = {self._key_of(state.entry): state for state in old.states() if not state.const}
        for key in self._carried.keys() - states.keys():
            if self.find(self._carried[key]) is not None:
                self.delete(self._carried[key])
        self._carried = {}
        for key, state in states.items():
            entry = replace(state.entry, idle_timeout_ns=state.entry.idle_timeout_ns if self.info.idle_timeout else 0)
            there = self.find(entry)
            if there is not None and there.const:
                continue
            (self.insert if there is None else self.modify)(entry)
            self._carried[key] = entry
            if self.info.direct_counter and old.info.direct_counter:
                self.set_direct_counter(entry, state.counter)
            if self.info.direct_meter and state.meter is not None:
                self.set_direct_meter(entry, state.meter.config)
        return len(self._carried)

    def _key_of(self, entry: Entry) -> _Key:
        return self._key(self._row(DELETE, entry)[ROW_HEAD:], entry.priority)

    def __len__(self) -> int:
        with self._handle.use():
            return int(native.library().ss_table_entry_count(self.pointer))

    @property
    def action_sets(self) -> int:
        """How many entries have an action set."""
        return len(self._sets)

    # ---- the default action ----

    def set_default(self, action: str, params: Sequence[int] = ()) -> None:
        if self.info.const_default:
            raise ConstantTable(f"the default action of table {self.info.name} is const")
        found = self.layout.action(action)
        if found.scope == "tableonly":
            raise BadEntry(f"action {action} of table {self.info.name} is @tableonly, hence not a default action")
        data = packed([*self.layout.data(found, params), 0])
        with self._handle.use():
            native.check(native.library().ss_table_set_default(self.pointer, found.index, address(data)))

    def reset_default(self) -> None:
        """Back to the program's own."""
        with self._handle.use():
            native.library().ss_table_reset_default(self.pointer)

    def put_default(self, default: DefaultEntry) -> None:
        """One of another table, or as it was before. Raises EntryNotFound for a member or group that is not there."""
        if default.member is None and default.group is None:
            if self.profile is not None:  # the program's own, as no other can be set
                self.reset_default()
            else:
                self.set_default(default.action, default.params)
            return
        if self.info.const_default:
            raise ConstantTable(f"the default action of table {self.info.name} is const")
        kind, number = (BY_GROUP, default.group) if default.member is None else (BY_MEMBER, default.member)
        with self._handle.use():
            native.check(native.library().ss_table_refer_default(self.pointer, kind, number))

    def default(self) -> DefaultEntry:
        index, row, _, (kind, number) = self._get_default()
        if kind == BY_MEMBER:
            return DefaultEntry("", member=number)
        if kind == BY_GROUP:
            return DefaultEntry("", group=number)
        return DefaultEntry(*self.layout.decode_action(index, row, 0))

    def default_counter(self) -> CounterValue:
        return self._get_default()[2]

    # ---- counters, meters, statistics ----

    def direct_counter(self, entry: Entry) -> CounterValue:
        row = self._find(entry)
        return CounterValue(row[READ_PACKETS], row[READ_BYTES])

    def set_direct_counter(self, entry: Entry, value: CounterValue) -> None:
        if not self.info.direct_counter:
            raise ObjectNotFound(f"table {self.info.name} has no direct counter")
        with self._handle.use():
            slot = self._find(entry)[READ_SLOT]
            words = packed(value)
            native.check(native.library().ss_table_set_counter(self.pointer, slot, address(words)))

    def set_default_counter(self, value: CounterValue) -> None:
        words = packed(value)
        with self._handle.use():
            native.check(native.library().ss_table_set_counter(self.pointer, DEFAULT_SLOT, address(words)))

    def direct_meter(self, entry: Entry | None) -> MeterConfig | None:
        """Of an entry, or None: of the default entry. None: not configured, everything is green."""
        return self.direct_meter_state(entry).config

    def direct_meter_state(self, entry: Entry | None) -> MeterState:
        """Configuration and counts of each colour; `entry` as above."""
        words = packed([0] * METER_WORDS)
        with self._handle.use():
            native.check(native.library().ss_table_get_meter(self.pointer, self._slot(entry), address(words)))
        return decode_meter(words)

    def set_direct_meter(self, entry: Entry | None, config: MeterConfig | None) -> None:
        """Of an entry, or None: of the default entry. Its buckets are full again; its counts stay."""
        words = packed(config.words()) if config else None
        with self._handle.use():
            slot = self._slot(entry)
            native.check(native.library().ss_table_set_meter(self.pointer, slot, address(words) if words else None))

    def set_meter_counts(self, entry: Entry | None, counts: ColourCounts) -> None:
        """Sets what the direct meter of an entry (None: the default entry) has marked."""
        words = packed(encode_counts(counts))
        with self._handle.use():
            slot = self._slot(entry)
            native.check(native.library().ss_table_set_meter_counts(self.pointer, slot, address(words)))

    def _slot(self, entry: Entry | None) -> int:
        return DEFAULT_SLOT if entry is None else self._find(entry)[READ_SLOT]

    def hits_misses(self) -> tuple[int, int]:
        """Lookups since loading."""
        words = packed([0, 0])
        with self._handle.use():
            native.library().ss_table_stats(self.pointer, address(words))
        return words[0], words[1]

    # ---- inside ----

    def _check_entries_writable(self) -> None:
        if self.info.const_entries:
            raise ConstantTable(f"the entries of table {self.info.name} are const")

    def _write(self, operation: int, entries: list[Entry]) -> None:
        self._check_entries_writable()
        with self._handle.use():
            if any(entry.action_set or entry.metadata for entry in entries) or self._metadata or self._sets:
                for entry in entries:
                    self._write_noted(operation, entry)
                return
            rows: list[int] = []
            bad: BadEntry | None = None
            for entry in entries:
                try:
                    rows.extend(self._row(operation, entry))
                except BadEntry as error:  # the ones before it are still written
                    bad = error
                    break
            native.check(self._put(operation, rows)[0])
            if bad:
                raise bad

    def _put(self, operation: int, rows: list[int]) -> tuple[int, int]:
        """Returns the status, and how many were written."""
        memory, done = packed(rows), c_uint32()
        count = len(rows) // self.layout.row_words
        self.revision += operation != MODIFY
        status = native.library().ss_table_write(self.pointer, operation, count, address(memory), byref(done), None)
        return status, done.value

    def _write_noted(self, operation: int, entry: Entry) -> None:
        """An entry with metadata or an action set, which are kept on this side."""
        group = None
        if entry.action_set and operation != DELETE:
            if self.profile is None:
                raise BadEntry(f"table {self.info.name} has no action selector for an action set")
            self._row(
                operation, Entry(entry.keys, group=0, priority=entry.priority)
            )  # so that a bad one makes no group
            group = self.profile.make_hidden_group(entry.action_set)
            entry = replace(entry, group=group)
        try:
            row = self._row(operation, entry)
            native.check(self._put(operation, row)[0])
        except Exception:
            if group is not None and self.profile is not None:
                self.profile.drop_hidden_group(group)
            raise
        key = self._key(row[ROW_HEAD:], entry.priority)
        old = self._sets.pop(key, None)
        if old is not None and self.profile is not None:
            self.profile.drop_hidden_group(old[0])
        self._metadata.pop(key, None)
        if operation != DELETE:
            if entry.metadata:
                self._metadata[key] = entry.metadata
            if group is not None:
                self._sets[key] = (group, entry)

    def _key(self, words: Sequence[int], priority: int) -> _Key:
        """The identity of an entry: its normalised keys, as the runtime compares them."""
        count = self.layout.keys.words
        values, masks = words[:count], words[count : 2 * count]
        ranged = any(MATCH_KINDS[field.match].operand is Operand.HIGH for field in self.layout.keys.fields)
        normal = tuple(values) if ranged else tuple(v & m for v, m in zip(values, masks, strict=True))
        return (*normal, *masks), priority if self.has_priorities else 0

    def _row(self, operation: int, entry: Entry) -> list[int]:
        rows = self.layout
        if operation == DELETE:
            return rows.row(entry, BY_ACTION, 0, [0] * rows.data_words)
        if entry.member is not None:
            return rows.row(entry, BY_MEMBER, entry.member, [0] * rows.data_words)
        if entry.group is not None:
            return rows.row(entry, BY_GROUP, entry.group, [0] * rows.data_words)
        if self.profile is not None:
            raise BadEntry(
                f"table {self.info.name} uses an action profile: the entry needs a member, group or action set"
            )
        action = rows.action(entry.action)
        if action.scope == "defaultonly":
            raise BadEntry(f"action {action.name} of table {self.info.name} is @defaultonly")
        return rows.row(entry, BY_ACTION, action.index, rows.data(action, entry.params))

    def _read(self, expired_only: bool) -> tuple[array[int], int]:
        lib = native.library()
        capacity = lib.ss_table_entry_count(self.pointer)
        memory = array("Q", bytes(8 * self.layout.read_words * max(capacity, 1)))
        return memory, lib.ss_table_read(self.pointer, address(memory), capacity, expired_only)

    def _find(self, entry: Entry) -> array[int]:
        row = packed(self._row(DELETE, entry))
        found = array("Q", bytes(8 * self.layout.read_words))
        with self._handle.use():
            native.check(native.library().ss_table_find(self.pointer, address(row), address(found)))
        return found

    def _state(self, row: array[int]) -> EntryState:
        rows = self.layout
        priority = row[READ_PRIORITY] - (1 << 64) if row[READ_PRIORITY] >> 63 else row[READ_PRIORITY]
        keys = rows.keys.decode(row, READ_HEAD)
        key = self._key(row[READ_HEAD:], priority) if self._metadata or self._sets else None
        kind, reference = row[READ_KIND], row[READ_REFERENCE]
        action, params = "", tuple[int, ...]()
        member: int | None = None
        group: int | None = None
        action_set: tuple[WeightedAction, ...] = ()
        set_modes = (0, 0)
        if kind == BY_ACTION:
            action, params = rows.decode_action(reference, row, READ_HEAD + 2 * rows.keys.words)
        elif kind == BY_MEMBER:
            member = reference
        elif key is not None and key in self._sets:
            noted = self._sets[key][1]
            action_set, set_modes = noted.action_set, noted.set_modes
        else:
            group = reference
        entry = Entry(
            keys=keys,
            action=action,
            params=params,
            priority=priority if self.has_priorities else 0,
            member=member,
            group=group,
            action_set=action_set,
            idle_timeout_ns=row[READ_IDLE],
            metadata=self._metadata.get(key, b"") if key is not None else b"",
            set_modes=set_modes,
        )
        meter = decode_meter(row, rows.meter_at) if self.info.direct_meter else None
        return EntryState(
            entry, CounterValue(row[READ_PACKETS], row[READ_BYTES]), row[READ_UNUSED], bool(row[READ_CONST]), meter
        )

    def _get_default(self) -> tuple[int, array[int], CounterValue, tuple[int, int]]:
        """Number of the action, its data, what is counted, and what is referred to instead (ss_reference, id)."""
        index = c_uint32()
        row = packed([0] * (self.layout.data_words + 1))
        counter, instead = packed([0, 0]), packed([0, 0])
        with self._handle.use():
            native.library().ss_table_get_default(
                self.pointer, byref(index), address(row), address(counter), address(instead)
            )
        return index.value, row, CounterValue(counter[0], counter[1]), (instead[0], instead[1])

    def forget_notes(self) -> None:
        """After the entries and their action sets are gone."""
        self.revision += 1
        self._metadata.clear()
        self._sets.clear()
        self._carried.clear()
