"""RSRM, the Runtime State Retrieving Module: two halves that work at the same time.

The data-plane listener takes clones from the CPU port (`state4.clones.listener`), in a thread of its own. The
control-plane retriever reads every cell of every component, in the caller's thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from finsy.proto import p4r

from state4.events import EventLog
from state4.targets.base import Target
from state4.transfer.pacing import Pacer, Profile
from state4.values import Cells, RegisterSpec


class Retriever:
    """Reads the state of the forwarding program, at the speed of a profile."""

    def __init__(self, target: Target, profile: Profile, events: EventLog) -> None:
        self.target = target
        self.profile = profile
        self.events = events
        self._pacer = Pacer(profile.read_cells_per_s)

    def registers(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        """Contents by name, one register after the other."""
        return {spec.name: self.register(spec) for spec in registers}

    def register(self, spec: RegisterSpec) -> Cells:
        values = spec.zeros()
        with self.events.phase("read_register", component=spec.name, cells=spec.cells):
            for start, count in self._pacer.chunks(spec.cells):
                self.events.check()
                values[start : start + count] = self.target.read_register(spec, start, count)
        return values

    def counters(self, names: Sequence[str]) -> dict[str, Cells]:
        """Indirect counters by name: packets and bytes of each cell."""
        return {name: self.target.read_counter(name) for name in names}

    def entries(self) -> list[p4r.Entity]:
        """Table entries, and what else the control plane put into the program."""
        with self.events.phase("read_tables") as result:
            entities = self.target.read_entities()
            result["entries"] = len(entities)
        return entities
