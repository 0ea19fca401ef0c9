"""bmv2's handles: small numbers that the switch assigns to entries, members and groups, and by which clients name them.

An entry's handle is the smallest free index, with the number of times that index was freed in its top byte; a member's
or group's is the smallest free number. Entries written by P4Runtime clients get handles as well: after another client
has changed a table, its entries are compared with the known ones.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from weakref import WeakKeyDictionary

from softswitch.compat.thrift.errors import TABLES
from softswitch.dataplane.entries import Entry, KeyMatch
from softswitch.dataplane.tables import Table
from softswitch.server.program.config import Config

EntryKey = tuple[tuple[KeyMatch, ...], int]
"""Keys and priority (P4Runtime's, larger wins)."""
_INDEX_BITS = 24
_VERSIONS = 1 << 8


def key_of(entry: Entry) -> EntryKey:
    return entry.keys, entry.priority


class Numbers:
    """Hands out the smallest free numbers."""

    def __init__(self) -> None:
        self._freed: list[int] = []
        self._next = 0

    def take(self) -> int:
        if self._freed:
            return heapq.heappop(self._freed)
        self._next += 1
        return self._next - 1

    def free(self, number: int) -> None:
        heapq.heappush(self._freed, number)

    def copy(self) -> Numbers:
        made = Numbers()
        made._freed, made._next = list(self._freed), self._next
        return made


class EntryHandles:
    """The handles of one table's entries."""

    def __init__(self) -> None:
        self._revision: int | None = None
        self._keys: dict[int, EntryKey] = {}
        self._indices: dict[EntryKey, int] = {}
        self._versions: dict[int, int] = {}
        self._numbers = Numbers()

    def follow(self, table: Table, before: EntryHandles | None = None) -> None:
        """Catches up with changes by other clients. `before`: handles of this table in the previous program; entries
        that were carried over keep them."""
        if self._revision == table.revision:
            return
        found = [key_of(state.entry) for state in table.states()]
        if self._revision is None and before is not None and any(key in before._indices for key in found):
            self._keys, self._indices = dict(before._keys), dict(before._indices)
            self._versions, self._numbers = dict(before._versions), before._numbers.copy()
        there = set(found)
        for key in [key for key in self._indices if key not in there]:
            self._drop(key)
        for key in found:
            if key not in self._indices:
                self._take(key)
        self._revision = table.revision

    def added(self, table: Table, key: EntryKey) -> int:
        """Assigns a handle to an entry that was just inserted, and returns it."""
        self._take(key)
        self._revision = table.revision
        return self.handle(key)

    def removed(self, table: Table, key: EntryKey) -> None:
        self._drop(key)
        self._revision = table.revision

    def handle(self, key: EntryKey) -> int:
        """The handle as the signed number that Thrift carries."""
        index = self._indices[key]
        number = self._versions.get(index, 0) << _INDEX_BITS | index
        return number - (1 << 32) if number >> 31 else number

    def key(self, handle: int, *, any_version: bool = False) -> EntryKey:
        """Raises INVALID_HANDLE, EXPIRED_HANDLE. `any_version`: ignores the top byte, as calls on counters and meters
        do."""
        version, index = (handle & 0xFFFFFFFF) >> _INDEX_BITS, handle & ((1 << _INDEX_BITS) - 1)
        if index not in self._keys:
            TABLES.fail("INVALID_HANDLE")
        if not any_version and version != self._versions.get(index, 0):
            TABLES.fail("EXPIRED_HANDLE")
        return self._keys[index]

    def in_order(self) -> Iterator[tuple[int, EntryKey]]:
        """Handles with their keys, by index."""
        for index in sorted(self._keys):
            yield self.handle(self._keys[index]), self._keys[index]

    def _take(self, key: EntryKey) -> None:
        index = self._numbers.take()
        self._keys[index], self._indices[key] = key, index

    def _drop(self, key: EntryKey) -> None:
        index = self._indices.pop(key)
        del self._keys[index]
        self._versions[index] = (self._versions.get(index, 0) + 1) % _VERSIONS
        self._numbers.free(index)


class IdHandles:
    """The handles of one action profile's members or groups, whose ids P4Runtime clients choose."""

    def __init__(self) -> None:
        self._ids: dict[int, int] = {}
        self._handles: dict[int, int] = {}
        self._numbers = Numbers()

    def follow(self, ids: Collection[int]) -> None:
        """Catches up with changes by other clients."""
        there = set(ids)
        for number in [number for number in self._handles if number not in there]:
            handle = self._handles.pop(number)
            del self._ids[handle]
            self._numbers.free(handle)
        for number in ids:
            if number not in self._handles:
                handle = self._numbers.take()
                self._ids[handle], self._handles[number] = number, handle

    def id(self, handle: int) -> int | None:
        return self._ids.get(handle)

    def handle(self, number: int) -> int:
        return self._handles[number]

    def unused_id(self) -> int:
        """An id for a new member or group: its handle plus one, because 0 is not a valid id."""
        number = self._numbers.take()
        self._numbers.free(number)
        number += 1
        while number in self._handles:
            number += 1
        return number

    def in_order(self) -> list[tuple[int, int]]:
        """Handles with their ids."""
        return sorted(self._ids.items())


class ProgramHandles:
    """The handles of all tables and profiles of one program."""

    def __init__(self, before: ProgramHandles | None) -> None:
        self._before = before
        self._entries: dict[str, EntryHandles] = {}
        self._members: dict[str, IdHandles] = {}
        self._groups: dict[str, IdHandles] = {}

    def entries(self, table: Table) -> EntryHandles:
        before = self._before._entries.get(table.info.name) if self._before is not None else None
        found = self._entries.setdefault(table.info.name, EntryHandles())
        found.follow(table, before)
        return found

    def members(self, config: Config, profile: str) -> IdHandles:
        return _followed(self._members, profile, [one.id for one in config.pipeline.profiles[profile].members()])

    def groups(self, config: Config, profile: str) -> IdHandles:
        return _followed(self._groups, profile, [one.id for one in config.pipeline.profiles[profile].groups()])

    def forget_before(self) -> None:
        """Releases the handles of the previous program, which the next one does not need."""
        self._before = None


def _followed(known: dict[str, IdHandles], profile: str, ids: list[int]) -> IdHandles:
    found = known.setdefault(profile, IdHandles())
    found.follow(ids)
    return found


class AllHandles:
    """The handles of all programs that a device holds."""

    def __init__(self) -> None:
        self._by_program: WeakKeyDictionary[Config, ProgramHandles] = WeakKeyDictionary()
        self._latest: ProgramHandles | None = None

    def of(self, config: Config) -> ProgramHandles:
        found = self._by_program.get(config)
        if found is None:
            if self._latest is not None:
                self._latest.forget_before()
            found = self._by_program[config] = self._latest = ProgramHandles(self._latest)
        return found
