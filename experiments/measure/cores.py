"""A core of its own for the switch's data plane, so that what a trial measures is the switch and not the scheduler.

In the paper's set-up, as here, sender, switch and receiver are one machine. Left to the scheduler, the data plane
shares its core with a sender in one run and has it alone in the next, and its highest rate differs by a factor of two.
Here the data plane gets the last core, and everything else (hosts, control plane, this program) the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from topologies.priority import prefer_session

DATA_PLANE_THREAD = "dataplane"
"""The name of softswitch's packet thread."""


@dataclass(frozen=True)
class Cores:
    """Which cores are for what. `switch` is None where there are too few for a core of its own."""

    switch: int | None
    others: frozenset[int]

    def place(self, process_id: int) -> bool:
        """Gives the data plane of a switch its core, before all other work. False when there is none to give.

        A switch without a thread of that name (bmv2, whose packets go through four threads and more) may use all cores,
        and so has that one for itself.
        """
        prefer_session(process_id)
        if self.switch is None:
            return False
        task = _data_plane(process_id)
        if task is not None:
            os.sched_setaffinity(int(task.name), {self.switch})
            return True
        for thread in Path(f"/proc/{process_id}/task").iterdir():
            with suppress(OSError):
                os.sched_setaffinity(int(thread.name), self.others | {self.switch})
        return True


def waited_s(process_id: int) -> float:
    """Seconds that a switch's data plane has been ready but without a core, since it began; 0 where that is unknown."""
    task = _data_plane(process_id)
    with suppress(OSError, ValueError, IndexError):
        if task is not None:
            return int((task / "schedstat").read_text().split()[1]) / 1e9
    return 0.0


def _data_plane(process_id: int) -> Path | None:
    for task in Path(f"/proc/{process_id}/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            if (task / "comm").read_text().strip() == DATA_PLANE_THREAD:
                return task
    return None


@contextmanager
def divided_cores() -> Iterator[Cores]:
    """Inside, this thread and all that it starts run on the other cores. As before at the end."""
    allowed = os.sched_getaffinity(0)
    cores = divide(allowed)
    os.sched_setaffinity(0, cores.others)
    try:
        yield cores
    finally:
        os.sched_setaffinity(0, allowed)


def divide(allowed: set[int]) -> Cores:
    """The last core for the switch, the others for the rest; nothing is divided where there is only one."""
    if len(allowed) < 2:
        return Cores(None, frozenset(allowed))
    switch = max(allowed)
    return Cores(switch, frozenset(allowed - {switch}))
