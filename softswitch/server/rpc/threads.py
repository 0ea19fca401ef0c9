"""Threads that answer requests: daemon threads, so they end with the process at any time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any

from softswitch.server.errors import Code, Refused

THREADS = 64
MAX_STREAMS = 48
"""Each open stream, of either service, takes one thread; the others are for requests."""

Work = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class DaemonPool(Executor):
    """At most `threads` daemon threads. With `ThreadPoolExecutor` the interpreter waits for its threads at exit, so a
    long request would keep the switch from terminating."""

    def __init__(self, threads: int, name: str) -> None:
        self._max_threads = threads
        self._name = name
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._idle = threading.Semaphore(0)
        self._closed = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool is closed")
            self._work.put((future, fn, args, kwargs))
            if not self._idle.acquire(blocking=False) and self._started < self._max_threads:
                self._started += 1
                threading.Thread(target=self._run, daemon=True, name=f"{self._name} {self._started}").start()
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = True) -> None:
        """Accepts no more work; each thread ends after its current task."""
        with self._lock:
            self._closed = True
        for _ in range(self._started):
            self._work.put(None)

    def _run(self) -> None:
        while (item := self._work.get()) is not None:
            future, function, args, kwargs = item
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(*args, **kwargs))
                except BaseException as error:
                    future.set_exception(error)
            del item, future, function, args, kwargs
            self._idle.release()


class Limit:
    """Limits how many are open at once, over both services."""

    def __init__(self, count: int, refusal: str) -> None:
        """`refusal`: the error text beyond the limit."""
        self._free = threading.BoundedSemaphore(count)
        self._refusal = refusal

    @contextmanager
    def one(self) -> Iterator[None]:
        """Occupies one of the places inside. Raises Refused (RESOURCE_EXHAUSTED) if none is free."""
        if not self._free.acquire(blocking=False):
            raise Refused(Code.RESOURCE_EXHAUSTED, self._refusal)
        try:
            yield
        finally:
            self._free.release()


def stream_limit() -> Limit:
    """The limit on open streams of a server."""
    return Limit(MAX_STREAMS, f"{MAX_STREAMS} streams are already open")
