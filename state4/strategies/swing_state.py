"""Swing State (Luo, Yu, Vanbever, SOSR 2017) on one switch: only cloned updates reach the new program.

The original clones all the time and carries updates from switch to switch. Here cloning starts with the reconfiguration
and lasts as long as State4 would take with the same profile, so that the two can be compared: state that is not written
in that time is lost. Entries are carried through the control plane, because Swing State moves only data-plane state.
"""

from __future__ import annotations

import time

from state4.pacing import Profile
from state4.reconfigure import Outcome, Reconfiguration

MIN_WINDOW_S = 0.05
"""The window for profiles without a rate: about the time that State4 needs with them."""


class SwingState:
    name = "swing_state"
    summary = "only updates cloned by the data plane reach the new program"
    needs_cloning = True
    clones_always = True  # as its switches do; the experiment on the cost of cloning uses this

    def reconfigure(self, context: Reconfiguration) -> Outcome:
        retriever, synchroniser = context.retriever, context.synchroniser
        with retriever.cloning() as clones:
            entries = retriever.entries()
            with context.events.phase("collect"):
                time.sleep(window_s(context.plan.cells, context.profile))
            retriever.require_clones(clones)
            synchroniser.save()
            synchroniser.write(entries)
            missing = retriever.missing_clones(clones)
            written = synchroniser.apply_updates(clones.take())
            synchroniser.commit()
            return context.outcome(self.name, entries, clones=clones.stats(), written=written, inexact=missing)


def window_s(cells: int, profile: Profile) -> float:
    """How long State4 takes to read and write that many cells."""
    rates = (profile.read_cells_per_s, profile.write_cells_per_s)
    return max(MIN_WINDOW_S, sum(cells / rate for rate in rates if rate is not None))


STRATEGY = SwingState()
