"""One network for many trials: most of the time of a short trial is the making of its network."""

from __future__ import annotations

from contextlib import ExitStack

from experiments.harness.lab import Lab, Plan, open_lab


class SharedLab:
    """One network for all trials, opened when the first needs it, and anew after a trial that failed.

    Installing a program anew empties its state, so a trial finds nothing of the one before it.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack.enter_context(ExitStack())
        self._lab: Lab | None = None

    def lab(self, plan: Plan) -> Lab:
        """The lab for a plan. `Lab.arm` comes next: it installs the plan's program, empty."""
        if self._lab is None:
            self._lab = self._stack.enter_context(open_lab(plan))
        else:
            self._lab = Lab(self._lab.network, self._lab.control, plan)
        self._lab.control.events.clear()
        return self._lab

    def drop(self) -> None:
        """The next trial gets a new network."""
        self._lab = None
        self._stack.close()
