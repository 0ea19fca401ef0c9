"""One network for many trials: a short trial would spend most of its time on creating its network."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Generic, TypeVar

from experiments.harness.lab import Lab, Plan, open_lab
from experiments.harness.sweep import describe

L = TypeVar("L")


class SharedNetwork(Generic[L]):
    """One network for all trials, opened when first needed, and reopened after a failed trial."""

    def __init__(self, stack: ExitStack) -> None:
        stack.push(self._leave)
        self._stack = ExitStack()
        self._lab: L | None = None

    def get(self, opening: Callable[[], AbstractContextManager[L]]) -> L:
        """The network; calls `opening` if there is none. Raises what it raises."""
        if self._lab is None:
            self._lab = self._stack.enter_context(opening())
        return self._lab

    def drop(self) -> None:
        """Closes the network, whatever is wrong with it; the next trial gets a new one. Raises what closing raises."""
        self._lab = None
        self._stack.close()

    def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """All trials are on disk: a network that does not close properly invalidates none of them."""
        if error is not None:
            return self._stack.__exit__(kind, error, trace)
        try:
            self.drop()
        except Exception as problem:
            print(f"the network of the trials did not close properly: {describe(problem)}", file=sys.stderr)
        return None


class SharedLab(SharedNetwork[Lab]):
    """A shared lab. Installing a program again resets its state, so trials do not affect each other."""

    def lab(self, plan: Plan) -> Lab:
        """The lab for a plan. Call `Lab.arm` next: it installs the plan's program, with empty state."""
        opened = self.get(lambda: open_lab(plan))
        opened.control.events.clear()
        return Lab(opened.network, opened.control, plan)
