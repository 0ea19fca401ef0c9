"""Hosts and links that carry the frames that were sent and no others.

On a `QuietLink`, which networks have unless told otherwise, offloads are off on both ends, or the kernel would pass
segments of 64 KB and unfinished checksums over the "wire". On an `OffloadLink` the ends keep theirs, as hosts outside
of an experiment do. IPv6 is off, or the hosts would send router solicitations of their own.
"""

from __future__ import annotations

from typing import Any

from mininet.link import Link
from mininet.node import Host, Node

from topologies.errors import NetworkError

MTU = 1500
# The names that every kernel since 4.19 knows; `ethtool -K` refuses the whole list for one it does not know.
_OFFLOADS = ("tso", "gso", "gro", "tx", "rx", "sg")

_NO_IPV6 = "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do [ -e $f ] && echo 1 > $f; done; true"


def run_quietly(node: Node, command: str) -> None:
    """Runs a shell command in a node; anything it prints is an error."""
    printed = node.cmd(command).strip()
    if printed:
        raise NetworkError(f"{node.name}: `{command}`: {printed}")


def quiet_interface(node: Node, interface: str) -> None:
    """Offloads off and the standard MTU on one interface of a node."""
    switches = " ".join(f"{name} off" for name in _OFFLOADS)
    run_quietly(node, f"ethtool -K {interface} {switches} 2>&1 >/dev/null")
    _standard_mtu(node, interface)


def _standard_mtu(node: Node, interface: str) -> None:
    run_quietly(node, f"ip link set {interface} mtu {MTU}")


def disable_ipv6(node: Node) -> None:
    run_quietly(node, _NO_IPV6)


class QuietHost(Host):  # type: ignore[misc]
    """A host that sends nothing by itself."""

    def __init__(self, name: str, **params: Any) -> None:
        super().__init__(name, **params)
        disable_ipv6(self)


class QuietLink(Link):  # type: ignore[misc]
    """A veth pair made inside the nodes' namespaces, with offloads off at both ends.

    It never exists in the root namespace, so the names of two networks that run at the same time cannot collide.
    """

    def __init__(self, node1: Node, node2: Node, **params: Any) -> None:
        super().__init__(node1, node2, **{**params, "fast": True})
        for node, interface in ((node1, self.intf1.name), (node2, self.intf2.name)):
            quiet_interface(node, interface)


class OffloadLink(Link):  # type: ignore[misc]
    """The same with the offloads that a veth pair begins with: TCP and UDP segments of up to 64 KiB pass as one."""

    def __init__(self, node1: Node, node2: Node, **params: Any) -> None:
        super().__init__(node1, node2, **{**params, "fast": True})
        for node, interface in ((node1, self.intf1.name), (node2, self.intf2.name)):
            _standard_mtu(node, interface)
