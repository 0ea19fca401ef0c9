"""Indirect counters of a program that clones its counts, on a switch that cannot move counters itself.

The data plane cannot read a counter, so a clone reports each count with the packet's length, and the controller adds
them up. This requires the starting value of each cell: it is read, and counts as settled if no clone of that cell
arrived between the last clones before the reading and the last ones after it. Cells that change too often for that are
read while packets are briefly held in the old program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from finsy.proto import p4r

from state4.clones.header import CLONE
from state4.clones.source import CloneSource
from state4.clones.updates import Updates
from state4.reconfigure import Reconfiguration
from state4.transfer.gate import Gate
from state4.values import Cells

MAX_READINGS = 4
MAX_READINGS_WHILE_WAITING = 50
"""Enough readings for all packets past ingress to leave the switch."""


class Missed(Exception):
    """Clones of some updates did not arrive: everything has to be read again."""


class Counts:
    """`values`: packets and bytes of each cell by the counter's old name, uint64 [cells, 2]. `uncloned`: counters that
    are carried without the counts after their reading. `unsettled`: counters whose values are uncertain."""

    def __init__(self, context: Reconfiguration) -> None:
        self._context = context
        cloned = {c.name: c for c in context.layout.counters}
        self.pairs = tuple((old, new) for old, new in context.plan.counters if old in cloned)
        self.uncloned = tuple(old for old, _ in context.plan.counters if old not in cloned)
        self.unsettled: tuple[str, ...] = ()
        self._cells = {old: cloned[old].cells for old, _ in self.pairs}
        self.values: dict[str, Cells] = {}
        self._forget()

    def _forget(self) -> None:
        self.values = {name: np.zeros((cells, 2), np.uint64) for name, cells in self._cells.items()}
        self._settled = {name: np.zeros(cells, bool) for name, cells in self._cells.items()}
        self._written = {name: values.copy() for name, values in self.values.items()}

    def see(self, updates: Updates) -> None:
        """Adds cloned counts to the cells that are settled."""
        for name in self._cells:
            indices, rows = updates.of(self._context.layout.number(name))
            known = self._settled[name][indices.astype(np.intp)]
            where = indices[known].astype(np.intp)
            sizes = np.ascontiguousarray(rows[known][:, :4]).view("<u4").reshape(-1)
            np.add.at(self.values[name][:, 0], where, np.uint64(1))
            np.add.at(self.values[name][:, 1], where, sizes.astype(np.uint64))

    # ------------------------------------------------------------ reading

    def read(self, listener: CloneSource, arrival_s: float) -> list[Updates]:
        """Reads all cells; returns the updates that arrived in the meantime, which are already added. Raises Missed."""
        context, parts = self._context, list[Updates]()
        self._forget()

        def take() -> Updates:
            if not listener.wait_for(*context.target.read_sequences(context.layout), arrival_s):
                raise Missed
            parts.append(listener.take())
            self.see(parts[-1])
            return parts[-1]

        for _ in range(MAX_READINGS):
            if self._settle(take):
                return parts
        gate = Gate(context.target, context.old, context.layout)
        if gate.usable:
            with context.events.phase("wait", why="counters that change constantly"):
                gate.close()
                gate.wait_until_running(listener)
                for _ in range(MAX_READINGS_WHILE_WAITING):
                    if self._settle(take):
                        break
                if not gate.open(CLONE):
                    raise Missed
        self.unsettled = tuple(name for name, settled in self._settled.items() if not settled.all())
        for settled in self._settled.values():
            settled[:] = True
        return parts

    def _settle(self, take: Callable[[], Updates]) -> bool:
        """Reads the counters that have unsettled cells left. True if none are left."""
        left = {name: ~settled for name, settled in self._settled.items() if not settled.all()}
        take()
        read = {name: self._context.target.read_counter(name) for name in left}
        since = take() if left else None
        for name, wanted in left.items():
            assert since is not None
            counted = np.zeros(len(wanted), bool)
            counted[since.of(self._context.layout.number(name))[0].astype(np.intp)] = True
            self.values[name][wanted] = read[name][wanted]
            self._settled[name] |= wanted & ~counted
        return all(settled.all() for settled in self._settled.values())

    # ------------------------------------------------------------ writing

    def wrote(self) -> None:
        """Notes that the new program's counters have been given the current values."""
        self._written = {name: values.copy() for name, values in self.values.items()}

    def write(self, *, running: bool = False) -> int:
        """Writes the changes since the last write to the new program; if it is `running`, added to its own counts.
        Returns the number of cells."""
        updates: list[p4r.Update] = []
        infos = {c.preamble.name: c for c in self._context.new.p4info.counters}
        for old, new in self.pairs:
            size = int(infos[new].size)
            changed = np.flatnonzero((self.values[old] != self._written[old]).any(axis=1))
            changed = changed[changed < size]
            values = self.values[old][changed]
            if running and len(changed):
                values = self._context.target.read_counter(new)[changed] + values - self._written[old][changed]
            updates += _counter_updates(infos[new].preamble.id, changed, values)
        if updates:
            self._context.target.write_entities(updates)
        self.wrote()
        return len(updates)


def _counter_updates(number: int, indices: npt.NDArray[np.intp], values: Cells) -> Sequence[p4r.Update]:
    updates = []
    for index, (packets, size) in zip(indices.tolist(), values.tolist(), strict=True):
        update = p4r.Update(type=p4r.Update.MODIFY)
        entry = update.entity.counter_entry
        entry.counter_id, entry.index.index = number, index
        entry.data.packet_count, entry.data.byte_count = packets, size
        updates.append(update)
    return updates
