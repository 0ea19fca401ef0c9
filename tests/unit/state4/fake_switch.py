"""A switch in memory: State4's strategies and modules without a process, a compiler or a clock.

A packet is a write of one register cell (`packet`). While the program clones, each is a clone as well, which arrives at
the listener at once unless the test loses it. Everything that the controller asks for is in `asked`, in order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from finsy.proto import p4i, p4r

from p4front.load import load_text
from p4front.p4info import build_p4info
from state4.cam import analyse
from state4.cim import InstrumentOptions, Track, instrument
from state4.clones.header import WAIT, CloneLayout
from state4.clones.store import CloneStore
from state4.errors import HoldEnded, NotInstrumented, TargetError
from state4.events import Event, EventLog
from state4.instrumentation.running import all_registers, map_of
from state4.pacing import NATIVE, Profile
from state4.programs import InstalledProgram
from state4.reconfigure import Outcome, Reconfiguration, prepare, reconfigure
from state4.strategies import load_strategy
from state4.targets.abilities import Abilities, CellCopy, Move, Reconciled
from state4.targets.base import CPU_PORT
from state4.values import CellRange, Cells, CellWrites, RegisterSpec
from tests.state4_programs import PARAMS, program

MAX_WAIT_PASSES = 1000


@functools.cache
def installed(
    registers: str,
    body: str,
    *,
    name: str = "made",
    tables: str = "",
    counts: bool = False,
    track: Track = Track.CLONES,
) -> Any:
    """An instrumented program of one control."""
    text = f"control MyIngress({PARAMS}) {{\n{registers}\n{tables}\n    apply {{ {body} }}\n}}\n"
    checked = load_text(program(text), f"{name}.p4")
    made = instrument(checked, analyse(checked, counts=counts), InstrumentOptions(track))
    return InstalledProgram(name, made.text, build_p4info(load_text(made.text, f"{name}.p4")), made.layout)


class FakeListener(CloneStore):
    """A listener that never waits. `dropped`: frames for which the kernel had no room."""

    def __init__(self, switch: FakeSwitch, layout: CloneLayout) -> None:
        super().__init__(layout)
        self._switch = switch
        self.expected: tuple[int, int] | None = None
        self.closed = False
        self.dropped = 0

    def expect(self, ingress: int, egress: int) -> None:
        self.expected = (ingress, egress)
        self._switch.asked.append("expect")
        super().expect(ingress, egress)

    def take(self) -> Any:
        self._switch.asked.append("take")
        return super().take()

    def wait_for(self, ingress: int, egress: int, timeout_s: float) -> bool:
        return super().wait_for(ingress, egress, 0)

    def wait_for_program(self, fingerprint: int, timeout_s: float) -> bool:
        if timeout_s > 0:
            self._switch.on_wait(timeout_s)
        return super().wait_for_program(fingerprint, 0)

    def stats(self, dropped: int = 0) -> Any:
        return super().stats(self.dropped)

    def close(self) -> None:
        self._switch.asked.append("close")
        self.closed = True
        self._switch.listeners.remove(self)


class FakeSwitch:
    """One program, or two while the second is saved. `lose`: says of a clone's number whether it gets lost.

    can: which abilities it has; declines, ends_holds: so many hand-overs and holds fail, from the next one on; before
    that, `on_decline` is called with their number. announces_after: how often a new program in which
    packets wait has to be woken to announce itself (0: a packet does it; None: never). on_wait: called with the seconds
    whenever the listener is asked to wait for that.
    """

    cpu_port = CPU_PORT

    def __init__(self, old: InstalledProgram, *, can: Sequence[str] = ("holds", "hands_over")) -> None:
        self.program = old
        self.saved: InstalledProgram | None = None
        self.asked: list[str] = []
        self.listeners: list[FakeListener] = []
        self.lose: Callable[[int], bool] = lambda number: False
        self.declines = self.ends_holds = 0
        self.on_decline: Callable[[int], None] = lambda number: None
        self.declined = 0
        self.on_wait: Callable[[float], None] = lambda timeout_s: None
        self.sequences = [0, 0]
        self.cloning = False
        self.sessions: dict[int, p4r.CloneSessionEntry] = {}
        self.groups: dict[int, p4r.MulticastGroupEntry] = {}
        self.entities: list[p4r.Entity] = []
        self.written: list[p4r.Update] = []
        self.saved_entries: list[p4r.TableEntry] = []
        self.counters = self._uncounted(old)
        self.new_counters: dict[str, Cells] = {}
        self.announces_after: int | None = 0
        self.wakes = 0
        self.kept: list[tuple[int, int, int]] | None = None
        self.held = False
        self.can = can
        self.forwarding = self._empty(old)
        self.new: dict[str, Cells] = {}
        self.pieces: list[tuple[str, str, int, int]] = []

    @staticmethod
    def _empty(made: InstalledProgram) -> dict[str, Cells]:
        return {spec.name: spec.zeros() for spec in all_registers(made.p4info)}

    @staticmethod
    def _uncounted(made: InstalledProgram) -> dict[str, Cells]:
        return {c.preamble.name: np.zeros((c.size, 2), np.uint64) for c in made.p4info.counters}

    # ---- packets

    def packet(self, register: str, index: int, value: int) -> None:
        """One packet that writes a cell of the forwarding program."""
        assert not self.held, "a packet went through while the switch held them"
        spec = next(s for s in all_registers(self.program.p4info) if s.name.endswith(f".{register}"))
        if index < spec.cells:
            self.forwarding[spec.name][index] = spec.from_integers([value])[0]
        self._mark(spec.name, index)
        self._clone(spec.name, index, value)

    def _mark(self, name: str, index: int) -> None:
        try:
            layout = map_of(self.program.p4info)
        except NotInstrumented:
            return
        block = index >> layout.by_name[name].shift
        self.forwarding[layout.register][layout.by_name[name].first + (block >> 5)] |= np.uint32(1 << (block & 31))

    def count(self, counter: str, index: int, length: int) -> None:
        """One packet of so many bytes that counts in a cell of the forwarding program."""
        name = next(name for name in self.counters if name.endswith(counter))
        self.counters[name][index] += np.array([1, length], np.uint64)
        if any(component.name == name for component in self.program.layout.counters):
            self._clone(name, index, length)

    def _clone(self, name: str, index: int, value: int) -> None:
        if not self.cloning:
            return
        layout = self.program.layout
        self.sequences[0] += 1
        update = (layout.number(name), index, value)
        if self.kept is not None:
            self.kept.append(update)
        frame = layout.encode([update], sequence=self.sequences[0])
        if not self.lose(self.sequences[0]):
            for listener in self.listeners:
                listener.add(np.frombuffer(frame, np.uint8).reshape(1, -1))

    def cells(self, register: str) -> list[int]:
        """The contents of a register of the forwarding program."""
        spec = next(s for s in all_registers(self.program.p4info) if s.name.endswith(f".{register}"))
        return spec.integers(self.forwarding[spec.name])

    # ---- Target

    @property
    def abilities(self) -> Abilities:
        return Abilities(**dict.fromkeys(self.can, self))

    def running(self) -> p4i.P4Info:
        return self.program.p4info

    def configuration(self, program: InstalledProgram) -> bytes:
        return program.text.encode()

    def running_configuration(self) -> bytes:
        return self.program.text.encode()

    def install(self, program: InstalledProgram) -> None:
        raise AssertionError("a strategy saves and commits; it never installs")

    def save(self, program: InstalledProgram) -> None:
        self.asked.append("save")
        self.saved, self.new, self.new_counters = program, self._empty(program), self._uncounted(program)

    def commit(self) -> None:
        self.asked.append("commit")
        if self.saved is None:
            raise TargetError("COMMIT: nothing is saved")
        self.program, self.forwarding, self.saved = self.saved, self.new, None
        self.counters = self.new_counters
        self.cloning, self.sequences = False, [0, 0]
        if self.announces_after == 0:
            self.announce()

    def announce(self) -> None:
        """The forwarding program announces that it runs, if packets wait in it."""
        layout = self.program.layout
        if layout.waits and int(self.forwarding[layout.flag_register][0]) == WAIT:
            marker = np.frombuffer(bytes(4) + layout.marker, np.uint8).reshape(1, -1)
            for listener in self.listeners:
                listener.add_markers(marker)

    def discard_saved(self) -> None:
        self.asked.append("discard_saved")
        self.saved = None

    def register_problem(self, register: RegisterSpec) -> str:
        return ""

    def read_register(self, register: RegisterSpec, start: int = 0, count: int | None = None) -> Cells:
        self.pieces.append(("read", register.name, start, register.cells if count is None else count))
        self.asked.append("read_register")
        cells = self.forwarding[register.name][start:]
        return cells.copy() if count is None else cells[:count].copy()

    def read_registers(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        self.asked.append("read_registers")
        return {spec.name: self.forwarding[spec.name].copy() for spec in registers}

    def read_ranges(self, ranges: Sequence[CellRange]) -> list[Cells]:
        self.asked.append("read_ranges")
        return [self.forwarding[r.register.name][r.start : r.start + r.count].copy() for r in ranges]

    def read_and_clear(self, register: RegisterSpec) -> Cells:
        self.asked.append("read_and_clear")
        found = self.forwarding[register.name].copy()
        self.forwarding[register.name][:] = 0
        return found

    def write_register(self, register: RegisterSpec, values: Cells, start: int = 0) -> None:
        self.pieces.append(("write", register.name, start, len(values)))
        self.asked.append("write_register")
        into = self.new if self.saved is not None else self.forwarding
        into[register.name][start : start + len(values)] = values

    def write_cells(self, writes: Sequence[CellWrites]) -> None:
        self.asked.append("write_cells")
        for write in writes:
            into = self.new if self.saved is not None else self.forwarding
            into[write.register.name][write.indices.astype(np.intp)] = write.values

    def read_counter(self, name: str) -> Cells:
        self.asked.append(f"read_counter {name}")
        return self.counters[name].copy()

    def write_counter(self, name: str, values: Cells) -> None:
        self.asked.append(f"write_counter {name}")
        into = self.new_counters if self.saved is not None else self.counters
        into[name][: len(values)] = values[: len(into[name])]

    def read_entities(self) -> list[p4r.Entity]:
        self.asked.append("read_entities")
        return list(self.entities)

    def read_saved_entries(self, tables: Sequence[int]) -> list[p4r.TableEntry]:
        self.asked.append("read_saved_entries")
        return [entry for entry in self.saved_entries if entry.table_id in tables]

    def write_entities(self, updates: Sequence[p4r.Update]) -> None:
        self.asked.append("write_entities")
        self.written += updates
        for update in updates:
            if update.entity.HasField("counter_entry"):
                entry, program = update.entity.counter_entry, self.saved or self.program
                name = next(c.preamble.name for c in program.p4info.counters if c.preamble.id == entry.counter_id)
                into = self.new_counters if self.saved is not None else self.counters
                into[name][entry.index.index] = entry.data.packet_count, entry.data.byte_count

    def clone_session(self, number: int) -> p4r.CloneSessionEntry | None:
        return self.sessions.get(number)

    def multicast_group(self, number: int) -> p4r.MulticastGroupEntry | None:
        return self.groups.get(number)

    def set_clone_flag(self, layout: CloneLayout, on: bool) -> None:
        self.asked.append(f"clone_flag {'on' if on else 'off'}")
        self.cloning = on

    def read_sequences(self, layout: CloneLayout) -> tuple[int, int]:
        self.asked.append("read_sequences")
        return self.sequences[0], self.sequences[1]

    def configure_clone_session(self, session: int, port: int) -> None:
        self.asked.append("configure_clone_session")
        entry = p4r.CloneSessionEntry(session_id=session)
        entry.replicas.add(egress_port=port)
        self.sessions[session] = entry

    def open_listener(self, layout: CloneLayout) -> FakeListener:
        self.asked.append("open_listener")
        self.listeners.append(FakeListener(self, layout))
        return self.listeners[-1]

    # ---- holds, hands over

    @contextmanager
    def hold(self, layout: CloneLayout | None) -> Iterator[FakeSwitch]:
        self.asked.append("hold")
        self.held, self.held_s = True, 0.25
        try:
            yield self
        finally:
            self.held = False

    @contextmanager
    def hand_over(self, layout: CloneLayout) -> Iterator[FakeHandover]:
        self.asked.append("hand_over")
        self.kept = []
        try:
            yield FakeHandover(self)
        finally:
            self.kept = None

    def read_cells(self, register: RegisterSpec, start: int, count: int) -> Cells:
        return self.read_register(register, start, count)

    def read_saved(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        self.asked.append("read_saved")
        return {spec.name: self.new[spec.name].copy() for spec in registers}

    def write(self, writes: Sequence[CellWrites]) -> None:
        self.write_cells(writes)

    def finish(self, writes: Sequence[CellWrites], renames: Mapping[str, str] | None) -> None:
        if self.ends_holds:
            self.ends_holds -= 1
            self.held = False
            self.decline()
            raise HoldEnded("holding packets: the ring of port 1 was three quarters full")
        self.write_cells(writes)
        self.commit()

    def decline(self) -> None:
        self.declined += 1
        self.on_decline(self.declined)

    # ---- lets packets wait, reconciles

    @property
    def max_wait_passes(self) -> int:
        return MAX_WAIT_PASSES

    def wake(self) -> None:
        self.asked.append("wake")
        self.wakes += 1
        if self.wakes == self.announces_after:
            self.announce()

    def reconcile(self, made: InstalledProgram) -> Reconciled:
        self.asked.append("reconcile")
        before = self.forwarding
        self.program, self.forwarding = made, self._empty(made)
        for name in self.forwarding.keys() & before.keys():
            self.forwarding[name][:] = before[name]
        return Reconciled(0.5)


class FakeHandover:
    """From now on the switch keeps its clones, and applies them."""

    held_s = 0.125
    clones = updates = 0

    def __init__(self, switch: FakeSwitch) -> None:
        self._switch = switch
        self.sequences = switch.read_sequences(_layout(switch.program))
        self.moves: Sequence[Move] = ()

    def finish(self, moves: Sequence[Move], renames: Mapping[str, str], copies: Sequence[CellCopy] = ()) -> bool:
        assert not copies  # this switch knows no other controllers
        switch = self._switch
        switch.asked.append("finish")
        if switch.declines:
            switch.declines -= 1
            switch.decline()
            return False
        kept = switch.kept or []
        for number, index, value in kept:
            for move in moves:
                if move.number == number:
                    spec = next(s for s in all_registers(_saved(switch).p4info) if s.name == move.new)
                    if index < spec.cells:
                        switch.new[move.new][index] = spec.from_integers([value])[0]
        self.clones = self.updates = len(kept)
        switch.commit()
        return True


def _layout(made: InstalledProgram) -> CloneLayout:
    assert made.layout is not None
    return made.layout


def _saved(switch: FakeSwitch) -> InstalledProgram:
    assert switch.saved is not None
    return switch.saved


def context_of(
    switch: FakeSwitch,
    new: InstalledProgram,
    at: Mapping[tuple[str, str], Callable[[], None]] | None = None,
    *,
    profile: Profile = NATIVE,
    **options: Any,
) -> Reconfiguration:
    """A change to `new`; `at`: what packets do at (phase, begin or end or point) of the controller, once."""
    waiting = dict(at or {})

    def happen(event: Event) -> None:
        action = waiting.pop((event.phase, event.what), None)
        if action is not None:
            action()

    return prepare(switch, new, profile=profile, events=EventLog(on_event=happen), **options)


def change(strategy: str, switch: FakeSwitch, new: InstalledProgram, *arguments: Any, **options: Any) -> Outcome:
    """A complete reconfiguration; see `context_of`."""
    return reconfigure(load_strategy(strategy), context_of(switch, new, *arguments, **options))


__all__ = ["FakeHandover", "FakeListener", "FakeSwitch", "change", "context_of", "installed"]
