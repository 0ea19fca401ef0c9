"""Limits on slow readers: a response that a client does not consume occupies a thread of the server."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from softswitch.server.rpc.threads import Limit

log = logging.getLogger(__name__)

MAX_LARGE_READS = 12
"""Together with `MAX_STREAMS` below `THREADS`, so that other requests find a thread."""
LARGE_BYTES = 32 << 10
"""Half of HTTP/2's initial window: less is sent immediately to any client that uses the standard's defaults."""
STALL_S = 30.0
"""How long a client may leave a message of a read unconsumed."""

M = TypeVar("M", bound=Message)


class Readers:
    """The reads in progress, of both services."""

    def __init__(self, stall_s: float = STALL_S) -> None:
        self._large = Limit(MAX_LARGE_READS, f"{MAX_LARGE_READS} large reads are in progress; try again")
        self._stall_s = stall_s
        self._lock = threading.Lock()
        self._sending: dict[grpc.ServicerContext, float] = {}
        self._watch: threading.Thread | None = None

    def send(self, messages: Iterable[M], context: grpc.ServicerContext) -> Generator[M, None, None]:
        """Passes on the messages of a read. gRPC takes the next one when the previous has been sent; a request whose
        message is not sent in time is cancelled.

        Raises Refused (RESOURCE_EXHAUSTED) if it exceeds `LARGE_BYTES` while too many large reads are in progress.
        """
        size, large = 0, False
        with ExitStack() as stack:
            for message in messages:
                size += message.ByteSize()
                if size > LARGE_BYTES and not large:
                    stack.enter_context(self._large.one())
                    large = True
                with self._watched(context):
                    yield message

    @contextmanager
    def _watched(self, context: grpc.ServicerContext) -> Iterator[None]:
        with self._lock:
            self._sending[context] = time.monotonic()
            if self._watch is None:
                self._watch = threading.Thread(target=self._watch_sending, daemon=True, name="readers")
                self._watch.start()
        try:
            yield
        finally:
            with self._lock:
                self._sending.pop(context, None)

    def _watch_sending(self) -> None:
        """Runs until no read has been in progress for a while."""
        idle_since = time.monotonic()
        while True:
            time.sleep(min(1.0, self._stall_s / 4))
            now = time.monotonic()
            with self._lock:
                if self._sending:
                    idle_since = now
                elif now - idle_since > 2 * self._stall_s:
                    self._watch = None
                    return
                stalled = [context for context, since in self._sending.items() if now - since > self._stall_s]
                for context in stalled:
                    del self._sending[context]
            for context in stalled:
                log.warning("cancelled a read: its client consumed nothing for %g s", self._stall_s)
                context.cancel()  # type: ignore[no-untyped-call]
