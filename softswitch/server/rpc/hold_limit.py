"""Limits how long a client may hold packets: until its requested time is over, it is no longer primary, or the ports
can no longer buffer arriving frames."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from softswitch.dataplane.switch import Switch
from softswitch.server.errors import Code, Refused

_LOOK_S = 0.001
Request = TypeVar("Request")


class LimitedRequests(Generic[Request]):
    """The requests of a stream that holds packets. Created when the hold begins, inside `Switch.hold`; used by the
    holding thread.

    A hold ends after `limit_s` seconds, or when the ring of a port is three quarters full of waiting frames: no frame
    is lost because a client is slow or dead. It also ends when `check_client` raises Refused, because the client has
    been demoted.
    """

    def __init__(
        self, switch: Switch, requests: Iterator[Request], limit_s: float, check_client: Callable[[], None]
    ) -> None:
        self._switch = switch
        self._began = time.monotonic()
        self._limit_s = limit_s
        self._check_client = check_client
        self._arrived: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(requests,), name="hold-requests", daemon=True).start()

    @property
    def held_s(self) -> float:
        return time.monotonic() - self._began

    def next(self) -> Request | None:
        """The next request; None if the client has ended the stream. Raises Refused if the hold ends first."""
        while True:
            try:
                request = self._arrived.get(timeout=_LOOK_S)
                self._check_client()
                return request
            except queue.Empty:
                self.check()

    def check(self) -> None:
        """Raises Refused when the hold must end: DEADLINE_EXCEEDED or RESOURCE_EXHAUSTED, or what `check_client`
        raises. Nothing has been committed then."""
        self._check_client()
        held_s = self.held_s
        if held_s > self._limit_s:
            text = f"packets were held for {held_s * 1e3:.0f} ms; the limit is {self._limit_s * 1e3:.0f} ms"
            raise Refused(Code.DEADLINE_EXCEEDED, f"{text}; nothing was committed")
        port = self._switch.nearly_full()
        if port is not None:
            text = f"packets were held for {held_s * 1e3:.1f} ms until the ring of port {port} was three quarters full"
            raise Refused(Code.RESOURCE_EXHAUSTED, f"{text}; nothing was committed (softswitch run --ring-frames)")

    def _read(self, requests: Iterator[Request]) -> None:
        try:
            for request in requests:
                self._arrived.put(request)
        except Exception:  # the stream was cancelled, or the client has disconnected
            pass
        finally:
            self._arrived.put(None)
