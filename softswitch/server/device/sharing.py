"""Whose update ring the switch writes to: one at a time, of a client that is primary."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from softswitch.dataplane.update_ring import UpdateRing
from softswitch.server.device.arbitration import Arbitration
from softswitch.server.device.fence import Fence
from softswitch.server.errors import Code, Refused


@dataclass(frozen=True, eq=False)
class Shared:
    """One client's ring. `changed` is set when `Sharing.check` has to be called."""

    fence: Fence
    ring: UpdateRing
    changed: threading.Event


class Sharing:
    """The ring of one device."""

    def __init__(self, arbitration: Arbitration) -> None:
        self._arbitration = arbitration
        self._current: Shared | None = None

    def begin(self, shared: Shared) -> None:
        """The switch writes to this ring from here on. That of a client of the same role, or of one that is no longer
        primary, gives way. The caller has the write lock. Raises Refused: FAILED_PRECONDITION for another one's."""
        other = self._current
        if other is not None:
            if other.fence.role != shared.fence.role and self._is_primary(other):
                raise Refused(
                    Code.FAILED_PRECONDITION, f"role {other.fence.role!r} gets updates by shared memory just now"
                )
            self.end(other)
        shared.ring.attach()
        self._current = shared

    def end(self, shared: Shared) -> None:
        """It is detached and gone, if it was not before."""
        with self._arbitration.write_lock:
            if self._current is shared:
                self._current = None
            shared.ring.close()
            shared.changed.set()

    def check(self, shared: Shared) -> None:
        """Raises Refused when the ring has to end: PERMISSION_DENIED if its client is not primary any more, ABORTED if
        it gave way."""
        shared.fence.check_client(self._arbitration, sets_programs=True)
        if self._current is not shared:
            raise Refused(Code.ABORTED, "another client of this role gets updates by shared memory now")

    def _is_primary(self, shared: Shared) -> bool:
        try:
            shared.fence.check_client(self._arbitration)
        except Refused:
            return False
        return True
