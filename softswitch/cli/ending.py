"""How the daemon ends: by a signal, soon, whatever it is doing."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

ENDS_WITHIN_S = 0.8
"""A packet can take long, and so can a request that holds the data plane: a program may have loops of a million rounds.
Nobody waits longer for it than this once the daemon is to end."""


class EndedAtStart(BaseException):
    """A signal came before the switch was ready: whatever is being done is left."""


class Ending:
    """SIGTERM, SIGINT and SIGHUP raise EndedAtStart until `wait`, which returns when one comes.

    `wakeups`: the end to read of the pipe given to `signal.set_wakeup_fd`. Waiting for the pipe misses no signal: an
    event would have to be set by the handler, which does not run before the wait that the signal came just before, and
    may not take the lock of an event that it interrupts.
    """

    def __init__(self, wakeups: int) -> None:
        self._waiting = False
        self._ended = False
        self._wakeups = wakeups

    @property
    def ended(self) -> bool:
        """Whether a signal has come."""
        return self._ended

    def wait(self) -> None:
        self._waiting = True
        while not self._ended:
            os.read(self._wakeups, 64)

    def on_signal(self, _signal: int, _frame: FrameType | None) -> None:
        raises = not self._waiting and not self._ended
        self._ended = True
        if raises:
            raise EndedAtStart


@contextmanager
def ended_by_signal() -> Iterator[Ending]:
    """Yields what SIGTERM, SIGINT and SIGHUP (unless ignored) end; their handlers are the caller's again afterwards."""
    wakeups, woken = os.pipe()
    os.set_blocking(woken, False)
    ending = Ending(wakeups)
    wakeup_before = signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, ending.on_signal) for number in numbers}
    try:
        yield ending
    except EndedAtStart:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup_before)
        os.close(woken)
        os.close(wakeups)


class Deadline:
    """Ends the process, should it not leave the context in time after `start`."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def start(self, clean_up: Callable[[], None], seconds: float = ENDS_WITHIN_S) -> None:
        """`clean_up` is what has to be done also then."""
        self._timer = threading.Timer(seconds, self._end, (clean_up,))
        self._timer.daemon = True
        self._timer.start()

    def _end(self, clean_up: Callable[[], None]) -> None:
        logging.getLogger(__name__).warning("a packet or a request did not finish in time; the switch stops without it")
        try:
            clean_up()
        finally:
            os._exit(0)

    def __enter__(self) -> Deadline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
