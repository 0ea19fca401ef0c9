"""Signals that end a network: they leave its block by an exception, wait for a clean-up, and are never missed."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AGAIN_S = 0.1
_HANDLED = 0x80

_Handler = Callable[[int, FrameType | None], Any]


@contextmanager
def orderly_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP leave the block by SystemExit, and Ctrl-C by KeyboardInterrupt, whatever the block waits for.

    What is ignored stays so: Ctrl-C for a job in the background, SIGHUP under nohup. Ctrl-C stays as it is where other
    code handles it. Does nothing outside the main thread, the only one that may set handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    leaving = (signal.SIGTERM, signal.SIGHUP)
    handlers: dict[int, _Handler] = {n: _leave for n in leaving if signal.getsignal(n) != signal.SIG_IGN}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        handlers[signal.SIGINT] = signal.default_int_handler
    with _repeated(handlers) as repeated:
        before = {number: signal.signal(number, handler) for number, handler in repeated.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def hold_signals(action: Callable[[], Any]) -> None:
    """Runs `action` to its end; signals that come meanwhile are delivered afterwards.

    The handlers are exchanged for it: a signal mask holds nothing in a program with other threads, which are given the
    signal instead, and programs that are started inherit it.
    """
    if threading.current_thread() is not threading.main_thread():
        action()
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    kept = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    for number in kept:
        signal.signal(number, lambda held, _frame: came.append(held))
    try:
        action()
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
        for held in came:
            signal.raise_signal(held)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


@contextmanager
def _repeated(handlers: dict[int, _Handler]) -> Iterator[dict[int, _Handler]]:
    """Yields handlers to be installed instead. While the block runs, the main thread is sent each signal again until
    its handler has run.

    Python runs a handler between two bytecodes. A signal that comes after the last one and before a system call that
    waits (`time.sleep`, `Popen.wait`) is handled only when that call returns, which may be never. What
    `signal.set_wakeup_fd` writes is read by a thread, which can interrupt the call.
    """
    reads, writes = os.pipe()
    os.set_blocking(writes, False)

    def handled(number: int) -> None:
        with suppress(OSError):  # full, or closed since
            os.write(writes, bytes([_HANDLED | number]))

    def reporting(handler: _Handler) -> _Handler:
        def run(number: int, frame: FrameType | None) -> Any:
            handled(number)
            return handler(number, frame)

        if handler is signal.default_int_handler:
            run.interrupt_handled = handled  # type: ignore[attr-defined]  # for state4.cancel
        return run

    installed = {number: reporting(handler) for number, handler in handlers.items()}
    thread = threading.Thread(target=_repeat, args=(reads, installed), name="signals", daemon=True)
    before = signal.set_wakeup_fd(writes, warn_on_full_buffer=False)
    thread.start()
    try:
        yield installed
    finally:
        signal.set_wakeup_fd(before)
        os.close(writes)
        thread.join()
        os.close(reads)


def _repeat(reads: int, installed: dict[int, _Handler]) -> None:
    waiting: set[int] = set()
    while True:
        if not select.select([reads], [], [], _AGAIN_S if waiting else None)[0]:
            waiting = {number for number in waiting if signal.getsignal(number) is installed[number]}
            for number in waiting:
                signal.pthread_kill(threading.main_thread().ident or 0, number)
            continue
        read = os.read(reads, 512)
        if not read:
            return
        for byte in read:
            if byte & _HANDLED:
                waiting.discard(byte & ~_HANDLED)
            elif byte in installed:
                waiting.add(byte)
