"""A controller and its listener without a network: clones go straight from the switch's memory ports to the
listener."""

from __future__ import annotations

import numpy as np

from state4.clones.header import FIXED_BYTES, WAKE, CloneLayout
from state4.clones.source import CloneSource
from state4.clones.store import CloneStore
from state4.targets.base import CPU_PORT
from state4.targets.p4runtime.target import P4RuntimeTarget
from tests.switch.controller import Running


class MemoryListener:
    """Clones seen by `send`; there is no network."""

    def __init__(self, layout: CloneLayout) -> None:
        self.store = CloneStore(layout)
        self.expect, self.take, self.stats = self.store.expect, self.store.take, self.store.stats

    def wait_for(self, ingress: int, egress: int, timeout_s: float) -> bool:
        return self.store.wait_for(ingress, egress, 0)

    def wait_for_program(self, fingerprint: int, timeout_s: float) -> bool:
        return self.store.wait_for_program(fingerprint, 0)

    def close(self) -> None:
        if self in listeners:
            listeners.remove(self)


listeners: list[MemoryListener] = []


class ListeningTarget(P4RuntimeTarget):
    """A controller whose listeners receive the clones of frames that `send` sends. `running_switch`: the switch that
    they are sent to."""

    running_switch: Running | None = None

    def open_listener(self, layout: CloneLayout) -> CloneSource:  # type: ignore[override]
        listeners.append(MemoryListener(layout))
        return listeners[-1]

    def wake(self) -> None:
        if self.running_switch is not None:
            send(self.running_switch, WAKE, CPU_PORT)


def send(running: Running, frame: bytes, port: int = 1) -> list[int]:
    """Returns the ports where a packet comes out; clones go to the listeners."""
    out = running.switch.inject(port, frame)
    for listener in listeners:
        for clone in (np.frombuffer(f, np.uint8).reshape(1, -1) for p, f in out if p == CPU_PORT):
            if clone.shape[1] == FIXED_BYTES:
                listener.store.add_markers(clone)
            else:
                listener.store.add(clone)
    return [port for port, _ in out if port != CPU_PORT]
