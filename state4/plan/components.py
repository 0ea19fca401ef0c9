"""The plan of a change: every stateful component of both programs, and what happens to each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from state4.errors import PlanRefused
from state4.plan.carried import Carried


class Fate(str, Enum):
    """CARRIED: as it is. CONVERTED: in another form. DROPPED: the new program has no place for it. LEFT_BEHIND: --only
    does not name it. EMPTY: there is nothing to carry. NEW: only the new program has it, and it starts empty."""

    CARRIED = "carried"
    CONVERTED = "converted"
    DROPPED = "dropped"
    LEFT_BEHIND = "left behind"
    EMPTY = "empty"
    NEW = "new"


@dataclass(frozen=True)
class PlannedComponent:
    """`kind`: as P4 calls it, such as "register" or "direct counter". `name`: in the running program, or of a new one
    in the new program; `new_name`: in the new program, "" if it has
    none of that name. `why`: what changes, or the reason. `losses`:
    what is lost, each as part of a sentence that begins with the component."""

    kind: str
    name: str
    fate: Fate
    new_name: str = ""
    why: str = ""
    losses: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name if self.kind == "register" else f"{self.kind} {self.name}"

    @property
    def is_carried(self) -> bool:
        return self.fate in (Fate.CARRIED, Fate.CONVERTED)


@dataclass(frozen=True)
class Plan:
    """`components`: all of both programs, those of the running one first. `registers`: how those that are carried are
    converted. `warnings`: what may go wrong although nothing is lost."""

    components: tuple[PlannedComponent, ...]
    registers: tuple[Carried, ...]
    warnings: tuple[str, ...] = ()

    def names(self, kind: str, *fates: Fate) -> tuple[str, ...]:
        return tuple(c.name for c in self.components if c.kind == kind and c.fate in fates)

    @property
    def tables(self) -> tuple[str, ...]:
        """Those whose entries are carried."""
        return self.names("table", Fate.CARRIED, Fate.CONVERTED)

    @property
    def counters(self) -> tuple[tuple[str, str], ...]:
        """Old and new names of the indirect counters that are carried."""
        return tuple((c.name, c.new_name) for c in self.components if c.kind == "counter" and c.is_carried)

    @property
    def left_behind(self) -> tuple[PlannedComponent, ...]:
        """What the operator's list does not name."""
        return tuple(c for c in self.components if c.fate is Fate.LEFT_BEHIND)

    @property
    def converted_tables(self) -> tuple[str, ...]:
        """Those whose entries a map changes."""
        return self.names("table", Fate.CONVERTED)

    @property
    def losses(self) -> tuple[str, ...]:
        """Every loss of state, in words."""
        return tuple(f"{component} {loss}" for component in self.components for loss in component.losses)

    @property
    def cells(self) -> int:
        """Register cells that are read and written."""
        return sum(c.old.cells for c in self.registers)

    def check(self, *, allow_loss: bool = False) -> None:
        """Raises PlanRefused if state would be lost that the operator did not give up."""
        if self.losses and not allow_loss:
            raise PlanRefused(
                "the new program has no place for some of the state: " + "; ".join(self.losses) + " "
                "(give --allow-loss to go on without it, or --map to say where it goes)"
            )
