"""Namespaces of our own with veths between them, and raw sockets on their ends.

[host 1] h0 ---- s1 [switch] s2 ---- h0 [host 2]   ...
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_ETH_P_ALL = 3
_PACKET_IGNORE_OUTGOING = 23


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread is in the namespace; sockets and threads created here stay there."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        _setns(there)
        try:
            yield
        finally:
            _setns(here)
    finally:
        os.close(here)
        os.close(there)


def _setns(fd: int) -> None:
    if _libc.setns(fd, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


class Veths:
    """A switch namespace and `hosts` others; interface s<n> in the switch's, h0 in that of host n. `offloads`: the
    interfaces keep theirs."""

    def __init__(self, hosts: int = 2, *, offloads: bool = False) -> None:
        self.offloads = offloads
        self.name = f"sst{os.getpid()}"
        self.switch = f"{self.name}-sw"
        self.hosts = list(range(1, hosts + 1))
        self._sockets: list[socket.socket] = []
        run("ip", "netns", "add", self.switch)
        for host in self.hosts:
            run("ip", "netns", "add", self.host(host))
            self.connect(host)

    def host(self, number: int) -> str:
        return f"{self.name}-h{number}"

    def connect(self, host: int) -> None:
        """Creates a host's veth, or creates it again."""
        ends = ("name", f"s{host}", "netns", self.switch)
        run("ip", "link", "add", *ends, "type", "veth", "peer", "name", "h0", "netns", self.host(host))
        for namespace, name in ((self.switch, f"s{host}"), (self.host(host), "h0")):
            self.inside(namespace, "sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1")
            if not self.offloads:
                self.inside(namespace, "ethtool", "-K", name, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
            self.inside(namespace, "ip", "link", "set", name, "up")
        wait(lambda: self.carrier(self.switch, f"s{host}"))

    def disconnect(self, host: int) -> None:
        self.inside(self.switch, "ip", "link", "del", f"s{host}")

    def carrier(self, namespace: str, name: str) -> bool:
        done = subprocess.run(
            ("ip", "-n", namespace, "-o", "link", "show", name), capture_output=True, text=True, check=True
        )
        return "LOWER_UP" in done.stdout

    def inside(self, namespace: str, *command: str) -> None:
        run("ip", "netns", "exec", namespace, *command)

    def socket(self, host: int, *, name: str = "h0") -> socket.socket:
        """A raw socket at the host's end, which does not receive what it sends itself."""
        with inside(self.host(host)):
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        made.setsockopt(263, _PACKET_IGNORE_OUTGOING, 1)  # SOL_PACKET
        made.setsockopt(263, 8, 1)  # PACKET_AUXDATA: VLAN tags
        made.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        made.bind((name, _ETH_P_ALL))
        made.settimeout(5)
        self._sockets.append(made)
        return made

    def close(self) -> None:
        for made in self._sockets:
            made.close()
        for namespace in (self.switch, *(self.host(host) for host in self.hosts)):
            with suppress(subprocess.CalledProcessError):
                run("ip", "netns", "del", namespace)

    def __enter__(self) -> Veths:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def receive(end: socket.socket) -> bytes:
    """The next frame, with its VLAN tag restored."""
    data, control, _, _ = end.recvmsg(1 << 17, 256)
    for level, kind, value in control:
        if level == 263 and kind == 8:
            status, tci, tpid = (
                int.from_bytes(value[at : at + size], "little") for at, size in ((0, 4), (16, 2), (18, 2))
            )
            if status & 0x10:  # TP_STATUS_VLAN_VALID
                data = data[:12] + tpid.to_bytes(2, "big") + tci.to_bytes(2, "big") + data[12:]
    return data


def silent(end: socket.socket, seconds: float = 0.1) -> bool:
    """No frame arrives for that long."""
    end.settimeout(seconds)
    try:
        end.recv(1 << 17)
    except TimeoutError:
        return True
    finally:
        end.settimeout(5)
    return False


def wait(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
