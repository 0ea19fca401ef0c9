"""Scattered cells of a bulk read: what is read at once, and that each range gets its own cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state4.targets.p4runtime.joined import GAP_BYTES, MAX_BYTES, join, read_joined
from state4.values import CellRange, Cells, RegisterSpec

NARROW, WIDE = RegisterSpec("narrow", 1 << 20, 32), RegisterSpec("wide", 1 << 16, 128)


def cells(ranges: Sequence[CellRange]) -> list[Cells]:
    """A switch whose cells hold their own index."""
    found = []
    for part in ranges:
        numbers = np.arange(part.start, part.start + part.count)
        found.append(part.register.from_integers([int(number) for number in numbers]))
    return found


RANGES = st.lists(
    st.builds(CellRange, st.sampled_from([NARROW, WIDE]), st.integers(0, 5000), st.integers(1, 50)), max_size=12
)


@given(RANGES)
def test_each_range_gets_its_cells(ranges: list[CellRange]) -> None:
    found = read_joined(ranges, cells)
    assert len(found) == len(ranges)
    for got, wanted in zip(found, cells(ranges), strict=True):
        assert np.array_equal(got, wanted)


@given(RANGES)
def test_joined_ranges_cover_no_more_than_the_gaps_that_may_be_read(ranges: list[CellRange]) -> None:
    wider, places = join(ranges)
    assert len(wider) <= len(ranges) and places == sorted(places)
    extra = sum(part.count * part.register.cell_bytes for part in wider)
    extra -= sum(part.count * part.register.cell_bytes for part in ranges)
    assert 0 <= extra <= GAP_BYTES * (len(ranges) - len(wider))


def test_neighbours_are_one_read_and_distant_ones_are_not() -> None:
    gap = GAP_BYTES // NARROW.cell_bytes
    near = [CellRange(NARROW, 0, 2), CellRange(NARROW, 2 + gap, 2)]
    assert join(near) == ([CellRange(NARROW, 0, gap + 4)], [0, 0])
    far = [CellRange(NARROW, 0, 2), CellRange(NARROW, 3 + gap, 2)]
    assert join(far) == (far, [0, 1])


@pytest.mark.parametrize("second", [CellRange(WIDE, 2, 2), CellRange(NARROW, 0, 2), CellRange(NARROW, 1, 2)])
def test_other_registers_and_what_does_not_ascend_stay_apart(second: CellRange) -> None:
    ranges = [CellRange(NARROW, 0, 2), second]
    assert join(ranges) == (ranges, [0, 1])


def test_a_joined_range_stays_below_what_packets_may_wait_for() -> None:
    step = GAP_BYTES // NARROW.cell_bytes
    ranges = [CellRange(NARROW, start, 1) for start in range(0, NARROW.cells, step)]
    wider, _ = join(ranges)
    assert len(wider) > 1
    assert all(part.count * part.register.cell_bytes <= MAX_BYTES for part in wider)


def test_nothing_wanted_is_no_call() -> None:
    def never(_: Sequence[CellRange]) -> list[Cells]:
        raise AssertionError("called")

    assert read_joined([], never) == []
