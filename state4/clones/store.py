"""What a listener keeps of the clones that arrive: their updates in order, their numbers, and what is missing."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from state4.clones.header import ETHER_TYPE, MARKER_COUNT, CloneLayout, Clones
from state4.clones.source import Gap, ListenerStats
from state4.clones.updates import Bytes, Updates

ARRIVAL_S = 0.05
"""How long a clone may take from the switch to the listener."""


class CloneStore:
    """Thread-safe: one side adds frames, the other takes updates."""

    def __init__(self, layout: CloneLayout) -> None:
        self.layout = layout
        self._parts: list[Updates] = []
        self._condition = threading.Condition()
        self._after: tuple[int, int] | None = None
        self._last: list[int | None] = [None, None]
        self._gaps: list[Gap] = []
        self._clones = 0
        self._updates = 0
        self._foreign = 0
        self._running: set[int] = set()

    def expect(self, ingress: int, egress: int) -> None:
        """The next clones are those after these numbers. What came before is forgotten, also if it arrives late."""
        with self._condition:
            self._after = (ingress, egress)
            self._last = [ingress, egress]
            self._parts.clear()
            self._gaps.clear()
            self._clones = self._updates = 0

    def add(self, frames: Bytes) -> None:
        """Frames in order of arrival, [n, >= header_bytes]."""
        self.add_clones(lambda after: self.layout.decode(frames, after))

    def add_clones(self, decode: Callable[[tuple[int, int] | None], Clones]) -> None:
        """Clones in order of arrival. `decode` gives them; it gets the numbers of the last clones of ingress and egress
        that do not count, None: all count."""
        with self._condition:
            clones = decode(self._after)
            self._foreign += clones.foreign
            self._clones += len(clones)
            self._updates += len(clones.updates)
            self._follow(clones)
            if len(clones.updates):
                self._parts.append(clones.updates)
            self._condition.notify_all()

    def add_markers(self, frames: Bytes) -> None:
        """Frames of FIXED_BYTES, in order of arrival: programs that say that they run."""
        with self._condition:
            for frame in frames:
                mark = frame.tobytes()[4:]
                if mark[0] == MARKER_COUNT and mark[8:] == ETHER_TYPE.to_bytes(2, "big"):
                    self._running.add(int.from_bytes(mark[1:8], "big"))
                else:
                    self._foreign += 1
            self._condition.notify_all()

    def wait_for_program(self, fingerprint: int, timeout_s: float) -> bool:
        with self._condition:
            return self._condition.wait_for(lambda: fingerprint in self._running, timeout_s)

    def add_foreign(self, count: int) -> None:
        """Frames that are too short or too long for a clone."""
        with self._condition:
            self._foreign += count

    def _follow(self, clones: Clones) -> None:
        """Checks that each pass's numbers follow one another; they wrap at 2^32."""
        for side in (0, 1):
            numbers = clones.sequence[clones.egress == bool(side)].astype(np.int64)
            if not len(numbers):
                continue
            last = self._last[side]
            before = int(numbers[0]) - 1 if last is None else last
            steps = np.diff(numbers, prepend=before) % (1 << 32)
            for k in np.flatnonzero(steps != 1):
                first = (before if k == 0 else int(numbers[k - 1])) + 1
                missing = int(steps[k]) - 1 if steps[k] else 0
                self._gaps.append(Gap(bool(side), first % (1 << 32), missing))
            self._last[side] = int(numbers[-1])

    def take(self) -> Updates:
        with self._condition:
            parts, self._parts = self._parts, []
        return Updates.concatenate(parts, self.layout.value_bytes)

    def wait_for(self, ingress: int, egress: int, timeout_s: float) -> bool:
        def here() -> bool:
            return all(
                last is not None and (last - wanted) % (1 << 32) < 1 << 31
                for wanted, last in zip((ingress, egress), self._last, strict=True)
            )

        with self._condition:
            return self._condition.wait_for(here, timeout_s)

    def last(self) -> tuple[int, int]:
        """Numbers of the last clones of ingress and egress (0 before the first)."""
        with self._condition:
            return self._last[0] or 0, self._last[1] or 0

    def stats(self, dropped: int = 0) -> ListenerStats:
        with self._condition:
            return ListenerStats(self._clones, self._updates, self._foreign, dropped, tuple(self._gaps))
