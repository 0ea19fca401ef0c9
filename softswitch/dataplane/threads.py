"""How many threads receive and send packets. Whatever their number, the program gets one packet at a time."""

from __future__ import annotations

import os
from typing import Literal

from softswitch.dataplane.interface import interface

IoThreads = int | Literal["auto"]
DEFAULT_IO_THREADS: IoThreads = 1
"""On two cores, two gain for TCP and lose for small frames (docs/performance.md)."""
MAX_IO_THREADS = interface().constants["SS_MAX_IO_THREADS"]


def thread_count(wanted: IoThreads | None) -> int:
    """`auto`: as many as there are cores for this process. None: the default."""
    if wanted is None:
        wanted = DEFAULT_IO_THREADS
    return min(len(os.sched_getaffinity(0)), MAX_IO_THREADS) if wanted == "auto" else wanted
