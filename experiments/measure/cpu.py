"""CPU time of a process's threads: the cost of each part of a switch and its control plane.

psutil finds the threads. If the kernel counts their time in ns (/proc/<pid>/task/<thread>/schedstat), that is used,
because psutil's numbers come in steps of 10 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psutil

OTHER = "other"


class ThreadTimes:
    """CPU seconds used by the threads of a process, by name. The time of threads that have ended remains included."""

    def __init__(self, process_id: int, named: Sequence[str], *, proc: Path = Path("/proc")) -> None:
        """`named`: threads that are counted by name (as the kernel knows it, at most 15 characters); all others are
        `OTHER`. Raises psutil.NoSuchProcess."""
        self._process = psutil.Process(process_id)
        self._tasks = proc / str(process_id) / "task"
        self._named = frozenset(named)
        self._used: dict[int, float] = {}
        self._waited: dict[int, float] = {}
        self._names: dict[int, str] = {}

    def read(self) -> dict[str, float]:
        """Seconds by name; names of which no thread was ever seen are missing. A process that has ended keeps its last
        values."""
        try:
            threads = self._process.threads()
        except psutil.Error:
            threads = []
        for thread in threads:
            exact = self._exact(thread.id)
            if exact is None:  # in clock ticks, and so possibly below an ending thread's last exact value
                self._used[thread.id] = max(self._used.get(thread.id, 0.0), thread.user_time + thread.system_time)
            else:
                self._used[thread.id], self._waited[thread.id] = exact
            if self._names.get(thread.id) not in self._named:  # a thread may be named only after its start
                self._names[thread.id] = self._name(thread.id)
        found: dict[str, float] = {OTHER: 0.0}
        for number, seconds in self._used.items():
            name = self._names[number]
            key = name if name in self._named else OTHER
            found[key] = found.get(key, 0.0) + seconds
        return found

    def waited_s(self) -> float | None:
        """Seconds that the threads seen in the last `read` were ready without a core, in total; None if the kernel does
        not count that."""
        return sum(self._waited.values()) if self._waited else None

    def memory_bytes(self) -> int | None:
        """Resident memory of the process; None if it has ended."""
        try:
            return int(self._process.memory_info().rss)
        except psutil.Error:
            return None

    def _exact(self, thread: int) -> tuple[float, float] | None:
        """Seconds on a core, and seconds of waiting for one."""
        try:
            used, waited, _ = (self._tasks / str(thread) / "schedstat").read_text().split()
        except (OSError, ValueError):
            return None
        return int(used) / 1e9, int(waited) / 1e9

    def _name(self, thread: int) -> str:
        try:
            return (self._tasks / str(thread) / "comm").read_text().rstrip("\n")
        except OSError:
            return ""
