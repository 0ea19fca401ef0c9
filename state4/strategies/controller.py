"""The controller approach (P4NFV, He et al., CNSM 2018): read all state, load the new program, write the state back.

Changes between the reading of a component and the swap are lost.
"""

from __future__ import annotations

from state4.reconfigure import Outcome, Reconfiguration


class ControllerApproach:
    name = "controller"
    summary = "the control plane reads all state and writes it to the new program"
    needs_cloning = False

    def reconfigure(self, context: Reconfiguration) -> Outcome:
        retriever, synchroniser = context.retriever, context.synchroniser
        state = retriever.state()
        synchroniser.save()
        synchroniser.write(state)
        synchroniser.commit()
        return context.outcome(self.name, state)


STRATEGY = ControllerApproach()
