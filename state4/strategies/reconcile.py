"""The switch's own RECONCILE_AND_COMMIT: the best case, since no state passes through a controller.

The switch compares the two programs and transfers everything declared identically in both while packets wait.
"""

from __future__ import annotations

from typing import Any

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
            raise Unsupported("this switch cannot keep state itself when its program changes: no RECONCILE_AND_COMMIT")
        changed = [item for item in context.carried if item.changes]
        left_behind, tables = context.plan.left_behind, context.plan.converted_tables
        if left_behind or changed or tables:
            names = [*(item.old.name for item in changed), *(f"table {name}" for name in tables)]
            what = f"leave {left_behind[0]} behind" if left_behind else f"change {names[0]}"
            raise PlanRefused(f"the switch keeps everything unchanged or nothing: strategy reconcile cannot {what}")
        verifies = context.target.abilities.verifies
        if verifies is not None:
            verifies.verify(context.new)  # compiled in advance, so that other writers need not wait
        context.others.hold()
        carrier = context.others.carrier
        quick = carrier.tables and not context.entries  # the operator's entries must be distinguished from kept ones
        state = context.retriever.entries(all_entries=not quick)
        context.not_verified("the switch moves the registers in a separate step")
        with context.events.phase("commit") as result:
            done = reconciles.reconcile(context.new)
            result |= {} if done.held_s is None else {"held_s": done.held_s}
        own = merge(state.entries, context.entries)[len(state.entries) :]
        with context.events.phase("write_tables", entries=len(own)):
            if own:
                context.target.write_entities(own)
        numbers: dict[str, Any] = {"cells": context.plan.cells}
        if quick and done.entries is not None:
            seen = [u.entity.table_entry for u in state.entries if u.entity.HasField("table_entry")]
            numbers["entries"] = len(state.entries) - sum(not e.is_default_action for e in seen) + done.entries
        return context.outcome(self.name, state, **numbers)


STRATEGY = Reconcile()
