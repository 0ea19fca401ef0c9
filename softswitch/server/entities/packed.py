"""Arrays as packed cells, for the bulk service (softswitch/proto/bulk.proto): lookup, reading, checking, writing.

Cells get the same checks as values in a P4Runtime message, so that every later Read can represent them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from finsy.proto import p4i, p4r
from numpy.typing import NDArray

from softswitch.dataplane.entries import MeterConfig, meter_config
from softswitch.model import RegisterInfo
from softswitch.proto import bulk_pb2
from softswitch.server.entities.direct import THREE_BY_ONE, TWO_BY_ONE, from_meter, to_meter
from softswitch.server.errors import Refused, invalid, not_found, out_of_range
from softswitch.server.program.config import Config
from softswitch.server.program.index import CounterView

COUNTER_BYTES, METER_BYTES = 16, 40
REGISTER, COUNTER, METER = bulk_pb2.REGISTER, bulk_pb2.COUNTER, bulk_pb2.METER
KIND_NAMES = {REGISTER: "register", COUNTER: "counter", METER: "meter"}
MAX_NUMBER = (1 << 63) - 1
"""Counts, rates and bursts are signed integers in P4Runtime's messages."""


def preambles(config: Config, kind: bulk_pb2.ArrayKind) -> list[p4i.Preamble]:
    """The preambles of all arrays of a kind. Raises Refused (INVALID_ARGUMENT)."""
    if kind == REGISTER:
        return [register.preamble for register in config.p4info.registers]
    if kind == COUNTER:
        return [counter.preamble for counter in config.p4info.counters]
    if kind == METER:
        return [meter.preamble for meter in config.p4info.meters]
    raise invalid(f"unknown kind of array {kind}")


def resolve(config: Config, kind: bulk_pb2.ArrayKind, name: str) -> p4i.Preamble:
    """The array with this P4Info name or alias. Raises Refused (NOT_FOUND)."""
    known = preambles(config, kind)
    for attribute in ("name", "alias"):
        for preamble in known:
            if getattr(preamble, attribute) == name:
                return preamble
    raise not_found(f"the program has no {KIND_NAMES[kind]} {name}")


def array_key(kind: bulk_pb2.ArrayKind, number: int, index: int | None) -> p4r.Entity:
    """The entity for one cell of the array with this id, or for the whole array."""
    entity = p4r.Entity()
    if kind == REGISTER:
        entity.register_entry.register_id = number
    elif kind == COUNTER:
        entity.counter_entry.counter_id = number
    else:
        entity.meter_entry.meter_id = number
    if index is not None:
        getattr(entity, f"{KIND_NAMES[kind]}_entry").index.index = index
    return entity


def cell_count(config: Config, kind: bulk_pb2.ArrayKind, name: str) -> int:
    """Number of cells of an array."""
    pipeline = config.pipeline
    if kind == REGISTER:
        return pipeline.registers[name].info.cells
    return pipeline.counters[name].info.cells if kind == COUNTER else pipeline.meters[name].info.cells


def check_range(config: Config, kind: bulk_pb2.ArrayKind, name: str, start: int, count: int) -> None:
    """Raises Refused (OUT_OF_RANGE)."""
    cells = cell_count(config, kind, name)
    if start > cells or start + count > cells:
        raise out_of_range(f"{KIND_NAMES[kind]} {name} has {cells} cells, not {start} to {start + count}")


def read_packed(config: Config, kind: bulk_pb2.ArrayKind, name: str, start: int, count: int) -> memoryview:
    if kind == REGISTER:
        return config.pipeline.registers[name].read(start, count).data.cast("B")
    if kind == COUNTER:
        return config.pipeline.counters[name].read(start, count).data.cast("B")
    rows = np.zeros((count, 5), dtype="<u8")
    for row, meter in zip(rows, config.pipeline.meters[name].read(start, count), strict=True):
        if meter is not None:
            row[:] = meter.words()
    return rows.data.cast("B")


def write_packed(config: Config, kind: bulk_pb2.ArrayKind, array: p4i.Preamble, start: int, data: bytes) -> int:
    """Writes consecutive cells in one step and returns their number. Raises Refused without having written any."""
    name, what = array.name, f"{KIND_NAMES[kind]} {array.name}"
    if kind == REGISTER:
        cells = register_cells(config, array, data)
        check_range(config, kind, name, start, len(cells))
        config.pipeline.registers[name].write(start, cells)
        return len(cells)
    words = _rows(data, COUNTER_BYTES if kind == COUNTER else METER_BYTES, what)
    check_range(config, kind, name, start, len(words))
    if kind == COUNTER:
        if len(words) and int(words.max()) > MAX_NUMBER:
            raise out_of_range(f"{what}: a count of {int(words.max())} is more than {MAX_NUMBER}")
        config.pipeline.counters[name].write(start, words)
    else:
        view = config.index.meter(array.id)
        config.pipeline.meters[name].write(start, [_meter(view, row, what) for row in words.tolist()])
    return len(words)


def cell_writes(
    config: Config, array: p4i.Preamble, indices: bytes, cells: bytes
) -> tuple[NDArray[np.uint64], NDArray[np.generic]]:
    """Single cells of a register: their indices and values. Raises Refused."""
    what = f"register {array.name}"
    where = _rows(indices, 8, f"{what}, indices").reshape(-1)
    values = register_cells(config, array, cells)
    if len(where) != len(values):
        raise invalid(f"{what}: {len(where)} indices, but {len(values)} cells")
    if len(where):
        check_range(config, REGISTER, array.name, int(where.max()), 1)
    return where, values


def register_cells(config: Config, array: p4i.Preamble, data: bytes) -> NDArray[np.generic]:
    """Cells as the data plane stores them. Raises Refused for a cell that is not a value of the register's type."""
    register = config.pipeline.registers[array.name]
    info, what = register.info, f"register {array.name}"
    _check_whole(data, info.cell_bytes, what)
    rows = np.frombuffer(data, np.uint8).reshape(-1, info.cell_bytes)
    last, bits = divmod(info.width, 8)
    if last < info.cell_bytes and ((rows[:, last] >> bits).any() or rows[:, last + 1 :].any()):
        raise out_of_range(f"{what}: a cell does not fit in {info.width} bits")
    view = config.index.register(array.id)
    kinds = [count for count, valid in config.index.data.named_values(view.spec) if not valid]
    if any(kinds):
        _check_named(view.info, kinds, rows, what)
    return rows if info.width > 64 else np.frombuffer(data, dtype=register.dtype)


def _check_named(info: RegisterInfo, counts: Sequence[int], rows: NDArray[np.uint8], what: str) -> None:
    """Checks enums and errors, which have a name for each value. `counts`: number of values of each scalar; 0: any."""
    for row in rows:
        left, packed = info.width, int.from_bytes(row.tobytes(), "little")
        for width, count in zip(info.leaves or (info.width,), counts, strict=True):
            left -= width
            value = packed >> left & ((1 << width) - 1)
            if count and value >= count:
                raise out_of_range(f"{what}: {value} is not one of the {count} values of its enum")


def _meter(view: CounterView, row: Sequence[int], what: str) -> MeterConfig | None:
    """The configuration in five words, checked like a P4Runtime message. Raises Refused."""
    wanted = meter_config(row)
    if wanted is None or list(wanted.words()) != list(row):
        if any(row):
            raise invalid(f"{what}: the words {', '.join(map(str, row))} are not a meter configuration")
        return None
    if max(row[1:]) > MAX_NUMBER:
        raise out_of_range(f"{what}: {max(row[1:])} is more than {MAX_NUMBER}")
    single_rate = view.type in (THREE_BY_ONE, TWO_BY_ONE)
    if single_rate != (wanted.eburst is not None):
        raise invalid(f"{what}: the meter has {'one rate' if single_rate else 'two rates'}")
    try:
        return to_meter(from_meter(wanted), view.type)
    except Refused as refused:
        raise invalid(f"{what}: {refused.message}") from None


def _check_whole(data: bytes, size: int, what: str) -> None:
    if len(data) % size:
        raise invalid(f"{what}: {len(data)} bytes are not a whole number of cells of {size} bytes")


def _rows(data: bytes, size: int, what: str) -> NDArray[np.uint64]:
    """64-bit words, one row per cell. Raises Refused unless the cells are complete."""
    _check_whole(data, size, what)
    return np.frombuffer(data, "<u8").reshape(-1, size // 8)
