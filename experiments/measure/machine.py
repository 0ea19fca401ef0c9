"""Whether the switch and the hosts had a core when they needed one during a trial."""

from __future__ import annotations

from typing import Protocol

from experiments.harness.lab import Lab
from experiments.harness.validity import Machine
from experiments.measure.cores import CoreWatch


class Running(Protocol):
    """A helper that is a process of its own, such as a sender."""

    @property
    def pid(self) -> int: ...


class MachineWatch:
    """Observes the switch of a lab, and helpers by name, from now on."""

    def __init__(self, lab: Lab, **helpers: Running) -> None:
        process = lab.switch.process
        hosts = {name.replace("_", " "): helper.pid for name, helper in helpers.items()}
        self._cores = CoreWatch(None if process is None else process.pid, hosts)

    def read(self, *late_ns: int) -> Machine:
        """Call it before the helpers end. `late_ns`: the largest delay of each sender, if already known."""
        late_ms = max(late_ns) / 1e6 if late_ns else None
        return Machine(self._cores.switch_share(), self._cores.host_shares(), late_ms)
