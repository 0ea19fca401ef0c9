"""The network of the paper's evaluation: five hosts and the firewalled server on one switch.

    h1 (10.0.0.1) -- 1 \
    h2 (10.0.0.2) -- 2  \
    h3 (10.0.0.3) -- 3   s1  6 -- server (10.0.0.6)
    h4 (10.0.0.4) -- 4  /
    h5 (10.0.0.5) -- 5 /

The links determine the hosts' offloads (topologies/nodes.py): none, as in the paper's experiments, unless the network
is created with another class of links.
"""

from __future__ import annotations

from typing import Any

from mininet.topo import Topo

SWITCH = "s1"
SERVER = "server"
HOSTS = ("h1", "h2", "h3", "h4", "h5")
PORTS = {**{name: number for number, name in enumerate(HOSTS, start=1)}, SERVER: 6}


def ip_of(name: str) -> str:
    """The IPv4 address of a host or of the server."""
    return f"10.0.0.{PORTS[name]}"


def mac_of(name: str) -> str:
    return f"00:00:00:00:00:{PORTS[name]:02x}"


class PaperTopo(Topo):  # type: ignore[misc]
    """Hosts h1..h5 on ports 1..5 and `server` on port 6 of `s1`; one IPv4 subnet, so layer 2 suffices."""

    def build(self, *_args: Any, **_params: Any) -> None:
        switch = self.addSwitch(SWITCH)
        for name, port in PORTS.items():
            host = self.addHost(name, ip=f"{ip_of(name)}/24", mac=mac_of(name))
            self.addLink(host, switch, port1=0, port2=port)
