"""Registers and counters of a bmv2: read as a whole, written cell by cell, so only cells that change are written.

Values travel as signed 64-bit numbers. bmv2 gives 2^63 - 1 for every cell that is 2^63 or more, and extends the sign of
what it is given to the width of the register; whatever does not survive that is refused, never changed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from bm_runtime.standard.ttypes import BmCounterValue

from state4.errors import TargetError
from state4.targets.bmv2.client import CONTEXT, Bmv2Client
from state4.values import CellRange, Cells, CellWrites, RegisterSpec

_TOP = (1 << 63) - 1
_FEW_CELLS = 64
"""Up to this many cells are read one by one; more by reading the whole register."""
_NAMED = 5  # cells in a message


class Bmv2Arrays:
    """Of the program that bmv2's control plane addresses: the saved one while there is one."""

    def __init__(self, client: Bmv2Client) -> None:
        self._client = client
        self._fresh: dict[str, Cells] | None = None
        self._part: tuple[str, int, Cells] | None = None

    def begin_fresh(self) -> None:
        """From here on a program is addressed in which no packet writes and every cell is 0."""
        self._fresh = {}
        self._part = None

    def end_fresh(self) -> None:
        """It forwards."""
        self._fresh = None

    # ------------------------------------------------------------ registers

    def read(self, register: RegisterSpec, start: int, count: int) -> Cells:
        """Consecutive parts of one register come from one read of it, made for the first part: bmv2 reads whole
        registers fast, and parts of it only cell by cell."""
        if count <= _FEW_CELLS and count < register.cells:
            calls = [(CONTEXT, register.name, index) for index in range(start, start + count)]
            numbers = self._client.many(f"reading {register.name}", "bm_register_read", calls)
            return self._cells(register, np.array(numbers, np.int64), start)
        if start and self._part is not None and self._part[:2] == (register.name, start):
            whole = self._part[2]
        else:
            whole = self.read_whole(register)
        end = start + count
        self._part = (register.name, end, whole) if end < register.cells else None
        return whole[start:end]

    def read_ranges(self, ranges: Sequence[CellRange]) -> list[Cells]:
        """A register of which many cells are requested is read as a whole, once."""
        wanted: dict[str, int] = {}
        for part in ranges:
            wanted[part.register.name] = wanted.get(part.register.name, 0) + part.count
        whole: dict[str, Cells] = {}
        found: list[Cells] = []
        for part in ranges:
            name, end = part.register.name, part.start + part.count
            if wanted[name] <= _FEW_CELLS:
                found.append(self.read(part.register, part.start, part.count))
            else:
                if name not in whole:
                    whole[name] = self.read_whole(part.register)
                found.append(whole[name][part.start : end])
        return found

    def read_whole(self, register: RegisterSpec) -> Cells:
        numbers = self._client.call(f"reading {register.name}", "bm_register_read_all", CONTEXT, register.name)
        return self._cells(register, np.array(numbers, np.int64), 0)

    def _cells(self, register: RegisterSpec, numbers: npt.NDArray[np.int64], start: int) -> Cells:
        if register.width >= 64:
            cut = np.flatnonzero((numbers == _TOP) | (numbers < 0))
            if len(cut):
                raise TargetError(
                    f"reading {register.name}: {_cells_text(cut + start)} may hold 2^63 or more, and the control "
                    "interface of bmv2 cuts such values; leave the register out with --only"
                )
        if register.width <= 64:
            return numbers.astype(np.uint64).astype(register.dtype)
        rows = np.zeros((len(numbers), register.cell_bytes), np.uint8)
        rows[:, :8] = numbers.astype("<u8").view(np.uint8).reshape(-1, 8)
        return rows

    def write(self, register: RegisterSpec, values: Cells, start: int) -> int:
        """Writes the cells of a fresh program that differ from the current values, or all; returns how many."""
        changed = np.arange(len(values))
        if self._fresh is not None:
            differs = values != self._shadow(register)[start : start + len(values)]
            changed = np.flatnonzero(differs.any(axis=1) if differs.ndim == 2 else differs)
        self._put(register, changed + start, values[changed])
        return len(changed)

    def write_cells(self, writes: Sequence[CellWrites]) -> None:
        for write in writes:
            self._put(write.register, np.asarray(write.indices, np.int64), write.values)

    def _shadow(self, register: RegisterSpec) -> Cells:
        """What the fresh program holds: only we write it."""
        assert self._fresh is not None
        return self._fresh.setdefault(register.name, register.zeros())

    def _put(self, register: RegisterSpec, indices: npt.NDArray[np.int64], values: Cells) -> None:
        if not len(indices):
            return
        numbers = _numbers(register, indices, values)
        firsts, lasts = _runs(indices, numbers)
        long = lasts > firsts
        for first, last in zip(firsts[long].tolist(), lasts[long].tolist(), strict=True):
            cells = CONTEXT, register.name, int(indices[first]), int(indices[last]) + 1, int(numbers[first])
            self._client.call(f"writing {register.name}", "bm_register_write_range", *cells)
        single = firsts[~long]
        self._client.write_cells(register.name, indices[single], numbers[single])
        if self._fresh is not None:
            self._shadow(register)[indices] = values

    # ------------------------------------------------------------ counters

    def read_counter(self, name: str, cells: int) -> Cells:
        calls = [(CONTEXT, name, index) for index in range(cells)]
        answers = self._client.many(f"reading {name}", "bm_counter_read", calls)
        values = np.array([(answer.packets, answer.bytes) for answer in answers], np.int64)
        return values.astype(np.uint64).reshape(-1, 2)

    def write_counter(self, name: str, values: Cells) -> None:
        """Of a fresh program; cells of 0 need no writing."""
        calls = []
        for at in np.flatnonzero(values.any(axis=1)).tolist():
            packets, count = values[at].tolist()
            calls.append((CONTEXT, name, at, BmCounterValue(packets=packets, bytes=count)))
        self._client.many(f"writing {name}", "bm_counter_write", calls)


def _numbers(register: RegisterSpec, indices: npt.NDArray[np.int64], values: Cells) -> npt.NDArray[np.int64]:
    """Cells as the signed 64-bit numbers that bmv2 turns into them. Raises TargetError for those that it cannot."""
    if register.width <= 64:
        numbers: npt.NDArray[np.int64] = values.astype(np.uint64).astype(np.int64)
        return numbers
    modulus = 1 << register.width
    whole = [int.from_bytes(row.tobytes(), "little") for row in values]
    signed = [number - modulus if number >= modulus - (1 << 63) else number for number in whole]
    far = [at for at, number in enumerate(signed) if number > _TOP]
    if far:
        raise TargetError(
            f"writing {register.name}: {_cells_text(indices[far])} needs more than 63 bits, and the control interface "
            "of bmv2 takes no more; leave the register out with --only"
        )
    return np.array(signed, np.int64)


def _runs(
    indices: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """First and last position of each run of consecutive cells that get the same number, in order."""
    same = (np.diff(indices) == 1) & (np.diff(numbers) == 0)
    ends = np.flatnonzero(~same)
    firsts = np.concatenate([[0], ends + 1])
    lasts = np.concatenate([ends, [len(indices) - 1]])
    return firsts, lasts


def _cells_text(indices: npt.NDArray[np.int64]) -> str:
    named = ", ".join(str(int(at)) for at in indices[:_NAMED])
    return f"cell {named}" + (f" and {len(indices) - _NAMED} more" if len(indices) > _NAMED else "")
