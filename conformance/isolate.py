"""Runs each test in a process of its own, so that a crash or hang is reported and does not affect other tests."""

from __future__ import annotations

import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """`status`: "passed", "failed", "refused" (the program was rejected with located errors) or "crashed" (a traceback,
    a signal, or a time-out). `detail`: the reason; `seconds`: the duration."""

    status: str
    detail: str = ""
    seconds: float = 0.0


def run_isolated(
    items: Iterable[T], run: Callable[[T], Result], *, jobs: int, timeout_s: float
) -> Iterator[tuple[T, Result]]:
    """Yields (item, result) in the order in which they finish. `run` is called in a forked process."""
    context = multiprocessing.get_context("fork")
    waiting, running = iter(items), dict[Connection, tuple[T, BaseProcess, float]]()
    exhausted = False
    try:
        while running or not exhausted:
            while len(running) < jobs and not exhausted:
                item = next(waiting, None)
                if item is None:
                    exhausted = True
                    break
                receiver, sender = context.Pipe(duplex=False)
                process: BaseProcess = context.Process(target=_child, args=(sender, run, item))
                process.start()
                sender.close()
                running[receiver] = (item, process, time.monotonic())
            ready = wait(list(running), timeout=0.2) if running else []
            for connection in list(running):
                item, child, started = running[connection]
                seconds = time.monotonic() - started
                if connection in ready:
                    yield item, _receive(connection, child, seconds)
                elif seconds > timeout_s:
                    child.kill()
                    child.join()
                    yield item, Result("crashed", f"took more than {timeout_s:.0f} s", seconds)
                else:
                    continue
                connection.close()
                del running[connection]
    finally:
        for _, process, _ in running.values():
            process.kill()
            process.join()


def _child(sender: Connection, run: Callable[[T], Result], item: T) -> None:
    try:
        sender.send(run(item))
    except BaseException:
        sender.send(Result("crashed", traceback.format_exc(limit=-6)))
    sender.close()
    os._exit(0)  # no interpreter shutdown: the shared objects that the test opened need no closing


def _receive(connection: Connection, process: BaseProcess, seconds: float) -> Result:
    try:
        result = connection.recv()
    except EOFError:
        process.join()
        return Result("crashed", f"died with exit code {process.exitcode}", seconds)
    process.join()
    return Result(result.status, result.detail, seconds)
