"""The switch's own RECONCILE_AND_COMMIT: what can be reached where nothing has to pass through a controller.

The switch compares the two programs and copies everything that they declare alike while packets wait.
"""

from __future__ import annotations

from state4.errors import PlanRefused, Unsupported
from state4.plan.entities import merge
from state4.reconfigure import Outcome, Reconfiguration


class Reconcile:
    name = "reconcile"
    summary = "the switch itself keeps the state (RECONCILE_AND_COMMIT)"
    needs_cloning = False

    def reconfigure(self, context: Reconfiguration) -> Outcome:
        reconciles = context.target.abilities.reconciles
        if reconciles is None:
            raise Unsupported("this switch keeps no state by itself when its program changes: no RECONCILE_AND_COMMIT")
        changed = [item for item in context.carried if item.changes]
        left_behind, tables = context.plan.left_behind, context.plan.converted_tables
        if left_behind or changed or tables:
            names = [*(item.old.name for item in changed), *(f"table {name}" for name in tables)]
            what = f"leave {left_behind[0]} behind" if left_behind else f"change {names[0]}"
            raise PlanRefused(f"the switch keeps everything as it is or nothing: strategy reconcile cannot {what}")
        verifies = context.target.abilities.verifies
        if verifies is not None:
            verifies.verify(context.new)  # compiled before others have to wait
        context.others.hold()
        state = context.retriever.entries()
        context.not_verified("the switch moves the registers in a step of its own")
        with context.events.phase("commit") as result:
            held_s = reconciles.reconcile(context.new)
            result |= {} if held_s is None else {"held_s": held_s}
        own = merge(state.entries, context.entries)[len(state.entries) :]
        with context.events.phase("write_tables", entries=len(own)):
            if own:
                context.target.write_entities(own)
        return context.outcome(self.name, state, cells=context.plan.cells)


STRATEGY = Reconcile()
