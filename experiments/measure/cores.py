"""A core of its own for the switch's data plane, so that a trial measures the switch and not the scheduler.

In the paper's setup, as here, sender, switch and receiver run on one machine. Left to the scheduler, the data plane
shares its core with a sender in one run and has it alone in the next, and its highest rate differs by a factor of two.
Here the data plane gets the last core, and everything else (hosts, control plane, this program) the others.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from topologies.priority import prefer_session

DATA_PLANE_THREAD = "dataplane"
"""The name of softswitch's packet threads, of which there is one unless it is told otherwise."""


@dataclass(frozen=True)
class Cores:
    """The assignment of cores. `switch` is None if there are too few for a core of its own."""

    switch: int | None
    others: frozenset[int]

    def place(self, process_id: int) -> bool:
        """Gives a switch's data plane its core, with priority over all other work. False if there is none to give.

        A switch without a thread of that name (bmv2, whose packets go through four threads and more), or with several,
        may use all cores, and so has that one for itself.
        """
        prefer_session(process_id)
        if self.switch is None:
            return False
        threads = _threads(process_id)
        packets = [task for task in threads if _name(task) == DATA_PLANE_THREAD]
        if len(packets) == 1:
            os.sched_setaffinity(int(packets[0].name), {self.switch})
            return True
        for thread in packets or threads:
            with suppress(OSError):
                os.sched_setaffinity(int(thread.name), self.others | {self.switch})
        return True


class CoreWatch:
    """How long processes are ready to run without a core, from now on (the kernel's count, /proc/<pid>/schedstat).

    For a switch it counts the packet threads; if none has that name (bmv2, whose threads always wait for each other's
    cores when it is flooded), it is unknown. For any other process it counts the first thread.
    """

    def __init__(self, switch: int | None, hosts: Mapping[str, int]) -> None:
        self._switch, self._hosts = switch, dict(hosts)
        self._begin = time.monotonic()
        self._switch_before = {} if switch is None else _switch_waits(switch)
        self._hosts_before = {name: _waited(Path(f"/proc/{pid}")) for name, pid in self._hosts.items()}

    def switch_share(self) -> float | None:
        """Share of the time since the beginning; None if it cannot be determined."""
        if self._switch is None:
            return None
        now = _switch_waits(self._switch)
        waits = [waited - self._switch_before.get(thread, 0.0) for thread, waited in now.items()]
        return max(waits) / self._elapsed() if waits else None

    def host_shares(self) -> dict[str, float | None]:
        """The same for each of the other processes; call it before they end."""
        shares: dict[str, float | None] = {}
        for name, pid in self._hosts.items():
            before, now = self._hosts_before[name], _waited(Path(f"/proc/{pid}"))
            shares[name] = None if before is None or now is None else (now - before) / self._elapsed()
        return shares

    def _elapsed(self) -> float:
        return max(time.monotonic() - self._begin, 1e-9)


def _switch_waits(process_id: int) -> dict[int, float]:
    """Seconds that each of a switch's packet threads has waited for a core."""
    packets = [task for task in _threads(process_id) if _name(task).startswith(DATA_PLANE_THREAD)]
    waits = {int(task.name): _waited(task) for task in packets}
    return {thread: waited for thread, waited in waits.items() if waited is not None}


def _waited(task: Path) -> float | None:
    with suppress(OSError, ValueError, IndexError):
        return int((task / "schedstat").read_text().split()[1]) / 1e9
    return None


def _threads(process_id: int) -> list[Path]:
    with suppress(OSError):
        return list(Path(f"/proc/{process_id}/task").iterdir())
    return []


def _name(task: Path) -> str:
    with suppress(OSError):  # the thread has just ended
        return (task / "comm").read_text().strip()
    return ""


@contextmanager
def divided_cores() -> Iterator[Cores]:
    """Inside, this thread and everything it starts run on the other cores; the previous state is restored at the
    end."""
    allowed = os.sched_getaffinity(0)
    cores = divide(allowed)
    os.sched_setaffinity(0, cores.others)
    try:
        yield cores
    finally:
        os.sched_setaffinity(0, allowed)


def divide(allowed: set[int]) -> Cores:
    """The last core for the switch, the others for the rest; with a single core nothing is divided."""
    if len(allowed) < 2:
        return Cores(None, frozenset(allowed))
    switch = max(allowed)
    return Cores(switch, frozenset(allowed - {switch}))
