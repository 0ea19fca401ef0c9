"""State4, the paper's algorithm: the control plane reads the bulk once while clones carry what changes meanwhile.

Updates between the last write and the swap are lost; `state4_exact` closes that window.
"""

from __future__ import annotations

from state4.reconfigure import Outcome, Reconfiguration


class State4:
    name = "state4"
    summary = "bulk through the control plane, updates meanwhile through clones (the paper)"
    needs_cloning = True

    def reconfigure(self, context: Reconfiguration) -> Outcome:
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
            written = synchroniser.apply_updates(listener.take(), context.layout, context.carried)
            synchroniser.commit()
            stats = listener.stats()
        finally:
            listener.close()
        return context.outcome(self.name, cells=context.plan.cells, entries=len(entries), clones=stats, written=written)


STRATEGY = State4()
