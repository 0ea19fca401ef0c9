"""RSRM, the Runtime State Retrieving Module: two halves that work at the same time.

The data-plane listener receives clones from the CPU port (`state4.clones.listener`), in its own thread. The
control-plane retriever reads every cell of every component, in the caller's thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from finsy.proto import p4r

from state4.clones.header import CloneLayout
from state4.clones.source import CloneSource, NoSource
from state4.clones.store import ARRIVAL_S
from state4.errors import NoClones, SessionInUse
from state4.events import EventLog
from state4.other_writers import OtherWriters
from state4.pacing import Pacer, Profile
from state4.plan.change import Change
from state4.replication import ports_of
from state4.shared_sessions import shared_sessions
from state4.targets.base import Target
from state4.values import Cells, RegisterSpec


@dataclass(frozen=True)
class State:
    """State carried over in bulk. `entries`: of the old program, translated for the new one; `skipped`: why some have
    no place there; `registers`: contents by the old name; `counters`: packets and bytes of each cell by the old
    name."""

    entries: Sequence[p4r.Update] = ()
    skipped: tuple[str, ...] = ()
    registers: Mapping[str, Cells] = field(default_factory=dict)
    counters: Mapping[str, Cells] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        """Register cells."""
        return sum(len(contents) for contents in self.registers.values())


class Retriever:
    """Both halves for one program change, at the speed of a profile. All methods raise TargetError."""

    def __init__(
        self, target: Target, change: Change, profile: Profile, events: EventLog, others: OtherWriters
    ) -> None:
        self._target = target
        self._change = change
        self._profile = profile
        self._events = events
        self._others = others
        self.has_ring = False
        """Whether updates come by shared memory."""

    # ------------------------------------------------------------ the data plane's half

    @contextmanager
    def cloning(self, *, ring: bool = False) -> Iterator[CloneSource]:
        """State updates are cloned and collected from here on, so that later reads miss none. With `ring` they come by
        shared memory if the switch can do that; the event says so. Where packets write nothing, nothing is switched on:
        no interface to listen on and no clone session is needed."""
        if not self._change.layout.slots:
            yield NoSource(self._change.layout.value_bytes)
            return
        with self._events.phase("listen") as result:
            clones = self._open_ring() if ring else None
            result["ring"] = self.has_ring = clones is not None
            clones = clones or self._target.open_listener(self._change.layout)
        try:
            with shared_sessions(self._target, self._change.layout):
                start_cloning(self._target, self._change.layout, clones)
                self._events.record("clone_on")
                yield clones
        finally:
            clones.close()

    def _open_ring(self) -> CloneSource | None:
        shares = self._target.abilities.shares_updates
        if shares is None:
            return None
        return shares.open_ring(self._change.layout)

    def silence(self, clones: CloneSource) -> str:
        """An error text if the switch has cloned updates and none arrived, "" otherwise. Reads the number of clones
        requested, so it must not be called while a program is saved, unless the switch holds packets."""
        if not self._change.layout.slots:
            return ""
        asked = self._target.read_sequences(self._change.layout)
        if clones.wait_for(*asked, ARRIVAL_S) or clones.stats().clones:
            return ""
        return (
            f"the switch has cloned state updates to its CPU port ({self._target.cpu_port}), but none arrived; is the "
            "interface of --cpu-interface up, and the other end of that port?"
        )

    def require_clones(self, clones: CloneSource) -> None:
        """Raises NoClones, before anything is changed, if a strategy relies on clones and none arrive."""
        silence = self.silence(clones)
        if silence:
            raise NoClones(f"{silence} Nothing was changed")

    def missing_clones(self, clones: CloneSource) -> tuple[str, ...]:
        """Why the updates that arrived are not all that were made so far; () if they are."""
        reasons = []
        if self._change.layout.slots and self._target.abilities.holds is not None:
            asked = self._target.read_sequences(self._change.layout)
            if not clones.wait_for(*asked, ARRIVAL_S):
                reasons.append("the latest clones of state updates did not arrive in time")
        lost = clones.stats().lost
        if lost:
            reasons.append(f"{lost} clones of state updates were lost")
        return tuple(reasons)

    # ------------------------------------------------------------ the control plane's half

    def state(self) -> State:
        """Everything that the plan carries over."""
        entries = self.entries()
        counters = [old for old, _ in self._change.plan.counters]
        return State(entries.entries, entries.skipped, self.registers(), self.counters(counters))

    def entries(self, *, all_entries: bool = False) -> State:
        """Table entries, and what else the control plane put into the program; without those that the switch carries by
        itself unless `all_entries`."""
        with self._events.phase("read_tables") as result:
            entities = self._target.read_entities() if all_entries else self._others.carrier.read_entities()
            result["entries"] = len(entities)
        self._others.was_read(entities)
        translation = self._change.translate(entities)
        return State(translation.updates, tuple(translation.left))

    def registers(self) -> dict[str, Cells]:
        """Contents by name, one register after the other."""
        pacer = Pacer(self._profile.read_cells_per_s)
        return {item.old.name: self._register(item.old, pacer) for item in self._change.carried}

    def _register(self, spec: RegisterSpec, pacer: Pacer) -> Cells:
        values = spec.zeros()
        with self._events.phase("read_register", component=spec.name, cells=spec.cells):
            for start, count in pacer.chunks(spec.cells):
                self._events.check()
                values[start : start + count] = self._target.read_register(spec, start, count)
        return values

    def counters(self, names: Sequence[str]) -> dict[str, Cells]:
        """Indirect counters by name: packets and bytes of each cell."""
        return {name: self._target.read_counter(name) for name in names}


def start_cloning(target: Target, layout: CloneLayout, clones: CloneSource) -> None:
    """Points the clone session at the CPU port, then sets the clone flag; `clones` listens there already."""
    target.set_clone_flag(layout, False)  # a controller that died may have left it on
    if layout.slots:
        clones.expect(*target.read_sequences(layout))
    claim_session(target, layout.session)
    target.set_clone_flag(layout, True)


def claim_session(target: Target, session: int) -> None:
    """Points a clone session at the CPU port. Raises SessionInUse if it points at another port."""
    if not is_free(target, session):
        raise SessionInUse(
            f"clone session {session} of the switch sends elsewhere than to its CPU port ({target.cpu_port}), so it is "
            "in use; delete it, or install a program with another one (--session)"
        )
    target.configure_clone_session(session, target.cpu_port)


def is_free(target: Target, session: int) -> bool:
    """Whether a clone session is unused, or State4's already (it sends to the CPU port alone)."""
    entry = target.clone_session(session)
    return entry is None or ports_of(entry) == (target.cpu_port,)
