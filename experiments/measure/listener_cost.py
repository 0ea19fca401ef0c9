"""The cost of State4's listener and look-ahead per clone: CPU time of the calling thread, without a switch.

The kernel's part of receiving a frame is not included.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from state4.clones.header import CloneLayout, LayoutComponent
from state4.clones.look_ahead import look_ahead
from state4.clones.store import CloneStore
from state4.clones.updates import Bytes

COSTS = ("listener_clone_s", "listener_update_s", "look_ahead_update_s")
CELLS = 1 << 20
CHUNK = 4096
"""Frames that the listener decodes at a time."""
_CHUNKS, _ROUNDS = 8, 15
_SLOTS = (1, 8)


def layout_of_size(registers: int, cells: int, slots: int) -> CloneLayout:
    """The layout of a program with registers of 64-bit cells, of which a packet may write `slots`."""
    return CloneLayout(tuple(LayoutComponent(f"r{n}", cells, 64) for n in range(registers)), slots, session=1)


def listener_cost() -> dict[str, float]:
    """Seconds by COSTS: per clone, per update in it, and for look-ahead per update; medians."""
    one, many = (_decoding_s(slots) for slots in _SLOTS)
    each = max((many - one) / (_SLOTS[1] - _SLOTS[0]), 0.0)
    return dict(zip(COSTS, (max(one - each, 0.0), each, _look_ahead_s()), strict=True))


def frames(layout: CloneLayout, count: int, first: int, generator: np.random.Generator) -> Bytes:
    """Clones of packets that write every slot, numbered from `first`: [count, header_bytes]."""
    cells = generator.integers(0, layout.components[0].cells, count).tolist()
    encoded = (
        layout.encode([(slot + 1, cell, 1) for slot in range(layout.slots)], sequence=number)
        for number, cell in enumerate(cells, start=first)
    )
    return np.frombuffer(b"".join(encoded), np.uint8).reshape(count, layout.header_bytes)


def _decoding_s(slots: int) -> float:
    layout = layout_of_size(slots, CELLS, slots)
    generator = np.random.default_rng(1)
    parts = [frames(layout, CHUNK, 1 + CHUNK * number, generator) for number in range(_CHUNKS)]

    def decode() -> None:
        store = CloneStore(layout)
        store.expect(0, 0)
        for part in parts:
            store.add(part)
        if store.stats().updates != slots * CHUNK * _CHUNKS:
            raise AssertionError("the listener did not take every clone")

    return _median_s(decode) / (CHUNK * _CHUNKS)


def _look_ahead_s() -> float:
    layout = layout_of_size(1, CELLS, 1)
    store = CloneStore(layout)
    store.add(frames(layout, CHUNK * _CHUNKS, 1, np.random.default_rng(1)))
    updates = store.take()
    return _median_s(lambda: look_ahead(updates)) / len(updates)


def _median_s(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(_ROUNDS):
        begin = time.thread_time()
        work()
        spent.append(time.thread_time() - begin)
    return float(np.median(spent))
