"""Listens for Thrift clients, one thread for each; on loopback unless configured otherwise."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from bm_runtime.simple_pre_lag import SimplePreLAG
from bm_runtime.standard import Standard
from sswitch_runtime import SimpleSwitch

from softswitch.compat.thrift.access import Access
from softswitch.compat.thrift.arrays import ArrayCalls
from softswitch.compat.thrift.errors import ThriftError
from softswitch.compat.thrift.learning import LearnLists
from softswitch.compat.thrift.multicast import MulticastCalls
from softswitch.compat.thrift.profiles import ProfileCalls
from softswitch.compat.thrift.programs import ProgramCalls, SwitchOptions
from softswitch.compat.thrift.protocol import Connection, Service
from softswitch.compat.thrift.publisher import Publisher
from softswitch.compat.thrift.simple_switch import SimpleSwitchCalls
from softswitch.compat.thrift.tables import TableCalls
from softswitch.server.device.device import Device
from softswitch.server.device.unelected import Unelected
from softswitch.server.rpc.listen import is_loopback

log = logging.getLogger(__name__)
DEFAULT_HOST = "127.0.0.1"
MAX_CLIENTS = 32
_END_S = 0.5


class ThriftServer:
    """bmv2's services of one device. `start` listens, `stop` hangs up on all clients. Raises ThriftError for an address
    of notifications that is none."""

    def __init__(self, device: Device, options: SwitchOptions, host: str = DEFAULT_HOST) -> None:
        clients = Unelected(device)
        access, multicast = Access(clients), MulticastCalls(clients)
        self._device = device
        self._publisher: Publisher | None = None
        learning: LearnLists | None = None
        if options.notifications is not None:
            self._publisher = Publisher(options.notifications)
            learning = LearnLists(device.device_id, self._publisher)
            self._publisher.tick = learning.tick
        self._programs = ProgramCalls(clients, multicast, options, learning)
        standard = (
            TableCalls(access),
            ProfileCalls(access),
            ArrayCalls(access),
            self._programs,
        )
        self._services = {
            "standard": Service(Standard, standard),
            "simple_pre_lag": Service(SimplePreLAG, (multicast,)),
            "simple_switch": Service(SimpleSwitch, (SimpleSwitchCalls(clients),)),
        }
        self._address = (host, options.port)
        self._listening: socket.socket | None = None
        self._clients: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Raises ThriftError if the port is in use or the address does not exist."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        try:
            self._listening = socket.create_server(self._address, family=family, backlog=MAX_CLIENTS)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ThriftError(f"can't listen on port {self._address[1]} for Thrift: {reason}") from None
        if not is_loopback(self._address[0]):
            log.warning("other machines may reach the Thrift port %d, which has no authentication", self._address[1])
        self._begin(self._accept, self._listening)
        if self._publisher is not None:
            self._publish(self._publisher)

    def _publish(self, publisher: Publisher) -> None:
        """Without notifications all else works: another switch with the same device id may have the address."""
        try:
            publisher.start()
        except OSError as error:
            log.warning("no notifications are sent: %s: %s", publisher.address, (error.strerror or str(error)).lower())
            return
        self._programs.notifications = publisher.address
        if self._programs.learning is not None:  # to the end: without subscribers it takes nothing
            self._device.digest_listeners.append(self._programs.learning.hear)

    @property
    def port(self) -> int:
        assert self._listening is not None
        return int(self._listening.getsockname()[1])

    def stop(self) -> None:
        with self._lock:
            listening, self._listening = self._listening, None
            sockets = [*self._clients, *([listening] if listening is not None else [])]
            threads = list(self._threads)
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in threads:
            thread.join(_END_S)
        if self._publisher is not None:
            self._publisher.stop()

    def _begin(self, do: Callable[[socket.socket], None], client: socket.socket) -> None:
        thread = threading.Thread(target=self._run, args=(do, client), daemon=True, name="thrift")
        with self._lock:  # `stop` joins only threads that have begun
            thread.start()
            self._threads.add(thread)

    def _run(self, do: Callable[[socket.socket], None], client: socket.socket) -> None:
        try:
            with suppress(OSError):
                do(client)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _accept(self, listening: socket.socket) -> None:
        while True:
            client, _ = listening.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                full, ended = len(self._clients) >= MAX_CLIENTS, self._listening is None
                if not full and not ended:
                    self._clients.add(client)
            if full or ended:
                client.close()
                if full:
                    log.warning("refused a Thrift client: %d are already connected", MAX_CLIENTS)
                continue
            self._begin(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            Connection(self._services, client).serve()
        finally:
            with self._lock:
                self._clients.discard(client)
            client.close()
