"""Optional abilities of a switch, in addition to those of every target (`state4.targets.base.Target`).

A target lists them in its `abilities`, and code queries them in a uniform way:

    holds = target.abilities.holds
    if holds is None:
        ...  # this switch cannot hold packets

All methods raise TargetError when the switch refuses or is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from finsy.proto import p4r

from state4.clones.header import CloneLayout
from state4.clones.source import CloneSource
from state4.programs import InstalledProgram
from state4.values import CellRange, Cells, CellWrites, RegisterSpec


@dataclass(frozen=True)
class Abilities:
    """What a target can do; None where it cannot."""

    verifies: Verifies | None = None
    reconciles: Reconciles | None = None
    holds: Holds | None = None
    hands_over: HandsOver | None = None
    lets_packets_wait: LetsPacketsWait | None = None
    has_statistics: HasStatistics | None = None
    follows: Follows | None = None
    reads_and_clears: ReadsAndClears | None = None
    carries: CarriesEntries | None = None
    shares_updates: SharesUpdates | None = None


class Verifies(Protocol):
    """The switch checks a program without loading it (P4Runtime's VERIFY)."""

    def verify(self, program: InstalledProgram) -> None:
        """Checks and compiles a program, so that a later save only loads it. Nothing else changes."""


@dataclass(frozen=True)
class Reconciled:
    """`held_s`: how long packets waited; `entries`: of tables, that were kept. None if the switch does not say."""

    held_s: float | None = None
    entries: int | None = None


class Reconciles(Protocol):
    """The switch itself keeps the state when its program changes (P4Runtime's RECONCILE_AND_COMMIT)."""

    def reconcile(self, program: InstalledProgram) -> Reconciled: ...


# ---------------------------------------------------------------- packets wait in the switch


class Holds(Protocol):
    """The switch holds packets while the control plane works. Such a switch also shows the forwarding program's
    registers while another program is saved."""

    def hold(self, layout: CloneLayout | None) -> AbstractContextManager[Hold]:
        """Packets wait until `Hold.finish` or the end of the context. `layout`: of clones in transit; None if there are
        none. A switch that ends the hold by itself makes every method raise HoldEnded; nothing is committed then."""


class Hold(Protocol):
    """The active program is stopped: no packet is processed and none is lost. `sequences`: numbers of its last clones;
    `held_s`: how long packets have waited, as reported by the switch."""

    sequences: tuple[int, int]
    held_s: float

    def read_registers(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]: ...

    def read_cells(self, register: RegisterSpec, start: int, count: int) -> Cells: ...

    def read_ranges(self, ranges: Sequence[CellRange]) -> list[Cells]: ...

    def read_saved(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        """Registers of the saved program."""

    def write(self, writes: Sequence[CellWrites]) -> None:
        """Writes cells of the saved program."""

    def finish(self, writes: Sequence[CellWrites], renames: Mapping[str, str] | None) -> None:
        """Writes cells of the saved program, moves counters and meters to it (`renames`: old name -> new name; None:
        they stay), commits it, and releases the packets."""


class ReadsAndClears(Protocol):
    """The switch reads and clears cells in one step to packets."""

    def read_and_clear(self, register: RegisterSpec) -> Cells:
        """All cells of a register of the forwarding program, which are 0 then, also while another program is saved."""


# ---------------------------------------------------------------- updates without clones


class SharesUpdates(Protocol):
    """A switch on this machine writes updates to memory that we can read."""

    def open_ring(self, layout: CloneLayout) -> CloneSource | None:
        """Updates of the forwarding program arrive there and not as clones, from here to its `close`. None if the
        switch cannot do this, or is elsewhere: then they come as clones."""


# ---------------------------------------------------------------- the switch applies the last updates itself


class HandsOver(Protocol):
    """The switch keeps clones of updates and applies them itself at the swap."""

    def hand_over(self, layout: CloneLayout) -> AbstractContextManager[Handover]:
        """From here to the end of the context the switch keeps a copy of every clone that it sends."""


@dataclass(frozen=True)
class Move:
    """A register whose updates are written to a register of the saved program, cut or extended to its width. `number`:
    its number in clones."""

    number: int
    old: str
    new: str


@dataclass(frozen=True)
class CellCopy:
    """`count` cells from `start` on that go from a register to one of the saved program, of the same width, as they are
    at the swap."""

    old: str
    new: str
    start: int
    count: int


class Handover(Protocol):
    """Clones are kept until `finish`. `sequences`: numbers of the last clones that were not kept; `held_s`: how long
    packets have waited; `clones`, `updates`: how many the switch has applied in the end."""

    sequences: tuple[int, int]
    held_s: float
    clones: int
    updates: int

    def finish(self, moves: Sequence[Move], renames: Mapping[str, str], copies: Sequence[CellCopy] = ()) -> bool:
        """Atomically with respect to packets: writes the kept updates to the saved program, moves counters and meters
        (`renames`: old name -> new name), then `copies`, and commits. False if the switch declines because a clone is
        missing (for example, there was no room for it); then nothing was committed."""


# ---------------------------------------------------------------- other controllers that write


@dataclass(frozen=True)
class Written:
    """What any client wrote to the running program. `keys`: entities without values, each with its current content: one
    entity, none if it is gone, several for all cells of an array; never the contents of registers. `complete`: False if
    there was more than the switch could record, so that anything may have changed."""

    keys: Sequence[tuple[p4r.Entity, Sequence[p4r.Entity]]] = ()
    complete: bool = True


class Follows(Protocol):
    """The switch records writes while the program is changed, and exposes the saved program only to us: reads through
    `Target` refer to the running one, and others write to that one until COMMIT."""

    def follow(self) -> AbstractContextManager[Follow]:
        """From here to the end of the context."""


class Follow(Protocol):
    """One change while other controllers write. COMMIT is rejected if there are writes that `take` has not returned."""

    def take(self, *, hold_writers: bool = False) -> Written:
        """Writes since the last call. With `hold_writers`, others' writes are blocked from here to the end of the
        context (bounded by the switch)."""

    def read(self, wanted: Sequence[p4r.Entity], *, saved: bool) -> list[p4r.Entity]:
        """What the running program has of entities, or the saved one."""

    def bring(self, puts: Sequence[p4r.Entity], deletes: Sequence[p4r.Entity]) -> list[tuple[p4r.Entity, str]]:
        """The saved program gets `puts`, whether it has such entities or not, and has none with the keys `deletes` any
        more (a default action: its own one). Returns those that are not as they should be, with the reason."""


@dataclass(frozen=True)
class CarriedEntries:
    """`entries`: how many; `there`: positions of those that were asked for."""

    entries: int
    there: Sequence[int] = ()


class CarriesEntries(Protocol):
    """The switch itself takes entries over to the saved program, in tables that mean the same in both."""

    def can_carry(self) -> bool:
        """An older switch of the kind cannot."""

    def read_entities_but(self, tables: Collection[int]) -> list[p4r.Entity]:
        """As `Target.read_entities`, without the entries of some tables (but with their default actions)."""

    def carry_entries(
        self, tables: Sequence[tuple[str, str]], asked: Sequence[p4r.TableEntry]
    ) -> CarriedEntries | None:
        """The entries of (old, new) tables as they are now, but const ones; what an earlier call has brought and is
        gone by now goes. `asked`: keys of the saved program, of which `there` says which were carried. None if the
        switch finds that entries do not mean the same; then nothing was done."""


# ---------------------------------------------------------------- packets wait in a program


class LetsPacketsWait(Protocol):
    """A program can make packets wait in this switch, by resubmitting the first one (`state4.transfer.gate`).

    `max_wait_passes`: how many passes through ingress one packet makes in about half a second; after that many, a
    program stops waiting, whatever happened to the controller."""

    @property
    def max_wait_passes(self) -> int: ...

    def wake(self) -> None:
        """Sends `WAKE` into the switch through the CPU port, so that the active program announces itself even without
        traffic. Does nothing if the CPU port cannot be reached."""


# ---------------------------------------------------------------- statistics


@dataclass(frozen=True)
class Statistics:
    """Counts of a switch since it started or since they were reset. `holds`, `held_s`, `longest_hold_s`: how often and
    how long packets waited for the control plane; `drops`: packets by reason; `ring_drops`, `tx_drops`: packets that
    the ports lost, `hold_drops` of them while a client held packets."""

    packets: int = 0
    batches: int = 0
    swaps: int = 0
    holds: int = 0
    held_s: float = 0.0
    longest_hold_s: float = 0.0
    hold_drops: int = 0
    ring_drops: int = 0
    tx_drops: int = 0
    drops: Mapping[str, int] = field(default_factory=dict)


class HasStatistics(Protocol):
    """The switch counts what it does."""

    def statistics(self, *, reset: bool = False) -> Statistics:
        """With `reset` the counts of the whole switch start at 0 again."""
