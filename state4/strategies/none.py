"""No preservation: the new program starts empty, without registers' contents and without the old program's entries.

The operator's own entries (--entries) are written, as with every strategy.
"""

from __future__ import annotations

from state4.reconfigure import Outcome, Reconfiguration


class NoPreservation:
    name = "none"
    summary = "the new program starts empty"
    needs_cloning = False

    def reconfigure(self, context: Reconfiguration) -> Outcome:
        context.synchroniser.save()
        context.others.carrier.leave()
        context.synchroniser.write_entries(())
        context.synchroniser.commit()
        return context.outcome(self.name)


STRATEGY = NoPreservation()
