"""Which clones a strategy had received at which time: the updates of every take from its listener, in order.

What a strategy took before its last write must be in the new program; later updates it could not know. This rule does
not depend on how long a clone was in transit, or on how busy the machine was.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from state4.clones.look_ahead import look_ahead
from state4.clones.source import CloneSource, ListenerStats
from state4.clones.updates import Updates


@dataclass(frozen=True)
class Take:
    """The updates of one take; `t`: its time, in s of the monotonic clock. `late`: what was left at the end and the
    strategy never took."""

    t: float
    updates: Updates
    late: bool = False


class RecordingListener:
    """A clone source that records what is taken from it. It stays open until `finish`, so clones that arrive after the
    strategy has closed it are seen as well."""

    def __init__(self, inner: CloneSource) -> None:
        self._inner = inner
        self._finished = False
        self.takes: list[Take] = []

    def expect(self, ingress: int, egress: int) -> None:
        self._inner.expect(ingress, egress)

    def take(self) -> Updates:
        moment = time.monotonic()
        updates = self._inner.take()
        self.takes.append(Take(moment, updates))
        return updates

    def wait_for(self, ingress: int, egress: int, timeout_s: float) -> bool:
        return self._inner.wait_for(ingress, egress, timeout_s)

    def wait_for_program(self, fingerprint: int, timeout_s: float) -> bool:
        return self._inner.wait_for_program(fingerprint, timeout_s)

    def stats(self) -> ListenerStats:
        return self._inner.stats()

    def close(self) -> None:
        """Marks the end of what the strategy takes."""

    def finish(self) -> None:
        """Records what the strategy never took, and closes the source."""
        if not self._finished:
            self._finished = True
            self.takes.append(Take(time.monotonic(), self._inner.take(), late=True))
            self._inner.close()


def writes_saved(takes: Sequence[Take]) -> dict[str, Any]:
    """What look-ahead saves of the writes for the taken updates: by the paper's rule, which skips an update if the next
    waiting one is for the same cell, and by ours, which keeps only the last one of every cell."""
    updates = sum(len(take.updates) for take in takes if not take.late)
    by_next = sum(_runs(take.updates) for take in takes if not take.late)
    by_last = sum(len(look_ahead(take.updates)) for take in takes if not take.late)
    return {"updates": updates, "written_by_next": by_next, "written_by_last": by_last}


def _runs(updates: Updates) -> int:
    """The number of updates that are not directly followed by one for the same cell."""
    if not len(updates):
        return 0
    same = (np.diff(updates.component.astype(np.int64)) == 0) & (np.diff(updates.index.astype(np.int64)) == 0)
    return len(updates) - int(np.count_nonzero(same))


def store_takes(takes: Sequence[Take], path: Path) -> None:
    """Writes an .npz file: `t` and `late` of each take; `take`, `component` (number from 1) and `index` of each
    update."""
    np.savez(
        path,
        t=np.array([take.t for take in takes]),
        late=np.array([take.late for take in takes], bool),
        take=np.repeat(np.arange(len(takes)), [len(take.updates) for take in takes]),
        component=np.concatenate([take.updates.component for take in takes]) if takes else np.zeros(0, np.uint32),
        index=np.concatenate([take.updates.index for take in takes]) if takes else np.zeros(0, np.uint64),
    )
