"""One network for many trials: most of the time of a short trial is the making of its network."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from types import TracebackType

from experiments.harness.lab import Lab, Plan, open_lab
from experiments.harness.sweep import describe


class SharedLab:
    """One network for all trials, opened when the first needs it, and reopened after a trial that failed.

    Installing a program again resets its state, so a trial finds nothing of the one before it.
    """

    def __init__(self, stack: ExitStack) -> None:
        stack.push(self._leave)
        self._stack = ExitStack()
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
        """The next trial gets a new network, whatever is wrong with this one. Raises what its end raises."""
        self._lab = None
        self._stack.close()

    def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """All trials are on disk: a network that does not end in order takes none of them back."""
        if error is not None:
            return self._stack.__exit__(kind, error, trace)
        try:
            self.drop()
        except Exception as problem:
            print(f"the network of the trials did not end in order: {describe(problem)}", file=sys.stderr)
        return None
