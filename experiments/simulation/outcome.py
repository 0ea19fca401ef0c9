"""The result of a modelled reconfiguration, and what became of each update."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Fates:
    """Every update of a trial is exactly one of these; as averages they need not be whole numbers.

    read: its value was read in bulk and is in the new program; applied: it arrived there as a clone or in a pre-copy
    round; superseded: a later update of its cell did; lost; afterwards: made by the new program itself.
    """

    read: float
    applied: float
    superseded: float
    lost: float
    afterwards: float

    @property
    def total(self) -> float:
        return self.read + self.applied + self.superseded + self.lost + self.afterwards


@dataclass(frozen=True)
class Outcome:
    """`total_s`: duration of the reconfiguration; `swap_s`: from its beginning to the swap; `held_s`: how long packets
    wait.

    clones: made by the switch until the updates are taken; overrun: those of them that found the queue full.
    port_bits_per_s: load of the CPU port while the switch clones; longest_queue: the largest number of clones waiting
    until the controller asks for the newest. written: cells written after the bulk; rounds: cells read in each pre-copy
    round; converges: whether rounds ended because few cells were left.
    """

    lost_updates: float
    delta_loss: float
    total_s: float
    swap_s: float
    held_s: float = 0.0
    clones: float = 0.0
    overrun: float = 0.0
    port_bits_per_s: float = 0.0
    longest_queue: float = 0.0
    written: float = 0.0
    rounds: tuple[float, ...] = ()
    converges: bool = True
    fates: Fates | None = None

    @property
    def keeps_up(self) -> bool:
        """Whether the controller received every clone."""
        return self.overrun == 0

    def as_dict(self) -> dict[str, Any]:
        content = asdict(self)
        del content["fates"]
        return {**content, "rounds": len(self.rounds), "keeps_up": self.keeps_up}
