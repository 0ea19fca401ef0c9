"""Ctrl-C while a switch is being changed: handled between steps, never in the middle of a call to the switch.

A KeyboardInterrupt inside gRPC may leave its locks taken, and cleaning up would then wait forever.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from state4.events import EventLog


@contextmanager
def cancellable(events: EventLog) -> Iterator[None]:
    """The first Ctrl-C cancels at the next event before COMMIT; the second one interrupts at once, as usual.

    Does nothing outside the main thread, and where other code (or an outer `cancellable`) handles Ctrl-C. A handler
    with an `interrupt_handled` raises KeyboardInterrupt as Python's does; that is called if another has run instead.
    """
    usual = signal.getsignal(signal.SIGINT)
    handled = getattr(usual, "interrupt_handled", None)
    if threading.current_thread() is not threading.main_thread() or not (
        usual is signal.default_int_handler or handled is not None
    ):
        yield
        return

    def on_interrupt(number: int, _frame: FrameType | None) -> None:
        if handled is not None:
            handled(number)
        signal.signal(signal.SIGINT, usual)
        events.cancel()

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
