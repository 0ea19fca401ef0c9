"""A softswitch's services for the end of a change, on a BenchTarget: without streams, one step after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from softswitch.dataplane.handover import CloneFormat, Component
from softswitch.proto import bulk_pb2
from softswitch.server.device.copies import checked_copy
from softswitch.server.device.fence import Fence
from softswitch.server.device.reconcile import Reconciliation
from softswitch.server.rpc.follow import answer, begin, end
from state4.clones.header import CloneLayout
from state4.errors import HoldEnded
from state4.targets.abilities import CellCopy, Move
from state4.targets.p4runtime.follow import BulkFollow
from state4.values import CellRange, Cells, CellWrites, RegisterSpec

if TYPE_CHECKING:
    from tests.switch.state4.bench.target import BenchTarget


class MemoryFollow(BulkFollow):
    """The stream without a network."""

    def __init__(self, target: BenchTarget) -> None:
        self._target = target
        self._change = begin(target.device, Fence("", 1))

    def _ask(self, request: bulk_pb2.FollowRequest, what: str) -> bulk_pb2.FollowResponse:
        if not request.hold_writers_us and not self._change.writers_wait_s:
            self._target.step(what)
        return answer(self._target.device, self._change, request)

    def close(self) -> None:
        end(self._target.device, self._change)


class MemoryHold:
    def __init__(self, target: BenchTarget, layout: CloneLayout | None) -> None:
        self._target = target
        self.sequences = (0, 0) if layout is None else target._sequences(layout)
        self.held_s = 0.0

    def read_registers(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        return self._target.read_registers(registers)

    def read_cells(self, register: RegisterSpec, start: int, count: int) -> Cells:
        return self._target.read_register(register, start, count)

    def read_ranges(self, ranges: Sequence[CellRange]) -> list[Cells]:
        return self._target.read_ranges(ranges)

    def read_saved(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        pipeline = self._target._pipeline()
        return {spec.name: pipeline.registers[spec.name].read().copy() for spec in registers}

    def write(self, writes: Sequence[CellWrites]) -> None:
        self._target.write_cells(writes)

    def finish(self, writes: Sequence[CellWrites], renames: Mapping[str, str] | None) -> None:
        device = self._target.device
        if writes:
            self._target.write_cells(writes)
        if self._target.ends_holds:
            self._target.ends_holds -= 1
            raise HoldEnded("holding packets: the ring of port 1 was three quarters full")
        if renames is None:
            self._target.swap()
            return
        assert device.active is not None
        assert device.saved is not None
        self._target.before_swap = self._target.state()
        device.hand_over(device.saved, Reconciliation(device.active, device.saved, renames).counts())
        self._target.after_swap = self._target.state()


class MemoryHandover:
    """`keeps`: the largest number of clones kept; a missing one makes it decline."""

    def __init__(self, target: BenchTarget, layout: CloneLayout) -> None:
        self._target = target
        self.held_s = 0.0
        self.clones = self.updates = 0
        self.sequences = (0, 0)
        self._moves = bool(layout.slots)
        if layout.slots:
            sizes = (layout.slots, layout.component_bytes, layout.index_bytes, layout.value_bytes)
            sequence = target.config.pipeline.registers[layout.sequence_register]
            self.sequences = target.switch.keep_clones(CloneFormat(*sizes, layout.mark), sequence)

    def finish(self, moves: Sequence[Move], renames: Mapping[str, str], copies: Sequence[CellCopy] = ()) -> bool:
        target, device = self._target, self._target.device
        target.step("hand over")
        if target.forget_kept or target.declines:
            target.switch.forget_clones()
        if target.declines:
            target.declines -= 1
        old, new = device.active, device.saved
        assert old is not None
        assert new is not None
        components = {
            m.number: Component(old.pipeline.registers[m.old].info, new.pipeline.registers[m.new]) for m in moves
        }
        before = target.state()
        counts = Reconciliation(old, new, renames).counts(components if self._moves else None)
        registers = old.pipeline.registers, new.pipeline.registers
        cells = [checked_copy(registers[0][c.old], registers[1][c.new], c.start, c.count) for c in copies]
        done = device.hand_over(new, counts, cells)
        if done.complete:
            target.before_swap, target.after_swap = before, target.state()
        self.clones, self.updates = done.clones, done.updates
        return done.complete
