"""The expected state: that of a switch that was never reconfigured."""

from __future__ import annotations

from dataclasses import dataclass

from state4.programs import InstalledProgram
from tests.switch.state4.bench.target import BenchTarget, Packets, Schedule, Sessions


@dataclass(frozen=True)
class Truth:
    """Registers, counters, and the frames sent for each packet."""

    state: dict[str, list[int]]
    counts: dict[str, list[list[int]]]
    out: list[list[tuple[int, bytes]]]


def oracle(program: InstalledProgram, packets: Packets, sessions: Sessions | None = None) -> Truth:
    """The state of a switch that got the same packets and was never reconfigured. `sessions`: the program's clones."""
    target = BenchTarget(packets, Schedule())
    target.set_sessions(sessions or {})
    try:
        target.install(program)
        target.run(len(packets))
        return Truth(target.state(), target.counts(), target.out)
    finally:
        target.close()
