"""No signal is missed by a main thread that waits, and none interrupts a clean-up.

Each program sends the signal to a thread of its own, so that the system call of the main thread is never interrupted:
what happens to any program whose signal comes just before that call.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

_BESIDE = """
import os, signal, threading, time
def beside(number):
    def send():
        time.sleep(0.2)
        signal.pthread_kill(threading.get_ident(), number)
    threading.Thread(target=send, daemon=True).start()
"""

_IN_A_NETWORK = """
from topologies.signals import orderly_signals
try:
    with orderly_signals():
        beside({number})
        time.sleep(50)
except {error}:
    print("left", flush=True)
"""

_IN_THE_DAEMON = """
from softswitch.cli.ending import ended_by_signal
with ended_by_signal() as ending:
    beside({number})
    ending.wait()
    print("left", flush=True)
"""

_CANCELLED = """
from state4.cancel import cancellable
from state4.events import EventLog
from topologies.signals import orderly_signals
events = EventLog()
with orderly_signals():
    usual = signal.getsignal(signal.SIGINT)
    with cancellable(events):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)
        try:
            events.check()
        except KeyboardInterrupt:
            print("left", flush=True)
    assert signal.getsignal(signal.SIGINT) is usual
"""

_CLEANING_UP = """
from topologies.signals import hold_signals, orderly_signals
def clean_up():
    beside({number})
    os.kill(os.getpid(), {number})
    time.sleep(0.5)
    print("cleaned", flush=True)
try:
    with orderly_signals():
        hold_signals(clean_up)
        print("never", flush=True)
except {error}:
    print("left", flush=True)
"""

_ALL = [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, "SystemExit"), (signal.SIGHUP, "SystemExit")]


def _printed(program: str, number: signal.Signals, error: str) -> str:
    text = _BESIDE + program.format(number=int(number), error=error)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=20, check=False)
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize(("number", "error"), _ALL)
@pytest.mark.parametrize("program", [_IN_A_NETWORK, _IN_THE_DAEMON])
def test_a_waiting_main_thread_handles_a_signal_that_interrupted_nothing(
    program: str, number: signal.Signals, error: str
) -> None:
    begun = time.monotonic()
    assert _printed(program, number, error) == "left\n"
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize(("number", "error"), _ALL)
def test_a_signal_waits_for_the_end_of_a_clean_up(number: signal.Signals, error: str) -> None:
    assert _printed(_CLEANING_UP, number, error) == "cleaned\nleft\n"


def test_a_change_of_a_program_within_a_network_is_cancelled_between_steps() -> None:
    assert _printed(_CANCELLED, signal.SIGINT, "") == "left\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_an_ignored_signal_stays_ignored(number: signal.Signals) -> None:
    text = f"""
from topologies.signals import hold_signals, orderly_signals
with orderly_signals():
    hold_signals(lambda: os.kill(os.getpid(), {number:d}))
    assert signal.getsignal({number:d}) is signal.SIG_IGN
    print("on", flush=True)
"""
    before = f"import os, signal; signal.signal({number:d}, signal.SIG_IGN)\n"
    done = subprocess.run(
        [sys.executable, "-c", before + text], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.stdout, done.stderr) == ("on\n", "")
