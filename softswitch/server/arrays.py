"""Registers, indirect counters and indirect meters, one message per cell (P4Runtime specification 9.3, 9.4 and 9.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from finsy.proto import p4r

from softswitch.entries import CounterValue
from softswitch.server.config import Config
from softswitch.server.direct import from_counter, from_meter, to_counter, to_meter
from softswitch.server.errors import invalid, out_of_range, unimplemented
from softswitch.server.index import CounterView, RegisterView

Undo = Callable[[], None]
View = TypeVar("View")


def _check_modify(kind: int, what: str) -> None:
    if kind != p4r.Update.MODIFY:
        raise invalid(f"{what} cells are always there: they can only be modified")


def _check_index(index: int, cells: int, what: str) -> int:
    if index < 0:
        raise invalid(f"{what}: index {index} is negative")
    if index >= cells:
        raise out_of_range(f"{what} has {cells} cells, not one with index {index}")
    return index


def _range(message: p4r.RegisterEntry, cells: int, what: str) -> range:
    """The cells that a message means: one, or all without an index."""
    if not message.HasField("index"):
        return range(cells)
    first = _check_index(message.index.index, cells, what)
    return range(first, first + 1)


def _selected(views: dict[int, View], number: int, get: Callable[[int], View], has_index: bool) -> list[View]:
    if number:
        return [get(number)]
    if has_index:
        raise invalid("an index needs the id of its array")
    return list(views.values())


# ---- registers: composite values are concatenated, the first field in the highest bits ----


def write_register(config: Config, kind: int, message: p4r.RegisterEntry) -> Undo:
    """Writes a cell, or every cell if there is no index. Raises Refused."""
    _check_modify(kind, "register")
    view = config.index.register(message.register_id)
    what = f"register {view.name}"
    cells = _range(message, view.info.cells, what)
    register = config.pipeline.registers[view.name]
    value = _join(config, view, config.index.data.decode(view.spec, message.data, what))
    old = register.read(cells.start, len(cells))
    raw = value.to_bytes(view.info.cell_bytes, "little") * len(cells)
    register.write(cells.start, np.frombuffer(raw, dtype=old.dtype).reshape(old.shape))
    return lambda: register.write(cells.start, old)


def read_registers(config: Config, request: p4r.RegisterEntry) -> Iterator[p4r.RegisterEntry]:
    index = config.index
    views = _selected(index.registers, request.register_id, index.register, request.HasField("index"))
    for view in views:
        cells = _range(request, view.info.cells, f"register {view.name}")
        size = view.info.cell_bytes
        raw = config.pipeline.registers[view.name].read(cells.start, len(cells)).tobytes()
        for position, number in enumerate(cells):
            value = int.from_bytes(raw[position * size : (position + 1) * size], "little")
            message = p4r.RegisterEntry(register_id=view.id)
            message.index.index = number
            message.data.CopyFrom(index.data.encode(view.spec, iter(_split(config, view, value))))
            yield message


def _join(config: Config, view: RegisterView, leaves: list[int]) -> int:
    value = 0
    for (width, _), leaf in zip(config.index.data.leaves(view.spec), leaves, strict=True):
        value = value << width | leaf
    return value


def _split(config: Config, view: RegisterView, value: int) -> list[int]:
    leaves = []
    left = view.info.width
    for width, _ in config.index.data.leaves(view.spec):
        left -= width
        leaves.append(value >> max(left, 0) & ((1 << width) - 1))
    return leaves


# ---- counters ----


def write_counter(config: Config, kind: int, message: p4r.CounterEntry) -> Undo:
    _check_modify(kind, "counter")
    view = config.index.counter(message.counter_id)
    cells = _range(message, view.info.cells, f"counter {view.name}")
    counter = config.pipeline.counters[view.name]
    old = counter.read(cells.start, len(cells))
    if message.HasField("data"):
        counter.write(cells.start, [to_counter(message.data)] * len(cells))
    return lambda: counter.write(cells.start, old)


def read_counters(config: Config, request: p4r.CounterEntry) -> Iterator[p4r.CounterEntry]:
    index = config.index
    for view in _selected(index.counters, request.counter_id, index.counter, request.HasField("index")):
        cells = _range(request, view.info.cells, f"counter {view.name}")
        rows = config.pipeline.counters[view.name].read(cells.start, len(cells)).tolist()
        for number, row in zip(cells, rows, strict=True):
            message = p4r.CounterEntry(counter_id=view.id, data=from_counter(CounterValue(*row)))
            message.index.index = number
            yield message


# ---- meters ----


def write_meter(config: Config, kind: int, message: p4r.MeterEntry) -> Undo:
    _check_modify(kind, "meter")
    view = config.index.meter(message.meter_id)
    _check_no_colours(message)
    cells = _range(message, view.info.cells, f"meter {view.name}")
    meter = config.pipeline.meters[view.name]
    wanted = to_meter(message.config) if message.HasField("config") else None
    old = meter.read(cells.start, len(cells))
    meter.write(cells.start, [wanted] * len(cells))
    return lambda: meter.write(cells.start, old)


def read_meters(config: Config, request: p4r.MeterEntry) -> Iterator[p4r.MeterEntry]:
    _check_no_colours(request)
    index = config.index
    views: list[CounterView] = _selected(index.meters, request.meter_id, index.meter, request.HasField("index"))
    for view in views:
        cells = _range(request, view.info.cells, f"meter {view.name}")
        configs = config.pipeline.meters[view.name].read(cells.start, len(cells))
        for number, found in zip(cells, configs, strict=True):
            message = p4r.MeterEntry(meter_id=view.id)
            message.index.index = number
            if found is not None:
                message.config.CopyFrom(from_meter(found))
            yield message


def _check_no_colours(message: p4r.MeterEntry) -> None:
    if message.HasField("counter_data"):
        raise unimplemented("meters have no counters per colour here")
