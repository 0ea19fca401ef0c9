"""Checks State4 with one user program: is it accepted, instrumented, and unchanged in its behaviour?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from finsy.proto import p4i, p4r

from conformance.program_entries import entries
from conformance.program_packets import PacketMaker
from conformance.program_reconfigure import differs
from conformance.replay import replayed
from p4front.load import load_program, load_text
from p4front.p4info import build_p4info
from p4front.program import Program
from p4front.syntax import ast
from p4front.text.source import P4Error
from softswitch.build.program import CompiledPipeline, compile_program, compile_text
from softswitch.dataplane.pipeline import Pipeline
from softswitch.dataplane.switch import Switch
from softswitch.server.device.arbitration import Client
from softswitch.server.device.device import Device
from softswitch.server.program.config import Config
from state4.cam import Analysis, analyse
from state4.cim import Instrumented, InstrumentOptions, Track, instrument
from state4.clones.header import REPLICA
from state4.clones.store import CloneStore
from state4.instrumentation.running import user_registers
from state4.programs import InstalledProgram
from state4.reconfigure import needs_map
from state4.strategies import load_strategy

CPU = 510
PORTS = range(5)
GROUPS = range(1, 5)
ELECTION = p4r.Uint128(low=1)
Frames = list[tuple[int, bytes]]


@dataclass(frozen=True)
class CheckOptions:
    """`packets`: number of packets per program; `strategies`: names of those that must be exact."""

    include_dirs: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    packets: int = 300
    strategies: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Verdict:
    """`accepted`, `stateful` (packets write registers), `instrumented`, `mapped` (with a dirty map instead of clones),
    `equal`; None: it did not come to that. `reason`: of one that is False. `writes`: updates that were seen;
    `clones`: of the program's own."""

    accepted: bool | None = None
    stateful: bool | None = None
    instrumented: bool | None = None
    mapped: bool | None = None
    equal: bool | None = None
    reason: str = ""
    writes: int = 0
    frames: int = 0
    clones: bool = False

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def check_program(path: Path, options: CheckOptions) -> Verdict:
    """Never raises, whatever the program does."""
    try:
        program = load_program(path, include_dirs=options.include_dirs, defines=options.defines)
        analysis = analyse(program)
    except P4Error as error:
        return Verdict(accepted=False, reason=_first(error))
    clones = bool(analysis.clones)
    if not analysis.slots:
        return Verdict(accepted=True, stateful=False, clones=clones)
    verdict = Verdict(accepted=True, stateful=True, mapped=True, clones=clones)
    try:
        _with_map(path, options, program)
    except P4Error as error:
        exact = tuple(name for name in options.strategies if not needs_map(load_strategy(name)))
        options = replace(options, strategies=exact)
        verdict = replace(verdict, mapped=False, reason=_first(error))
    try:
        made = instrument(program, analysis, InstrumentOptions(include_dirs=options.include_dirs))
        load_text(made.text, path.name, defines=options.defines)
    except P4Error as error:
        return replace(verdict, instrumented=False, reason=_first(error))
    verdict = replace(verdict, instrumented=True)
    try:
        return _Comparison(path, options, program, analysis, made).run(verdict)
    except P4Error as error:
        return replace(verdict, accepted=False, reason=f"not compiled: {_first(error)}")


def _with_map(path: Path, options: CheckOptions, program: Program) -> tuple[Instrumented, Program]:
    """The form with a dirty map instead of clones, and what it is as a program."""
    form = InstrumentOptions(Track.MAP, include_dirs=options.include_dirs)
    made = instrument(program, analyse(program, follow=False), form)
    return made, load_text(made.text, path.name, defines=options.defines)


def _first(error: P4Error) -> str:
    """The first message, with its location and without the source line."""
    return str(error).splitlines()[0]


@dataclass(frozen=True)
class _Seen:
    """The frames sent for each packet without State4's own, the registers at the end, and their values by the
    clones."""

    frames: list[Frames]
    registers: dict[str, list[int]]
    cloned: dict[str, list[int]] = field(default_factory=dict)
    updates: int = 0
    lost: int = 0


class _Comparison:
    def __init__(
        self, path: Path, options: CheckOptions, program: Program, analysis: Analysis, made: Instrumented
    ) -> None:
        self._path, self._options, self._made, self._analysis = path, options, made, analysis
        self._program = program
        self._compiled = {
            False: compile_program(path, include_dirs=options.include_dirs, defines=options.defines),
            True: compile_text(made.text, path.name, defines=options.defines),
        }
        self._p4info = {
            False: build_p4info(program),
            True: build_p4info(load_text(made.text, path.name, defines=options.defines)),
        }
        parser = analysis.roots["parser"].decl
        assert isinstance(parser, ast.ParserDecl)
        self._maker = PacketMaker(program, parser, f"{path.name} {options.seed}", PORTS)
        self._packets = list(self._maker.packets(options.packets))
        self._unknown = any(clone.sessions is None for clone in analysis.clones)
        self._entries = entries(self._p4info[False], self._maker, clones=self._unknown)

    def run(self, verdict: Verdict) -> Verdict:
        packets = list(self._packets)
        before = self._traffic(packets, with_clones=False, flag=False)
        own = [frame for out in before.frames for _, frame in out]
        packets += self._maker.changed([*own, *(frame for _, frame in packets)], self._options.packets)
        before = self._traffic(packets, with_clones=False, flag=False)
        frames = sum(map(len, before.frames))
        updates = 0
        for flag in (False, True):
            after = self._traffic(packets, with_clones=True, flag=flag)
            updates += after.updates
            if reason := _difference(before, after, flag):
                return replace(verdict, equal=False, reason=reason, writes=updates, frames=frames)
        for strategy in self._options.strategies:
            if reason := self._reconfigured(strategy, packets):
                return replace(verdict, equal=False, reason=reason, writes=updates, frames=frames)
        return replace(verdict, equal=True, writes=updates, frames=frames)

    def _traffic(self, packets: Frames, *, with_clones: bool, flag: bool) -> _Seen:
        layout = self._made.layout
        with Switch() as switch:
            pipeline = self._start(switch, with_clones)
            shared = (self._sessions if layout.any_session else layout.shared) if flag else ()
            for session in self._sessions | set(shared):
                copies = [(CPU, REPLICA)] if session in shared else []
                switch.set_clone_session(session, [*self._replicas(session), *copies])
            switch.set_clone_session(layout.session, [(CPU, 1)])
            if with_clones:
                pipeline.registers[layout.flag_register].write(0, [int(flag)])
            store = CloneStore(layout)
            store.expect(0, 0)
            frames: list[Frames] = []
            arrived: list[bytes] = []
            for number, (port, frame) in enumerate(packets):
                switch.set_time(10_000_000 + 700 * number)
                out = switch.inject(port, frame)
                ours = [f for p, f in out if p == CPU and f[5:14] == layout.mark and len(f) == layout.header_bytes]
                arrived += ours
                frames.append([(p, f) for p, f in out if not (p == CPU and f in ours)])
            if arrived:
                store.add(
                    np.frombuffer(b"".join(f[: layout.header_bytes] for f in arrived), np.uint8).reshape(
                        len(arrived), -1
                    )
                )
            updates = store.take()
            specs = {spec.name: spec for spec in user_registers(self._p4info[True])}
            registers = {name: s.integers(pipeline.registers[name].read()) for name, s in specs.items()}
            rebuilt = replayed(layout, updates, specs)
            return _Seen(frames, registers, rebuilt, len(updates), store.stats().lost)

    def _start(self, switch: Switch, with_clones: bool) -> Pipeline:
        for port in PORTS:
            switch.add_memory_port(port)
        device = Device(switch, 1)
        device.arbitration.update(
            Client(lambda _: None), p4r.MasterArbitrationUpdate(device_id=1, election_id=ELECTION)
        )
        config = device._load(self._p4info[with_clones], b"", None, self._compiled[with_clones])
        device._commit(config)
        self._set_up(device, config)
        return config.pipeline

    def _set_up(self, device: Device, config: Config) -> None:
        """Sets up groups, and the generated entries that the switch accepts; some have the same key."""
        for group in GROUPS:
            device.switch.set_multicast_group(group, [(port, group) for port in PORTS])
        for update in self._entries.updates:
            request = p4r.WriteRequest(device_id=1, election_id=ELECTION, updates=[update])
            try:
                device.batches.write(config, request)
            except Exception:
                continue

    @cached_property
    def _sessions(self) -> set[int]:
        known = {session for clone in self._analysis.clones for session in clone.sessions or ()}
        return (
            known | {*range(1, 9), *self._entries.sessions, *self._maker.values.constants} if self._unknown else known
        )

    def _replicas(self, session: int) -> list[tuple[int, int]]:
        return [(PORTS[session % len(PORTS)], session % 7)] if session in self._sessions else []

    def _reconfigured(self, strategy: str, packets: Frames) -> str:
        known = self._sessions - {0, self._made.layout.session}  # P4Runtime has no session 0, and one is State4's
        sessions = {session: self._replicas(session) for session in known}
        if needs_map(load_strategy(strategy)):
            program, compiled = self._mapped
        else:
            program, compiled = self._installed(self._made, self._p4info[True]), self._compiled[True]
        return differs(strategy, program, compiled, packets, self._set_up, sessions)

    @cached_property
    def _mapped(self) -> tuple[InstalledProgram, CompiledPipeline]:
        made, program = _with_map(self._path, self._options, self._program)
        compiled = compile_text(made.text, self._path.name, defines=self._options.defines)
        return self._installed(made, build_p4info(program)), compiled

    def _installed(self, made: Instrumented, p4info: p4i.P4Info) -> InstalledProgram:
        return InstalledProgram(self._path.stem, made.text, p4info, made.layout, self._options.defines)


def _difference(before: _Seen, after: _Seen, flag: bool) -> str:
    state = "while it clones" if flag else "while it does not clone"
    for number, (wanted, found) in enumerate(zip(before.frames, after.frames, strict=True)):
        if wanted != found:
            return f"packet {number} comes out differently {state}: {_short(wanted)} became {_short(found)}"
    for name, cells in after.registers.items():
        if before.registers.get(name, cells) != cells:
            return f"register {name} differs {state}"
    if flag and after.lost:
        return f"{after.lost} clones are missing"
    if flag and after.cloned != {name: cells for name, cells in after.registers.items() if name in after.cloned}:
        names = [name for name, cells in after.cloned.items() if after.registers[name] != cells]
        return f"clones do not carry every write of {', '.join(names)}"
    return ""


def _short(frames: Sequence[tuple[int, bytes]]) -> str:
    return "[" + ", ".join(f"{port}:{frame.hex()[:60]}" for port, frame in frames[:3]) + "]"
