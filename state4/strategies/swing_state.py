"""Swing State (Luo, Yu, Vanbever, SOSR 2017), on one switch: only what is cloned reaches the new program.

The original clones all the time and carries updates from switch to switch. Here cloning begins with the reconfiguration
and lasts as long as State4 would take with the same profile, so the two can be compared: state that nobody writes in
that time stays behind. Entries go over through the control plane, as Swing State moves data-plane state only.
"""

from __future__ import annotations

import time

from state4.reconfigure import Outcome, Reconfiguration
from state4.transfer.pacing import Profile

LEAST_WINDOW_S = 0.05
"""For a profile without a rate: about what State4 needs then."""


class SwingState:
    name = "swing_state"
    summary = "only updates cloned by the data plane reach the new program"
    needs_cloning = True
    clones_always = True  # its switches do; an experiment that measures what cloning costs takes it so

    def reconfigure(self, context: Reconfiguration) -> Outcome:
        retriever, synchroniser = context.retriever, context.synchroniser
        listener = context.start_cloning()
        try:
            entries = context.translate(retriever.entries())
            with context.events.phase("collect"):
                time.sleep(window_s(context.plan.cells, context.profile))
            synchroniser.save(context.new)
            synchroniser.write_entries(entries, context.entries)
            written = synchroniser.apply_updates(listener.take(), context.layout, context.carried)
            synchroniser.commit()
            stats = listener.stats()
        finally:
            listener.close()
        return context.outcome(self.name, entries=len(entries), clones=stats, written=written)


def window_s(cells: int, profile: Profile) -> float:
    """How long State4 reads and writes that many cells."""
    rates = (profile.read_cells_per_s, profile.write_cells_per_s)
    return max(LEAST_WINDOW_S, sum(cells / rate for rate in rates if rate is not None))


STRATEGY = SwingState()
