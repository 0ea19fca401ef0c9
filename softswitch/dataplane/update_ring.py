"""The update ring: updates of state for a reader on this machine, in memory that it maps for reading
(runtime/packets/update_ring.c).
"""

from __future__ import annotations

from ctypes import addressof
from dataclasses import dataclass
from typing import Any

from softswitch.dataplane import native
from softswitch.dataplane.handle import PipelineHandle, SwitchHandle
from softswitch.dataplane.handover import CloneFormat, packed_format
from softswitch.dataplane.interface import fields_of, interface
from softswitch.errors import Closed

_STRUCTS = interface().structs
_Options, _Shape = _STRUCTS["ss_update_ring_options"], _STRUCTS["ss_update_ring_shape"]


@dataclass(frozen=True)
class RingOptions:
    """Which clones a ring replaces: those to `session`, and the replicas with the number `replica` of other sessions.
    `prefix`: of the metadata fields that they preserve; `records`: updates that have room before the oldest is
    overwritten, rounded up to a power of two; 0: as api.h says."""

    form: CloneFormat
    prefix: str
    session: int
    replica: int
    records: int = 0


@dataclass(frozen=True)
class RingShape:
    """Where things are in the memory of a ring, as api.h says."""

    bytes: int
    records: int
    written_at: int
    first_record: int
    record_bytes: int
    burst: int


class UpdateRing:
    """A ring for one program's updates; nothing is written to it before `attach`. Raises EntryNotFound if the program
    preserves no such fields, BadEntry, InterfaceError if the kernel cannot do it."""

    def __init__(self, pipeline: PipelineHandle, options: RingOptions) -> None:
        self._switch: SwitchHandle = pipeline.switch
        self._pointer: int | None = None
        form = packed_format(options.form)
        wanted: Any = _Options(options.session, options.replica, options.records)
        lib = native.library()
        with pipeline.use() as pointer:
            made = lib.ss_update_ring_create(pointer, addressof(form), options.prefix.encode(), addressof(wanted))
            if not made:
                raise native.last_error()
            self._pointer = made
            shape: Any = _Shape()
            lib.ss_update_ring_describe(made, addressof(shape))
            self.shape = RingShape(**{name: getattr(shape, name) for name in fields_of(_Shape)})
            self.descriptor: int = lib.ss_update_ring_fd(made)
            """Of the memory, as long as the ring is open."""

    def attach(self) -> None:
        """From here to `close` the switch writes updates to it, in place of clones. Raises Closed, and InUse if it
        writes to another ring."""
        with self._switch.use() as switch:
            if self._pointer is None:
                raise Closed("the ring is closed")
            native.check(native.library().ss_update_ring_attach(switch, self._pointer))

    def close(self) -> None:
        """The switch makes clones again. Does nothing the second time."""
        with self._switch.lock:
            pointer, self._pointer = self._pointer, None
            if pointer is not None:
                native.library().ss_update_ring_free(pointer)
