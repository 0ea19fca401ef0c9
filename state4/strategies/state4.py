"""State4, the paper's algorithm: the control plane reads the bulk once while clones carry concurrent updates.

Updates between the last write and the swap are lost; `state4_exact` closes this window.
"""

from __future__ import annotations

from state4.reconfigure import Outcome, Reconfiguration


class State4:
    name = "state4"
    summary = "bulk through the control plane, concurrent updates through clones (the paper)"
    needs_cloning = True

    def reconfigure(self, context: Reconfiguration) -> Outcome:
        retriever, synchroniser = context.retriever, context.synchroniser
        with retriever.cloning() as clones:
            state = retriever.state()
            retriever.require_clones(clones)
            synchroniser.save()
            synchroniser.write(state)
            missing = retriever.missing_clones(clones)
            written = synchroniser.apply_updates(clones.take())
            synchroniser.commit()
            return context.outcome(self.name, state, clones=clones.stats(), written=written, inexact=missing)


STRATEGY = State4()
