"""Registers and counters: the requests to bmv2, and how its answers are interpreted."""

from __future__ import annotations

import numpy as np
import pytest

from state4.errors import TargetError
from state4.programs import InstalledProgram
from state4.values import CellWrites, RegisterSpec
from tests.bmv2.thrift.bench import Bench


def _register(state: InstalledProgram, name: str) -> RegisterSpec:
    return next(spec for spec in state.registers if spec.name == f"MyIngress.{name}")


def test_only_cells_that_change_are_written(bench: Bench, state: InstalledProgram) -> None:
    target, small = bench.target, _register(state, "small")
    target.install(state)
    target.save(state)
    values = small.zeros()
    values[[3, 50, 51, 52, 99]] = 7, 9, 9, 9, 1
    target.write_register(small, values)
    assert bench.served.cells(small.name) == values.tolist()
    assert bench.served.count("bm_register_write") == 2  # and the three equal ones as a range
    assert bench.served.count("bm_register_write_range") == 1
    target.write_register(small, values)  # as a second round of reading would
    values[50] = 0
    target.write_register(small, values)
    assert bench.served.cells(small.name) == values.tolist()
    assert bench.served.count("bm_register_write") == 3


def test_cells_of_a_forwarding_program_are_all_written(bench: Bench, state: InstalledProgram) -> None:
    target, small = bench.target, _register(state, "small")
    target.install(state)
    bench.served.register(small.name).write_cell(5, 40)
    target.write_register(small, small.zeros())  # packets may write at any time: nothing is taken for known
    assert bench.served.cells(small.name) == [0] * small.cells
    assert bench.served.count("bm_register_write_range") == 1


def test_a_register_is_read_as_a_whole_also_in_parts(bench: Bench, state: InstalledProgram) -> None:
    target, small = bench.target, _register(state, "small")
    target.install(state)
    bench.served.register(small.name).write(0, list(range(100)))
    parts = [target.read_register(small, start, 70 if start == 0 else 30) for start in (0, 70)]
    assert np.concatenate(parts).tolist() == list(range(100))
    assert bench.served.count("bm_register_read_all") == 1
    assert bench.served.count("bm_register_read") > 0  # a few: one by one
    bench.served.register(small.name).write_cell(0, 1000)
    assert target.read_register(small)[0] == 1000  # nothing is kept for longer than one pass


@pytest.mark.parametrize("number", [0, 5, (1 << 63) - 2, (1 << 64) - 1, 1 << 63])
def test_64_bits_are_written_whole_and_read_as_far_as_they_can_be(
    bench: Bench, state: InstalledProgram, number: int
) -> None:
    target, large = bench.target, _register(state, "large")
    target.install(state)
    target.write_cells([CellWrites(large, np.array([2]), large.from_integers([number]))])
    assert bench.served.cells(large.name)[2] == number
    if number < (1 << 63) - 1:
        assert target.read_register(large).tolist() == [0, 0, number, 0]
    else:
        with pytest.raises(TargetError, match=r"large: cell 2 may hold 2\^63 or more"):
            target.read_register(large)


def test_wider_values_are_refused_and_never_cut(bench: Bench, state: InstalledProgram) -> None:
    target, wide = bench.target, _register(state, "wide")
    target.install(state)
    fits = [7, (1 << 80) - 1]
    target.write_cells([CellWrites(wide, np.array([0, 1]), wide.from_integers(fits))])
    assert bench.served.cells(wide.name)[:2] == fits
    with pytest.raises(TargetError, match="wide: cell 3 needs more than 63 bits"):
        target.write_cells([CellWrites(wide, np.array([3]), wide.from_integers([1 << 70]))])
    assert bench.served.cells(wide.name)[3] == 0


def test_signed_cells_keep_their_sign(bench: Bench, state: InstalledProgram) -> None:
    target, signed = bench.target, _register(state, "signed_ones")
    target.install(state)
    target.write_register(signed, signed.from_integers([-1, 5, -128, 0]))
    assert bench.served.cells(signed.name) == [255, 5, 128, 0]
    assert signed.integers(target.read_register(signed)) == [-1, 5, -128, 0]


def test_an_error_among_many_writes_is_raised_and_leaves_the_connection_usable(
    bench: Bench, state: InstalledProgram
) -> None:
    target, small = bench.target, _register(state, "small")
    target.install(state)
    indices = np.arange(5000) * 7 % 101  # now and then 100, which is not there
    values = (indices + 1).astype(small.dtype)
    with pytest.raises(TargetError, match=r"writing MyIngress\.small: bmv2 says INVALID_INDEX"):
        target.write_cells([CellWrites(small, indices, values)])
    assert target.read_register(small)[:100].tolist() == list(range(1, 101))


def test_a_missing_register_is_reported_by_name(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    with pytest.raises(TargetError, match="reading none: bmv2 says INVALID_REGISTER_NAME"):
        bench.target.read_register(RegisterSpec("none", 300, 8))


def test_counters_go_there_and_back(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    values = np.array([[n, 100 * n] for n in range(8)], np.uint64)
    bench.target.write_counter("MyIngress.seen", values)
    assert bench.served.count("bm_counter_write") == 7  # the first is 0 anyway
    assert (bench.target.read_counter("MyIngress.seen") == values).all()
