"""The bulk service: whole arrays as packed cells (softswitch/proto/bulk.proto)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import grpc
import numpy as np
from finsy.proto import p4i, p4r
from numpy.typing import NDArray

from softswitch.dataplane.entries import meter_config
from softswitch.errors import Closed
from softswitch.proto import bulk_pb2
from softswitch.server.device.device import Device
from softswitch.server.errors import Code, Refused, invalid, not_found, out_of_range
from softswitch.server.program.config import Config
from softswitch.server.rpc.follow import serve_follow
from softswitch.server.rpc.hold import serve_hold
from softswitch.server.rpc.service import answering

CHUNK_BYTES = 1 << 20
MAX_NOTED_CELLS = 64
COUNTER_BYTES, METER_BYTES = 16, 40
REGISTER, COUNTER, METER = bulk_pb2.REGISTER, bulk_pb2.COUNTER, bulk_pb2.METER
_KIND_NAMES = {REGISTER: "register", COUNTER: "counter", METER: "meter"}


class BulkService:
    """softswitch.v1.Bulk for one device. `interfaces`: name of each port's network interface."""

    def __init__(self, device: Device, interfaces: dict[int, str] | None = None) -> None:
        self._device = device
        self._interfaces = dict(interfaces or {})

    def _config(self, device_id: int, which: int) -> Config:
        """device_id 0 means this device. Raises Refused."""
        if device_id:
            self._device.check_id(device_id)
        config = self._device.saved if which == bulk_pb2.SAVED else self._device.active
        if config is None:
            what = "no config was saved" if which == bulk_pb2.SAVED else "no program is active"
            raise Refused(Code.FAILED_PRECONDITION, what)
        return config

    # ---- reading ----

    def ListArrays(
        self, request: bulk_pb2.ListArraysRequest, context: grpc.ServicerContext
    ) -> bulk_pb2.ListArraysResponse:
        with answering(context):
            config = self._config(request.device_id, request.pipeline)
            return bulk_pb2.ListArraysResponse(arrays=list(_describe(config)))

    def ReadArray(
        self, request: bulk_pb2.ReadArrayRequest, context: grpc.ServicerContext
    ) -> Iterator[bulk_pb2.ArrayChunk]:
        with answering(context):
            config = self._config(request.device_id, request.pipeline)
            name = resolve(config, request.kind, request.name)
            cells = _cells(config, request.kind, name)
            start = request.start
            if start > cells or start + request.count > cells:
                what = f"{_KIND_NAMES[request.kind]} {name}"
                raise out_of_range(f"{what} has {cells} cells, not {start} to {start + request.count}")
            count = request.count or cells - start
            now = time.monotonic_ns()
            if request.clear:
                data = self._read_and_clear(config, request, name, start, count)
            else:
                data = _read(config, request.kind, name, start, count)
            yield from _chunks(request.kind, name, start, data, count, now)

    def _read_and_clear(
        self, config: Config, request: bulk_pb2.ReadArrayRequest, name: str, start: int, count: int
    ) -> memoryview:
        """No packet comes between: what it writes is either read or still there afterwards."""
        if request.kind != REGISTER or request.pipeline != bulk_pb2.ACTIVE:
            raise invalid("only registers of the forwarding program are read and cleared")
        register = config.pipeline.registers[name]
        with self._device.arbitration.write_lock, self._device.switch.safe_point():
            cells = register.read(start, count)
            register.write(start, np.zeros_like(cells))
        return cells.data.cast("B")

    def ReadAll(self, request: bulk_pb2.ReadAllRequest, context: grpc.ServicerContext) -> Iterator[bulk_pb2.ArrayChunk]:
        with answering(context):
            config = self._config(request.device_id, request.pipeline)
            if request.ranges:
                with self._device.switch.safe_point():
                    chunks = self._ranges(request.ranges)
                yield from chunks
                return
            wanted = [resolve(config, REGISTER, name) for name in request.names]
            now = time.monotonic_ns()
            snapshot = config.pipeline.snapshot()
            for name, cells in snapshot.registers.items():
                if not wanted or name in wanted:
                    yield from _chunks(REGISTER, name, 0, cells.data.cast("B"), len(cells), now)
            if not wanted:
                for name, rows in snapshot.counters.items():
                    yield from _chunks(COUNTER, name, 0, rows.data.cast("B"), len(rows), now)

    # ---- writing ----

    def WriteArray(
        self, requests: Iterable[bulk_pb2.WriteArrayRequest], context: grpc.ServicerContext
    ) -> bulk_pb2.WriteResponse:
        written = 0
        with answering(context):
            for request in requests:
                with self._device.arbitration.write_lock:
                    config = self._entered(request.device_id, request.pipeline, context)
                    name = resolve(config, request.kind, request.name)
                    count = _write(config, request.kind, name, request.start, request.cells)
                    self._note(config, request.kind, name, range(request.start, request.start + count))
                    written += count
        return bulk_pb2.WriteResponse(cells=written)

    def WriteCells(self, request: bulk_pb2.WriteCellsRequest, context: grpc.ServicerContext) -> bulk_pb2.WriteResponse:
        written = 0
        with answering(context), self._device.arbitration.write_lock:
            config = self._entered(request.device_id, request.pipeline, context)
            parts = [_cell_writes(config, part) for part in request.writes]
            with self._device.switch.safe_point():
                for name, indices, cells in parts:
                    config.pipeline.registers[name].write_cells(indices, cells)
                    written += len(indices)
            for name, indices, _ in parts:
                self._note(config, REGISTER, name, indices.tolist())
        return bulk_pb2.WriteResponse(cells=written)

    def _entered(self, device_id: int, which: int, context: grpc.ServicerContext) -> Config:
        """The program to write to. Waits, with the lock given up, while another client's change is in its last step."""
        if which == bulk_pb2.ACTIVE:
            self._device.changes.enter(None, None, lambda: not context.is_active())
        return self._config(device_id, which)

    def _note(self, config: Config, kind: bulk_pb2.ArrayKind, name: str, cells: Sequence[int]) -> None:
        """For the client that changes the program, if there is one: a few cells by their numbers, more as a whole."""
        if self._device.changes.current is None:
            return
        number = next(preamble.id for preamble in _preambles(config, kind) if preamble.name == name)
        for index in cells if len(cells) <= MAX_NOTED_CELLS else (None,):
            self._device.changes.note(config, array_key(kind, number, index))

    # ---- the end of a change of programs ----

    def Hold(
        self, requests: Iterator[bulk_pb2.HoldRequest], context: grpc.ServicerContext
    ) -> Iterator[bulk_pb2.HoldResponse]:
        with answering(context):
            yield from serve_hold(self._device, requests, self._held)

    def Follow(
        self, requests: Iterator[bulk_pb2.FollowRequest], context: grpc.ServicerContext
    ) -> Iterator[bulk_pb2.FollowResponse]:
        with answering(context):
            yield from serve_follow(self._device, requests)

    def _held(self, request: bulk_pb2.HoldRequest) -> list[bulk_pb2.ArrayChunk]:
        """Reads, then writes of one request, while packets wait."""
        chunks = self._ranges(request.reads)
        if request.writes:
            config = self._config(0, bulk_pb2.SAVED)
            for register, indices, values in [_cell_writes(config, part) for part in request.writes]:
                config.pipeline.registers[register].write_cells(indices, values)
        return chunks

    def _ranges(self, ranges: Iterable[bulk_pb2.CellRange]) -> list[bulk_pb2.ArrayChunk]:
        """Cells of registers. Raises Refused."""
        chunks: list[bulk_pb2.ArrayChunk] = []
        now = time.monotonic_ns()
        for part in ranges:
            config = self._config(0, part.pipeline)
            name = resolve(config, REGISTER, part.name)
            cells = _cells(config, REGISTER, name)
            if part.start > cells or part.start + part.count > cells:
                raise out_of_range(f"register {name} has {cells} cells, not {part.start} to {part.start + part.count}")
            count = part.count or cells - part.start
            data = _read(config, REGISTER, name, part.start, count)
            chunks += _chunks(REGISTER, name, part.start, data, count, now)
        return chunks

    def DiscardSaved(
        self, request: bulk_pb2.DiscardSavedRequest, context: grpc.ServicerContext
    ) -> bulk_pb2.DiscardSavedResponse:
        with answering(context), self._device.arbitration.write_lock:
            self._device.check_id(request.device_id or self._device.device_id)
            self._device.arbitration.check_write("", request.election_id_high << 64 | request.election_id_low)
            return bulk_pb2.DiscardSavedResponse(discarded=self._device.discard_saved())

    # ---- statistics ----

    def GetStats(self, request: bulk_pb2.StatsRequest, context: grpc.ServicerContext) -> bulk_pb2.StatsResponse:
        with answering(context):
            if request.device_id:
                self._device.check_id(request.device_id)
            stats = self._device.switch.stats()
            if request.reset:
                self._device.switch.reset_stats()
        response = bulk_pb2.StatsResponse(
            packets=stats.packets,
            batches=stats.batches,
            holds=stats.holds,
            held_ns=stats.held_ns,
            longest_hold_ns=stats.longest_hold_ns,
            swaps=stats.swaps,
            hold_drops=stats.hold_drops,
            drops={reason.name.lower(): count for reason, count in stats.drops.items()},
        )
        for number, port in sorted(stats.ports.items()):
            response.ports.add(
                port=number,
                interface=self._interfaces.get(number, ""),
                up=port.up,
                rx_packets=port.rx_packets,
                rx_bytes=port.rx_bytes,
                tx_packets=port.tx_packets,
                tx_bytes=port.tx_bytes,
                rx_ring_drops=port.rx_ring_drops,
                tx_drops=port.tx_errors + port.tx_oversize + port.tx_full,
            )
        self._add_tables(response)
        return response

    def _add_tables(self, response: bulk_pb2.StatsResponse) -> None:
        active = self._device.switch.active
        if active is None:
            return
        response.program = active.info.name
        with suppress(Closed):  # another program was committed meanwhile
            for table in active.tables.values():
                hits, misses = table.hits_misses()
                response.tables.add(
                    name=table.info.name, entries=len(table), size=table.info.size, hits=hits, misses=misses
                )


def array_key(kind: bulk_pb2.ArrayKind, number: int, index: int | None) -> p4r.Entity:
    """A cell of an array, or all of it."""
    entity = p4r.Entity()
    if kind == REGISTER:
        entity.register_entry.register_id = number
    elif kind == COUNTER:
        entity.counter_entry.counter_id = number
    else:
        entity.meter_entry.meter_id = number
    if index is not None:
        getattr(entity, f"{_KIND_NAMES[kind]}_entry").index.index = index
    return entity


def _describe(config: Config) -> Iterator[bulk_pb2.Array]:
    preambles = [preamble for kind in _KIND_NAMES for preamble in _preambles(config, kind)]
    ids = {preamble.name: preamble.id for preamble in preambles}
    for register in config.compiled.info.registers:
        yield bulk_pb2.Array(
            kind=REGISTER,
            name=register.name,
            id=ids.get(register.name, 0),
            cells=register.cells,
            width_bits=register.width,
            cell_bytes=register.cell_bytes,
            is_signed=register.signed,
        )
    for kind, infos, size in (
        (COUNTER, config.compiled.info.counters, COUNTER_BYTES),
        (METER, config.compiled.info.meters, METER_BYTES),
    ):
        for info in infos:
            yield bulk_pb2.Array(kind=kind, name=info.name, id=ids.get(info.name, 0), cells=info.cells, cell_bytes=size)


def _preambles(config: Config, kind: bulk_pb2.ArrayKind) -> list[p4i.Preamble]:
    """Those of all arrays of a kind. Raises Refused (INVALID_ARGUMENT)."""
    if kind == REGISTER:
        return [register.preamble for register in config.p4info.registers]
    if kind == COUNTER:
        return [counter.preamble for counter in config.p4info.counters]
    if kind == METER:
        return [meter.preamble for meter in config.p4info.meters]
    raise invalid(f"unknown kind of array {kind}")


def resolve(config: Config, kind: bulk_pb2.ArrayKind, name: str) -> str:
    """The P4Info name for a name or alias. Raises Refused (NOT_FOUND)."""
    preambles = _preambles(config, kind)
    for attribute in ("name", "alias"):
        for preamble in preambles:
            if getattr(preamble, attribute) == name:
                return preamble.name
    raise not_found(f"the program has no {_KIND_NAMES[kind]} {name}")


def _cells(config: Config, kind: bulk_pb2.ArrayKind, name: str) -> int:
    """Length of an array."""
    pipeline = config.pipeline
    if kind == REGISTER:
        return pipeline.registers[name].info.cells
    return pipeline.counters[name].info.cells if kind == COUNTER else pipeline.meters[name].info.cells


def _read(config: Config, kind: bulk_pb2.ArrayKind, name: str, start: int, count: int) -> memoryview:
    if kind == REGISTER:
        return config.pipeline.registers[name].read(start, count).data.cast("B")
    if kind == COUNTER:
        return config.pipeline.counters[name].read(start, count).data.cast("B")
    rows = np.zeros((count, 5), dtype="<u8")
    for row, meter in zip(rows, config.pipeline.meters[name].read(start, count), strict=True):
        if meter is not None:
            row[:] = meter.words()
    return rows.data.cast("B")


def _chunks(
    kind: bulk_pb2.ArrayKind, name: str, start: int, data: memoryview, cells: int, now: int
) -> Iterator[bulk_pb2.ArrayChunk]:
    size = len(data) // cells if cells else 1
    per_chunk = max(1, CHUNK_BYTES // size)
    for first in range(0, cells, per_chunk):
        part = bytes(data[first * size : (first + per_chunk) * size])
        yield bulk_pb2.ArrayChunk(kind=kind, name=name, start=start + first, cells=part, snapshot_ns=now)


def _rows(data: bytes, size: int, what: str) -> int:
    """Number of cells in `data`. Raises Refused unless they are whole."""
    if len(data) % size:
        raise invalid(f"{what}: {len(data)} bytes are no whole number of cells of {size} bytes")
    return len(data) // size


def _register_cells(config: Config, name: str, data: bytes) -> NDArray[np.generic]:
    register = config.pipeline.registers[name]
    size = register.info.cell_bytes
    count = _rows(data, size, f"register {name}")
    cells = np.frombuffer(data, dtype=register.dtype)
    return cells.reshape(count, size) if register.info.width > 64 else cells


def _write(config: Config, kind: bulk_pb2.ArrayKind, name: str, start: int, data: bytes) -> int:
    what = f"{_KIND_NAMES[kind]} {name}"
    size = {REGISTER: 1, COUNTER: COUNTER_BYTES, METER: METER_BYTES}[kind]
    total = _cells(config, kind, name)
    count = _rows(data, config.pipeline.registers[name].info.cell_bytes if kind == REGISTER else size, what)
    if start + count > total:
        raise out_of_range(f"{what} has {total} cells, not {start} to {start + count}")
    if kind == REGISTER:
        config.pipeline.registers[name].write(start, _register_cells(config, name, data))
    elif kind == COUNTER:
        config.pipeline.counters[name].write(start, np.frombuffer(data, dtype="<u8").reshape(-1, 2))
    else:
        rows = np.frombuffer(data, dtype="<u8").reshape(-1, 5).tolist()
        config.pipeline.meters[name].write(start, [meter_config(row) for row in rows])
    return count


def _cell_writes(config: Config, message: bulk_pb2.CellWrites) -> tuple[str, NDArray[np.uint64], NDArray[np.generic]]:
    name = resolve(config, REGISTER, message.name)
    _rows(message.indices, 8, f"register {name}, indices")
    indices = np.frombuffer(message.indices, dtype="<u8")
    cells = _register_cells(config, name, message.cells)
    if len(indices) != len(cells):
        raise invalid(f"register {name}: {len(indices)} indices but {len(cells)} cells")
    total = config.pipeline.registers[name].info.cells
    if len(indices) and int(indices.max()) >= total:
        raise out_of_range(f"register {name} has {total} cells, not one with index {int(indices.max())}")
    return name, indices, cells
