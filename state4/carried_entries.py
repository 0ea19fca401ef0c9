"""Entries of tables that mean the same in both programs: a switch that can carries them by itself, as they are.

Nothing of them passes through the controller, so 100,000 take milliseconds. Others are read, translated and written.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from finsy.proto import p4i, p4r

from state4.events import EventLog
from state4.plan.change import Change
from state4.plan.entities import wanted_entities
from state4.targets.abilities import Follow
from state4.targets.base import Target


class CarriedInSwitch:
    """`shown`: also read and translated, so that a comparison knows what to expect. Raises TargetError."""

    def __init__(self, target: Target, change: Change, events: EventLog, *, shown: bool = False) -> None:
        self._target = target
        self._change = change
        self._events = events
        self.shown = shown
        self._declined = False
        self._count = 0
        self.follow: Follow | None = None
        """While the switch notes what others write: without notes, a second reading has to see all entries."""

    @property
    def unseen(self) -> int:
        """Entries that were carried and are in no list of updates."""
        return 0 if self.shown else self._count

    @cached_property
    def _tables(self) -> Sequence[tuple[p4i.Table, p4i.Table]]:
        carries = self._target.abilities.carries
        return self._change.alike_tables() if carries is not None and carries.can_carry() else ()

    @property
    def tables(self) -> Sequence[tuple[p4i.Table, p4i.Table]]:
        """(old, new) tables whose entries the switch carries."""
        return () if self.follow is None or self._declined else self._tables

    def leave(self) -> None:
        """The switch is to carry nothing, for a strategy that keeps nothing."""
        self._declined = True

    def takes(self, entry: p4r.TableEntry) -> bool:
        """Whether the switch carries such an entry of the new program."""
        return not entry.is_default_action and any(entry.table_id == new.preamble.id for _, new in self.tables)

    def read_entities(self) -> list[p4r.Entity]:
        """What the controller has to carry: all but the entries that the switch does."""
        carries = self._target.abilities.carries
        if carries is None or not self.tables or self.shown:
            return self._target.read_entities()
        return carries.read_entities_but([old.preamble.id for old, _ in self.tables])

    def carry(self, own: Sequence[p4r.Update]) -> list[p4r.Update]:
        """The saved program gets the entries as they are now; what an earlier call has brought and is gone by now goes.
        Returns those of `own` for which nothing was carried. If the switch finds that the entries do not mean the same
        after all, `tables` is empty from here on, and nothing was done."""
        carries = self._target.abilities.carries
        if carries is None or not self.tables:
            return list(own)
        asked = [(at, u.entity.table_entry) for at, u in enumerate(own) if self.takes(u.entity.table_entry)]
        names = [(old.preamble.name, new.preamble.name) for old, new in self.tables]
        with self._events.phase("carry_tables", tables=len(names)) as result:
            done = carries.carry_entries(names, [entry for _, entry in asked])
            self._declined = done is None
            self._count = 0 if done is None else done.entries
            result["entries"] = self._count
        carried = set() if done is None else {asked[position][0] for position in done.there}
        return [update for at, update in enumerate(own) if at not in carried]

    def wanted(self) -> list[p4r.Entity]:
        """What to ask the running program for, to have the entries after all."""
        ids = {old.preamble.id for old, _ in self._tables}
        entities = wanted_entities(self._change.old)
        return [e for e in entities if e.table_entry.table_id in ids and not e.table_entry.is_default_action]
