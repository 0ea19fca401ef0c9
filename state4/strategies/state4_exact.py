"""State4 with its last window closed: the state after the swap is exactly that before it.

The paper's algorithm leaves out what is written between RSSM's last write and the swap. Here updates are first applied
until few are left. The rest is done by the first of these that the switch and the plan allow: the switch applies the
updates that it has kept and swaps, in one step (`state4.transfer.handover`); packets wait in the switch while the last
updates are written from here (`_hold`); packets wait in the new program (`state4.transfer.gated_handover`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from state4.clones.look_ahead import look_ahead
from state4.clones.source import CloneSource
from state4.clones.store import ARRIVAL_S
from state4.reconfigure import Outcome, Reconfiguration
from state4.rssm import FEW_UPDATES, MOST_ROUNDS, cell_writes
from state4.targets.abilities import Holds
from state4.transfer.gated_handover import reconfigure_waiting
from state4.transfer.handover import hand_over
from state4.values import Cells, CellWrites


class State4Exact:
    name = "state4_exact"
    summary = "state4 without its last window: packets wait while the last updates are applied"
    needs_cloning = True

    def reconfigure(self, context: Reconfiguration) -> Outcome:
        holds = context.target.abilities.holds
        if holds is None:
            return reconfigure_waiting(context, self.name)
        retriever, synchroniser = context.retriever, context.synchroniser
        listener = context.start_cloning()
        try:
            entries = context.translate(retriever.entries())
            contents = retriever.registers([item.old for item in context.carried])
            counters = retriever.counters([old for old, _ in context.plan.counters])
            synchroniser.save(context.new)
            synchroniser.write_entries(entries, context.entries)
            synchroniser.write_registers(context.carried, contents)
            synchroniser.write_counters(context.plan.counters, counters)
            written = self._catch_up(context, listener)
            written += self._finish(context, listener, holds)
            stats = listener.stats()
        finally:
            listener.close()
        return context.outcome(self.name, cells=context.plan.cells, entries=len(entries), clones=stats, written=written)

    def _catch_up(self, context: Reconfiguration, listener: CloneSource) -> int:
        """Applies updates until a round brings few. Lost clones make the registers be read again, once."""
        written, again = 0, True
        for _ in range(MOST_ROUNDS):
            updates = listener.take()
            written += context.synchroniser.apply_updates(updates, context.layout, context.carried)
            if again and listener.stats().lost:
                again = False
                contents = context.target.read_registers([item.old for item in context.carried])
                context.synchroniser.write_registers(context.carried, contents)
            elif len(updates) <= FEW_UPDATES:
                break
        return written

    def _finish(self, context: Reconfiguration, listener: CloneSource, holds: Holds) -> int:
        written = hand_over(context, listener)
        return self._hold(context, listener, holds) if written is None else written

    def _hold(self, context: Reconfiguration, listener: CloneSource, holds: Holds) -> int:
        lost = listener.stats().lost
        registers = [item.old for item in context.carried]
        with _quick_threads(), context.events.phase("hold") as result, holds.hold(context.layout) as held:
            complete = listener.wait_for(*held.sequences, ARRIVAL_S) and not lost and not listener.stats().lost
            if complete:
                writes = cell_writes(look_ahead(listener.take()), context.layout, context.carried)
            else:
                writes = whole_registers(context, held.read_registers(registers))
            result["written"] = sum(len(w.indices) for w in writes)
            result["complete"] = complete
            with context.events.phase("commit"):
                held.finish(writes)
            result["held_s"] = held.held_s
        return int(result["written"])


@contextmanager
def _quick_threads() -> Iterator[None]:
    """Packets wait: no thread of ours shall keep another from running for Python's usual 5 ms."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def whole_registers(context: Reconfiguration, contents: Mapping[str, Cells]) -> list[CellWrites]:
    """Every cell of every carried register."""
    writes = []
    for item in context.carried:
        values = item.contents(contents[item.old.name])
        writes.append(CellWrites(item.new, np.arange(item.new.cells, dtype=np.uint64), values))
    return writes


STRATEGY = State4Exact()
