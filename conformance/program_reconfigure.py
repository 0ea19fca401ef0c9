"""Changes one program to itself under packets, with a strategy that must be exact: the state must equal that of a
switch that was never changed. The switch is the bench of State4's own tests (memory ports, packets between all
steps)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from softswitch.build.program import CompiledPipeline
from softswitch.server.device.device import Device
from softswitch.server.program.config import Config
from state4.errors import State4Error
from state4.pacing import NATIVE
from state4.programs import InstalledProgram
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from tests.switch.state4.bench.target import BenchTarget, Packets, Schedule

BEFORE, BETWEEN, STEPS = 40, 3, 400
"""Number of packets before the change, and before each of its steps."""
SetUp = Callable[[Device, Config], None]
Sessions = dict[int, list[tuple[int, int]]]


class _Bench(BenchTarget):
    def __init__(self, packets: Packets, schedule: Schedule, compiled: CompiledPipeline) -> None:
        super().__init__(packets, schedule)
        self.compiled = compiled

    def _load(self, program: InstalledProgram) -> Config:
        return self.device._load(program.p4info, program.device_config, None, self.compiled)


def differs(
    strategy: str,
    program: InstalledProgram,
    compiled: CompiledPipeline,
    packets: Packets,
    set_up: SetUp,
    sessions: Sessions,
) -> str:
    """What is wrong, "" if nothing is. `set_up`: writes entries into a program; `sessions`: the user's clone
    sessions."""
    found = []
    for change in (False, True):
        schedule = Schedule([BEFORE] + [BETWEEN] * STEPS, delay=2) if change else Schedule()
        target = _Bench(packets, schedule, compiled)
        try:
            target.switch.add_memory_port(0)  # the bench has 1 to 4
            target.install(program)
            for session, replicas in sessions.items():
                target.switch.set_clone_session(session, replicas)
            set_up(target.device, target.config)
            if change:
                try:
                    outcome = reconfigure(load_strategy(strategy), prepare(target, program, profile=NATIVE))
                except State4Error as error:
                    return f"{strategy} refused: {error}"
                if outcome.inexact:
                    return f"{strategy} is not exact: {'; '.join(outcome.inexact)}"
            target.run(len(packets))
            found.append((target.state(), target.out))
        finally:
            target.close()
    (wanted, frames), (state, out) = found
    names = [name for name, cells in wanted.items() if state[name] != cells]
    if names:
        return f"{strategy}: registers {', '.join(names)} differ after the change"
    return "" if frames == out else f"{strategy}: packet {_first_difference(frames, out)} comes out differently"


def _first_difference(one: Sequence[object], other: Sequence[object]) -> int:
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
