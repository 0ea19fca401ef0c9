"""State4 without its last window: the state after the swap is exactly the state before it.

The paper's algorithm misses writes between RSSM's last write and the swap. Here updates, which come by shared memory
where the switch is on this machine (`state4.clones.update_ring`), are first applied until few are left. The rest is
handled by the first of these that the switch and the plan allow: the switch applies the updates that it has kept and
swaps, in one step (`state4.transfer.handover`); packets wait in the switch while the last updates are written from here
(`state4.transfer.held_swap`); packets wait in the new program (`state4.transfer.gated_swap`).
"""

from __future__ import annotations

from state4.clones.source import CloneSource
from state4.reconfigure import Outcome, Reconfiguration
from state4.rssm import FEW_UPDATES, MAX_ROUNDS
from state4.transfer.gated_swap import reconfigure_waiting
from state4.transfer.handover import hand_over
from state4.transfer.held_swap import swap_held


class State4Exact:
    name = "state4_exact"
    summary = "state4 without its last window: packets are held while the last updates are applied"
    needs_cloning = True

    def reconfigure(self, context: Reconfiguration) -> Outcome:
        holds = context.target.abilities.holds
        if holds is None:
            return reconfigure_waiting(context, self.name)
        retriever, synchroniser = context.retriever, context.synchroniser
        with retriever.cloning(ring=True) as clones:
            state = retriever.state()
            silence = retriever.silence(clones)  # still exact: the registers are read again
            synchroniser.save()
            synchroniser.write(state)
            written = self._catch_up(context, clones)
            handed_over = hand_over(context, clones) if context.verification is None else None
            written += swap_held(context, clones, holds) if handed_over is None else handed_over
            warnings = (*context.plan.warnings, *filter(None, [silence]))
            numbers = {"written": written, "warnings": warnings, "ring": retriever.has_ring}
            return context.outcome(self.name, state, clones=clones.stats(), **numbers)

    def _catch_up(self, context: Reconfiguration, clones: CloneSource) -> int:
        """Applies updates until a round yields few. If clones were lost, the registers are read again, once."""
        written, again = 0, True
        for _ in range(MAX_ROUNDS):
            updates = clones.take()
            written += context.synchroniser.apply_updates(updates)
            if again and clones.stats().lost:
                again = False
                contents = context.target.read_registers([item.old for item in context.carried])
                context.synchroniser.write_registers(contents)
            elif len(updates) <= FEW_UPDATES:
                break
        return written


STRATEGY = State4Exact()
