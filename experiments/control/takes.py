"""Which clones a strategy had in its hands when: the updates of every take of its listener, in order.

What a strategy took before its last write has to be in the new program; what came later it could not know. That does
not depend on how long a clone was under way, or on how busy the machine was.
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
    """The updates of one take; `t`: its moment, in s of the monotonic clock. `late`: what was left at the end, which
    the strategy never took."""

    t: float
    updates: Updates
    late: bool = False


class RecordingListener:
    """A clone source that writes down what is taken from it. It stays open until `finish`, so that clones which arrive
    after the strategy has closed it are seen as well."""

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
        """The strategy takes no more."""

    def finish(self) -> None:
        """What the strategy never took is written down, and the source closes."""
        if not self._finished:
            self._finished = True
            self.takes.append(Take(time.monotonic(), self._inner.take(), late=True))
            self._inner.close()


def writes_saved(takes: Sequence[Take]) -> dict[str, Any]:
    """What look-ahead saves of the writes that the taken updates would need: by the paper's rule, which skips an update
    when the next waiting one is for the same cell, and by ours, which keeps the last one of every cell."""
    updates = sum(len(take.updates) for take in takes if not take.late)
    by_next = sum(_runs(take.updates) for take in takes if not take.late)
    by_last = sum(len(look_ahead(take.updates)) for take in takes if not take.late)
    return {"updates": updates, "written_by_next": by_next, "written_by_last": by_last}


def _runs(updates: Updates) -> int:
    """How many updates have no later one for the same cell right behind them."""
    if not len(updates):
        return 0
    same = (np.diff(updates.component.astype(np.int64)) == 0) & (np.diff(updates.index.astype(np.int64)) == 0)
    return len(updates) - int(np.count_nonzero(same))


def store_takes(takes: Sequence[Take], path: Path) -> None:
    """An .npz file: `t` and `late` of each take; `take`, `component` (number from 1) and `index` of each update."""
    np.savez(
        path,
        t=np.array([take.t for take in takes]),
        late=np.array([take.late for take in takes], bool),
        take=np.repeat(np.arange(len(takes)), [len(take.updates) for take in takes]),
        component=np.concatenate([take.updates.component for take in takes]) if takes else np.zeros(0, np.uint32),
        index=np.concatenate([take.updates.index for take in takes]) if takes else np.zeros(0, np.uint64),
    )
