"""State4 without its last window: the state after the swap is exactly the state before it.

The paper's algorithm misses writes between RSSM's last write and the swap. Here updates, which come by shared memory
where the switch is on this machine (`state4.clones.update_ring`), are first applied until few are left. The rest is
handled by the first of these that the switch and the plan allow: the switch applies the updates that it has kept and
swaps, in one step (`state4.transfer.handover`); packets wait in the switch while the last updates are written from here
(`state4.transfer.held_swap`); packets wait in the new program (`state4.transfer.gated_swap`). The first two are tried
again while the switch declines them (`state4.transfer.tries`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from state4.reconfigure import Outcome, Reconfiguration
from state4.targets.abilities import Holds
from state4.transfer.following import Following
from state4.transfer.gated_swap import reconfigure_waiting
from state4.transfer.handover import hand_over
from state4.transfer.held_swap import swap_held
from state4.transfer.tries import Tries


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
            following, tries = Following(context, clones), Tries(context.events)
            following.catch_up()
            held = tries.swap(self._ways(context, following, holds), lambda number: following.catch_up(number + 1))
            warnings = (*context.plan.warnings, *filter(None, [silence]))
            numbers = {"written": following.written + held, "warnings": warnings, "ring": retriever.has_ring}
            numbers["declined"] = tuple(tries.declined)
            return context.outcome(self.name, state, clones=clones.stats(), **numbers)

    def _ways(self, context: Reconfiguration, following: Following, holds: Holds) -> Sequence[Callable[[int], int]]:
        """To swap, the best one first."""

        def by_switch(_number: int) -> int:
            return hand_over(context, following)

        def held(_number: int) -> int:
            return swap_held(context, following, holds)

        return (by_switch, held) if context.verification is None else (held,)


STRATEGY = State4Exact()
