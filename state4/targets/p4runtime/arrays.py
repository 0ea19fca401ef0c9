"""Registers and counters of a switch: packed through the bulk service, or one message per cell as the standard has it.

Reads are of the forwarding program; writes go to the saved one if `saved`, else to the forwarding one (P4Runtime itself
addresses the saved program as long as there is one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from finsy.proto import p4i, p4r

from softswitch.proto import bulk_pb2
from state4.targets.p4runtime import p4data
from state4.targets.p4runtime.connection import Connection
from state4.targets.p4runtime.joined import read_joined
from state4.values import CellRange, Cells, CellWrites, RegisterSpec

_CHUNK_BYTES = 1 << 20


@dataclass
class Programs:
    """The numbers by which a softswitch knows the programs that we mean; 0: it has not told one. `saved` 0: none is.
    `ask`: asks the switch for that of the running program."""

    ask: Callable[[], object]
    active: int = 0
    saved: int = 0

    def running(self) -> int:
        if not self.active:
            self.ask()
        return self.active


class Arrays(Protocol):
    """Access to whole arrays. All methods raise TargetError."""

    def read(self, register: RegisterSpec, start: int, count: int) -> Cells: ...
    def read_many(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]: ...
    def read_ranges(self, ranges: Sequence[CellRange]) -> list[Cells]: ...
    def write(self, register: RegisterSpec, values: Cells, start: int, saved: bool) -> None: ...
    def write_cells(self, writes: Sequence[CellWrites], saved: bool) -> None: ...
    def read_counter(self, counter: p4i.Counter) -> Cells: ...
    def write_counter(self, counter: p4i.Counter, values: Cells, saved: bool) -> None: ...


class BulkArrays:
    """Through softswitch.v1.Bulk."""

    def __init__(self, connection: Connection, programs: Programs) -> None:
        self._connection = connection
        self._programs = programs
        self._bulk = connection.bulk
        self._device = connection.device_id

    def _fence(self, saved: bool) -> bulk_pb2.Fence:
        """A program that has been replaced is not written to."""
        return self._connection.fence(self._programs.saved if saved else self._programs.running())

    def read(self, register: RegisterSpec, start: int, count: int) -> Cells:
        """In pieces: packets wait while one is copied, and should not wait for the whole of a large register."""
        if count == 0:
            return register.zeros(0)
        step = max(1, _CHUNK_BYTES // register.cell_bytes)
        pieces = [
            self._read(bulk_pb2.REGISTER, register.name, at, min(step, start + count - at))
            for at in range(start, start + count, step)
        ]
        return register.from_bytes(b"".join(pieces))

    def _read(self, kind: bulk_pb2.ArrayKind, name: str, start: int = 0, count: int = 0) -> bytes:
        request = bulk_pb2.ReadArrayRequest(
            device_id=self._device, pipeline=bulk_pb2.ACTIVE, kind=kind, name=name, start=start, count=count
        )
        return self._connection.call(
            f"reading {name}", lambda: b"".join(chunk.cells for chunk in self._bulk.ReadArray(request))
        )

    def read_many(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        if not registers:
            return {}
        names = [spec.name for spec in registers]
        request = bulk_pb2.ReadAllRequest(device_id=self._device, pipeline=bulk_pb2.ACTIVE, names=names)
        parts: dict[str, list[bytes]] = {name: [] for name in names}

        def read() -> None:
            for chunk in self._bulk.ReadAll(request):
                parts[chunk.name].append(chunk.cells)

        self._connection.call(f"reading {len(names)} registers", read)
        return {spec.name: spec.from_bytes(b"".join(parts[spec.name])) for spec in registers}

    def read_ranges(self, ranges: Sequence[CellRange]) -> list[Cells]:
        """In steps of about as many bytes as `read` takes at once; ranges near each other as one."""
        return read_joined(ranges, self._in_steps)

    def _in_steps(self, ranges: Sequence[CellRange]) -> list[Cells]:
        found: list[Cells] = []
        step: list[CellRange] = []
        size = 0
        for part in ranges:
            step.append(part)
            size += part.count * part.register.cell_bytes
            if size >= _CHUNK_BYTES:
                found += self._step(step)
                step, size = [], 0
        return found + self._step(step)

    def _step(self, ranges: Sequence[CellRange]) -> list[Cells]:
        if not ranges:
            return []
        request = bulk_pb2.ReadAllRequest(device_id=self._device, pipeline=bulk_pb2.ACTIVE, joined=True)
        add_ranges(request.ranges, ranges)
        chunks = self._connection.call(f"reading {len(ranges)} ranges", lambda: list(self._bulk.ReadAll(request)))
        return cells_of(ranges, chunks)

    def read_and_clear(self, register: RegisterSpec) -> Cells:
        request = bulk_pb2.ReadArrayRequest(
            device_id=self._device,
            pipeline=bulk_pb2.ACTIVE,
            kind=bulk_pb2.REGISTER,
            name=register.name,
            clear=True,
            fence=self._fence(False),
        )
        what = f"reading and clearing {register.name}"
        packed = self._connection.call(what, lambda: b"".join(c.cells for c in self._bulk.ReadArray(request)))
        return register.from_bytes(packed)

    def write(self, register: RegisterSpec, values: Cells, start: int, saved: bool) -> None:
        step = max(1, _CHUNK_BYTES // register.cell_bytes)

        def chunks() -> Iterator[bulk_pb2.WriteArrayRequest]:
            for at in range(0, len(values), step):
                yield bulk_pb2.WriteArrayRequest(
                    device_id=self._device,
                    pipeline=_pipeline(saved),
                    name=register.name,
                    start=start + at,
                    cells=register.to_bytes(values[at : at + step]),
                    fence=self._fence(saved),
                )

        self._connection.call(f"writing {register.name}", lambda: self._bulk.WriteArray(chunks()))

    def write_cells(self, writes: Sequence[CellWrites], saved: bool) -> None:
        request = bulk_pb2.WriteCellsRequest(
            device_id=self._device, pipeline=_pipeline(saved), fence=self._fence(saved)
        )
        add_writes(request.writes, writes)
        self._connection.call("writing cells", lambda: self._bulk.WriteCells(request))

    def read_counter(self, counter: p4i.Counter) -> Cells:
        packed = self._read(bulk_pb2.COUNTER, counter.preamble.name)
        return np.frombuffer(bytearray(packed), "<u8").reshape(-1, 2)

    def write_counter(self, counter: p4i.Counter, values: Cells, saved: bool) -> None:
        request = bulk_pb2.WriteArrayRequest(
            device_id=self._device,
            pipeline=_pipeline(saved),
            kind=bulk_pb2.COUNTER,
            name=counter.preamble.name,
            cells=np.ascontiguousarray(values, "<u8").tobytes(),
            fence=self._fence(saved),
        )
        what = f"writing {counter.preamble.name}"
        self._connection.call(what, lambda: self._bulk.WriteArray(iter([request])))


class EntryArrays:
    """Through P4Runtime's RegisterEntry and CounterEntry: slow, and the same on every switch that has them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, register: RegisterSpec, start: int, count: int) -> Cells:
        wanted = [p4r.Entity(register_entry=p4r.RegisterEntry(register_id=register.id))]
        if start or count != register.cells:
            wanted = []
            for index in range(start, start + count):
                cell = p4r.RegisterEntry(register_id=register.id, index=p4r.Index(index=index))
                wanted.append(p4r.Entity(register_entry=cell))
        numbers = [0] * count
        for entity in self._connection.read(wanted, f"reading {register.name}"):
            data, at = entity.register_entry.data, entity.register_entry.index.index - start
            numbers[at] = p4data.decode(register, data)
        return register.from_integers(numbers)

    def read_many(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        return {spec.name: self.read(spec, 0, spec.cells) for spec in registers}

    def read_ranges(self, ranges: Sequence[CellRange]) -> list[Cells]:
        return [self.read(part.register, part.start, part.count) for part in ranges]

    def write(self, register: RegisterSpec, values: Cells, start: int, saved: bool) -> None:
        indices = np.arange(start, start + len(values), dtype=np.uint64)
        self.write_cells([CellWrites(register, indices, values)], saved)

    def write_cells(self, writes: Sequence[CellWrites], saved: bool) -> None:
        updates = []
        for write in writes:
            for index, number in zip(write.indices, write.register.integers(write.values), strict=True):
                update = p4r.Update(type=p4r.Update.MODIFY)
                entry = update.entity.register_entry
                entry.register_id = write.register.id
                entry.index.index = int(index)
                entry.data.CopyFrom(p4data.encode(write.register, number))
                updates.append(update)
        self._connection.write(updates)

    def read_counter(self, counter: p4i.Counter) -> Cells:
        values = np.zeros((counter.size, 2), np.uint64)
        wanted = p4r.Entity(counter_entry=p4r.CounterEntry(counter_id=counter.preamble.id))
        for found in self._connection.read([wanted], f"reading {counter.preamble.name}"):
            entry = found.counter_entry
            values[entry.index.index] = entry.data.packet_count, entry.data.byte_count
        return values

    def write_counter(self, counter: p4i.Counter, values: Cells, saved: bool) -> None:
        updates = []
        for index in np.flatnonzero(values.any(axis=1)):
            update = p4r.Update(type=p4r.Update.MODIFY)
            entry = update.entity.counter_entry
            entry.counter_id, entry.index.index = counter.preamble.id, int(index)
            entry.data.packet_count, entry.data.byte_count = (int(n) for n in values[index])
            updates.append(update)
        self._connection.write(updates)


def arrays_of(connection: Connection, programs: Programs) -> Arrays:
    """The faster way that the server has."""
    return BulkArrays(connection, programs) if connection.has_bulk else EntryArrays(connection)


def add_ranges(messages: Any, ranges: Sequence[CellRange], pipeline: bulk_pb2.Pipeline = bulk_pb2.ACTIVE) -> None:
    """Adds CellRange messages of the bulk service."""
    for part in ranges:
        messages.add(name=part.register.name, start=part.start, count=part.count, pipeline=pipeline)


def cells_of(ranges: Sequence[CellRange], chunks: Iterable[bulk_pb2.ArrayChunk]) -> list[Cells]:
    """The cells of each range from the chunks that answer for all, in order. A chunk may hold a part of a range, or
    several ranges."""
    packed = b"".join(chunk.cells for chunk in chunks)
    found: list[Cells] = []
    begin = 0
    for part in ranges:
        end = begin + part.count * part.register.cell_bytes
        found.append(part.register.from_bytes(packed[begin:end]))
        begin = end
    return found


def add_writes(messages: Any, writes: Sequence[CellWrites]) -> None:
    """Adds CellWrites messages of the bulk service."""
    for write in writes:
        indices = np.ascontiguousarray(write.indices, "<u8").tobytes()
        messages.add(name=write.register.name, indices=indices, cells=write.register.to_bytes(write.values))


def _pipeline(saved: bool) -> bulk_pb2.Pipeline:
    return bulk_pb2.SAVED if saved else bulk_pb2.ACTIVE
