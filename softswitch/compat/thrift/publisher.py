"""A publisher in the protocol of nanomsg, to whom bmv2's clients subscribe for notifications.

Only what a subscriber of nanomsg needs is here: the greeting of both sides, and messages with their length before them
(Scalability Protocols over TCP, and over Unix sockets as nanomsg has them). Subscribers choose by topic themselves. One
that is too slow loses messages, as every subscriber of a publisher may.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from softswitch.compat.thrift.errors import ThriftError
from softswitch.server.rpc.listen import is_loopback

log = logging.getLogger(__name__)
MAX_SUBSCRIBERS = 32
MAX_WAITING_BYTES = 1 << 20
"""For one subscriber."""
_PUBLISHER, _SUBSCRIBER = (b"\0SP\0" + struct.pack(">HH", number, 0) for number in (0x20, 0x21))
_IPC_MESSAGE = b"\1"
_IDLE_S, _PAUSE_S = 1.0, 0.05


@dataclass
class _Subscriber:
    """`greeting`: what of it has come; `waiting`: what it is still to get."""

    socket: socket.socket
    greeting: bytearray = field(default_factory=bytearray)
    waiting: bytearray = field(default_factory=lambda: bytearray(_PUBLISHER))

    @property
    def ready(self) -> bool:
        return len(self.greeting) >= len(_SUBSCRIBER)


class Publisher:
    """`address`: ipc://PATH or tcp://HOST:PORT; ThriftError for another. `tick` is called now and then, and after
    `wake`; it returns after how many seconds it wants to be called again, None if it need not."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.tick: Callable[[], float | None] = lambda: None
        kind, _, where = address.partition("://")
        host, _, port = where.rpartition(":")
        known = {"ipc": where.startswith("/"), "tcp": bool(host) and port.isdigit() and int(port) < 1 << 16}
        if not known.get(kind):
            raise ThriftError(f"--notifications-addr {address}: expected ipc:///PATH or tcp://HOST:PORT")
        self._path = Path(where) if kind == "ipc" else None
        self._endpoint = (host.strip("[]"), int(port)) if kind == "tcp" else None
        self._lock = threading.Lock()
        self._subscribers: dict[socket.socket, _Subscriber] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        for one in (self._wake, self._woken):
            one.setblocking(False)  # one byte on its way is as good as many
        self._stop = False
        self._listening: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="notifications")

    def start(self) -> None:
        """Raises OSError for an address in use or one that cannot be."""
        self._listening = self._listen()
        self._listening.setblocking(False)
        for one in (self._listening, self._woken):
            self._selector.register(one, selectors.EVENT_READ)
        self._thread.start()

    @property
    def subscribed(self) -> bool:
        """Whether somebody would get a message."""
        with self._lock:
            return any(one.ready for one in self._subscribers.values())

    def send(self, message: bytes) -> None:
        prefix = (_IPC_MESSAGE if self._path is not None else b"") + struct.pack(">Q", len(message))
        with self._lock:
            for one in self._subscribers.values():
                if one.ready and len(one.waiting) + len(message) <= MAX_WAITING_BYTES:
                    one.waiting += prefix + message
        self.wake()

    def wake(self) -> None:
        with suppress(OSError):
            self._wake.send(b"\0")

    def stop(self) -> None:
        self._stop = True
        self.wake()
        if self._thread.is_alive():
            self._thread.join(_IDLE_S)
        for one in (*self._subscribers, self._wake, self._woken, *([self._listening] if self._listening else ())):
            one.close()
        if self._path is not None and self._listening is not None:
            self._path.unlink(missing_ok=True)
        self._selector.close()

    def _listen(self) -> socket.socket:
        if self._endpoint is not None:
            if not is_loopback(self._endpoint[0]):
                log.warning("other machines may reach %s, which has no authentication", self.address)
            family = socket.AF_INET6 if ":" in self._endpoint[0] else socket.AF_INET
            return socket.create_server(self._endpoint, family=family, backlog=MAX_SUBSCRIBERS)
        assert self._path is not None
        _free(self._path)
        made = socket.socket(socket.AF_UNIX)
        try:
            made.bind(str(self._path))
            self._path.chmod(0o600)  # before anybody can connect
            made.listen(MAX_SUBSCRIBERS)
        except OSError:
            made.close()
            raise
        return made

    def _run(self) -> None:
        while not self._stop:
            with self._lock:
                for one in self._subscribers.values():
                    events = selectors.EVENT_READ | (selectors.EVENT_WRITE if one.waiting else 0)
                    self._selector.modify(one.socket, events)
            delay = self.tick()
            for key, events in self._selector.select(_IDLE_S if delay is None else min(delay, _IDLE_S)):
                found = key.fileobj
                assert isinstance(found, socket.socket)
                self._serve(found, events)

    def _serve(self, found: socket.socket, events: int) -> None:
        if found is self._woken:
            with suppress(BlockingIOError):
                found.recv(4096)
        elif found is self._listening:
            try:
                self._accept(found)
            except OSError:  # one that has gone already; or there are no more descriptors
                time.sleep(_PAUSE_S)
        else:
            try:
                alive = self._exchange(self._subscribers[found], events)
            except BlockingIOError:
                return
            except OSError:
                alive = False
            if not alive:
                self._selector.unregister(found)
                with self._lock:
                    del self._subscribers[found]
                found.close()

    def _accept(self, listening: socket.socket) -> None:
        client, _ = listening.accept()
        if len(self._subscribers) >= MAX_SUBSCRIBERS:
            client.close()
            log.warning("a subscriber was sent away: %d are connected", MAX_SUBSCRIBERS)
            return
        client.setblocking(False)
        with self._lock:
            self._subscribers[client] = _Subscriber(client)
        self._selector.register(client, selectors.EVENT_READ)

    def _exchange(self, one: _Subscriber, events: int) -> bool:
        """False when the subscriber has gone, or is none."""
        if events & selectors.EVENT_WRITE:
            with self._lock:
                sent = one.socket.send(one.waiting)
                del one.waiting[:sent]
        if events & selectors.EVENT_READ:
            data = one.socket.recv(4096)
            if not data:
                return False
            if not one.ready:  # later it has nothing to say
                one.greeting += data[: len(_SUBSCRIBER) - len(one.greeting)]
                return not one.ready or bytes(one.greeting) == _SUBSCRIBER
        return True


def _free(path: Path) -> None:
    """Removes the socket of a switch of ours that has ended. Raises OSError if one is in use."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.geteuid():
        return  # bind says so
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
