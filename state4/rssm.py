"""RSSM, the Runtime State Synchronization Module: the state that was retrieved goes into the new program.

After VERIFY_AND_SAVE every write goes to the new program while the old one forwards. First comes the bulk, then the
updates that were cloned in the meantime, with look-ahead: of several updates of one cell only the last is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from finsy.proto import p4r

from state4.clones.header import CloneLayout
from state4.clones.look_ahead import look_ahead
from state4.clones.updates import Updates
from state4.events import EventLog
from state4.other_writers import OtherWriters, spans
from state4.other_writers import cell_writes as others_cell_writes
from state4.pacing import Pacer, Profile
from state4.plan.carried import Carried
from state4.plan.change import Change
from state4.plan.entities import merge
from state4.plan.written import WrittenCells
from state4.rsrm import State
from state4.targets.base import Target
from state4.values import Cells, CellWrites
from state4.verify.compare import Comparison
from state4.verify.step import compare_held

MAX_ROUNDS = 8
FEW_UPDATES = 256
"""Rounds of updates before the swap stop when one applies no more than this."""


class Synchroniser:
    """Brings state into the new program of a change and makes it the running one. All methods raise TargetError."""

    def __init__(
        self,
        target: Target,
        change: Change,
        profile: Profile,
        events: EventLog,
        others: OtherWriters,
        verification: Comparison | None = None,
    ) -> None:
        self._target = target
        self._change = change
        self._profile = profile
        self._events = events
        self._others = others
        self._verification = verification

    def save(self) -> None:
        """VERIFY_AND_SAVE of the new program."""
        program = self._change.new
        self._others.read_again()
        with self._events.phase("save", program=program.name):
            self._target.save(program)

    def write(self, state: State) -> None:
        """The bulk: entries, registers, counters."""
        newest = self._others.newest
        self.write_entries(state.entries if newest is None else newest.updates)
        self.write_registers(state.registers)
        self.write_counters(state.counters)

    def write_entries(self, carried: Sequence[p4r.Update]) -> None:
        """Entries that are carried over, then the operator's own that they do not replace."""
        tables = [t.preamble.id for t in self._change.new.p4info.tables if t.has_initial_entries]
        initial = self._target.read_saved_entries(tables) if tables else []
        carrier = self._others.carrier
        if carrier.tables:
            written_here = [update for update in carried if not carrier.takes(update.entity.table_entry)]
            first = merge(written_here, (), initial)
            self._write_updates(first)
            own = carrier.carry(self._change.entries)
            again = [] if carrier.tables else self._others.read_declined()
            updates = merge([*written_here, *again], own, initial)[len(first) :]
            if carrier.shown:
                self._others.brought([u for u in carried if carrier.takes(u.entity.table_entry)])
        else:
            updates = merge(carried, self._change.entries, initial)
        self._write_updates(updates)

    def _write_updates(self, updates: Sequence[p4r.Update]) -> None:
        with self._events.phase("write_tables", entries=len(updates)):
            if updates:
                self._target.write_entities(updates)
        self._others.brought(updates)

    def write_registers(self, contents: Mapping[str, Cells]) -> None:
        """Contents by the old name. Cells of 0 are written too: that is the work the paper measures."""
        pacer = Pacer(self._profile.write_cells_per_s)
        for item in self._change.carried:
            if item.old.name not in contents:
                continue
            values = item.contents(contents[item.old.name])
            with self._events.phase("write_register", component=item.new.name, cells=item.new.cells):
                for start, count in pacer.chunks(item.new.cells):
                    self._events.check()
                    self._target.write_register(item.new, values[start : start + count], start)

    def write_counters(self, contents: Mapping[str, Cells]) -> None:
        """Contents by the old name; cells that the new counter does not have are left out."""
        for old, new in self._change.plan.counters:
            if old in contents:
                self._target.write_counter(new, contents[old])

    def apply_updates(self, updates: Updates) -> int:
        """Writes cloned updates of carried components, each cell once. Returns how many cells were written."""
        writes = self.cell_writes(updates)
        written = sum(len(w.indices) for w in writes)
        with self._events.phase("apply_updates", updates=len(updates), written=written):
            if writes:
                self._target.write_cells(writes)
                for _ in Pacer(self._profile.write_cells_per_s).chunks(written):
                    pass
        return written

    def cell_writes(self, updates: Updates) -> list[CellWrites]:
        """Look-ahead, then cloned updates as writes of the new program's cells."""
        return cell_writes(look_ahead(updates), self._change.layout, self._change.carried)

    def settle(self) -> list[WrittenCells]:
        """Applies concurrent writes of other controllers to the new program. Writers are blocked from here to the swap,
        which must follow. Returns the register cells that they have written: the swap moves them last."""
        return self._others.settle()

    def commit(self) -> None:
        """COMMIT: the new program forwards, with all that other controllers have written."""
        cells = self.settle()
        contents = {r.name: (start, self._target.read_register(r, start, n)) for r, start, n in spans(cells)}
        writes = others_cell_writes(cells, contents)
        if writes:
            self._target.write_cells(writes)
        holds = self._target.abilities.holds
        if self._verification is not None and holds is not None:
            with self._events.phase("hold") as result, holds.hold(None) as held:
                compare_held(self._verification, held, self._change.carried)
                with self._events.phase("commit"):
                    held.finish((), None)
                result["held_s"] = held.held_s
            return
        with self._events.phase("commit"):
            self._target.commit()


def cell_writes(updates: Updates, layout: CloneLayout, carried: Sequence[Carried]) -> list[CellWrites]:
    """Updates as writes of the new program's cells, by component; updates without a counterpart there are left out."""
    writes: list[CellWrites] = []
    for item in carried:
        indices, rows = updates.of(layout.number(item.old.name))
        if not len(indices):
            continue
        places, values = item.cells(indices, item.old.from_little_endian(rows))
        if len(places):
            writes.append(CellWrites(item.new, places, values))
    return writes
