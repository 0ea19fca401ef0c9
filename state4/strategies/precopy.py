"""Pre-copy, after the live migration of virtual machines (Clark et al., NSDI 2005): no packet is cloned.

Packets mark what they write in a dirty map. The control plane reads everything once, and then, in rounds, the blocks
marked in the meantime, until few cells are left. If the switch can hold packets, these cells are read in the swap step,
so the new program starts with exactly the old one's state; if the switch ends the hold too early, further rounds and
another hold follow (`state4.transfer.tries`). On other switches rounds end when the new program is saved,
because after that the old one's registers cannot be read: later writes arrive as clones if the running program makes
them, and are otherwise missing, which the outcome reports.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

import numpy as np

from state4.errors import NotInstrumented
from state4.other_writers import cell_writes, spans
from state4.reconfigure import Outcome, Reconfiguration
from state4.rsrm import State
from state4.targets.abilities import Holds
from state4.transfer.dirty_rounds import Contents, DirtyRounds, contents
from state4.transfer.gated_swap import not_followed, reconfigure_waiting
from state4.transfer.held_swap import finish_held, quick_threads
from state4.transfer.tries import Tries
from state4.values import CellRange, Cells


class Precopy:
    name = "precopy"
    summary = "rounds of reading the blocks marked in a dirty map; packets are held while the rest is read (no clones)"
    needs_cloning = False
    needs_map = True

    def reconfigure(self, context: Reconfiguration) -> Outcome:
        rounds = DirtyRounds(context)
        since = time.monotonic()
        rounds.look()  # discards marks from before the first read
        holds = context.target.abilities.holds
        if holds is not None and context.target.abilities.reads_and_clears is not None:
            return self._held(context, rounds, since, holds)
        registers = context.retriever.registers()
        rounds.run(since, context.plan.cells, lambda found: _put(registers, found))

        def last_look() -> dict[str, Cells]:
            """The registers as of the last round."""
            _put(registers, rounds.last())
            return registers

        with suppress(NotInstrumented):
            if context.layout.slots:
                return reconfigure_waiting(context, self.name, last_look, **rounds.numbers)
        return self._unfollowed(context, rounds, last_look())

    # ------------------------------------------------------------ on switches that hold packets

    def _held(self, context: Reconfiguration, rounds: DirtyRounds, since: float, holds: Holds) -> Outcome:
        state = context.retriever.state()
        context.synchroniser.save()
        context.synchroniser.write(state)
        written = 0

        def write(found: Sequence[Contents]) -> None:
            nonlocal written
            if found:
                context.target.write_cells([part.writes() for part in found])
            written += sum(len(part.indices) for part in found)

        def more_rounds(_number: int = 0) -> None:
            rounds.run(since, context.plan.cells, write)

        more_rounds()
        tries = Tries(context.events)
        remainder = tries.swap([lambda _number: self._swap(context, rounds, holds)], more_rounds)
        numbers = {**rounds.numbers, "remainder": remainder, "declined": tuple(tries.declined)}
        return context.outcome(self.name, state, written=written + remainder, **numbers)

    def _swap(self, context: Reconfiguration, rounds: DirtyRounds, holds: Holds) -> int:
        """Activates the new program; returns the number of cells read during the hold. Raises HoldEnded: the marks are
        still there then."""
        others = context.synchroniser.settle()
        with quick_threads(), context.events.phase("hold") as result, holds.hold(None) as held:
            (words,) = held.read_ranges([CellRange(rounds.map, 0, rounds.map.cells)])
            wanted = rounds.ranges(rounds.dirty(words))
            values = iter(held.read_ranges([part for _, ranges in wanted for part in ranges]))
            rest = [contents(item, ranges, [next(values) for _ in ranges]) for item, ranges in wanted]
            remainder = sum(len(part.indices) for part in rest)
            result["remainder"] = remainder
            kept = {spec.name: (start, held.read_cells(spec, start, count)) for spec, start, count in spans(others)}
            writes = [*(part.writes() for part in rest), *cell_writes(others, kept)]
            with context.events.phase("commit"):
                finish_held(context, held, writes)
            result["held_s"] = held.held_s
        return remainder

    # ------------------------------------------------------------ on other switches

    def _unfollowed(self, context: Reconfiguration, rounds: DirtyRounds, registers: dict[str, Cells]) -> Outcome:
        """The last step if writes after the last read cannot be followed."""
        looked = time.monotonic()
        entries = context.retriever.entries()
        counters = [old for old, _ in context.plan.counters]
        state = State(entries.entries, entries.skipped, registers, context.retriever.counters(counters))
        context.synchroniser.save()
        context.synchroniser.write(state)
        context.synchroniser.commit()
        late_s = time.monotonic() - looked
        reason = (
            f"what packets wrote in the last {late_s:.3f} s before the swap is missing: this switch cannot hold "
            "packets, and the running program does not clone its updates (--track both)"
        )
        reasons = (reason, *not_followed(context, (), counters))
        return context.outcome(self.name, state, inexact=reasons, **rounds.numbers)


def _put(registers: dict[str, Cells], found: Iterable[Contents]) -> None:
    """Updates what was read before."""
    for part in found:
        registers[part.item.old.name][part.indices.astype(np.intp)] = part.values


STRATEGY = Precopy()
