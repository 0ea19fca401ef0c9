"""A rollout: first all plans, then the changes, a limited number at a time; a failure stops it.

Every step is recorded before it begins and after it ends, so a rollout that was stopped at any point, by a failure,
Ctrl-C or SIGKILL, can be resumed: a switch whose change had begun is asked which program it runs.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol

from state4.rollout.commands import ChangeFailed, Planned
from state4.rollout.file import Rollout, SwitchChange
from state4.rollout.record import Record, Step

_PLANNED_AT_ONCE = 4
_LOOK_S = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FOUND_DONE = "its change had completed when the rollout was stopped; its outcome is unknown"


class Switches(Protocol):
    """The operations on switches: `Commands`, or a test's replacement."""

    def plan(self, switch: SwitchChange) -> Planned: ...

    def change(self, switch: SwitchChange) -> Mapping[str, Any]: ...

    def load_entries(self, switch: SwitchChange) -> None: ...

    def cancel(self) -> None: ...


class RolloutDisplay(Protocol):
    """Shows the progress of a rollout."""

    def planned(self, switch: SwitchChange, plan: Planned) -> None: ...

    def begun(self, switch: SwitchChange) -> None: ...

    def ended(self, switch: SwitchChange, step: Step, why: str, outcome: Mapping[str, Any]) -> None: ...


class RolloutRun:
    """One run of a rollout. `stop` may be called at any time, also by a signal handler."""

    def __init__(self, rollout: Rollout, record: Record, switches: Switches, display: RolloutDisplay) -> None:
        self._rollout = rollout
        self._record = record
        self._switches = switches
        self._display = display
        self._stopped = False

    def stop(self) -> None:
        """Starts no more changes; running ones are cancelled, or complete if it is too late for that."""
        self._stopped = True
        self._switches.cancel()

    @property
    def stopped(self) -> bool:
        return self._stopped

    def plan(self) -> dict[str, str]:
        """Plans all switches that are not done. Returns the problems by switch; if there are any, no change is begun.

        A switch that already runs its new program, because its change was begun but its end not recorded, counts as
        done."""
        waiting = [switch for switch in self._rollout.switches if self._step(switch) is not Step.DONE]
        problems: dict[str, str] = {}
        for switch, future in self._each(waiting, self._switches.plan, _PLANNED_AT_ONCE):
            try:
                planned = future.result()
                if planned.running and self._step(switch) is not Step.WAITING:
                    self._switches.load_entries(switch)
                    self._end(switch, Step.DONE, self._record.entries[switch.name].why or FOUND_DONE, {})
                else:
                    self._display.planned(switch, planned)
            except ChangeFailed as error:
                problems[switch.name] = str(error)
        return {switch.name: problems[switch.name] for switch in waiting if switch.name in problems}

    def change(self) -> bool:
        """Changes all switches that are not done, in order; True if all are done afterwards. A failure stops the
        rollout: changes in progress complete, no further ones begin."""
        waiting = [switch for switch in self._rollout.switches if self._step(switch) is not Step.DONE]
        for switch, future in self._each(waiting, self._change, self._rollout.at_once):
            try:
                outcome = future.result()
            except ChangeFailed as error:
                self._stopped = True
                self._end(switch, Step.FAILED, str(error), error.output or {})
                continue
            if inexact := outcome.get("inexact"):
                self._stopped = True
                self._end(switch, Step.FAILED, f"its state may not be exact: {'; '.join(inexact)}", outcome)
            else:
                self._end(switch, Step.DONE, "", outcome)
        return self._record.finished

    def _step(self, switch: SwitchChange) -> Step:
        return self._record.entries[switch.name].step

    def _change(self, switch: SwitchChange) -> Mapping[str, Any]:
        return self._switches.change(switch)

    def _end(self, switch: SwitchChange, step: Step, why: str, outcome: Mapping[str, Any]) -> None:
        self._record.put(switch.name, step, why, outcome)
        self._display.ended(switch, step, why, outcome)

    def _each(
        self, switches: Sequence[SwitchChange], action: Callable[[SwitchChange], Any], at_once: int
    ) -> Iterator[tuple[SwitchChange, Future[Any]]]:
        """Starts `action` for one switch after the other and yields each when it has ended. Only the caller's thread
        writes the record."""
        left = list(switches)
        changes = action == self._change
        with ThreadPoolExecutor(max_workers=at_once) as pool:
            running: dict[Future[Any], SwitchChange] = {}
            while running or (left and not self._stopped):
                while left and len(running) < at_once and not self._stopped:
                    switch = left.pop(0)
                    if changes:
                        self._record.put(switch.name, Step.CHANGING)
                        self._display.begun(switch)
                    running[pool.submit(action, switch)] = switch
                ended, _ = wait(running, timeout=_LOOK_S, return_when=FIRST_COMPLETED)  # handlers run between two waits
                for future in ended:
                    yield running.pop(future), future


@contextmanager
def stopped_by_signals(run: RolloutRun) -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP stop the run in an orderly way: no exception interrupts a step of the record.

    What is ignored stays so (nohup). Does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        run.stop()

    numbers = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
