"""Registers, indirect counters and indirect meters, one message per cell (P4Runtime specification 9.3, 9.4 and 9.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from finsy.proto import p4r

from softswitch.dataplane.entries import ColourCounts, CounterValue
from softswitch.server.entities.direct import (
    check_cleared,
    from_colours,
    from_counter,
    from_meter,
    to_counter,
    to_meter,
)
from softswitch.server.errors import invalid, out_of_range
from softswitch.server.program.config import Config
from softswitch.server.program.index import RegisterView

Undo = Callable[[], None]
View = TypeVar("View")


def _check_modify(kind: int, what: str) -> None:
    if kind != p4r.Update.MODIFY:
        raise invalid(f"{what} cells always exist: they can only be modified")


def _check_index(index: int, cells: int, what: str) -> int:
    if index < 0:
        raise invalid(f"{what}: index {index} is negative")
    if index >= cells:
        raise out_of_range(f"{what} has {cells} cells: no index {index}")
    return index


def _range(message: p4r.RegisterEntry | p4r.CounterEntry | p4r.MeterEntry, cells: int, what: str) -> range:
    """The cells that a message addresses: one, or all if it has no index."""
    if not message.HasField("index"):
        return range(cells)
    first = _check_index(message.index.index, cells, what)
    return range(first, first + 1)


def _selected(views: dict[int, View], number: int, get: Callable[[int], View], has_index: bool) -> list[View]:
    if number:
        return [get(number)]
    if has_index:
        raise invalid("an index requires the id of its array")
    return list(views.values())


# ---- registers: composite values are concatenated, the first field in the most significant bits ----


def write_register(config: Config, kind: int, message: p4r.RegisterEntry) -> Undo:
    """Writes one cell, or every cell if there is no index. Raises Refused."""
    _check_modify(kind, "register")
    view = config.index.register(message.register_id)
    what = f"register {view.name}"
    cells = _range(message, view.info.cells, what)
    register = config.pipeline.registers[view.name]
    value = _join(config, view, config.index.data.decode(view.spec, message.data, what, iter(_widths(view))))
    old = register.read(cells.start, len(cells))
    raw = value.to_bytes(view.info.cell_bytes, "little") * len(cells)
    register.write(cells.start, np.frombuffer(raw, dtype=old.dtype).reshape(old.shape))
    return lambda: register.write(cells.start, old)


def read_registers(config: Config, request: p4r.RegisterEntry) -> Iterator[p4r.RegisterEntry]:
    """Values are read at once and encoded later, one by one; the other read functions here do the same."""
    index = config.index
    taken = []
    for view in _selected(index.registers, request.register_id, index.register, request.HasField("index")):
        cells = _range(request, view.info.cells, f"register {view.name}")
        taken.append((view, cells, config.pipeline.registers[view.name].read(cells.start, len(cells)).tobytes()))

    def messages() -> Iterator[p4r.RegisterEntry]:
        for view, cells, raw in taken:
            size = view.info.cell_bytes
            for position, number in enumerate(cells):
                value = int.from_bytes(raw[position * size : (position + 1) * size], "little")
                message = p4r.RegisterEntry(register_id=view.id)
                message.index.index = number
                message.data.CopyFrom(index.data.encode(view.spec, _split(config, view, value)))
                yield message

    return messages()


def _widths(view: RegisterView) -> tuple[int, ...]:
    return view.info.leaves or (view.info.width,)


def _join(config: Config, view: RegisterView, leaves: list[int]) -> int:
    """The cell for a value: its scalars concatenated. Headers in registers are always valid."""
    validity = config.index.data.validity(view.spec)
    scalars = [leaf for leaf, valid in zip(leaves, validity, strict=True) if not valid]
    value = 0
    for width, scalar in zip(_widths(view), scalars, strict=True):
        if scalar >> width:
            raise out_of_range(f"register {view.name}: {scalar} does not fit in {width} bits")
        value = value << width | scalar
    return value


def _split(config: Config, view: RegisterView, value: int) -> Iterator[int]:
    """The leaves of a cell's value, in the form that DataTypes.encode takes."""
    left, widths = view.info.width, iter(_widths(view))
    for valid in config.index.data.validity(view.spec):
        if valid:
            yield 1
        else:
            width = next(widths)
            left -= width
            yield value >> left & ((1 << width) - 1)


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
    taken = []
    for view in _selected(index.counters, request.counter_id, index.counter, request.HasField("index")):
        cells = _range(request, view.info.cells, f"counter {view.name}")
        taken.append((view, cells, config.pipeline.counters[view.name].read(cells.start, len(cells))))

    def messages() -> Iterator[p4r.CounterEntry]:
        for view, cells, rows in taken:
            for number, row in zip(cells, rows.tolist(), strict=True):
                message = p4r.CounterEntry(counter_id=view.id, data=from_counter(CounterValue(*row)))
                message.index.index = number
                yield message

    return messages()


# ---- meters ----


def write_meter(config: Config, kind: int, message: p4r.MeterEntry) -> Undo:
    """Configures one cell, or every cell if there is no index; without `config` meters return green. Raises Refused."""
    _check_modify(kind, "meter")
    view = config.index.meter(message.meter_id)
    cells = _range(message, view.info.cells, f"meter {view.name}")
    meter = config.pipeline.meters[view.name]
    wanted = to_meter(message.config, view.type) if message.HasField("config") else None
    check_cleared(message.counter_data)
    old = meter.states(cells.start, len(cells))
    meter.write(cells.start, [wanted] * len(cells))
    if message.HasField("counter_data"):
        meter.set_counts(cells.start, [ColourCounts()] * len(cells))

    def undo() -> None:
        meter.write(cells.start, [state.config for state in old])
        meter.set_counts(cells.start, [state.counts for state in old])

    return undo


def read_meters(config: Config, request: p4r.MeterEntry) -> Iterator[p4r.MeterEntry]:
    index = config.index
    taken = []
    for view in _selected(index.meters, request.meter_id, index.meter, request.HasField("index")):
        cells = _range(request, view.info.cells, f"meter {view.name}")
        taken.append((view, cells, config.pipeline.meters[view.name].states(cells.start, len(cells))))

    def messages() -> Iterator[p4r.MeterEntry]:
        for view, cells, states in taken:
            for number, state in zip(cells, states, strict=True):
                message = p4r.MeterEntry(meter_id=view.id)
                message.index.index = number
                if state.config is not None:
                    message.config.CopyFrom(from_meter(state.config))
                if request.HasField("counter_data"):
                    message.counter_data.CopyFrom(from_colours(state.counts))
                yield message

    return messages()
