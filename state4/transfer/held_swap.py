"""Completes a reconfiguration on a switch that holds packets while the controller writes the last updates.

If clones are missing, all registers are read during the hold: slower, but still exact.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from state4.clones.updates import Updates
from state4.errors import HoldEnded
from state4.other_writers import cell_writes, spans
from state4.reconfigure import Reconfiguration
from state4.targets.abilities import Hold, Holds
from state4.transfer.following import Following
from state4.values import Cells, CellWrites
from state4.verify.step import compare_held


def swap_held(context: Reconfiguration, following: Following, holds: Holds) -> int:
    """Activates the saved program. Returns the number of cells written during the hold. Raises HoldEnded."""
    others = context.synchroniser.settle()
    clones, registers = following.clones, [item.old for item in context.carried]
    taken: Updates | None = None
    try:
        with quick_threads(), context.events.phase("hold") as result, holds.hold(context.layout) as held:
            complete = following.has_all(held.sequences)
            if complete:
                taken = clones.take()
                writes = context.synchroniser.cell_writes(taken)
                contents = {
                    spec.name: (start, held.read_cells(spec, start, count)) for spec, start, count in spans(others)
                }
                writes += cell_writes(others, contents)
            else:
                writes = _whole_registers(context, held.read_registers(registers))
            written = sum(len(w.indices) for w in writes)
            result |= {"written": written, "complete": complete}
            with context.events.phase("commit"):
                finish_held(context, held, writes)
            result["held_s"] = held.held_s
    except HoldEnded:
        if taken is not None:  # nobody else has these now
            context.synchroniser.apply_updates(taken)
        raise
    return written


def finish_held(context: Reconfiguration, held: Hold, writes: Sequence[CellWrites]) -> None:
    """Writes the last cells and swaps; in between compares all cells, if the operator asked for it."""
    if context.verification is not None:
        held.write(writes)
        compare_held(context.verification, held, context.carried)
        writes = ()
    held.finish(writes, context.state_map.names)


@contextmanager
def quick_threads() -> Iterator[None]:
    """Shortens Python's thread switching from the usual 5 ms while packets wait, so threads do not delay each other."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def _whole_registers(context: Reconfiguration, contents: Mapping[str, Cells]) -> list[CellWrites]:
    """Writes of every cell of every carried register."""
    writes = []
    for item in context.carried:
        values = item.contents(contents[item.old.name])
        writes.append(CellWrites(item.new, np.arange(item.new.cells, dtype=np.uint64), values))
    return writes
