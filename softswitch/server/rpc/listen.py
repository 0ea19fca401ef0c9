"""The addresses that the gRPC server listens on: Unix sockets and TCP, with or without TLS."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
from finsy.proto import p4r_grpc

from softswitch.errors import SwitchError
from softswitch.proto.bulk_grpc import add_bulk_servicer
from softswitch.server.device.device import Device
from softswitch.server.rpc.bulk import BulkService
from softswitch.server.rpc.notify import Notifier
from softswitch.server.rpc.readers import Readers
from softswitch.server.rpc.service import P4RuntimeService
from softswitch.server.rpc.threads import THREADS, DaemonPool, stream_limit

log = logging.getLogger(__name__)
DEFAULT_ADDRESS = "127.0.0.1:9559"
MESSAGE_BYTES = 64 << 20
HANDSHAKE_S = 10.0
"""How long a client may take to begin HTTP/2 (and TLS); gRPC's own limit is two minutes."""
PING_AFTER_S, PING_LIMIT_S = 30.0, 20.0
"""A connection on which nothing arrives is asked for a sign of life after the first, and closed after the second in
addition: a client whose machine vanished keeps neither its stream nor its role. gRPC's own default is two hours."""


class ListenError(SwitchError):
    """An address that can't be listened on, or a certificate that can't be used."""


@dataclass(frozen=True)
class TlsOptions:
    """PEM files. With `client_ca`, clients must present a certificate signed by it (mutual TLS)."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """Raises ListenError if a file can't be read."""
        try:
            pair = (self.key.read_bytes(), self.certificate.read_bytes())
            root = self.client_ca.read_bytes() if self.client_ca is not None else None
        except OSError as error:
            raise ListenError(f"TLS: {error.filename}: {error.strerror}") from None
        return grpc.ssl_server_credentials([pair], root_certificates=root, require_client_auth=root is not None)


class Server:
    """P4Runtime and the bulk service of one device. `start` listens, `stop` ends streams and removes Unix sockets."""

    def __init__(
        self,
        device: Device,
        addresses: Sequence[str] = (DEFAULT_ADDRESS,),
        *,
        tls: TlsOptions | None = None,
        interfaces: dict[int, str] | None = None,
    ) -> None:
        self.addresses = tuple(addresses)
        self._device = device
        self._notifier = Notifier(device)
        self._sockets: list[tuple[Path, int]] = []
        options = [
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
            ("grpc.server_handshake_timeout_ms", round(HANDSHAKE_S * 1000)),
            ("grpc.keepalive_time_ms", round(PING_AFTER_S * 1000)),
            ("grpc.keepalive_timeout_ms", round(PING_LIMIT_S * 1000)),
            ("grpc.http2.ping_timeout_ms", round(PING_LIMIT_S * 1000)),
            ("grpc.http2.max_pings_without_data", 0),  # no limit on how many
            ("grpc.keepalive_permit_without_calls", 1),
        ]
        self._pool = DaemonPool(THREADS, "grpc")
        streams, readers = stream_limit(), Readers()
        self._server = grpc.server(self._pool, options=options)  # type: ignore[arg-type] # any Executor will do
        p4r_grpc.add_P4RuntimeServicer_to_server(P4RuntimeService(device, streams, readers), self._server)
        add_bulk_servicer(self._server, BulkService(device, streams, readers, interfaces))
        self._credentials = tls.credentials() if tls is not None else None

    def start(self) -> None:
        """Raises ListenError if an address is in use or does not exist."""
        for address in self.addresses:
            self._bind(address)
        self._server.start()
        self._notifier.start()

    def _bind(self, address: str) -> None:
        path = Path(address.removeprefix("unix:")) if address.startswith("unix:") else None
        if path is not None:
            _free_socket(path)
        before = os.umask(0o177)  # a Unix socket is never accessible to other users, not even briefly
        try:
            if self._credentials is not None and path is None:
                port = self._server.add_secure_port(address, self._credentials)
            else:
                port = self._server.add_insecure_port(address)
        except RuntimeError:
            port = 0
        finally:
            os.umask(before)
        if port == 0:
            raise ListenError(f"can't listen on {address}: {_reason(address)}")
        if path is not None:
            self._sockets.append((path, path.lstat().st_ino))
        elif not is_loopback(address.rpartition(":")[0]):
            log.warning("other machines may reach %s%s", address, "" if self._credentials else ", without TLS")

    def stop(self, grace_s: float = 0.1) -> None:
        """Requests get `grace_s` to finish; streams and compilations do not end by themselves."""
        self._device.compilers.close()
        self._notifier.end()
        self._server.stop(grace_s).wait()
        self._pool.shutdown()
        self._notifier.stop()
        self.remove_sockets()

    def remove_sockets(self) -> None:
        """Removes the files of our own Unix sockets."""
        for path, inode in self._sockets:
            try:
                if path.lstat().st_ino == inode:
                    path.unlink()
            except FileNotFoundError:
                pass


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there. `host`: a name or an address, IPv6 also in brackets."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _free_socket(path: Path) -> None:
    """Removes a stale Unix socket. Raises ListenError if a process still listens on it."""
    if not path.parent.is_dir():
        raise ListenError(f"can't listen on unix:{path}: no such folder: {path.parent}")
    try:
        mode = path.lstat().st_mode  # without following links, which may be another user's
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ListenError(f"can't listen on unix:{path}: another file has this name")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink()
            return
    raise ListenError(f"can't listen on unix:{path}: address already in use")


def _reason(address: str) -> str:
    """Why the system refuses an address, which gRPC does not report."""
    if address.startswith("unix:"):
        path = address.removeprefix("unix:")
        if len(os.fsencode(path)) > 107:
            return "the path is longer than the 107 bytes that Unix sockets allow"
        return "permission denied" if not os.access(Path(path).parent, os.W_OK) else "not a valid path"
    host, _, port = address.rpartition(":")
    try:
        infos = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
        with socket.socket(infos[0][0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(infos[0][4])
    except ValueError:
        return "expected HOST:PORT or unix:PATH"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return "address already in use"
