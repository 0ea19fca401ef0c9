"""Pacing: how fast the control plane is taken to read and write registers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """Rates of the control plane in cells per second. None: as fast as the switch can."""

    name: str
    read_cells_per_s: float | None = None
    write_cells_per_s: float | None = None


NATIVE = Profile("native")
PAPER = Profile("paper", read_cells_per_s=522_000, write_cells_per_s=522_000)
"""The paper changes a program with 236 KB of registers in about 1.82 s. Our chained.p4 has 463,742 cells; reading and
then writing each of them at 522,000 cells/s takes 1.78 s, and saving, entries, updates and the swap about 0.04 s. The
paper does not say how its time is divided, so both directions get the same rate."""
PROFILES = {profile.name: profile for profile in (PAPER, NATIVE)}
_STEP_S = 0.01


class Pacer:
    """Makes work take as long as a rate says. Each step is done first, then its time is waited for, so a component's
    last cell is read when its time is over, and short waits do not add up to a longer one."""

    def __init__(
        self,
        cells_per_s: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.cells_per_s = cells_per_s
        self._clock = clock
        self._sleep = sleep
        self._due: float | None = None

    def chunks(self, cells: int) -> Iterator[tuple[int, int]]:
        """(start, count) of steps through an array; waits after each step for its share of the time."""
        step = cells if self.cells_per_s is None else max(1, int(self.cells_per_s * _STEP_S))
        if self._due is None:
            self._due = self._clock()
        for start in range(0, cells, max(1, step)):
            count = min(step, cells - start)
            yield start, count
            self._wait(count)

    def _wait(self, cells: int) -> None:
        if self.cells_per_s is None or self._due is None:
            return
        self._due += cells / self.cells_per_s
        wait = self._due - self._clock()
        if wait > 0:
            self._sleep(wait)
