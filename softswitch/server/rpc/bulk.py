"""The bulk service: whole arrays as packed cells (softswitch/proto/bulk.proto)."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress

import grpc
import numpy as np
from finsy.proto import p4i
from numpy.typing import NDArray

from softswitch.errors import Closed
from softswitch.proto import bulk_pb2
from softswitch.server.device.carry import carry, pairs
from softswitch.server.device.device import Device
from softswitch.server.device.fence import Fence
from softswitch.server.device.roles import Scope
from softswitch.server.entities.packed import (
    COUNTER,
    COUNTER_BYTES,
    KIND_NAMES,
    METER,
    METER_BYTES,
    REGISTER,
    array_key,
    cell_count,
    cell_writes,
    check_range,
    preambles,
    read_packed,
    resolve,
    write_packed,
)
from softswitch.server.errors import Code, Refused, denied, invalid
from softswitch.server.program.config import Config
from softswitch.server.rpc.follow import serve_follow
from softswitch.server.rpc.hold import serve_hold
from softswitch.server.rpc.readers import Readers
from softswitch.server.rpc.service import answering
from softswitch.server.rpc.share import ring_limit, serve_updates
from softswitch.server.rpc.threads import Limit

CHUNK_BYTES = 1 << 20
MAX_NOTED_CELLS = 64


class BulkService:
    """softswitch.v1.Bulk for one device. `interfaces`: the network interface of each port."""

    def __init__(
        self, device: Device, streams: Limit, readers: Readers, interfaces: dict[int, str] | None = None
    ) -> None:
        self._device = device
        self._streams = streams
        self._readers = readers
        self._interfaces = dict(interfaces or {})
        self._rings = ring_limit()

    def _config(self, device_id: int, which: int) -> Config:
        """The program that a request addresses; device_id 0 means this device. Raises Refused."""
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
            arrays = list(_describe(config))
            return bulk_pb2.ListArraysResponse(arrays=arrays, program=config.number, carries_entries=True)

    def ReadArray(
        self, request: bulk_pb2.ReadArrayRequest, context: grpc.ServicerContext
    ) -> Iterator[bulk_pb2.ArrayChunk]:
        with answering(context):
            config = self._config(request.device_id, request.pipeline)
            name, start = resolve(config, request.kind, request.name).name, request.start
            check_range(config, request.kind, name, start, request.count)
            count = request.count or cell_count(config, request.kind, name) - start
            now = time.monotonic_ns()
            if request.clear:
                data = self._read_and_clear(request, context, name, start, count)
            else:
                data = read_packed(config, request.kind, name, start, count)
            yield from self._readers.send(_chunks(request.kind, name, start, data, count, now), context)

    def _read_and_clear(
        self, request: bulk_pb2.ReadArrayRequest, context: grpc.ServicerContext, name: str, start: int, count: int
    ) -> memoryview:
        """In one safe point: a packet's write is either in the result or left for the next read."""
        if request.kind != REGISTER or request.pipeline != bulk_pb2.ACTIVE:
            raise invalid("only registers of the forwarding program can be read and cleared")
        with self._device.arbitration.write_lock:
            config, scope = self._writable(request, Fence.of(request), context)
            _check_scope(scope, resolve(config, REGISTER, name).id)
            register = config.pipeline.registers[name]
            with self._device.switch.safe_point():
                cells = register.read(start, count)
                register.write(start, np.zeros_like(cells))
        return cells.data.cast("B")

    def ReadAll(self, request: bulk_pb2.ReadAllRequest, context: grpc.ServicerContext) -> Iterator[bulk_pb2.ArrayChunk]:
        with answering(context):
            config = self._config(request.device_id, request.pipeline)
            if request.ranges:
                with self._device.switch.safe_point():
                    chunks: Iterable[bulk_pb2.ArrayChunk] = self._ranges(request.ranges)
                if request.joined:
                    chunks = _joined(chunks)
            else:
                chunks = _snapshot(config, [resolve(config, REGISTER, name).name for name in request.names])
            yield from self._readers.send(chunks, context)

    # ---- writing ----

    def WriteArray(
        self, requests: Iterable[bulk_pb2.WriteArrayRequest], context: grpc.ServicerContext
    ) -> bulk_pb2.WriteResponse:
        written, fence = 0, None
        with answering(context), self._streams.one():
            for request in requests:
                fence = fence or Fence.of(request)
                with self._device.arbitration.write_lock:
                    config, scope = self._writable(request, fence, context)
                    array = resolve(config, request.kind, request.name)
                    _check_scope(scope, array.id)
                    count = write_packed(config, request.kind, array, request.start, request.cells)
                    self._note(config, fence, request.kind, array.id, range(request.start, request.start + count))
                    written += count
        return bulk_pb2.WriteResponse(cells=written)

    def WriteCells(self, request: bulk_pb2.WriteCellsRequest, context: grpc.ServicerContext) -> bulk_pb2.WriteResponse:
        with answering(context), self._device.arbitration.write_lock:
            fence = Fence.of(request)
            config, scope = self._writable(request, fence, context)
            written = self._write_cells(config, scope, request.writes)
            for array, indices in written:
                self._note(config, fence, REGISTER, array.id, indices.tolist())
        return bulk_pb2.WriteResponse(cells=sum(len(indices) for _, indices in written))

    def _writable(
        self,
        request: bulk_pb2.ReadArrayRequest | bulk_pb2.WriteArrayRequest | bulk_pb2.WriteCellsRequest,
        fence: Fence,
        context: grpc.ServicerContext,
    ) -> tuple[Config, Scope | None]:
        """The program that the client may write to, and the scope of its role. Waits, releasing the write lock, while
        another client's change is in its last step. The caller holds the write lock. Raises Refused."""
        device = self._device
        device.check_id(request.device_id)
        if request.pipeline == bulk_pb2.SAVED:
            scope = fence.check_client(device.arbitration)
            return device.saved_for(fence), scope
        device.changes.enter(fence.role, fence.election, lambda: not context.is_active())
        scope = fence.check_client(device.arbitration)
        return fence.check_program(device.active, "active"), scope

    def _write_cells(
        self, config: Config, scope: Scope | None, parts: Iterable[bulk_pb2.CellWrites]
    ) -> list[tuple[p4i.Preamble, NDArray[np.uint64]]]:
        """Writes all cells in one safe point, or none; returns registers and indices of cells. Raises Refused."""
        arrays = [(resolve(config, REGISTER, part.name), part) for part in parts]
        for array, _ in arrays:
            _check_scope(scope, array.id)
        checked = [(array, *cell_writes(config, array, part.indices, part.cells)) for array, part in arrays]
        with self._device.switch.safe_point():
            for array, indices, cells in checked:
                config.pipeline.registers[array.name].write_cells(indices, cells)
        return [(array, indices) for array, indices, _ in checked]

    def _note(self, config: Config, fence: Fence, kind: bulk_pb2.ArrayKind, number: int, cells: Sequence[int]) -> None:
        """Reports the write to a client that follows it: a few cells by index, more as the whole array."""
        if self._device.changes.current is None:
            return
        for index in cells if len(cells) <= MAX_NOTED_CELLS else (None,):
            self._device.changes.note(config, array_key(kind, number, index), fence.role, fence.election)

    # ---- the last step of a program change ----

    def Hold(
        self, requests: Iterator[bulk_pb2.HoldRequest], context: grpc.ServicerContext
    ) -> Iterator[bulk_pb2.HoldResponse]:
        with answering(context), self._streams.one():
            yield from serve_hold(self._device, requests, self._held)

    def Follow(
        self, requests: Iterator[bulk_pb2.FollowRequest], context: grpc.ServicerContext
    ) -> Iterator[bulk_pb2.FollowResponse]:
        with answering(context), self._streams.one():
            yield from serve_follow(self._device, requests)

    def ShareUpdates(
        self, request: bulk_pb2.ShareUpdatesRequest, context: grpc.ServicerContext
    ) -> Iterator[bulk_pb2.ShareUpdatesResponse]:
        with answering(context), self._streams.one(), self._rings.one():
            yield from serve_updates(self._device, request, context)

    def _held(self, request: bulk_pb2.HoldRequest, scope: Scope | None) -> list[bulk_pb2.ArrayChunk]:
        """The reads, then the writes, of one request while packets are held."""
        chunks = self._ranges(request.reads)
        if request.writes:
            self._write_cells(self._config(0, bulk_pb2.SAVED), scope, request.writes)
        return chunks

    def _ranges(self, ranges: Iterable[bulk_pb2.CellRange]) -> list[bulk_pb2.ArrayChunk]:
        """The requested cells of registers. Raises Refused."""
        chunks: list[bulk_pb2.ArrayChunk] = []
        now = time.monotonic_ns()
        for part in ranges:
            config = self._config(0, part.pipeline)
            name = resolve(config, REGISTER, part.name).name
            check_range(config, REGISTER, name, part.start, part.count)
            count = part.count or cell_count(config, REGISTER, name) - part.start
            data = read_packed(config, REGISTER, name, part.start, count)
            chunks += _chunks(REGISTER, name, part.start, data, count, now)
        return chunks

    def CarryEntries(
        self, request: bulk_pb2.CarryEntriesRequest, context: grpc.ServicerContext
    ) -> bulk_pb2.CarryEntriesResponse:
        with answering(context), self._device.arbitration.write_lock:
            device, fence = self._device, Fence.of(request)
            device.check_id(request.device_id)
            scope = fence.check_client(device.arbitration)
            saved, active = device.saved_for(fence), self._config(0, bulk_pb2.ACTIVE)
            wanted = pairs(active, saved, request.tables)
            for _, table in wanted:
                _check_scope(scope, table.id)
            return carry(active, saved, wanted, request.asked)

    def DiscardSaved(
        self, request: bulk_pb2.DiscardSavedRequest, context: grpc.ServicerContext
    ) -> bulk_pb2.DiscardSavedResponse:
        with answering(context), self._device.arbitration.write_lock:
            device, fence = self._device, Fence.of(request)
            device.check_id(request.device_id)
            fence.check_client(device.arbitration, sets_programs=True)
            if device.saved is not None:
                device.check_own(device.saved, fence)
                if fence.program:
                    fence.check_program(device.saved, "saved")
            return bulk_pb2.DiscardSavedResponse(discarded=device.discard_saved())

    # ---- statistics ----

    def GetStats(self, request: bulk_pb2.StatsRequest, context: grpc.ServicerContext) -> bulk_pb2.StatsResponse:
        with answering(context):
            if request.device_id:
                self._device.check_id(request.device_id)
            with self._device.arbitration.write_lock if request.reset else nullcontext():
                if request.reset:
                    Fence.of(request).check_client(self._device.arbitration, sets_programs=True)
                stats = self._device.switch.stats()
                if request.reset:
                    self._device.switch.reset_stats()
        response = bulk_pb2.StatsResponse(
            device_id=self._device.device_id,
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
                rx_oversize=port.rx_oversize,
                rx_unsplit=port.rx_unsplit,
                rx_superframes=port.rx_superframes,
                tx_superframes=port.tx_superframes,
                tx_drops=port.tx_errors + port.tx_oversize + port.tx_full,
            )
        self._add_tables(response)
        return response

    def _add_tables(self, response: bulk_pb2.StatsResponse) -> None:
        active = self._device.switch.active
        if active is None:
            return
        response.program = active.info.name
        with suppress(Closed):  # another program has just been committed
            for table in active.tables.values():
                hits, misses = table.hits_misses()
                response.tables.add(
                    name=table.info.name, entries=len(table), size=table.info.size, hits=hits, misses=misses
                )


def _check_scope(scope: Scope | None, number: int) -> None:
    if scope is not None and not scope.has(number):
        raise denied(f"object {number:#010x} is outside the client's role")


def _describe(config: Config) -> Iterator[bulk_pb2.Array]:
    ids = {preamble.name: preamble.id for kind in KIND_NAMES for preamble in preambles(config, kind)}
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


def _snapshot(config: Config, wanted: Collection[str]) -> Iterator[bulk_pb2.ArrayChunk]:
    """The named registers (none: all registers and counters), all at the same moment."""
    now = time.monotonic_ns()
    snapshot = config.pipeline.snapshot()
    for name, cells in snapshot.registers.items():
        if not wanted or name in wanted:
            yield from _chunks(REGISTER, name, 0, cells.data.cast("B"), len(cells), now)
    if not wanted:
        for name, rows in snapshot.counters.items():
            yield from _chunks(COUNTER, name, 0, rows.data.cast("B"), len(rows), now)


def _joined(chunks: Iterable[bulk_pb2.ArrayChunk]) -> Iterator[bulk_pb2.ArrayChunk]:
    """Successive chunks of an array as one, of at most CHUNK_BYTES if none was longer."""
    parts: list[bulk_pb2.ArrayChunk] = []
    size = 0
    for chunk in chunks:
        if parts and (chunk.name != parts[0].name or size + len(chunk.cells) > CHUNK_BYTES):
            yield _merged(parts)
            parts, size = [], 0
        parts.append(chunk)
        size += len(chunk.cells)
    if parts:
        yield _merged(parts)


def _merged(parts: Sequence[bulk_pb2.ArrayChunk]) -> bulk_pb2.ArrayChunk:
    first = parts[0]
    cells = b"".join(part.cells for part in parts)
    return bulk_pb2.ArrayChunk(
        kind=first.kind, name=first.name, start=first.start, cells=cells, snapshot_ns=first.snapshot_ns
    )


def _chunks(
    kind: bulk_pb2.ArrayKind, name: str, start: int, data: memoryview, cells: int, now: int
) -> Iterator[bulk_pb2.ArrayChunk]:
    size = len(data) // cells if cells else 1
    per_chunk = max(1, CHUNK_BYTES // size)
    for first in range(0, cells, per_chunk):
        part = bytes(data[first * size : (first + per_chunk) * size])
        yield bulk_pb2.ArrayChunk(kind=kind, name=name, start=start + first, cells=part, snapshot_ns=now)
