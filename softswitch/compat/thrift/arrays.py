"""Calls on registers, counters, meters and parser value sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bm_runtime.standard.ttypes import BmCounterValue
from finsy.proto import p4r

from p4front.match_kinds import EXACT
from softswitch.compat.thrift.access import Access, Program, by_name
from softswitch.compat.thrift.errors import COUNTERS, METERS, REGISTERS, VALUE_SETS, Errors
from softswitch.compat.thrift.tables import signed
from softswitch.compat.thrift.values import from_rates, to_rates
from softswitch.dataplane.entries import CounterValue, Exact
from softswitch.proto.update_kinds import MODIFY
from softswitch.server.entities.profiles import read_value_sets
from softswitch.server.program.index import CounterView, RegisterView, ValueSetView

_TOP = (1 << 63) - 1
"""bmv2 returns this for any cell with a larger value."""
_MASK = (1 << 64) - 1


class ArrayCalls:
    """Handlers. Each raises the exception for its kind of array."""

    def __init__(self, access: Access) -> None:
        self._access = access

    # ---- registers ----

    def bm_register_read(self, context: int, name: str, index: int) -> int:
        with self._access.reading(context, REGISTERS) as program:
            _register(program, name, index)
            return min(program.config.pipeline.registers[name].read_cell(index), _TOP)

    def bm_register_read_all(self, context: int, name: str) -> list[int]:
        with self._access.reading(context, REGISTERS) as program:
            view = _register(program, name)
            cells = program.config.pipeline.registers[name].read()
        if view.info.width <= 64:
            whole: list[int] = np.minimum(cells.astype(np.uint64), np.uint64(_TOP)).tolist()
            return whole
        return [min(int.from_bytes(row.tobytes(), "little"), _TOP) for row in cells]

    def bm_register_write(self, context: int, name: str, index: int, value: int) -> None:
        with self._access.writing(context, REGISTERS) as program:
            view = _register(program, name, index)
            _write_register(program, view, index, index + 1, value)

    def bm_register_write_range(self, context: int, name: str, start: int, end: int, value: int) -> None:
        with self._access.writing(context, REGISTERS) as program:
            view = _register(program, name)
            if not 0 <= start <= end <= view.info.cells:
                REGISTERS.fail("INVALID_INDEX", f"register {name} has only {view.info.cells} cells")
            _write_register(program, view, start, end, value)

    def bm_register_reset(self, context: int, name: str) -> None:
        with self._access.writing(context, REGISTERS) as program:
            view = _register(program, name)
            _write_register(program, view, 0, view.info.cells, 0)

    # ---- counters ----

    def bm_counter_read(self, context: int, name: str, index: int) -> Any:
        with self._access.reading(context, COUNTERS) as program:
            _array(program.config.index.counters, name, index, COUNTERS, "INVALID_COUNTER_NAME")
            value = program.config.pipeline.counters[name].read_cell(index)
            return BmCounterValue(bytes=signed(value.bytes), packets=signed(value.packets))

    def bm_counter_write(self, context: int, name: str, index: int, value: Any) -> None:
        with self._access.writing(context, COUNTERS) as program:
            view = _array(program.config.index.counters, name, index, COUNTERS, "INVALID_COUNTER_NAME")
            entity = p4r.Entity(counter_entry=p4r.CounterEntry(counter_id=view.id, index=p4r.Index(index=index)))
            program.clients.check(entity)
            counter = CounterValue((value.packets or 0) & _MASK, (value.bytes or 0) & _MASK)
            program.config.pipeline.counters[name].write_cell(index, counter)
            program.clients.note(program.config, entity)

    def bm_counter_reset_all(self, context: int, name: str) -> None:
        with self._access.writing(context, COUNTERS) as program:
            view = _array(program.config.index.counters, name, None, COUNTERS, "INVALID_COUNTER_NAME")
            message = p4r.CounterEntry(counter_id=view.id, data=p4r.CounterData())
            program.write(MODIFY, p4r.Entity(counter_entry=message))

    # ---- meters ----

    def bm_meter_get_rates(self, context: int, name: str, index: int) -> list[Any]:
        with self._access.reading(context, METERS) as program:
            _array(program.config.index.meters, name, index, METERS, "INVALID_METER_NAME")
            return from_rates(program.config.pipeline.meters[name].read(index, 1)[0])

    def bm_meter_set_rates(self, context: int, name: str, index: int, rates: Sequence[Any]) -> None:
        with self._access.writing(context, METERS) as program:
            view = _array(program.config.index.meters, name, index, METERS, "INVALID_METER_NAME")
            message = p4r.MeterEntry(meter_id=view.id, index=p4r.Index(index=index), config=to_rates(METERS, rates))
            program.write(MODIFY, p4r.Entity(meter_entry=message))

    def bm_meter_array_set_rates(self, context: int, name: str, rates: Sequence[Any]) -> None:
        with self._access.writing(context, METERS) as program:
            view = _array(program.config.index.meters, name, None, METERS, "INVALID_METER_NAME")
            message = p4r.MeterEntry(meter_id=view.id, config=to_rates(METERS, rates))
            program.write(MODIFY, p4r.Entity(meter_entry=message))

    # ---- parser value sets: a value is all its fields concatenated, padded to whole bytes at the front ----

    def bm_parse_vset_get(self, context: int, name: str) -> list[bytes]:
        with self._access.reading(context, VALUE_SETS) as program:
            view = _value_set(program, name)
            members = program.config.pipeline.value_sets[name].members()
            return [_packed(view, member) for member in members if all(isinstance(key, Exact) for key in member)]

    def bm_parse_vset_add(self, context: int, name: str, value: bytes) -> None:
        with self._access.writing(context, VALUE_SETS) as program:
            view = _value_set(program, name)
            message, member = _members(program, view), _unpacked(view, value)
            if member not in message.members:
                message.members.append(member)
                program.write(MODIFY, p4r.Entity(value_set_entry=message))

    def bm_parse_vset_remove(self, context: int, name: str, value: bytes) -> None:
        with self._access.writing(context, VALUE_SETS) as program:
            view = _value_set(program, name)
            message, member = _members(program, view), _unpacked(view, value)
            if member in message.members:
                message.members.remove(member)
                program.write(MODIFY, p4r.Entity(value_set_entry=message))

    def bm_parse_vset_clear(self, context: int, name: str) -> None:
        with self._access.writing(context, VALUE_SETS) as program:
            view = _value_set(program, name)
            program.write(MODIFY, p4r.Entity(value_set_entry=p4r.ValueSetEntry(value_set_id=view.id)))


def _register(program: Program, name: str, index: int | None = None) -> RegisterView:
    view = by_name(program.config.index.registers, name)
    if view is None:
        REGISTERS.fail("INVALID_REGISTER_NAME", f"there is no register {name!r}")
    if index is not None and not 0 <= index < view.info.cells:
        REGISTERS.fail("INVALID_INDEX", f"register {name} has {view.info.cells} cells: no index {index}")
    return view


def _write_register(program: Program, view: RegisterView, start: int, end: int, value: int) -> None:
    """Writes one value to a range of cells; bits that do not fit in a cell are cut off."""
    if start == end:
        return
    message = p4r.RegisterEntry(register_id=view.id)
    if end - start == 1:
        message.index.index = start
    entity = p4r.Entity(register_entry=message)  # without an index: the whole register
    program.clients.check(entity)
    register, info = program.config.pipeline.registers[view.name], view.info
    raw = (value & ((1 << info.width) - 1)).to_bytes(info.cell_bytes, "little") * (end - start)
    cells = np.frombuffer(raw, dtype=register.dtype)
    register.write(start, cells.reshape(end - start, -1) if info.width > 64 else cells)
    program.clients.note(program.config, entity)


def _array(views: dict[int, CounterView], name: str, index: int | None, errors: Errors, no_name: str) -> CounterView:
    view = by_name(views, name)
    if view is None:
        errors.fail(no_name, f"there is no {name!r}")
    if index is not None and not 0 <= index < view.info.cells:
        errors.fail("INVALID_INDEX", f"{name} has {view.info.cells} cells: no index {index}")
    return view


def _value_set(program: Program, name: str) -> ValueSetView:
    """Raises ERROR unless all fields of the set are exact: bmv2's calls have no masks."""
    view = by_name(program.config.index.value_sets, name)
    if view is None:
        VALUE_SETS.fail("INVALID_PARSE_VSET_NAME", f"there is no value set {name!r}")
    if any(field.key.match != EXACT.name for field in view.fields):
        VALUE_SETS.fail("ERROR", f"not all fields of value set {name} are exact; P4Runtime can write it")
    return view


def _members(program: Program, view: ValueSetView) -> p4r.ValueSetEntry:
    return next(read_value_sets(program.config, p4r.ValueSetEntry(value_set_id=view.id)))


def _packed(view: ValueSetView, member: Sequence[Any]) -> bytes:
    number = width = 0
    for field, key in zip(view.fields, member, strict=True):
        number = number << field.key.width | key.value
        width += field.key.width
    return number.to_bytes(max(1, -(-width // 8)), "big")


def _unpacked(view: ValueSetView, value: bytes) -> p4r.ValueSetMember:
    left = sum(field.key.width for field in view.fields)
    number = int.from_bytes(value, "big")
    if number >> left:
        VALUE_SETS.fail("ERROR", f"a value of {view.name} has {left} bits")
    member = p4r.ValueSetMember()
    for field in view.fields:
        left -= field.key.width
        part = number >> left & ((1 << field.key.width) - 1)
        member.match.add(field_id=field.id).exact.value = field.codec.encode(part)
    return member
