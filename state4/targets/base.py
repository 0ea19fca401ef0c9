"""What State4 needs of a switch, and how fast its control plane is taken to be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from finsy.proto import p4i, p4r

from state4.clones.header import Bytes, CloneLayout, Updates
from state4.instrumentation.programs import InstalledProgram
from state4.values import Cells, RegisterSpec

CPU_PORT = 510


@dataclass(frozen=True)
class Profile:
    """How fast registers are read and written. None: as fast as the switch can."""

    name: str
    read_cells_per_s: float | None = None
    write_cells_per_s: float | None = None


NATIVE = Profile("native")
PAPER = Profile("paper", read_cells_per_s=522_000, write_cells_per_s=522_000)
"""The paper changes a program with 236 KB of registers in about 1.82 s. Our chained.p4 has 463,742 cells; reading and
then writing each of them at 522,000 cells/s takes 1.78 s, and saving, entries, updates and the swap about 0.04 s. The
paper does not say how its time is divided, so both directions get the same rate."""
PROFILES = {profile.name: profile for profile in (PAPER, NATIVE)}
_STEP_S = 0.01


class Pacer:
    """Makes work take as long as a rate says. Each step is done first, then its time is waited for, so a component's
    last cell is read when its time is over, and short waits do not add up to a longer one."""

    def __init__(
        self,
        cells_per_s: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.cells_per_s = cells_per_s
        self._clock = clock
        self._sleep = sleep
        self._due: float | None = None

    def chunks(self, cells: int) -> Iterator[tuple[int, int]]:
        """(start, count) of steps through an array; waits after each step for its share of the time."""
        step = cells if self.cells_per_s is None else max(1, int(self.cells_per_s * _STEP_S))
        if self._due is None:
            self._due = self._clock()
        for start in range(0, cells, max(1, step)):
            count = min(step, cells - start)
            yield start, count
            self._wait(count)

    def _wait(self, cells: int) -> None:
        if self.cells_per_s is None or self._due is None:
            return
        self._due += cells / self.cells_per_s
        wait = self._due - self._clock()
        if wait > 0:
            self._sleep(wait)


@dataclass(frozen=True)
class CellWrites:
    """Single cells of a register: `values` as in `values`, one for each index."""

    register: RegisterSpec
    indices: Cells
    values: Cells


@dataclass(frozen=True)
class Gap:
    """Clones that never arrived: `count` of them from number `first` on, of the ingress or the egress pass."""

    egress: bool
    first: int
    count: int


@dataclass(frozen=True)
class ListenerStats:
    """`foreign`: frames on the CPU port that are no clones of this program; `dropped`: frames that the kernel had no
    room for."""

    clones: int
    updates: int
    foreign: int
    dropped: int
    gaps: tuple[Gap, ...]

    @property
    def lost(self) -> int:
        return sum(gap.count for gap in self.gaps)


class CloneSource(Protocol):
    """Where clones arrive: open from the moment it is made."""

    def expect(self, ingress: int, egress: int) -> None:
        """The numbers of the last clones before this source opened; what follows must come without a gap."""

    def take(self) -> Updates:
        """The updates that arrived since the last take, in order."""

    def wait_for(self, ingress: int, egress: int, timeout_s: float) -> bool:
        """Waits until the clones of these numbers are here. False when they are not in time."""

    def wait_for_program(self, fingerprint: int, timeout_s: float) -> bool:
        """Waits until the program with this layout has said on the CPU port that it runs (`layout.marker`): the clones
        of the program before it are all here then. False when it has not in time."""

    def stats(self) -> ListenerStats: ...

    def close(self) -> None: ...


class Hold(Protocol):
    """The forwarding program stands still: no packet is run, none is lost. `sequences`: numbers of its last clones;
    `held_s`: how long packets have waited, as the switch says."""

    sequences: tuple[int, int]
    held_s: float

    def read_registers(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]: ...

    def finish(self, writes: Sequence[CellWrites]) -> None:
        """Writes cells of the saved program, brings its counters up to date, makes it the forwarding one, and lets
        packets go on."""


@dataclass(frozen=True)
class Move:
    """A register whose updates are written to a register of the saved program, cut or extended to its width. `number`:
    its number in clones."""

    number: int
    old: str
    new: str


class HandsOver(Protocol):
    """A switch that keeps clones until `finish`. `sequences`: numbers of the last clones before it did; `held_s`: how
    long packets have waited; `clones`, `updates`: what it has written in the end."""

    sequences: tuple[int, int]
    held_s: float
    clones: int
    updates: int

    def finish(self, moves: Sequence[Move], renames: Mapping[str, str]) -> bool:
        """In one step to packets: writes the updates that were kept to the saved program, moves counters and meters
        (`renames`: old name -> new name), and commits. False if a clone is missing; then nothing was done."""


class Target(Protocol):
    """One running switch. All methods raise TargetError when the switch refuses or is gone.

    Reads of registers and entries are those of the forwarding program; writes are those of the saved one while there
    is one, else of the forwarding one. After `commit` the new program is the forwarding one. A switch that cannot hold
    packets need not be able to read while a program is saved (bmv2 shows the saved one's cells then)."""

    cpu_port: int

    @property
    def can_hold(self) -> bool:
        """Whether `hold` works. Without it the new program itself lets packets wait (`state4.transfer.gate`)."""

    @property
    def longest_wait_passes(self) -> int:
        """How often one packet goes round through ingress (resubmitted) in about half a second: after so many passes a
        new program stops letting packets wait, whatever became of the controller."""

    def wake(self) -> None:
        """Sends `layout.WAKE` into the switch through the CPU port, so that the forwarding program says that it runs
        also when there is no traffic. Does nothing where there is no way."""

    def running(self) -> p4i.P4Info:
        """The forwarding program's P4Info."""

    def register_problem(self, register: RegisterSpec) -> str:
        """Why the contents of such a register cannot be read or written here, "" if they can."""

    def read_register(self, register: RegisterSpec, start: int = 0, count: int | None = None) -> Cells:
        """Cells of the forwarding program. A large register may be read in pieces, each as it is at one moment."""

    def read_registers(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        """Several registers of the forwarding program, all at one moment if the switch can."""

    def write_register(self, register: RegisterSpec, values: Cells, start: int = 0) -> None: ...

    def write_cells(self, writes: Sequence[CellWrites]) -> None:
        """Single cells, in one step to packets if the switch can."""

    def read_counter(self, name: str) -> Cells:
        """An indirect counter of the forwarding program: uint64 [cells, 2], packets and bytes."""

    def write_counter(self, name: str, values: Cells) -> None: ...

    def read_entities(self) -> list[p4r.Entity]:
        """What the control plane put into the forwarding program: entries, default actions, profiles, value sets,
        meter configurations, digest subscriptions. Not while another program is saved."""

    def read_saved_entries(self, tables: Sequence[int]) -> list[p4r.TableEntry]:
        """Entries of some tables of the saved program."""

    def write_updates(self, updates: Sequence[p4r.Update]) -> None: ...

    def set_clone_flag(self, layout: CloneLayout, on: bool) -> None:
        """Of the forwarding program. Returns when all packets that still go by the old value are through."""

    def read_sequences(self, layout: CloneLayout) -> tuple[int, int]:
        """How many clones ingress and egress of the forwarding program have asked for."""

    def configure_clone_session(self, session: int, port: int) -> None: ...

    def open_listener(self, layout: CloneLayout) -> CloneSource: ...

    def install(self, program: InstalledProgram) -> None:
        """VERIFY_AND_COMMIT: the program forwards at once, without state."""

    def save(self, program: InstalledProgram) -> None:
        """VERIFY_AND_SAVE"""

    def commit(self) -> None:
        """COMMIT: the saved program forwards. Returns when it is in place; all clones that the old one has asked for
        are then on their way to the CPU port, before anything that the new one sends there."""

    def hold(self, layout: CloneLayout) -> AbstractContextManager[Hold]:
        """Packets wait until `Hold.finish` or the end of the context. Raises Unsupported."""

    def hand_over(self, layout: CloneLayout) -> AbstractContextManager[HandsOver]:
        """From here on the switch keeps the clones of updates beside sending them. Raises Unsupported."""

    def reconcile(self, program: InstalledProgram) -> float | None:
        """RECONCILE_AND_COMMIT: the switch itself keeps the state. Returns how long packets waited in s, None if the
        switch does not say. Raises Unsupported."""

    def discard_saved(self) -> None:
        """Forgets a saved program that an earlier controller did not commit."""


__all__ = [
    "CPU_PORT",
    "NATIVE",
    "PAPER",
    "PROFILES",
    "Bytes",
    "CellWrites",
    "CloneSource",
    "Gap",
    "HandsOver",
    "Hold",
    "ListenerStats",
    "Move",
    "Pacer",
    "Profile",
    "Target",
]
