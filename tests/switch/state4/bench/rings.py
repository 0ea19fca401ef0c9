"""The update ring of a switch in this process, without a server between."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable

from softswitch.dataplane.handover import CloneFormat
from softswitch.dataplane.pipeline import Pipeline
from softswitch.dataplane.update_ring import RingOptions, UpdateRing
from state4.clones.header import REPLICA, CloneLayout, Clones
from state4.clones.update_ring import RingListener, RingReader, RingShape, decode_records


def ring_of(pipeline: Pipeline, layout: CloneLayout, records: int = 0) -> UpdateRing:
    """One that nothing is written to yet."""
    sizes = (layout.slots, layout.component_bytes, layout.index_bytes, layout.value_bytes)
    form = CloneFormat(*sizes, layout.mark)
    return UpdateRing(pipeline.handle, RingOptions(form, layout.prefix, layout.session, REPLICA, records))


def listener_of(ring: UpdateRing, layout: CloneLayout, closed: Callable[[], None] | None = None) -> RingListener:
    """State4's listener on it."""
    return RingListener(os.dup(ring.descriptor), RingShape(**vars(ring.shape)), layout, closed or ring.close)


class RingOfPipeline:
    """A ring that gets the updates of a pipeline, and its reader."""

    def __init__(self, pipeline: Pipeline, layout: CloneLayout, records: int = 0) -> None:
        self.layout = layout
        self.ring: UpdateRing | None = None
        if layout.slots:
            self.ring = ring_of(pipeline, layout, records)
            memory = mmap.mmap(self.ring.descriptor, self.ring.shape.bytes, prot=mmap.PROT_READ)
            self.reader = RingReader(memory, RingShape(**vars(self.ring.shape)), layout.value_bytes)
            self.ring.attach()

    def read(self) -> Clones:
        """All that is there, at once."""
        if self.ring is None:
            return Clones.empty(self.layout)
        found = decode_records(self.layout, self.reader.read(1 << 20))
        assert not self.reader.is_behind(self.reader.written)
        return found

    def close(self) -> None:
        if self.ring is not None:
            self.ring.close()
