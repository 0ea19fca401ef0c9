"""Errors of State4. Each says what is wrong and, where there is something, what to do. `P4Error` (of the front end)
stands for programs that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence


class State4Error(Exception):
    """Base of all."""


class NotInstrumented(State4Error):
    """The running program cannot clone."""


class UnknownComponent(State4Error):
    """A name in the list of components that the program does not have."""


class PlanRefused(State4Error):
    """The change would lose state, and the operator did not allow it."""


class BadMap(State4Error):
    """A file of --map that cannot be used; the message has file and place."""


class TargetError(State4Error):
    """The switch refused an operation or cannot be reached; the message names the operation."""


class BadAddress(State4Error):
    """Not an address of a switch."""


class NotPrimary(TargetError):
    """Another controller is the primary one."""


class ProgramChanged(TargetError):
    """Another controller has changed the program in the meantime."""


class SessionInUse(TargetError):
    """The clone session that State4 needs is used by another controller."""


class NoClones(TargetError):
    """The switch has cloned updates, and none arrived."""


class HoldEnded(TargetError):
    """The switch has ended a hold before the change was complete: packets flow again, and nothing was committed."""


class SwapDeclined(TargetError):
    """The switch has declined every try to swap. `reasons`: of each try, in order."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        tries = "; ".join(f"{number}. {reason}" for number, reason in enumerate(self.reasons, 1))
        super().__init__(
            f"the switch declined to swap {len(self.reasons)} times, and the old program goes on: {tries}. Try again "
            "at a lower rate, or with larger receive rings (softswitch run --ring-frames)"
        )


class Unsupported(TargetError):
    """The switch does not support this operation."""


class MissingTool(State4Error):
    """A program or a Python package that a target needs is not installed."""


class ListenerError(State4Error):
    """The interface of the CPU port cannot be listened on."""
