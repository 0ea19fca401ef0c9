"""The controller approach (P4NFV, He et al., CNSM 2018): read all state, load the new program, write it back.

What changes between the reading of a component and the swap is lost.
"""

from __future__ import annotations

from state4.reconfigure import Outcome, Reconfiguration


class ControllerApproach:
    name = "controller"
    summary = "the control plane reads all state, then writes it to the new program"
    needs_cloning = False

    def reconfigure(self, context: Reconfiguration) -> Outcome:
        retriever, synchroniser = context.retriever, context.synchroniser
        entries = context.translate(retriever.entries())
        contents = retriever.registers([item.old for item in context.carried])
        counters = retriever.counters([old for old, _ in context.plan.counters])
        synchroniser.save(context.new)
        synchroniser.write_entries(entries, context.entries)
        synchroniser.write_registers(context.carried, contents)
        synchroniser.write_counters(context.plan.counters, counters)
        synchroniser.commit()
        return context.outcome(self.name, cells=context.plan.cells, entries=len(entries))


STRATEGY = ControllerApproach()
