"""Where clones arrive, as strategies see it: a listener on the CPU port, or a test's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from state4.clones.updates import Updates


@dataclass(frozen=True)
class Gap:
    """Clones that never arrived: `count` of them from number `first` on, of the ingress or the egress pass."""

    egress: bool
    first: int
    count: int


@dataclass(frozen=True)
class ListenerStats:
    """`foreign`: frames on the CPU port that are no clones of this program; `dropped`: frames that the kernel had no
    room for, or updates in shared memory that were overwritten before they were read."""

    clones: int
    updates: int
    foreign: int
    dropped: int
    gaps: tuple[Gap, ...]

    @property
    def lost(self) -> int:
        return sum(gap.count for gap in self.gaps)


class CloneSource(Protocol):
    """Receives clones from the moment it is made until `close`."""

    def expect(self, ingress: int, egress: int) -> None:
        """The numbers of the last clones before this source opened; what follows must come without a gap."""

    def take(self) -> Updates:
        """The updates that arrived since the last take, in order."""

    def wait_for(self, ingress: int, egress: int, timeout_s: float) -> bool:
        """Waits until the clones of these numbers have arrived. False if they have not in time."""

    def wait_for_program(self, fingerprint: int, timeout_s: float) -> bool:
        """Waits until the program with this layout has announced on the CPU port that it runs (`CloneLayout.marker`):
        all clones of the program before it have arrived by then. False if it has not in time."""

    def stats(self) -> ListenerStats: ...

    def close(self) -> None: ...


class NoSource:
    """For a program whose packets write nothing that is cloned: there is nothing to receive, and so no interface is
    needed."""

    def __init__(self, value_bytes: int) -> None:
        self._value_bytes = value_bytes

    def expect(self, ingress: int, egress: int) -> None:
        pass

    def take(self) -> Updates:
        return Updates.empty(self._value_bytes)

    def wait_for(self, ingress: int, egress: int, timeout_s: float) -> bool:
        return True

    def wait_for_program(self, fingerprint: int, timeout_s: float) -> bool:
        return False

    def stats(self) -> ListenerStats:
        return ListenerStats(0, 0, 0, 0, ())

    def close(self) -> None:
        pass
