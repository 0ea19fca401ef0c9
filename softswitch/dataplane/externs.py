"""Registers, indirect counters and indirect meters of a loaded pipeline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from softswitch.dataplane import native
from softswitch.dataplane.entries import ColourCounts, CounterValue, MeterConfig, MeterState, meter_config
from softswitch.dataplane.handle import PipelineHandle
from softswitch.dataplane.rows import decode_meter, encode_counts
from softswitch.errors import BadEntry, BadIndex, PipelineLoadError
from softswitch.model import CounterInfo, RegisterInfo

Words = NDArray[np.uint64]
Indices = NDArray[np.integer] | Sequence[int]
Cells = NDArray[np.generic] | Sequence[int]


class Register:
    """A register array.

    Up to 64 bits its cells are unsigned integers of 1, 2, 4 or 8 bytes (the low bits, also of int<W>); wider ones are
    rows of `cell_bytes` bytes, little-endian.

    Errors: BadIndex, BadEntry (a value that does not fit), Closed.
    """

    def __init__(self, handle: PipelineHandle, info: RegisterInfo) -> None:
        self.info = info
        self._handle = handle
        with handle.use() as pipeline:
            self.pointer = native.library().ss_pipeline_array(pipeline, info.index)
            if native.library().ss_array_cell_bytes(self.pointer) != info.cell_bytes:
                raise PipelineLoadError(f"register {info.name} is described with cells of {info.cell_bytes} bytes")
        self._wide = info.width > 64
        self.dtype: np.dtype[np.unsignedinteger] = np.dtype("u1" if self._wide else f"<u{info.cell_bytes}")

    def read(self, start: int = 0, count: int | None = None) -> NDArray[np.unsignedinteger]:
        """Cells `start` to `start + count` as one snapshot: shape (count,), or (count, cell_bytes) above 64 bits."""
        count = self.info.cells - start if count is None else count
        self._check_range(start, count)
        cells = np.empty((count, self.info.cell_bytes) if self._wide else count, dtype=self.dtype)
        with self._handle.use():
            native.check(native.library().ss_array_read(self.pointer, start, count, cells.ctypes.data))
        return cells

    def write(self, start: int, cells: Cells) -> None:
        """Writes consecutive cells, of the shape that `read` gives, in one step."""
        data = self._to_cells(cells)
        self._check_range(start, len(data))
        with self._handle.use():
            native.check(native.library().ss_array_write(self.pointer, start, len(data), data.ctypes.data))

    def write_cells(self, indices: Indices, cells: Cells) -> None:
        """Writes scattered cells in one step; of equal indices the last one wins."""
        wide = np.asarray(indices)
        if wide.size and (int(wide.min()) < 0 or int(wide.max()) >= self.info.cells):
            raise BadIndex(f"register {self.info.name} has {self.info.cells} cells, indices go up to {int(wide.max())}")
        where = np.ascontiguousarray(wide, dtype=np.uint64)
        data = self._to_cells(cells)
        if len(where) != len(data):
            raise BadEntry(f"{len(where)} indices but {len(data)} values for register {self.info.name}")
        with self._handle.use():
            status = native.library().ss_array_write_cells(
                self.pointer, len(where), where.ctypes.data, data.ctypes.data
            )
            native.check(status)

    def take_over(self, other: Register) -> None:
        """Exchanges all cells with a register of another program, in no time whatever their number.

        Raises BadEntry unless number and width of the cells are the same.
        """
        with self._handle.use(), other._handle.use():
            native.check(native.library().ss_array_take_over(self.pointer, other.pointer))

    def read_cell(self, index: int) -> int:
        return int.from_bytes(self.read(index, 1).tobytes(), "little")

    def write_cell(self, index: int, value: int) -> None:
        """A value of up to `width` bits; negative ones only in int<W> registers."""
        if value < 0 and self.info.signed:
            value += 1 << self.info.width
        if value < 0 or value >> self.info.width:
            raise BadEntry(f"{value} does not fit register {self.info.name}, which has {self.info.width} bits")
        raw = np.frombuffer(value.to_bytes(self.info.cell_bytes, "little"), dtype=self.dtype)
        self.write(index, raw.reshape(1, -1) if self._wide else raw)

    def reset(self) -> None:
        """All cells to zero."""
        shape = (self.info.cells, self.info.cell_bytes) if self._wide else self.info.cells
        self.write(0, np.zeros(shape, dtype=self.dtype))

    def _check_range(self, start: int, count: int) -> None:
        if start < 0 or count < 0 or start + count > self.info.cells:
            raise BadIndex(
                f"cells {start} to {start + count} of register {self.info.name}, which has {self.info.cells}"
            )

    def _to_cells(self, cells: Cells) -> NDArray[np.generic]:
        """In storage form; values beyond the register's width are refused, so that packets never see them."""
        data = np.asarray(cells)
        if self._wide:
            if data.ndim != 2 or data.shape[1] != self.info.cell_bytes or data.dtype != np.uint8:
                raise BadEntry(f"register {self.info.name} takes rows of {self.info.cell_bytes} bytes (uint8)")
            spare = 8 * self.info.cell_bytes - self.info.width
            top = data[:, self.info.cell_bytes - (spare + 7) // 8 :] if spare else data[:, :0]
            if spare and top.size:
                allowed = (1 << (8 * top.shape[1] - spare)) - 1
                limits = np.frombuffer(allowed.to_bytes(top.shape[1], "little"), dtype=np.uint8)
                if bool((top & ~limits).any()):
                    raise BadEntry(f"a value does not fit register {self.info.name}, which has {self.info.width} bits")
            return np.ascontiguousarray(data)
        if data.ndim != 1:
            raise BadEntry(f"register {self.info.name} takes a one-dimensional array")
        if data.size and data.dtype.kind not in "uib":
            exact = [int(value) for value in data]
            if any(value != other for value, other in zip(exact, data, strict=True)):
                raise BadEntry(f"register {self.info.name} takes integers")
            data = np.asarray(exact)
        narrower = data.dtype.kind == "u" and 8 * data.dtype.itemsize <= self.info.width
        if data.size and not narrower:
            low, high = int(data.min()), int(data.max())
            least = -(1 << (self.info.width - 1)) if self.info.signed else 0
            if low < least or high >> self.info.width:
                raise BadEntry(
                    f"{low if low < least else high} does not fit the {self.info.width} bits of {self.info.name}"
                )
            if low < 0:
                data = data.astype(np.int64).astype(np.uint64) & np.uint64((1 << self.info.width) - 1)
        return np.ascontiguousarray(data, dtype=self.dtype)


class Counter:
    """An indirect counter. Packets and bytes are always counted; `info.kind` says which the program declared."""

    def __init__(self, handle: PipelineHandle, info: CounterInfo) -> None:
        self.info = info
        self._handle = handle
        with handle.use() as pipeline:
            self.pointer = native.library().ss_pipeline_counter(pipeline, info.index)

    def read(self, start: int = 0, count: int | None = None) -> Words:
        """One snapshot of shape (count, 2): packets, bytes. Raises BadIndex."""
        count = self.info.cells - start if count is None else count
        _check_range("counter", self.info, start, count)
        cells = np.empty((count, 2), dtype=np.uint64)
        with self._handle.use():
            native.check(native.library().ss_counter_read(self.pointer, start, count, cells.ctypes.data))
        return cells

    def write(self, start: int, cells: NDArray[np.integer] | Sequence[Sequence[int]]) -> None:
        """Rows of packets, bytes, in one step. Raises BadIndex."""
        data = np.ascontiguousarray(cells, dtype=np.uint64).reshape(-1, 2)
        _check_range("counter", self.info, start, len(data))
        with self._handle.use():
            native.check(native.library().ss_counter_write(self.pointer, start, len(data), data.ctypes.data))

    def take_over(self, other: Counter) -> None:
        """Exchanges all cells with a counter of another program, as Register.take_over."""
        with self._handle.use(), other._handle.use():
            native.check(native.library().ss_counter_take_over(self.pointer, other.pointer))

    def read_cell(self, index: int) -> CounterValue:
        packets, octets = self.read(index, 1)[0]
        return CounterValue(int(packets), int(octets))

    def write_cell(self, index: int, value: CounterValue) -> None:
        self.write(index, [tuple(value)])

    def reset(self) -> None:
        self.write(0, np.zeros((self.info.cells, 2), dtype=np.uint64))


class Meter:
    """An indirect meter (RFC 2698, colour-blind); in bytes if `info.kind` is 1, else in packets."""

    def __init__(self, handle: PipelineHandle, info: CounterInfo) -> None:
        self.info = info
        self._handle = handle
        with handle.use() as pipeline:
            self.pointer = native.library().ss_pipeline_meter(pipeline, info.index)

    def read(self, start: int = 0, count: int | None = None) -> list[MeterConfig | None]:
        """None where nothing was configured (all green). Raises BadIndex."""
        rows = self._rows(start, count)
        return [meter_config(row) for row in rows]

    def states(self, start: int = 0, count: int | None = None) -> list[MeterState]:
        """Configurations and what was marked with each colour, as one snapshot. Raises BadIndex."""
        return [decode_meter(row.tolist()) for row in self._rows(start, count)]

    def _rows(self, start: int, count: int | None) -> Words:
        count = self.info.cells - start if count is None else count
        _check_range("meter", self.info, start, count)
        rows = np.empty((count, native.METER_WORDS), dtype=np.uint64)
        with self._handle.use():
            native.check(native.library().ss_meter_read(self.pointer, start, count, rows.ctypes.data))
        return rows

    def write(self, start: int, configs: Sequence[MeterConfig | None]) -> None:
        """Configures consecutive cells; their buckets are full again, their counts stay. Raises BadIndex."""
        _check_range("meter", self.info, start, len(configs))
        rows = np.zeros((len(configs), native.METER_CONFIG_WORDS), dtype=np.uint64)
        for row, config in zip(rows, configs, strict=True):
            if config is not None:
                row[:] = config.words()
        with self._handle.use():
            native.check(native.library().ss_meter_write(self.pointer, start, len(configs), rows.ctypes.data))

    def set_counts(self, start: int, counts: Sequence[ColourCounts]) -> None:
        """Sets what consecutive cells have marked. Raises BadIndex."""
        _check_range("meter", self.info, start, len(counts))
        rows = np.array([encode_counts(one) for one in counts], dtype=np.uint64)
        with self._handle.use():
            native.check(native.library().ss_meter_set_counts(self.pointer, start, len(counts), rows.ctypes.data))

    def take_over(self, other: Meter) -> None:
        """Exchanges all cells, with the levels of their buckets, as Register.take_over."""
        with self._handle.use(), other._handle.use():
            native.check(native.library().ss_meter_take_over(self.pointer, other.pointer))

    def configure(self, index: int, *, cir: int, cburst: int, pir: int, pburst: int) -> None:
        """Rates per second and bursts, in packets or bytes."""
        self.write(index, [MeterConfig(cir, cburst, pir, pburst)])

    def reset(self) -> None:
        self.write(0, [None] * self.info.cells)


def _check_range(kind: str, info: CounterInfo, start: int, count: int) -> None:
    if start < 0 or count < 0 or start + count > info.cells:
        raise BadIndex(f"cells {start} to {start + count} of {kind} {info.name}, which has {info.cells}")
