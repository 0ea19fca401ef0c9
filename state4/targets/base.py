"""What State4 requires of every switch. Optional abilities are in `state4.targets.abilities`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from finsy.proto import p4i, p4r

from state4.clones.header import CloneLayout
from state4.clones.source import CloneSource
from state4.programs import InstalledProgram
from state4.targets.abilities import Abilities
from state4.targets.cpu_port import CPU_PORT
from state4.values import CellRange, Cells, CellWrites, RegisterSpec


class Target(Protocol):
    """One running switch. All methods raise TargetError when the switch rejects a request or is gone.

    Reads of registers and entries are those of the forwarding program; writes go to the saved program while there is
    one, otherwise to the forwarding one. After `commit` the saved program is the forwarding one. Only a switch that
    holds packets has to be able to read the forwarding program while another is saved."""

    cpu_port: int

    @property
    def abilities(self) -> Abilities: ...

    # ------------------------------------------------------------ programs

    def running(self) -> p4i.P4Info:
        """The forwarding program's P4Info."""

    def configuration(self, program: InstalledProgram) -> bytes:
        """The program in the form in which this switch loads it."""

    def running_configuration(self) -> bytes:
        """The forwarding program as the switch has it, in the form of `configuration`."""

    def install(self, program: InstalledProgram) -> None:
        """VERIFY_AND_COMMIT: the program forwards at once, without state."""

    def save(self, program: InstalledProgram) -> None:
        """VERIFY_AND_SAVE."""

    def commit(self) -> None:
        """COMMIT: activates the saved program. Returns when it is in place; all clones requested by the old one are
        then in transit to the CPU port, ahead of anything that the new one sends there."""

    def discard_saved(self) -> None:
        """Discards a saved program that an earlier controller did not commit."""

    # ------------------------------------------------------------ registers and counters

    def register_problem(self, register: RegisterSpec) -> str:
        """Why the contents of such a register cannot be read or written here, "" if they can."""

    def read_register(self, register: RegisterSpec, start: int = 0, count: int | None = None) -> Cells:
        """Cells of the active program. A large register may be read in chunks, each of which is a consistent
        snapshot."""

    def read_registers(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        """Several registers of the forwarding program, all at one moment if the switch can."""

    def read_ranges(self, ranges: Sequence[CellRange]) -> list[Cells]:
        """Parts of registers of the forwarding program, each as it is at some moment of the call."""

    def write_register(self, register: RegisterSpec, values: Cells, start: int = 0) -> None: ...

    def write_cells(self, writes: Sequence[CellWrites]) -> None:
        """Single cells, in one step to packets if the switch can."""

    def read_counter(self, name: str) -> Cells:
        """An indirect counter of the forwarding program: uint64 [cells, 2], packets and bytes."""

    def write_counter(self, name: str, values: Cells) -> None: ...

    # ------------------------------------------------------------ entries

    def read_entities(self) -> list[p4r.Entity]:
        """Control-plane state of the active program: entries, default actions, profiles, value sets,
        meter configurations, digest subscriptions. Not while another program is saved."""

    def read_saved_entries(self, tables: Sequence[int]) -> list[p4r.TableEntry]:
        """Entries of some tables of the saved program."""

    def write_entities(self, updates: Sequence[p4r.Update]) -> None:
        """P4Runtime's inserts, modifications and deletions, in order."""

    # ------------------------------------------------------------ the switch's own

    def clone_session(self, number: int) -> p4r.CloneSessionEntry | None:
        """A clone session of the switch; None if there is none."""

    def clone_sessions(self) -> Sequence[p4r.CloneSessionEntry]:
        """All clone sessions of the switch. Raises Unsupported where they cannot be listed."""

    def multicast_group(self, number: int) -> p4r.MulticastGroupEntry | None:
        """A multicast group of the switch; None if there is none."""

    # ------------------------------------------------------------ clones

    def set_clone_flag(self, layout: CloneLayout, on: bool) -> None:
        """Of the forwarding program. Returns when all packets that still see the old value have left the pipeline."""

    def read_sequences(self, layout: CloneLayout) -> tuple[int, int]:
        """How many clones ingress and egress of the active program have requested."""

    def configure_clone_session(self, session: int, port: int) -> None: ...

    def open_listener(self, layout: CloneLayout) -> CloneSource: ...


__all__ = ["CPU_PORT", "Target"]
