"""What a listener stores: frames that are not clones, sequence numbers, and arrays for the switch."""

from __future__ import annotations

import numpy as np

from state4.clones.header import FIXED_BYTES, CloneLayout, LayoutComponent
from state4.clones.store import CloneStore
from state4.values import RegisterSpec

LAYOUT = CloneLayout((LayoutComponent("a", 300, 48),), 1, 250)


def frames(*clones: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.frombuffer(b"".join(clones), np.uint8).reshape(len(clones), -1)


def test_frames_that_are_no_clones_are_counted_together() -> None:
    store = CloneStore(LAYOUT)
    store.add_foreign(2)
    store.add_foreign(3)
    store.add(frames(bytes(LAYOUT.header_bytes)))
    store.add_markers(frames(bytes(FIXED_BYTES)))
    stats = store.stats(dropped=4)
    assert (stats.foreign, stats.dropped, stats.clones, stats.lost) == (7, 4, 0, 0)


def test_the_numbers_of_the_last_clones_of_both_passes() -> None:
    store = CloneStore(LAYOUT)
    assert store.last() == (0, 0)
    store.add(frames(LAYOUT.encode([(1, 2, 3)], sequence=5)))
    assert store.last() == (5, 0)
    store.add(frames(LAYOUT.encode([(1, 2, 3)], sequence=9, egress=True)))
    assert store.last() == (5, 9)
    store.expect(7, 8)
    assert store.last() == (7, 8) and len(store.take()) == 0


def test_a_marker_is_that_of_one_program() -> None:
    store = CloneStore(LAYOUT)
    other = CloneLayout((LayoutComponent("b", 300, 48),), 1, 250)
    store.add_markers(frames(bytes(4) + other.marker))
    assert store.wait_for_program(other.fingerprint, 0) and not store.wait_for_program(LAYOUT.fingerprint, 0)


def test_cells_are_packed_as_the_switch_has_them_whatever_their_array() -> None:
    """For arrays of another type, or every second cell of a larger array."""
    spec = RegisterSpec("r", 3, 12)
    assert spec.to_bytes(np.array([1, 2, 0xFFF], np.uint64)) == b"\1\0\2\0\xff\x0f"
    assert spec.to_bytes(np.arange(6, dtype=np.uint16)[::2]) == b"\0\0\2\0\4\0"
    wide = RegisterSpec("w", 2, 100)
    packed = wide.to_bytes(wide.from_integers([1, 1 << 99]))
    assert len(packed) == 32 and wide.integers(wide.from_bytes(packed)) == [1, 1 << 99]
    assert wide.from_bytes(packed).shape == (2, 16)
