"""The wire format of clones, and look-ahead."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state4.clones.header import CloneLayout, LayoutComponent
from state4.clones.look_ahead import look_ahead
from state4.clones.store import CloneStore
from state4.clones.updates import Updates
from state4.values import RegisterSpec, convert

LAYOUT = CloneLayout(
    (LayoutComponent("a", 300, 48), LayoutComponent("b", 10, 9), LayoutComponent("c", 460_798, 4)), 4, 250
)
Update = tuple[int, int, int]
updates_ = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9), st.integers(0, 15)), max_size=4)


def frames(*clones: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    width = len(clones[0]) if clones else LAYOUT.header_bytes
    return np.frombuffer(b"".join(clones), np.uint8).reshape(-1, width)


def as_tuples(updates: Updates) -> list[Update]:
    values = [int.from_bytes(row.tobytes(), "little") for row in updates.value]
    return list(zip(updates.component.tolist(), updates.index.tolist(), values, strict=True))


def test_widths_follow_the_program() -> None:
    assert (LAYOUT.component_bytes, LAYOUT.index_bytes, LAYOUT.value_bytes) == (1, 3, 6)
    assert LAYOUT.header_bytes == 14 + 4 * 10
    assert CloneLayout((LayoutComponent("x", 256, 1),), 1, 250).index_bytes == 2  # 256 itself says "beyond the end"
    assert CloneLayout((LayoutComponent("x", 255, 65),), 1, 250).value_bytes == 9
    assert CloneLayout((), 0, 250).header_bytes == 14


def test_a_fingerprint_for_each_layout() -> None:
    layouts = [
        LAYOUT,
        CloneLayout(LAYOUT.components, 3, 250),
        CloneLayout(LAYOUT.components[:2], 4, 250),
        CloneLayout((*LAYOUT.components[:2], LayoutComponent("d", 460_798, 4)), 4, 250),
    ]
    assert len({layout.fingerprint for layout in layouts}) == 4


@given(st.lists(updates_, max_size=20), st.booleans())
def test_decode_reverses_encode(clones: list[list[Update]], egress: bool) -> None:
    sent = [LAYOUT.encode(c, sequence=i + 1, egress=egress) for i, c in enumerate(clones)]
    found = LAYOUT.decode(frames(*sent))
    assert len(found) == len(clones)
    assert found.sequence.tolist() == list(range(1, len(clones) + 1))
    assert found.counts.tolist() == [len(c) for c in clones]
    assert found.egress.tolist() == [egress] * len(clones)
    assert as_tuples(found.updates) == [u for c in clones for u in c]


def test_foreign_frames_and_other_programs_are_left_out() -> None:
    other = CloneLayout((LayoutComponent("z", 300, 48), *LAYOUT.components[1:]), 4, 250)
    sent = [LAYOUT.encode([(1, 2, 3)]), bytes(LAYOUT.header_bytes), other.encode([(1, 2, 4)])]
    found = LAYOUT.decode(frames(*sent))
    assert as_tuples(found.updates) == [(1, 2, 3)]
    assert found.foreign == 2


def test_cells_beyond_the_register_changed_nothing() -> None:
    found = LAYOUT.decode(frames(LAYOUT.encode([(2, 9, 1), (2, 10, 1), (2, (1 << 24) - 1, 1), (9, 0, 1)])))
    assert as_tuples(found.updates) == [(2, 9, 1)]


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4), st.integers(0, 15)), max_size=60))
def test_look_ahead_changes_nothing_but_the_work(written: list[Update]) -> None:
    """Applying only the latest updates gives the same cells as applying all of them in order."""
    parts = [LAYOUT.encode(written[at : at + 4]) for at in range(0, len(written), 4)]
    updates = LAYOUT.decode(frames(*parts)).updates
    latest = as_tuples(look_ahead(updates))
    assert {(c, i): v for c, i, v in latest} == {(c, i): v for c, i, v in written}
    assert len({(c, i) for c, i, _ in latest}) == len(latest)


def test_updates_keep_their_order_over_several_takes() -> None:
    store = CloneStore(LAYOUT)
    store.add(frames(LAYOUT.encode([(1, 1, 1)], sequence=1), LAYOUT.encode([(1, 1, 2), (2, 2, 2)], sequence=2)))
    store.add(frames(LAYOUT.encode([(1, 1, 3)], sequence=3)))
    assert as_tuples(store.take()) == [(1, 1, 1), (1, 1, 2), (2, 2, 2), (1, 1, 3)]
    assert len(store.take()) == 0


def sequence_store(numbers: list[int], *, first: int = 0) -> CloneStore:
    store = CloneStore(LAYOUT)
    store.expect(first, 0)
    for number in numbers:
        store.add(frames(LAYOUT.encode([(1, 1, 1)], sequence=number % (1 << 32))))
    return store


def test_a_gap_in_the_numbers_is_a_lost_clone() -> None:
    assert sequence_store([1, 2, 3]).stats().gaps == ()
    stats = sequence_store([1, 4, 5]).stats()
    assert [(g.egress, g.first, g.count) for g in stats.gaps] == [(False, 2, 2)]
    assert stats.lost == 2
    assert sequence_store([8], first=5).stats().lost == 2
    assert sequence_store([(1 << 32) - 1, 1 << 32, (1 << 32) + 1], first=(1 << 32) - 2).stats().lost == 0


@given(st.sets(st.integers(1, 60)), st.integers(0, 59))
def test_lost_clones_are_counted(dropped: set[int], cut: int) -> None:
    numbers = [n for n in range(1, 62) if n not in dropped]
    store = CloneStore(LAYOUT)
    store.expect(0, 0)
    sent = [LAYOUT.encode([], sequence=n) for n in numbers]
    for part in (sent[:cut], sent[cut:]):
        store.add(frames(*part))
    assert store.stats().lost == len(dropped)


def test_ingress_and_egress_are_counted_apart() -> None:
    store = CloneStore(LAYOUT)
    store.expect(0, 0)
    clones = [(1, False), (1, True), (2, False), (2, True), (3, False), (4, True)]
    store.add(frames(*(LAYOUT.encode([], sequence=n, egress=e) for n, e in clones)))
    assert [(g.egress, g.first, g.count) for g in store.stats().gaps] == [(True, 3, 1)]
    assert store.last() == (3, 4)


def test_wait_for_a_clone() -> None:
    store = sequence_store([1, 2])
    assert store.wait_for(2, 0, 0)
    assert not store.wait_for(3, 0, 0)
    assert not store.wait_for(2, 1, 0)


@given(st.integers(1, 200), st.integers(1, 200), st.booleans(), st.lists(st.integers(0, (1 << 200) - 1), max_size=8))
def test_cells_take_another_width(old_bits: int, new_bits: int, signed: bool, numbers: list[int]) -> None:
    old = RegisterSpec("r", 8, old_bits, signed)
    new = RegisterSpec("r", 6, new_bits, signed)
    values = old.zeros()
    values[: len(numbers)] = old.from_integers(numbers)
    wanted = [*old.integers(values)[:6]]
    mask, half = (1 << new_bits) - 1, 1 << (new_bits - 1)
    wanted = [n & mask for n in wanted]
    if signed:
        wanted = [n - (half << 1) if n >= half else n for n in wanted]
    assert new.integers(convert(values, old, new)) == wanted


@pytest.mark.parametrize("width", [1, 7, 8, 9, 33, 63, 64, 65, 127, 128, 300])
def test_cells_as_bytes_and_numbers(width: int) -> None:
    spec = RegisterSpec("r", 3, width)
    numbers = [0, 1, (1 << width) - 1]
    values = spec.from_integers(numbers)
    assert spec.integers(values) == numbers
    assert spec.integers(spec.from_bytes(spec.to_bytes(values))) == numbers
    assert len(spec.to_bytes(values)) == 3 * spec.cell_bytes
