"""The wire format of a clone, and its decoding for many clones at once.

A clone is a frame that consists of one header (all fields big-endian, whole bytes but for the first of them):

| bytes | field | |
|---|---|---|
| 4 | seq | number of the clone, from 1; ingress and egress count on their own |
| 1 | egress:1 count:7 | the pass that wrote, and how many updates the clone holds |
| 7 | program | fingerprint of the layout: a clone of another program is never taken for ours |
| 2 | ether_type | 0x88B6 (IEEE 802 local experimental 2), where Ethernet has its type |
| per slot | component, index, value | widths as in the paper's CIM, each rounded up to bytes |

Without a constant type the kernel would take some values there for VLAN tags, and move the bytes that follow.

An index of all ones stands for an index beyond the register, where the switch wrote nothing.

The first 14 bytes alone, with a count of 127, are a marker: a program announces that it runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from state4.clones.updates import Bytes, Updates

ETHER_TYPE = 0x88B6
FIXED_BYTES = 14
MARKER_COUNT = 127
COUNT_BITS = 32
"""A count is cloned with the packet's length, of so many bits."""
REPLICA = 0x5344
"""Replica number (egress_rid, P4Runtime's `instance`) of the copies that a session of the program's own makes for
State4."""
IDLE, CLONE, WAIT = 0, 1, 2
"""Values of the clone flag."""
WAKE = bytes(12) + ETHER_TYPE.to_bytes(2, "big")
"""A frame from the CPU port that a program drops, and answers with its marker if packets wait in it. It is an Ethernet
header with nothing behind it, which no protocol uses."""


def bytes_for(value: int) -> int:
    """Bytes that hold the numbers 0 .. value."""
    return max(1, (value.bit_length() + 7) // 8)


@dataclass(frozen=True)
class LayoutComponent:
    """A register or counter as the clones see it: `width` in bits. Its number is its position, from 1, counters after
    registers."""

    name: str
    cells: int
    width: int


@dataclass(frozen=True)
class CloneLayout:
    """Format of one program's clones. `prefix` begins the names of everything that was added ("state4"). `waits`:
    whether the program can let packets wait (see `state4.transfer.gate`). `adds`: registers whose every write adds
    something to the cell. `counters`: indirect counters, if their counts are cloned. `shared`: sessions that the
    program itself clones to in passes that also write, so that these clones have to carry the updates; `any_session`:
    some such session is known only at run time."""

    components: tuple[LayoutComponent, ...]
    slots: int
    session: int
    prefix: str = "state4"
    waits: bool = False
    adds: frozenset[str] = frozenset()
    counters: tuple[LayoutComponent, ...] = ()
    shared: frozenset[int] = frozenset()
    any_session: bool = False
    component_bytes: int = field(init=False)
    index_bytes: int = field(init=False)
    value_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "component_bytes", bytes_for(len(self.all)))
        set_(self, "index_bytes", bytes_for(max((c.cells for c in self.all), default=1)))
        set_(self, "value_bytes", max(1, -(-max((c.width for c in self.all), default=8) // 8)))

    @property
    def all(self) -> tuple[LayoutComponent, ...]:
        """Everything that clones are about, in the order of its numbers."""
        return self.components + self.counters

    @property
    def slot_bytes(self) -> int:
        return self.component_bytes + self.index_bytes + self.value_bytes

    @property
    def header_bytes(self) -> int:
        """Length of a clone."""
        return FIXED_BYTES + self.slots * self.slot_bytes

    @property
    def flag_register(self) -> str:
        return f"{self.prefix}_flag"

    @property
    def sequence_register(self) -> str:
        return f"{self.prefix}_seq"

    @property
    def fingerprint(self) -> int:
        """56 bits that no other program's layout is likely to have."""
        text = repr((self.slots, [(c.name, c.cells, c.width) for c in self.all]))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")

    @property
    def gate_register(self) -> str:
        return f"{self.prefix}_gate"

    @property
    def marker(self) -> bytes:
        """What the program sends to the CPU port to say that it runs, but for its first four bytes."""
        return bytes([MARKER_COUNT]) + self.fingerprint.to_bytes(7, "big") + ETHER_TYPE.to_bytes(2, "big")

    @property
    def mark(self) -> bytes:
        """What all clones of the program have from their sixth byte on."""
        return self.fingerprint.to_bytes(7, "big") + ETHER_TYPE.to_bytes(2, "big")

    def number(self, name: str) -> int:
        """Number of a register or counter. Raises KeyError for a name that clones are not about."""
        for number, component in enumerate(self.all, 1):
            if component.name == name:
                return number
        raise KeyError(name)

    def decode(self, frames: Bytes, after: tuple[int, int] | None = None) -> Clones:
        """Clones from frames, an array [n, >= header_bytes]; frames of other programs and foreign frames are left out,
        and `Clones.foreign` says how many. `after`: left out is also what is not newer than these clones of ingress
        and egress (numbers wrap at 2^32)."""
        width = self.header_bytes
        if frames.shape[0] == 0 or frames.shape[1] < width:
            return Clones.empty(self, foreign=int(frames.shape[0]))
        ours = (_number(frames[:, 5:12]) == np.uint64(self.fingerprint)) & (_number(frames[:, 12:14]) == ETHER_TYPE)
        foreign = int(frames.shape[0] - np.count_nonzero(ours))
        rows = frames[ours] if foreign else frames
        if after is not None:
            last = np.array(after, np.int64)[rows[:, 4] >> 7]
            newer = (_number(rows[:, 0:4]).astype(np.int64) - last - 1) % (1 << 32) < 1 << 31
            rows = rows if newer.all() else rows[newer]
        info = rows[:, 4]
        count: Bytes = (info & 0x7F).astype(np.uint8)
        body = rows[:, FIXED_BYTES:width].reshape(len(rows), self.slots, self.slot_bytes)
        used = np.arange(self.slots) < count[:, None]
        flat = body[used]
        at = self.component_bytes + self.index_bytes
        return Clones(
            layout=self,
            sequence=_number(rows[:, 0:4]).astype(np.uint32),
            egress=(info >> 7).astype(bool),
            counts=count,
            updates=Updates(
                _number(flat[:, : self.component_bytes]).astype(np.uint32),
                _number(flat[:, self.component_bytes : at]),
                np.ascontiguousarray(flat[:, at:][:, ::-1]),
            ).within([c.cells for c in self.all]),
            foreign=foreign,
        )

    def encode(self, updates: Sequence[tuple[int, int, int]], *, sequence: int = 1, egress: bool = False) -> bytes:
        """A clone with (component number, index, value) updates, as the switch would send it."""
        if len(updates) > self.slots:
            raise ValueError(f"{len(updates)} updates do not fit into {self.slots} slots")
        frame = sequence.to_bytes(4, "big") + bytes([(egress << 7) | len(updates)])
        frame += self.fingerprint.to_bytes(7, "big") + ETHER_TYPE.to_bytes(2, "big")
        for component, index, value in updates:
            frame += component.to_bytes(self.component_bytes, "big")
            frame += index.to_bytes(self.index_bytes, "big") + value.to_bytes(self.value_bytes, "big")
        return frame.ljust(self.header_bytes, b"\0")


@dataclass(frozen=True)
class Clones:
    """Decoded clones: per clone its sequence number, pass and count of updates, and the updates of all, in order."""

    layout: CloneLayout
    sequence: npt.NDArray[np.uint32]
    egress: npt.NDArray[np.bool_]
    counts: Bytes
    updates: Updates
    foreign: int = 0

    def __len__(self) -> int:
        return len(self.sequence)

    @classmethod
    def empty(cls, layout: CloneLayout, foreign: int = 0) -> Clones:
        none = np.zeros(0, np.uint8)
        updates = Updates.empty(layout.value_bytes)
        return cls(layout, np.zeros(0, np.uint32), np.zeros(0, bool), none, updates, foreign)


def _number(columns: Bytes) -> npt.NDArray[np.uint64]:
    """Big-endian byte columns [n, k <= 8] as numbers."""
    result: npt.NDArray[np.uint64] = np.zeros(len(columns), np.uint64)
    for k in range(columns.shape[1]):
        result = (result << np.uint64(8)) | columns[:, k]
    return result
