"""Hosts and links that carry only the frames that were sent.

On a `QuietLink`, the default, offloads are off at both ends; otherwise the kernel would pass segments of 64 KB and
incomplete checksums over the "wire". On an `OffloadLink` the ends keep their offloads, like hosts outside an
experiment. IPv6 is off, because hosts would send router solicitations of their own.
"""

from __future__ import annotations

from typing import Any

from mininet.link import Link
from mininet.node import Host, Node

from topologies.errors import NetworkError

MTU = 1500
# The names that every kernel since 4.19 knows: `ethtool -K` rejects the whole list if it contains an unknown one.
_OFFLOADS = ("tso", "gso", "gro", "tx", "rx", "sg")

_NO_IPV6 = "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do [ -e $f ] && echo 1 > $f; done; true"


def run_quietly(node: Node, command: str) -> None:
    """Runs a shell command in a node; any output is an error."""
    printed = node.cmd(command).strip()
    if printed:
        raise NetworkError(f"{node.name}: `{command}`: {printed}")


def quiet_interface(node: Node, interface: str) -> None:
    """Turns offloads off and sets the standard MTU on one interface of a node."""
    switches = " ".join(f"{name} off" for name in _OFFLOADS)
    run_quietly(node, f"ethtool -K {interface} {switches} 2>&1 >/dev/null")
    _standard_mtu(node, interface)


def _standard_mtu(node: Node, interface: str) -> None:
    run_quietly(node, f"ip link set {interface} mtu {MTU}")


def disable_ipv6(node: Node) -> None:
    run_quietly(node, _NO_IPV6)


class QuietHost(Host):  # type: ignore[misc]
    """A host that sends nothing on its own."""

    def __init__(self, name: str, **params: Any) -> None:
        super().__init__(name, **params)
        disable_ipv6(self)


class QuietLink(Link):  # type: ignore[misc]
    """A veth pair created inside the nodes' namespaces, with offloads off at both ends.

    It never exists in the root namespace, so names in networks that run at the same time cannot collide.
    """

    def __init__(self, node1: Node, node2: Node, **params: Any) -> None:
        super().__init__(node1, node2, **{**params, "fast": True})
        for node, interface in ((node1, self.intf1.name), (node2, self.intf2.name)):
            quiet_interface(node, interface)


class OffloadLink(Link):  # type: ignore[misc]
    """The same with a veth pair's default offloads: TCP and UDP segments of up to 64 KiB pass as one frame."""

    def __init__(self, node1: Node, node2: Node, **params: Any) -> None:
        super().__init__(node1, node2, **{**params, "fast": True})
        for node, interface in ((node1, self.intf1.name), (node2, self.intf2.name)):
            _standard_mtu(node, interface)
