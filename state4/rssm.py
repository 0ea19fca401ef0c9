"""RSSM, the Runtime State Synchronization Module: the state that was retrieved goes into the new program.

After VERIFY_AND_SAVE every write is for the new program while the old one forwards. First comes the bulk, then the
updates that were cloned in the meantime, with look-ahead: of several updates of one cell only the last is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from finsy.proto import p4r

from state4.clones.header import CloneLayout
from state4.clones.look_ahead import look_ahead
from state4.clones.updates import Updates
from state4.events import EventLog
from state4.instrumentation.programs import InstalledProgram
from state4.plan.entries import merge
from state4.plan.plan import Carried
from state4.targets.base import Target
from state4.transfer.pacing import Pacer, Profile
from state4.values import Cells, CellWrites

MOST_ROUNDS = 8
FEW_UPDATES = 256
"""Rounds of updates before the swap end when one brings no more than this."""


class Synchroniser:
    """Brings state into a saved program and makes it the running one."""

    def __init__(self, target: Target, profile: Profile, events: EventLog) -> None:
        self.target = target
        self.events = events
        self._pacer = Pacer(profile.write_cells_per_s)
        self._update_pacer = Pacer(profile.write_cells_per_s)
        self._initial: list[int] = []

    def save(self, program: InstalledProgram) -> None:
        with self.events.phase("save", program=program.name):
            self.target.save(program)
        self._initial = [t.preamble.id for t in program.p4info.tables if t.has_initial_entries]

    def write_registers(self, carried: Sequence[Carried], contents: Mapping[str, Cells]) -> None:
        """Contents by the old name. Cells of 0 are written too: that is the work the paper measures."""
        for item in carried:
            values = item.contents(contents[item.old.name])
            with self.events.phase("write_register", component=item.new.name, cells=item.new.cells):
                for start, count in self._pacer.chunks(item.new.cells):
                    self.events.check()
                    self.target.write_register(item.new, values[start : start + count], start)

    def write_counters(self, carried: Sequence[tuple[str, str]], contents: Mapping[str, Cells]) -> None:
        """Counters by (old name, new name); cells that the new one does not have are left out."""
        for old, new in carried:
            self.target.write_counter(new, contents[old])

    def write_entries(self, carried: Sequence[p4r.Update], own: Sequence[p4r.Update]) -> None:
        """Entries that were carried over, then the new program's own that they do not replace."""
        initial = self.target.read_saved_entries(self._initial) if self._initial else []
        updates = merge(carried, own, initial)
        with self.events.phase("write_tables", entries=len(updates)):
            if updates:
                self.target.write_entities(updates)

    def apply_updates(self, updates: Updates, layout: CloneLayout, carried: Sequence[Carried]) -> int:
        """Writes cloned updates of carried components, each cell once. Returns how many cells were written."""
        latest = look_ahead(updates)
        writes = cell_writes(latest, layout, carried)
        written = sum(len(w.indices) for w in writes)
        with self.events.phase("apply_updates", updates=len(updates), written=written):
            if writes:
                self.target.write_cells(writes)
                for _ in self._update_pacer.chunks(written):
                    pass
        return written

    def commit(self) -> None:
        with self.events.phase("commit"):
            self.target.commit()


def cell_writes(updates: Updates, layout: CloneLayout, carried: Sequence[Carried]) -> list[CellWrites]:
    """Updates as writes of the new program's cells, by component; what has no place there is left out."""
    writes: list[CellWrites] = []
    for item in carried:
        indices, rows = updates.of(layout.number(item.old.name))
        if not len(indices):
            continue
        places, values = item.cells(indices, item.old.from_little_endian(rows))
        if len(places):
            writes.append(CellWrites(item.new, places, values))
    return writes
