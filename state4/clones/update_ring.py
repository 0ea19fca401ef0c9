"""Updates from memory that the switch writes and we can only read, in place of clones.

The switch overwrites the oldest records and never waits: a reader that is too slow finds out by the number of all
records how many it has missed. `softswitch/proto/bulk.proto` (ShareUpdatesResponse) says what is in a record.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from state4.clones.header import CloneLayout, Clones
from state4.clones.listener import LISTENER_THREAD
from state4.clones.source import ListenerStats
from state4.clones.store import CloneStore
from state4.clones.updates import Updates
from state4.errors import ListenerError

_FIRST, _EGRESS, _COMPONENT = np.uint32(0x80000000), np.uint32(0x40000000), np.uint32(0x3FFFFFFF)
_HEAD_BYTES = 16
_AT_ONCE = 1 << 14
_PAUSE_S = 0.005
"""The ring has room for far longer, and each turn has a fixed cost."""
_GLANCE_S = 0.00005
_F_GET_SEALS, _F_SEAL_SHRINK = 1034, 2  # linux/fcntl.h

Records = npt.NDArray[np.void]


@dataclass(frozen=True)
class RingShape:
    """Where things are in the memory, in bytes; `records`: how many there are; `burst`: how many may be in writing."""

    bytes: int
    records: int
    written_at: int
    first_record: int
    record_bytes: int
    burst: int

    def problem(self, value_bytes: int) -> str:
        """Why there can be no such ring, "" if there can."""
        if self.record_bytes < _HEAD_BYTES + value_bytes:
            return f"records of {self.record_bytes} bytes have no room for values of {value_bytes}"
        if self.records <= self.burst or self.written_at + 8 > self.first_record:
            return "its parts overlap"
        if self.first_record + self.records * self.record_bytes > self.bytes:
            return f"it has no {self.bytes} bytes"
        return ""


class RingReader:
    """Copies records out of a ring, in order, each at most once. `dropped`: how many were overwritten before that; with
    all that `read` returned these are exactly the records that were written by then."""

    def __init__(self, memory: bytearray | mmap.mmap, shape: RingShape, value_bytes: int) -> None:
        kind = np.dtype(
            {
                "names": ["index", "clone", "component", "value"],
                "formats": ["<u8", "<u4", "<u4", (np.uint8, (value_bytes,))],
                "offsets": [0, 8, 12, _HEAD_BYTES],
                "itemsize": shape.record_bytes,
            }
        )
        self.dropped = 0
        self._shape = shape
        self._next = 0
        self._written = np.frombuffer(memory, "<u8", 1, shape.written_at)
        self._records: Records = np.frombuffer(memory, kind, shape.records, shape.first_record)

    @property
    def written(self) -> int:
        """How many records were written until now."""
        return int(self._written[0])

    def is_behind(self, written: int) -> bool:
        """Whether some of the first `written` records were not read."""
        return self._next < written

    def read(self, most: int = _AT_ONCE) -> Records:
        """A copy of the next records, about `most` at once. It ends with a whole clone; it begins in the middle of one
        if what is before was overwritten. Empty if all of them were overwritten while they were copied."""
        written = self.written
        self._skip(min(self._overwritten(written), written - self._next))
        available = written - self._next
        count = min(available, max(most, self._shape.burst + 1))
        at = self._next % self._shape.records
        parts = self._records[at : at + count], self._records[: max(0, at + count - self._shape.records)]
        found = np.concatenate(parts) if len(parts[1]) else parts[0].copy()
        if count < available:  # the last clone may go on
            starts = np.flatnonzero(found["component"] & _FIRST)
            count = int(starts[-1]) if len(starts) and starts[-1] else count
        gone = min(self._overwritten(self.written), count)
        self._skip(gone)
        self._next += count - gone
        return found[gone:count]

    def _overwritten(self, written: int) -> int:
        """How many of the next records may have been written over when so many were written."""
        return max(0, written + self._shape.burst - self._shape.records - self._next)

    def _skip(self, count: int) -> None:
        self.dropped += count
        self._next += count


def decode_records(layout: CloneLayout, records: Records, after: tuple[int, int] | None = None) -> Clones:
    """The clones that records stand for, from the first whole one on; `after` as of `CloneLayout.decode`."""
    marks = records["component"]
    if after is not None:
        last = np.array(after, np.int64)[((marks & _EGRESS) != 0).astype(np.intp)]
        newer = (records["clone"].astype(np.int64) - last - 1) % (1 << 32) < 1 << 31
        if not newer.all():
            records, marks = records[newer], marks[newer]
    first = np.flatnonzero(marks & _FIRST)
    if not len(first):
        return Clones.empty(layout)
    if first[0]:
        records, marks, first = records[first[0] :], marks[first[0] :], first - first[0]
    updates = Updates(marks & _COMPONENT, records["index"].copy(), records["value"].copy())
    return Clones(
        layout=layout,
        sequence=records["clone"][first],
        egress=(marks[first] & _EGRESS) != 0,
        counts=np.diff(first, append=len(records)).astype(np.uint8),
        updates=updates.within([component.cells for component in layout.all]),
    )


class RingListener:
    """Receives updates from a ring from construction until `close`.

    `descriptor`: of its memory; it is closed in any case. `closed` is called by `close`, once. Raises ListenerError."""

    def __init__(self, descriptor: int, shape: RingShape, layout: CloneLayout, closed: Callable[[], None]) -> None:
        self.layout = layout
        self.store = CloneStore(layout)
        self._closed = closed
        try:
            self._map = _mapped(descriptor, shape, layout.value_bytes)
        finally:
            os.close(descriptor)
        self._reader: RingReader | None = RingReader(self._map, shape, layout.value_bytes)
        self._dropped = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=LISTENER_THREAD, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # Python passes a thread's name to the kernel since 3.14
            Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(LISTENER_THREAD, encoding="utf-8")
        while not self._stop.wait(_PAUSE_S):
            self._drain()

    def _drain(self) -> None:
        """Takes all records that are there by now. Those that are written meanwhile are left for the next turn, or a
        turn would last as long as the traffic."""
        with self._lock:
            reader = self._reader
            written = reader.written if reader is not None else 0
            while reader is not None and reader.is_behind(written):
                records = reader.read()
                self._dropped = reader.dropped
                self.store.add_clones(partial(decode_records, self.layout, records))

    def expect(self, ingress: int, egress: int) -> None:
        self.store.expect(ingress, egress)

    def take(self) -> Updates:
        self._drain()
        return self.store.take()

    def wait_for(self, ingress: int, egress: int, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while True:
            self._drain()
            if self.store.wait_for(ingress, egress, 0):
                return True
            if self._stop.is_set() or time.monotonic() > deadline:
                return False
            time.sleep(_GLANCE_S)

    def wait_for_program(self, fingerprint: int, timeout_s: float) -> bool:
        """A program announces itself by a frame, which is no update."""
        return False

    def stats(self) -> ListenerStats:
        self._drain()
        return self.store.stats(self._dropped)

    def close(self) -> None:
        """Takes what is there, and lets go of the memory."""
        self._drain()
        self._stop.set()
        with self._lock:
            reader, self._reader = self._reader, None
            if reader is None:
                return
            del reader
            self._map.close()
        self._closed()


def _mapped(descriptor: int, shape: RingShape, value_bytes: int) -> mmap.mmap:
    """Raises ListenerError for memory that could be taken away while it is read, or that is no ring."""
    try:
        sealed = fcntl.fcntl(descriptor, _F_GET_SEALS) & _F_SEAL_SHRINK
        problem = shape.problem(value_bytes) or ("" if sealed else "it can become shorter")
        if problem or os.fstat(descriptor).st_size < shape.bytes:
            raise ListenerError(f"the switch offers memory that is no update ring: {problem or 'it is too short'}")
        return mmap.mmap(descriptor, shape.bytes, prot=mmap.PROT_READ)
    except OSError as error:
        raise ListenerError(f"the switch's update ring cannot be mapped: {error.strerror or error}") from error
