"""Completes a reconfiguration on a switch that cannot hold packets.

The new program starts with its gate closed (`state4.transfer.gate`): packets wait in it. All clones of the old program
arrive on the CPU port before the new program's announcement; these late updates are written unchanged, and the packets
are released. So the new program never sees a cell without them, whatever it does with its state.

If the gate was not closed (the new program cannot make packets wait, or stopped waiting), packets have already been
processed, and late updates are merged: a cell that still has the value written before the swap takes the last update; a
cell that both programs only ever add to gets the missing difference; any other is left to the new program, whose write
is newer. A packet may have read a cell too early, so such a result is not reported as exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from state4.clones.source import CloneSource, ListenerStats
from state4.clones.store import ARRIVAL_S
from state4.clones.updates import Updates
from state4.errors import State4Error
from state4.plan.carried import Carried
from state4.reconfigure import Outcome, Reconfiguration
from state4.rsrm import claim_session
from state4.rssm import FEW_UPDATES, MAX_ROUNDS
from state4.transfer.counts import Counts, Missed
from state4.transfer.gate import Gate
from state4.values import Cells, CellWrites

MAX_READINGS = 3


@dataclass(frozen=True)
class LateUpdates:
    """How the updates after RSSM's last write were handled. `late`: cells that they changed; `merged`: those that were
    merged into the new program; `conflicts`: those left unchanged. `inexact`: why the state may not be exact; () if it
    is."""

    late: int = 0
    merged: int = 0
    conflicts: int = 0
    inexact: tuple[str, ...] = ()


class ClonesLost(State4Error):
    """Clones are lost repeatedly while the old program is still forwarding, so nothing was changed."""


def reconfigure_waiting(
    context: Reconfiguration, name: str, read: Callable[[], dict[str, Cells]] | None = None, **numbers: Any
) -> Outcome:
    """State4 whose last window is closed by the new program. `read`: reads the registers; None: all of them. `numbers`:
    further values for the outcome. Raises ClonesLost."""
    retriever, synchroniser = context.retriever, context.synchroniser
    with retriever.cloning() as listener:
        entries = retriever.entries()
        counts = Counts(context)
        contents, pending, missed = _read(context, listener, counts, read or retriever.registers)
        image = Image(context.carried, contents)
        state = replace(entries, registers=contents, counters=retriever.counters(counts.uncloned) | counts.values)
        synchroniser.save()
        gate = Gate(context.target, context.new.p4info, context.new.layout)
        gate.usable &= bool(context.layout.slots)  # without clones there is nothing to wait for
        if context.layout.slots:
            claim_session(context.target, context.new.layout.session)
        synchroniser.write(state)
        counts.wrote()
        if gate.usable:
            gate.close()
        written = _catch_up(context, listener, image, counts, pending)
        window = _swap(context, listener, gate, image, counts)
        stats = listener.stats()
    reasons = [*window.inexact, *not_followed(context, counts.unsettled, counts.uncloned)]
    if _missed(stats) != missed:
        reasons.append("clones were lost after the last read")
    return context.outcome(
        name,
        state,
        clones=stats,
        written=written + window.merged,
        late=window.late,
        merged=window.merged,
        conflicts=window.conflicts,
        inexact=tuple(reasons),
        **numbers,
    )


class Image:
    """What has been written to the new program's registers so far."""

    def __init__(self, carried: tuple[Carried, ...], contents: Mapping[str, Cells]) -> None:
        self.cells = {item.new.name: item.contents(contents[item.old.name]) for item in carried}

    def put(self, writes: list[CellWrites]) -> None:
        for write in writes:
            self.cells[write.register.name][write.indices.astype(np.intp)] = write.values


def not_followed(context: Reconfiguration, unsettled: Sequence[str], uncloned: Sequence[str]) -> Iterator[str]:
    """State written by packets that no clone carries. `unsettled`, `uncloned`: counters, as in `Counts`."""
    for name in unsettled:
        yield f"counter {name} changed constantly while it was read"
    for name in uncloned:
        yield f"counter {name} is carried as it was read: the program does not clone its counts"
    for kind, items in (("direct counter", context.old.direct_counters), ("direct meter", context.old.direct_meters)):
        for item in items:
            yield f"{kind} {item.preamble.name} is reset"
    for meter in context.old.meters:
        yield f"meter {meter.preamble.name} is reset"


def _missed(stats: ListenerStats) -> tuple[int, int]:
    """Losses known to a listener: gaps in the sequence numbers, and frames for which the kernel had no room. A lost
    last clone leaves no gap, because nothing follows it."""
    return stats.lost, stats.dropped


def _read(
    context: Reconfiguration, listener: CloneSource, counts: Counts, read: Callable[[], dict[str, Cells]]
) -> tuple[dict[str, Cells], list[Updates], tuple[int, int]]:
    """Reads all registers and counters, again if clones were lost in the meantime: once a program is saved they may no
    longer be readable. Also returns the updates taken from the listener, and its losses by then (`_missed`)."""
    missed = _missed(listener.stats())
    if not context.layout.slots:
        return read(), [], missed
    for _ in range(MAX_READINGS):
        missed = _missed(listener.stats())
        contents = read()
        with suppress(Missed):
            pending = counts.read(listener, ARRIVAL_S)
            if _missed(listener.stats()) == missed:
                return contents, pending, missed
        context.target.set_clone_flag(context.layout, True)  # a program that gave up waiting has cleared it
        listener.expect(*context.target.read_sequences(context.layout))
    raise ClonesLost(
        "clones do not all arrive on the CPU port, and updates made during the reconfiguration would be lost; "
        "nothing was done (a lower rate or a longer queue of the CPU port may help; strategy state4 accepts losses)"
    )


def _catch_up(
    context: Reconfiguration, listener: CloneSource, image: Image, counts: Counts, pending: Sequence[Updates]
) -> int:
    """Applies the pending updates, then later ones, until a round yields few."""
    written = 0
    for _ in range(MAX_ROUNDS):
        updates = listener.take()
        counts.see(updates)
        updates = Updates.concatenate([*pending, updates], context.layout.value_bytes)
        pending = ()
        image.put(context.synchroniser.cell_writes(updates))
        written += context.synchroniser.apply_updates(updates)
        if len(updates) <= FEW_UPDATES:
            break
    counts.write()
    return written


def _swap(context: Reconfiguration, listener: CloneSource, gate: Gate, image: Image, counts: Counts) -> LateUpdates:
    with context.events.phase("wait", gate=gate.usable) as result:
        context.synchroniser.commit()
        announced = gate.wait_until_running(listener) if gate.usable else _quiet(context, listener)
        late = listener.take()
        counts.see(late)
        window = _finish(context, gate, image, context.synchroniser.cell_writes(late), counts)
        if not announced:
            reason = "the new program did not announce itself on the CPU port, so clones of the old one may be missing"
            window = replace(window, inexact=(*window.inexact, reason))
        result |= {"late": window.late, "merged": window.merged, "conflicts": window.conflicts}
        result |= {"updates": len(late), "exact": not window.inexact}
    return window


def _finish(
    context: Reconfiguration, gate: Gate, image: Image, writes: list[CellWrites], counts: Counts
) -> LateUpdates:
    """Writes the late updates and opens the gate; merges them if packets are already being processed."""
    count = sum(len(write.indices) for write in writes)
    if gate.usable and gate.is_closed():
        if writes:
            context.target.write_cells(writes)
        count += counts.write()
        if context.verification is not None:
            image.put(writes)
            for item in context.carried:
                found = context.target.read_register(item.new)
                context.verification.register(item.new, image.cells[item.new.name], found)
        if gate.open() or not count:
            return LateUpdates(count, count)
        return LateUpdates(count, count, inexact=("packets continued while the last updates were written",))
    context.not_verified("packets ran in the new program before its registers could be compared")
    if gate.usable:
        gate.open()
    counted = counts.write(running=True)
    merged = sum(_merge(context, write, image) for write in writes) + counted
    count += counted
    if not count:
        return LateUpdates()
    return LateUpdates(count, merged, count - merged, (f"packets ran before {count} late updates were merged",))


def _quiet(context: Reconfiguration, listener: CloneSource) -> bool:
    """Waits until no more clones arrive, for a new program that will not announce itself."""
    seen = -1
    while context.layout.slots and (clones := listener.stats().clones) != seen:
        seen = clones
        listener.wait_for_program(context.new.layout.fingerprint, ARRIVAL_S)
    return True


def _merge(context: Reconfiguration, write: CellWrites, image: Image) -> int:
    """Merges late updates of one register into cells that packets may have changed; returns the number merged."""
    spec = write.register
    adds = spec.name in context.adding
    merged: list[tuple[int, int]] = []
    before = spec.integers(image.cells[spec.name][write.indices.astype(np.intp)])
    for index, old, value in zip(write.indices.tolist(), before, spec.integers(write.values), strict=True):
        now = spec.integers(context.target.read_register(spec, index, 1))[0]
        if now == old:
            merged.append((index, value))
        elif adds:
            merged.append((index, now + value - old))
    if merged:
        indices = np.array([index for index, _ in merged], np.uint64)
        context.target.write_cells([CellWrites(spec, indices, spec.from_integers([value for _, value in merged]))])
    return len(merged)
