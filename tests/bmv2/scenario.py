"""The input to both switches, and what is observed of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PORTS = (1, 5, 9, 13)
CLONE_SESSION = 5
CLONE_PORT = 13
START_US = 10_000_000
Frames = list[tuple[int, bytes]]


@dataclass(frozen=True)
class Scenario:
    """`source`: a program's text, or the file with it. `entries`: text of a file of entries.

    `packets`: (port, frame, microseconds since the packet before). `groups`: multicast groups, (port, instance) each.
    """

    name: str
    source: str | Path
    packets: tuple[tuple[int, bytes, int], ...]
    entries: str = ""
    groups: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    sessions: Mapping[int, int] = field(default_factory=dict)
    ports: tuple[int, ...] = PORTS

    def replaced(self, source: str, name: str) -> Scenario:
        """The same scenario with another program."""
        return Scenario(name, source, self.packets, self.entries, self.groups, self.sessions, self.ports)


@dataclass
class Seen:
    """`frames`: of each packet what came out, by port and in order there. Registers and counters at the end, by name.

    Register values are as Thrift carries them: what does not fit 63 bits is the largest that does. `direct`: (packets,
    bytes) of each entry that was installed, by the number of its row.
    """

    frames: list[Frames] = field(default_factory=list)
    registers: dict[str, list[int]] = field(default_factory=dict)
    counters: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    direct: dict[int, tuple[int, int]] = field(default_factory=dict)

    def differences(self, other: Seen, names: tuple[str, str]) -> list[str]:
        """The differences in words; empty if there are none. Registers that only one side has are ignored."""
        found = []
        for number, (one, two) in enumerate(zip(self.frames, other.frames, strict=True)):
            if one != two:
                pair = zip(names, (one, two), strict=True)
                shown = "; ".join(f"{who} {[(p, f.hex()) for p, f in out]}" for who, out in pair)
                found.append(f"packet {number}: {shown}")
        for name in sorted(self.registers.keys() & other.registers.keys()):
            for index, (left, right) in enumerate(zip(self.registers[name], other.registers[name], strict=True)):
                if left != right:
                    found.append(f"register {name}[{index}]: {names[0]} {left:#x}; {names[1]} {right:#x}")
        for name in sorted(self.counters.keys() & other.counters.keys()):
            for index, (before, after) in enumerate(zip(self.counters[name], other.counters[name], strict=True)):
                if before != after:
                    found.append(f"counter {name}[{index}]: {names[0]} {before}; {names[1]} {after}")
        for row in sorted(self.direct.keys() & other.direct.keys()):
            if self.direct[row] != other.direct[row]:
                values = f"{names[0]} {self.direct[row]}; {names[1]} {other.direct[row]}"
                found.append(f"direct counter of row {row}: {values}")
        return found


def ordered(frames: Frames) -> Frames:
    """By port; the order on each port is kept."""
    return sorted(frames, key=lambda pair: pair[0])
