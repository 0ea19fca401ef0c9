"""When Ctrl-C takes effect."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from state4.cancel import cancellable
from state4.events import EventLog


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_at_the_next_event() -> None:
    events = EventLog()
    reached = []
    with pytest.raises(KeyboardInterrupt), cancellable(events):
        interrupt()
        reached.append("the step is finished")
        events.record("listen")
    assert reached
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_event_that_fails_because_of_it_is_complete() -> None:
    events = EventLog()
    with pytest.raises(KeyboardInterrupt), cancellable(events), events.phase("save"):
        interrupt()
        events.check()
    assert [(event.phase, event.what) for event in events.events] == [("save", "begin"), ("save", "end")]


def test_not_after_commit() -> None:
    events = EventLog()
    with cancellable(events):
        with events.phase("commit"):
            interrupt()
        events.record("write_tables")


def test_the_second_one_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), cancellable(EventLog()):
        interrupt()
        interrupt()
        pytest.fail("not reached")


def test_the_outer_one_decides() -> None:
    outer, inner = EventLog(), EventLog()
    with pytest.raises(KeyboardInterrupt), cancellable(outer):
        with cancellable(inner):
            interrupt()
            inner.record("listen")
        outer.record("listen")


def test_threads_are_left_alone() -> None:
    seen = []

    def work() -> None:
        with cancellable(EventLog()):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
