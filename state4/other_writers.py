"""Other controllers write while the program is being replaced: no acknowledged write of theirs is lost.

A switch that records writes (`Follows`) reports them until few are left; then writers are blocked, the rest is applied,
and the program is changed. Every strategy goes through this code, because `Synchroniser.settle` (in `commit`, for most)
calls it. A switch that records no writes is read a second time, just before the new program is saved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from finsy.proto import p4r

from state4.carried_entries import CarriedInSwitch
from state4.errors import ProgramChanged
from state4.events import EventLog
from state4.plan.change import Change
from state4.plan.entities import ORDER, entity_identity, kind_of, wanted_entities
from state4.plan.translator import Translation
from state4.plan.written import WrittenCells, translate_written
from state4.targets.abilities import Follow, Written
from state4.targets.base import Target
from state4.values import Cells, CellWrites, RegisterSpec

MAX_ROUNDS = 8
FEW_KEYS = 16
"""Rounds before writers are blocked stop when one transfers no more than this."""


class OtherWriters:
    """`inexact`: what was written and is not in the new program, in words. `replication`: groups and sessions of the
    switch that were written, by key. All methods raise TargetError."""

    def __init__(self, target: Target, change: Change, events: EventLog, *, verified: bool = False) -> None:
        self.carrier = CarriedInSwitch(target, change, events, shown=verified)
        self._target = target
        self._change = change
        self._events = events
        self._follow: Follow | None = None
        self._brought: dict[bytes, p4r.Entity] = {}
        self._cells: dict[tuple[str, int, int], WrittenCells] = {}
        self._lost: dict[str, None] = {}
        # With whether it is to be there, and why it is not.
        self._pending: dict[bytes, tuple[p4r.Entity, bool, str]] = {}
        self._read: list[p4r.Entity] | None = None
        self.newest: Translation | None = None
        """Differences found by a second read, on a switch that does not record writes."""
        self.replication: set[bytes] = set()

    @property
    def inexact(self) -> tuple[str, ...]:
        return (*self._lost, *(f"another controller's write: {why}" for _, _, why in self._pending.values()))

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Records all writes from here to the end. Raises ProgramChanged if the plan is for a program that no longer
        runs."""
        follows = self._target.abilities.follows
        if follows is None:
            yield
            return
        with follows.follow() as follow:
            self._follow = self.carrier.follow = follow
            try:
                if self._target.running() != self._change.old:
                    raise ProgramChanged(
                        "another controller has changed the program since the plan was made; try again"
                    )
                yield
            finally:
                self._follow = self.carrier.follow = None

    @property
    def given(self) -> list[p4r.Entity]:
        """All entries that the new program was given."""
        return list(self._brought.values())

    def brought(self, updates: Sequence[p4r.Update]) -> None:
        """The new program was given these entries."""
        self._brought |= {entity_identity(update.entity): update.entity for update in updates}

    # ------------------------------------------------------------ with notes

    def hold(self) -> None:
        """Writers wait from here on; what they wrote is left to the switch."""
        if self._follow is not None:
            self._keep_replication(self._follow.take(hold_writers=True))

    def settle(self) -> list[WrittenCells]:
        """Applies the writes so far to the saved program, in the last round with writers blocked. Returns the register
        cells that were written: their values have to be copied at the swap. May be called again before COMMIT."""
        if self._follow is None:
            return []
        for _ in range(MAX_ROUNDS):
            written = self._follow.take()
            self._apply(self._follow, written)
            if written.complete and len(written.keys) <= FEW_KEYS:
                break
        self._apply(self._follow, self._follow.take(hold_writers=True))
        return list(self._cells.values())

    def _apply(self, follow: Follow, written: Written) -> None:
        if written.complete and not written.keys:
            return
        change = translate_written(self._change, written.keys)
        self._keep_replication(written)
        self._lost |= dict.fromkeys(change.lost)
        for cells in change.cells:
            self._cells[cells.item.old.name, cells.start, cells.count] = cells
        if not written.complete:
            for item in self._change.carried:
                self._cells[item.old.name, 0, item.old.cells] = WrittenCells(item, 0, item.old.cells)
        puts, deletes = change.puts, change.deletes
        if not written.complete and self.carrier.tables and not self.carrier.shown:
            puts = [*puts, *self._carry_again(follow)]
        if change.tables or not written.complete:
            more, gone = self._compare(follow, None if not written.complete else change.tables)
            puts, deletes = [*puts, *more], [*deletes, *gone]
        wanted = {key: (entity, there) for key, (entity, there, _) in self._pending.items()}
        wanted |= {entity_identity(entity): (entity, False) for entity in deletes}
        wanted |= {entity_identity(entity): (entity, True) for entity in puts}
        with self._events.phase("apply_writes", entities=len(wanted), cells=len(self._cells)):
            self._bring(follow, wanted)

    def _bring(self, follow: Follow, wanted: Mapping[bytes, tuple[p4r.Entity, bool]]) -> None:
        """Also what could not be done before: an entry may need a group that comes later."""
        puts = _ordered([entity for entity, there in wanted.values() if there])
        deletes = [entity for entity, there in wanted.values() if not there]
        failed = follow.bring(puts, deletes) if wanted else []
        reasons = {entity_identity(entity): why for entity, why in failed}
        self._pending = {key: (*wanted[key], reasons[key]) for key in wanted.keys() & reasons.keys()}
        self._brought |= {entity_identity(entity): entity for entity in puts}
        for entity in deletes:
            self._brought.pop(entity_identity(entity), None)

    def _carry_again(self, follow: Follow) -> list[p4r.Entity]:
        """Entries that the switch carries, as they are now: first entries that were written here are deleted, since
        they may no longer exist. Returns the operator's entries that replace none."""
        known = {key: e for key, e in self._brought.items() if self.carrier.takes(e.table_entry)}
        if known:
            follow.bring((), list(known.values()))  # what is still there is carried
        self._brought = {key: entity for key, entity in self._brought.items() if key not in known}
        self._pending = {
            key: found for key, found in self._pending.items() if not self.carrier.takes(found[0].table_entry)
        }
        return [update.entity for update in self.carrier.carry(self._own_of_carried())]

    def _own_of_carried(self) -> list[p4r.Update]:
        return [update for update in self._change.entries if self.carrier.takes(update.entity.table_entry)]

    def read_declined(self) -> list[p4r.Update]:
        """Entries that the switch was to carry and did not, to be written like all others."""
        assert self._follow is not None
        return self._change.translate(self._follow.read(self.carrier.wanted(), saved=False)).updates

    def _compare(self, follow: Follow, tables: set[int] | None) -> tuple[list[p4r.Entity], list[p4r.Entity]]:
        """The current entries of some tables, or of the whole program; and those written here and deleted since."""
        change = self._change
        left_out = () if self.carrier.shown else [old.preamble.id for old, _ in self.carrier.tables]
        wanted = wanted_entities(change.old, left_out)
        if tables is not None:
            wanted = [e for e in wanted if e.table_entry.table_id in tables and not e.table_entry.is_default_action]
        translation = change.translate(follow.read(wanted, saved=False))
        self._lost |= dict.fromkeys(translation.left)
        puts = [update.entity for update in translation.updates]
        there = {entity_identity(entity) for entity in puts}
        own = {entity_identity(update.entity) for update in change.entries}
        names = {t.preamble.name: t.preamble.id for t in change.new.p4info.tables}
        renamed = change.translator.renamed
        ids = None
        if tables is not None:
            ids = {names.get(renamed(t.preamble.name)) for t in change.old.tables if t.preamble.id in tables}
        gone = [
            entity
            for key, entity in self._brought.items()
            if key not in there and key not in own and (ids is None or entity.table_entry.table_id in ids)
            if self.carrier.shown or not self.carrier.takes(entity.table_entry)
        ]
        emptied = [_emptied(entity) for entity in gone if kind_of(entity) in ("value_set_entry", "meter_entry")]
        return [*puts, *emptied], [e for e in gone if kind_of(e) not in ("value_set_entry", "meter_entry")]

    def _keep_replication(self, written: Written) -> None:
        for key, _ in written.keys:
            if key.HasField("packet_replication_engine_entry"):
                self.replication.add(key.SerializeToString(deterministic=True))

    # ------------------------------------------------------------ without notes

    def was_read(self, entities: Sequence[p4r.Entity]) -> None:
        """What the control plane had put into the running program when it was read."""
        self._read = list(entities)

    def read_again(self) -> None:
        """Before a program is saved, if the switch records no writes: `newest` was written since the first read."""
        if self._follow is not None or self._read is None:
            return
        now = self._target.read_entities()
        if _sorted(now) != _sorted(self._read):
            self.newest = self._change.translate(now)


def spans(cells: Sequence[WrittenCells]) -> list[tuple[RegisterSpec, int, int]]:
    """For each register of the running program the first cell and the number of cells around all of `cells`."""
    found: dict[str, tuple[RegisterSpec, int, int]] = {}
    for part in cells:
        spec = part.item.old
        _, first, end = found.get(spec.name, (spec, part.start, part.start))
        found[spec.name] = spec, min(first, part.start), max(end, part.start + part.count)
    return [(spec, first, end - first) for spec, first, end in found.values()]


def cell_writes(cells: Sequence[WrittenCells], contents: Mapping[str, tuple[int, Cells]]) -> list[CellWrites]:
    """`contents`: of each register, by its old name, the first cell that was read, and what was read (`spans`)."""
    writes = []
    for part in cells:
        first, values = contents[part.item.old.name]
        indices = np.arange(part.start, part.start + part.count, dtype=np.uint64)
        places, moved = part.item.cells(indices, values[part.start - first : part.start - first + part.count])
        if len(places):
            writes.append(CellWrites(part.item.new, places, moved))
    return writes


def _ordered(entities: Sequence[p4r.Entity]) -> list[p4r.Entity]:
    return sorted(entities, key=lambda e: ORDER.index(kind_of(e)) if kind_of(e) in ORDER else len(ORDER))


def _sorted(entities: Sequence[p4r.Entity]) -> list[bytes]:
    return sorted(entity.SerializeToString(deterministic=True) for entity in entities)


def _emptied(entity: p4r.Entity) -> p4r.Entity:
    """The same without members or configuration."""
    result = p4r.Entity.FromString(entity.SerializeToString())
    if result.HasField("meter_entry"):
        result.meter_entry.ClearField("config")
    else:
        del result.value_set_entry.members[:]
    return result
