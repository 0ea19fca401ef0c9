"""The last step in a softswitch, which it does alone or holds packets for: one stream of the bulk service's Hold."""

from __future__ import annotations

import queue
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
import numpy as np

from softswitch.proto import bulk_pb2
from state4.clones.header import CloneLayout
from state4.errors import HoldEnded, TargetError, Unsupported
from state4.targets.abilities import CellCopy, Move
from state4.targets.p4runtime.arrays import add_ranges, add_writes, cells_of
from state4.targets.p4runtime.connection import Connection
from state4.targets.p4runtime.joined import read_joined
from state4.targets.p4runtime.mastership import code, reason
from state4.values import CellRange, Cells, CellWrites, RegisterSpec

MAX_HOLD_S = 0.5
"""After this time the switch releases the packets, whatever happened to this controller."""


_KINDS = {
    grpc.StatusCode.UNIMPLEMENTED: Unsupported,
    grpc.StatusCode.DEADLINE_EXCEEDED: HoldEnded,
    grpc.StatusCode.RESOURCE_EXHAUSTED: HoldEnded,
}
"""Of a hold that the switch ended by itself, nothing is committed (softswitch/server/rpc/hold_limit.py)."""


class _Stream:
    """One stream of the service; `what` we do there, for messages."""

    def __init__(self, connection: Connection, what: str) -> None:
        self.committed = False
        self.held_s = 0.0
        self._what = what
        self._requests: queue.SimpleQueue[bulk_pb2.HoldRequest | None] = queue.SimpleQueue()
        self._stream: Any = connection.bulk.Hold(iter(self._requests.get, None))

    def _ask(self, request: bulk_pb2.HoldRequest) -> bulk_pb2.HoldResponse:
        self._requests.put(request)
        try:
            answer: bulk_pb2.HoldResponse = next(self._stream)
        except grpc.RpcError as error:
            raise _KINDS.get(code(error), TargetError)(f"{self._what}: {reason(error)}") from error
        except StopIteration:
            raise TargetError(f"{self._what}: the switch ended it") from None
        self.held_s = answer.held_ns / 1e9
        self.committed = answer.committed
        return answer

    def close(self) -> None:
        self._requests.put(None)
        if not self.committed:
            self._stream.cancel()


def clone_format(layout: CloneLayout) -> bulk_pb2.CloneFormat:
    """How the clones of a program look."""
    return bulk_pb2.CloneFormat(
        slots=layout.slots,
        component_bytes=layout.component_bytes,
        index_bytes=layout.index_bytes,
        value_bytes=layout.value_bytes,
        mark=layout.mark,
        sequence_register=layout.sequence_register,
    )


def _first(connection: Connection, saved: int) -> bulk_pb2.HoldRequest:
    return bulk_pb2.HoldRequest(device_id=connection.device_id, fence=connection.fence(saved))


class BulkHandover(_Stream):
    """The switch keeps clones until `finish` or `close`, and packets flow. `saved`: the number of the saved program.
    Raises Unsupported, TargetError."""

    def __init__(self, connection: Connection, layout: CloneLayout, saved: int) -> None:
        super().__init__(connection, "handing over")
        self.clones = self.updates = 0
        first = _first(connection, saved)
        self._moves = bool(layout.slots)
        if layout.slots:
            first.keep_clones.CopyFrom(clone_format(layout))
        answer = self._ask(first)
        self.sequences = answer.ingress_clones, answer.egress_clones

    def finish(self, moves: Sequence[Move], renames: Mapping[str, str], copies: Sequence[CellCopy] = ()) -> bool:
        request = bulk_pb2.HoldRequest(hand_over=bulk_pb2.HandOver(renames=renames))
        for copy in copies:
            request.hand_over.copies.add(old_name=copy.old, new_name=copy.new, start=copy.start, count=copy.count)
        for move in moves if self._moves else ():
            request.hand_over.components.add(number=move.number, old_name=move.old, new_name=move.new)
        answer = self._ask(request)
        self.clones, self.updates = answer.clones, answer.updates
        return self.committed


class BulkHold(_Stream):
    """Packets wait from here until `finish` or `close`. `saved`: the number of the saved program. Raises Unsupported,
    HoldEnded, TargetError."""

    def __init__(self, connection: Connection, layout: CloneLayout | None, saved: int) -> None:
        super().__init__(connection, "holding packets")
        # The first request only opens the stream; packets wait from the second one on.
        self._ask(_first(connection, saved))
        begin = bulk_pb2.HoldRequest(max_hold_us=round(MAX_HOLD_S * 1e6))
        if layout is not None and layout.slots:
            begin.reads.add(name=layout.sequence_register)
        answer = self._ask(begin)
        numbers = np.frombuffer(answer.reads[0].cells, "<u4") if answer.reads else (0, 0)
        self.sequences = (int(numbers[0]), int(numbers[1]))

    def read_registers(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        request = bulk_pb2.HoldRequest(reads=[bulk_pb2.CellRange(name=spec.name) for spec in registers])
        parts: dict[str, list[bytes]] = {spec.name: [] for spec in registers}
        for chunk in self._ask(request).reads:
            parts[chunk.name].append(chunk.cells)
        return {spec.name: spec.from_bytes(b"".join(parts[spec.name])) for spec in registers}

    def read_cells(self, register: RegisterSpec, start: int, count: int) -> Cells:
        return self.read_ranges([CellRange(register, start, count)])[0]

    def read_ranges(self, ranges: Sequence[CellRange]) -> list[Cells]:
        return read_joined(ranges, self._read)

    def _read(self, ranges: Sequence[CellRange]) -> list[Cells]:
        request = bulk_pb2.HoldRequest()
        add_ranges(request.reads, ranges)
        return cells_of(ranges, self._ask(request).reads)

    def read_saved(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        ranges = [CellRange(spec, 0, spec.cells) for spec in registers]
        request = bulk_pb2.HoldRequest()
        add_ranges(request.reads, ranges, bulk_pb2.SAVED)
        found = cells_of(ranges, self._ask(request).reads) if ranges else []
        return {spec.name: cells for spec, cells in zip(registers, found, strict=True)}

    def write(self, writes: Sequence[CellWrites]) -> None:
        request = bulk_pb2.HoldRequest()
        add_writes(request.writes, writes)
        self._ask(request)

    def finish(self, writes: Sequence[CellWrites], renames: Mapping[str, str] | None) -> None:
        request = bulk_pb2.HoldRequest(commit=renames is None)
        if renames is not None:
            request.hand_over.CopyFrom(bulk_pb2.HandOver(renames=renames))
        add_writes(request.writes, writes)
        self._ask(request)
