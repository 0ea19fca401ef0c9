"""A switch without a network, a clock or threads: every step of a reconfiguration is a place where packets may come.

schedule: how many packets arrive before step 0, 1, 2, ...      clones: arrive late by up to `delay` steps, or never
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from finsy.proto import p4i, p4r

from softswitch.build.device_config import parse
from softswitch.build.program import CompiledPipeline, compile_text
from softswitch.dataplane.pipeline import Pipeline
from softswitch.dataplane.switch import Switch
from softswitch.proto import bulk_pb2
from softswitch.server.device.arbitration import Client
from softswitch.server.device.carry import carry, pairs
from softswitch.server.device.device import Device
from softswitch.server.program.config import Config
from state4.clones.header import FIXED_BYTES, WAIT, WAKE, CloneLayout
from state4.clones.source import CloneSource, ListenerStats
from state4.clones.store import CloneStore
from state4.clones.updates import Updates
from state4.errors import NotInstrumented
from state4.instrumentation.running import all_registers, layout_of, user_registers
from state4.plan.entities import wanted_entities
from state4.programs import InstalledProgram
from state4.targets.abilities import Abilities, CarriedEntries, Follow, Handover, Hold, Reconciled
from state4.targets.base import CPU_PORT
from state4.values import CellRange, Cells, CellWrites, RegisterSpec
from tests.switch.state4.bench.holds import MemoryFollow, MemoryHandover, MemoryHold
from tests.switch.state4.bench.rings import listener_of, ring_of

Packets = list[tuple[int, bytes]]
Cell = tuple[str, int]
Sessions = dict[int, list[tuple[int, int]]]
"""(port, replica number) of each replica."""
ELECTION = p4r.Uint128(low=1)


@functools.cache
def _compiled(device_config: bytes) -> CompiledPipeline:
    """Compiled here: a process of its own for each, as a switch has it for what it is sent, takes as long again."""
    config = parse(device_config)
    (text,) = config.files.values()
    return compile_text(text, config.main, defines=config.defines)


@dataclass
class Schedule:
    """`before`: packets that arrive before each step (0 when the list has ended); `delay`: steps that a clone is on its
    way; `lost`: positions, from 0, of clones that never arrive; `dead`: no clone arrives at all."""

    before: list[int] = field(default_factory=list)
    delay: int = 0
    lost: frozenset[int] = frozenset()
    dead: bool = False


class MemoryListener:
    """Clones of a BenchTarget."""

    def __init__(self, bench: BenchTarget, layout: CloneLayout) -> None:
        self.bench = bench
        self.layout = layout
        self.store = CloneStore(layout)
        self.on_the_way: list[tuple[int, bytes]] = []  # (step in which it arrives, frame)
        self.open = True

    def deliver(self, everything: bool = False) -> None:
        due = [f for step, f in self.on_the_way if everything or step <= self.bench.steps]
        self.on_the_way = self.on_the_way[len(due) :]
        for frame in due:
            row = np.frombuffer(frame, np.uint8).reshape(1, -1)
            if len(frame) == self.layout.header_bytes:
                self.store.add(row)
            elif len(frame) == FIXED_BYTES:
                self.store.add_markers(row)
            else:
                self.store.add_foreign(1)

    def expect(self, ingress: int, egress: int) -> None:
        self.store.expect(ingress, egress)

    def take(self) -> Updates:
        self.bench.step("take")
        self.deliver()
        updates = self.store.take()
        for component, index in zip(updates.component.tolist(), updates.index.tolist(), strict=True):
            self.bench.delivered.add((self.layout.all[component - 1].name, index))
        self.bench.written_since_take.clear()
        for _, frame in self.on_the_way:
            self.bench.written_since_take |= self.bench.cells_of(self.layout, frame)
        return updates

    def wait_for(self, ingress: int, egress: int, timeout_s: float) -> bool:
        self.deliver(everything=True)
        return self.store.wait_for(ingress, egress, 0)

    def wait_for_program(self, fingerprint: int, timeout_s: float) -> bool:
        self.bench.step("wait for program")
        self.deliver(everything=True)
        return self.store.wait_for_program(fingerprint, 0)

    def stats(self) -> ListenerStats:
        return self.store.stats(self.bench.dropped)

    def close(self) -> None:
        self.open = False


class BenchTarget:
    """A Target on which each call first lets in the packets that the schedule has for it."""

    cpu_port = CPU_PORT

    def __init__(self, packets: Packets, schedule: Schedule, *, can_hold: bool = True) -> None:
        self.switch = Switch()
        for port in range(1, 5):
            self.switch.add_memory_port(port)
        self.device = Device(self.switch, 1)
        self.device.arbitration.update(
            Client(lambda _: None), p4r.MasterArbitrationUpdate(device_id=1, election_id=ELECTION)
        )
        self.packets = list(packets)
        self.schedule = schedule
        self.can_hold = can_hold
        self.can_hand_over = True
        self.ring_records: int | None = None
        """How many updates have room in memory that the switch shares; None: it shares none."""
        self.forget_kept = False
        """Whether the switch has lost the clones that it kept."""
        self.declines = self.ends_holds = 0
        """So many hand-overs and holds fail, from the next one on."""
        self.steps = 0
        self.names: list[str] = []
        self.sent = 0
        self.out: list[list[tuple[int, bytes]]] = []
        self.held = False
        self.queue: deque[int | None] = deque()
        """Packets that have arrived and did not run to their end: their numbers; None is a frame that wakes."""
        self.max_wait_passes = 1 << 20
        self._flag: tuple[Config, str] | None = None
        self.clones = 0
        self.dropped = 0
        self.listeners: list[MemoryListener] = []
        self.on_step: Callable[[str], None] | None = None
        self.delivered: set[Cell] = set()
        self.written_since_take: set[Cell] = set()
        self.read_names: set[str] = set()
        self.written_since_read: set[Cell] = set()
        self._before_look: dict[str, list[int]] = {}
        self.varied: set[Cell] = set()
        self.before_swap: dict[str, list[int]] = {}
        self.after_swap: dict[str, list[int]] = {}

    def close(self) -> None:
        self.switch.close()

    def set_sessions(self, sessions: Sessions) -> None:
        for session, replicas in sessions.items():
            self.switch.set_clone_session(session, replicas)

    # ------------------------------------------------------------ packets

    def step(self, name: str) -> None:
        self.names.append(name)
        if self.on_step is not None:
            self.on_step(name)
        count = self.schedule.before[self.steps] if self.steps < len(self.schedule.before) else 0
        self.steps += 1
        self.run(count)

    def run(self, count: int) -> None:
        """The next packets arrive; they wait while packets are held, or while the program makes them wait."""
        if self.held:
            return
        self._go_on()
        for _ in range(count):
            if self.sent == len(self.packets):
                return
            self.queue.append(self.sent)
            self.sent += 1
            self._go_on()
            self._compare()

    def _compare(self) -> None:
        """Which cells have changed since the dirty map was last read, even if only for a moment."""
        now = self.state() if self._before_look else {}
        for name, cells in self._before_look.items():
            for index, (before, value) in enumerate(zip(cells, now.get(name, cells), strict=True)):
                if before != value:
                    self.varied.add((name, index))

    def _go_on(self) -> None:
        """Runs packets as bmv2 does: a resubmitted packet comes before all that arrived later."""
        while self.queue:
            number = self.queue[0]
            port, frame = (CPU_PORT, WAKE) if number is None else self.packets[number]
            self.switch.set_time(1_000_000 + (number or 0))
            out = self.receive(port, frame)
            if self.waits() and number is not None:
                assert not out
                return
            self.queue.popleft()
            if number is None:
                assert not out
            else:
                self.out.append(out)

    def waits(self) -> bool:
        """Whether the forwarding program makes packets wait."""
        if self._flag is None or self._flag[0] is not self.config:
            try:
                self._flag = (self.config, layout_of(self.running()).flag_register)
            except NotInstrumented:  # a program with a dirty map only
                self._flag = (self.config, "")
        return bool(self._flag[1]) and bool(self.config.pipeline.registers[self._flag[1]].read()[0] == WAIT)

    def receive(self, port: int, frame: bytes) -> list[tuple[int, bytes]]:
        """Runs one packet to its end; returns the frames sent to ports other than the CPU port."""
        out = self.switch.inject(port, frame)
        for p, clone in out:
            if p == CPU_PORT:
                self._clone(clone)
        return sorted((p, f) for p, f in out if p != CPU_PORT)

    def _clone(self, frame: bytes) -> None:
        number, self.clones = self.clones, self.clones + 1
        written = frame
        if self.schedule.dead or number in self.schedule.lost:
            frame = b""
            self.dropped += 1
        cells = self.cells_of(layout_of(self.running()), written)
        self.written_since_take |= cells
        self.written_since_read |= {cell for cell in cells if cell[0] in self.read_names}
        for listener in self.listeners:
            if listener.open and frame:
                listener.on_the_way.append((self.steps + self.schedule.delay, frame))

    def cells_of(self, layout: CloneLayout, frame: bytes) -> set[Cell]:
        """The cells that a clone reports."""
        updates = layout.decode(np.frombuffer(frame, np.uint8).reshape(1, -1)).updates
        numbers = zip(updates.component.tolist(), updates.index.tolist(), strict=True)
        return {(layout.all[component - 1].name, index) for component, index in numbers}

    # ------------------------------------------------------------ the Target protocol

    @property
    def abilities(self) -> Abilities:
        return Abilities(
            reconciles=self,
            holds=self if self.can_hold else None,
            hands_over=self if self.can_hold and self.can_hand_over else None,
            lets_packets_wait=self,
            follows=self if self.can_hold else None,
            reads_and_clears=self if self.can_hold else None,
            carries=self if self.can_hold else None,
            shares_updates=self if self.ring_records is not None else None,
        )

    def configuration(self, program: InstalledProgram) -> bytes:
        return program.device_config

    def running_configuration(self) -> bytes:
        return self.config.device_config

    @property
    def config(self) -> Config:
        assert self.device.active is not None
        return self.device.active

    def running(self) -> p4i.P4Info:
        return self.config.p4info

    def _written(self) -> Config:
        """The program that our own writes go to."""
        return self.device.saved or self.config

    def _pipeline(self) -> Pipeline:
        return self._written().pipeline

    def _readable(self) -> Pipeline:
        """A switch that cannot hold is like bmv2: once a program is saved, only that one can be read."""
        return self.config.pipeline if self.can_hold else self._pipeline()

    def read_register(self, register: RegisterSpec, start: int = 0, count: int | None = None) -> Cells:
        """Not atomic: packets may arrive between two halves."""
        wanted = register.cells - start if count is None else count
        self.read_names.add(register.name)
        if register.name.endswith("state4_map"):
            self._before_look, self.varied = self.state(), set()
        cells = self._readable().registers[register.name]
        half = wanted // 2
        self.step(f"read {register.name} 1")
        first = cells.read(start, half) if half else None
        self.step(f"read {register.name} 2")
        second = cells.read(start + half, wanted - half) if wanted - half else None
        parts = [p for p in (first, second) if p is not None]
        return np.concatenate(parts).copy() if parts else register.zeros(0)

    def read_registers(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        self.step("read all")
        return {r.name: self._readable().registers[r.name].read().copy() for r in registers}

    def read_ranges(self, ranges: Sequence[CellRange]) -> list[Cells]:
        """Packets may arrive between two ranges."""
        found = []
        for part in ranges:
            self.step(f"read {part.register.name} from {part.start}")
            found.append(self._readable().registers[part.register.name].read(part.start, part.count).copy())
        return found

    def read_and_clear(self, register: RegisterSpec) -> Cells:
        self.step(f"read and clear {register.name}")
        cells = self.config.pipeline.registers[register.name]
        found: Cells = cells.read().copy()
        cells.write(0, np.zeros_like(found))
        return found

    def write_register(self, register: RegisterSpec, values: Cells, start: int = 0) -> None:
        self.step(f"write {register.name}")
        self._pipeline().registers[register.name].write(start, values)

    def write_cells(self, writes: Sequence[CellWrites]) -> None:
        self.step("write cells")
        for write in writes:
            self._pipeline().registers[write.register.name].write_cells(write.indices.astype(np.uint64), write.values)

    def read_counter(self, name: str) -> Cells:
        self.step(f"read {name}")
        return np.array(self._readable().counters[name].read(), np.uint64)

    def write_counter(self, name: str, values: Cells) -> None:
        self.step(f"write {name}")
        self._pipeline().counters[name].write(0, values)

    def read_entities(self) -> list[p4r.Entity]:
        self.step("read entries")
        request = p4r.ReadRequest(device_id=1, entities=wanted_entities(self.running()))
        return [e for answer in self.device.batches.read(self.config, request) for e in answer.entities]

    def can_carry(self) -> bool:
        return True

    def read_entities_but(self, tables: Collection[int]) -> list[p4r.Entity]:
        self.step("read entries")
        request = p4r.ReadRequest(device_id=1, entities=wanted_entities(self.running(), tables))
        return [e for answer in self.device.batches.read(self.config, request) for e in answer.entities]

    def carry_entries(self, tables: Sequence[tuple[str, str]], asked: Sequence[p4r.TableEntry]) -> CarriedEntries:
        change = self.device.changes.current
        if change is None or not change.writers_wait_s:  # else nobody writes between
            self.step("carry entries")
        names = [bulk_pb2.TablePair(old_name=old, new_name=new) for old, new in tables]
        saved = self._written()
        wanted = pairs(self.config, saved, names)
        answer = carry(self.config, saved, wanted, [entry.SerializeToString() for entry in asked])
        return CarriedEntries(sum(answer.carried), tuple(answer.there))

    def read_saved_entries(self, tables: Sequence[int]) -> list[p4r.TableEntry]:
        self.step("read saved entries")
        request = p4r.ReadRequest(device_id=1)
        for number in tables:
            request.entities.add().table_entry.table_id = number
        answers = self.device.batches.read(self._written(), request)
        return [e.table_entry for answer in answers for e in answer.entities]

    def write_entities(self, updates: Sequence[p4r.Update]) -> None:
        self.step("write updates")
        self.device.batches.write(self._written(), p4r.WriteRequest(device_id=1, updates=updates))

    def set_clone_flag(self, layout: CloneLayout, on: bool) -> None:
        self.step(f"flag {on}")
        self._readable().registers[layout.flag_register].write(0, [int(on)])

    def read_sequences(self, layout: CloneLayout) -> tuple[int, int]:
        self.step("read sequences")
        return self._sequences(layout)

    def _sequences(self, layout: CloneLayout) -> tuple[int, int]:
        if not layout.slots:
            return 0, 0
        numbers = self._readable().registers[layout.sequence_register].read().tolist()
        return numbers[0], numbers[1]

    def clone_session(self, number: int) -> p4r.CloneSessionEntry | None:
        return next((entry for entry in self.clone_sessions() if entry.session_id == number), None)

    def clone_sessions(self) -> list[p4r.CloneSessionEntry]:
        return [
            p4r.CloneSessionEntry(
                session_id=made.id,
                replicas=[p4r.Replica(egress_port=r.port, instance=r.instance) for r in made.replicas],
                packet_length_bytes=made.truncate,
            )
            for made in self.switch.clone_sessions()
        ]

    def multicast_group(self, number: int) -> p4r.MulticastGroupEntry | None:
        return None

    def configure_clone_session(self, session: int, port: int) -> None:
        self.step("session")
        self.switch.set_clone_session(session, [(port, 1)])

    def open_listener(self, layout: CloneLayout) -> MemoryListener:
        self.step("listen")
        listener = MemoryListener(self, layout)
        self.listeners.append(listener)
        return listener

    def open_ring(self, layout: CloneLayout) -> CloneSource:
        self.step("listen")
        ring = ring_of(self.config.pipeline, layout, self.ring_records or 0)
        ring.attach()
        return listener_of(ring, layout)

    def _load(self, program: InstalledProgram) -> Config:
        return self.device._load(program.p4info, program.device_config, None, _compiled(program.device_config))

    def install(self, program: InstalledProgram) -> None:
        self.device._commit(self._load(program))

    def save(self, program: InstalledProgram) -> None:
        self.step("save")
        self.device.saved = self._load(program)
        self.device.changes.saved_by("", 1, self.device.saved)

    def register_problem(self, register: RegisterSpec) -> str:
        return ""

    def wake(self) -> None:
        self.step("wake")
        self.queue.append(None)
        self._go_on()

    def commit(self) -> None:
        self.step("commit")
        self.swap()

    def swap(self) -> None:
        self.before_swap = self.state()
        self.device.commit_saved()
        self.after_swap = self.state()

    @contextmanager
    def hold(self, layout: CloneLayout | None) -> Iterator[Hold]:
        self.step("hold")
        self.held = True
        try:
            yield MemoryHold(self, layout)
        finally:
            self.held = False

    @contextmanager
    def hand_over(self, layout: CloneLayout) -> Iterator[Handover]:
        self.step("keep clones")
        handover = MemoryHandover(self, layout)
        try:
            yield handover
        finally:
            self.switch.forget_clones()

    def reconcile(self, program: InstalledProgram) -> Reconciled:
        self.step("reconcile")
        self.before_swap = self.state()
        _, entries = self.device._reconcile(self.config, self._load(program))
        self.after_swap = self.state()
        return Reconciled(None, entries)

    @contextmanager
    def follow(self) -> Iterator[Follow]:
        follow = MemoryFollow(self)
        try:
            yield follow
        finally:
            follow.close()

    def discard_saved(self) -> None:
        self.device.discard_saved()

    # ------------------------------------------------------------ looking

    def state(self) -> dict[str, list[int]]:
        """Registers of the user's program, by name."""
        specs = user_registers(self.running())
        return {s.name: s.integers(self.config.pipeline.registers[s.name].read()) for s in specs}

    def counts(self) -> dict[str, list[list[int]]]:
        return {name: counter.read().tolist() for name, counter in self.config.pipeline.counters.items()}


__all__ = ["BenchTarget", "Packets", "Schedule", "all_registers"]
