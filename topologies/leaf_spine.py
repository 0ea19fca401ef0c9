"""A fabric of leaves and spines; every switch is a process with its own namespace, address and CPU port.

             spine1      spine2          port of leaf L: L
              |   \\      /   |
              |    \\    /    |
              |     \\  /     |           port of spine S: 100 + S
             leaf1        leaf2
            /  |  \\      /  |  \\  \\      port of host H: H, of the server: 1 + the number of hosts
         h1_1 h1_2 h1_3  h2_1 ... server

The server is on the last leaf. All hosts are in one IPv4 subnet, so layer 2 suffices; HULA chooses among the spines
(`leaf_spine_entries.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mininet.topo import Topo

SERVER = "server"
MAX_LEAVES, MAX_SPINES, MAX_HOSTS = 127, 99, 98
MAX_PLACES = 1000
"""Hosts in total, including the server: the program's `dmac` table has room for 1024 addresses."""
MAX_MBIT, DEFAULT_MBIT = 1 << 17, 1024
_SHIFT_OF_1_MBIT = 6  # 2^6 bytes * 2^8 steps in 2^17 us are 1 Mbit/s
_UPLINKS = 100
_SERVER_NUMBER = 99
_PREFIX = 16


@dataclass(frozen=True)
class Place:
    """Where a host is: its leaf (counted from 1), its port there, and its number within the leaf."""

    leaf: int
    port: int
    number: int

    @property
    def ip(self) -> str:
        return f"10.0.{self.leaf}.{self.number}"

    @property
    def mac(self) -> str:
        return f"00:00:00:00:{self.leaf:02x}:{self.number:02x}"


@dataclass(frozen=True)
class Fabric:
    """The size of a fabric, and what follows from it. Raises ValueError for a size that cannot be addressed.

    leaves: at most 127, since the program has room for ToR numbers below 128; hosts: per leaf; mbit: the rate that HULA
    assumes for the links of each spine, in Mbit/s and powers of two (empty: 1024 for all), so that different rates give
    different loads. Nothing limits the links' actual rate.
    """

    leaves: int = 2
    spines: int = 2
    hosts: int = 3
    mbit: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        limits = {"leaves": (2, MAX_LEAVES), "spines": (1, MAX_SPINES), "hosts": (1, MAX_HOSTS)}
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"a fabric has {least} to {most} {name}, not {value}")
        if self.mbit and len(self.mbit) != self.spines:
            raise ValueError(f"a fabric has a rate for the links of each of its {self.spines} spines, not {self.mbit}")
        for rate in self.mbit:
            if not 1 <= rate <= MAX_MBIT or rate & (rate - 1):
                raise ValueError(f"links have a power of two from 1 to {MAX_MBIT} Mbit/s, not {rate}")
        if self.leaves * self.hosts + 1 > MAX_PLACES:
            raise ValueError(f"a fabric has at most {MAX_PLACES - 1} hosts in all, not {self.leaves * self.hosts}")

    @property
    def leaf_names(self) -> tuple[str, ...]:
        return tuple(f"leaf{leaf}" for leaf in self.leaf_numbers)

    @property
    def spine_names(self) -> tuple[str, ...]:
        return tuple(f"spine{spine}" for spine in self.spine_numbers)

    @property
    def leaf_numbers(self) -> range:
        """The leaves' numbers, which are also their ToR numbers and the spines' ports to them."""
        return range(1, self.leaves + 1)

    @property
    def spine_numbers(self) -> range:
        return range(1, self.spines + 1)

    def link_shift(self, spine: int) -> int:
        """The parameter of HULA's `measure` for links of this spine: 2^shift bytes within 131 ms are one of 255 steps
        of utilisation."""
        rate = self.mbit[spine - 1] if self.mbit else DEFAULT_MBIT
        return rate.bit_length() - 1 + _SHIFT_OF_1_MBIT

    @property
    def uplinks(self) -> tuple[int, ...]:
        """Every leaf's ports to the spines, in their order."""
        return tuple(_UPLINKS + spine for spine in self.spine_numbers)

    @property
    def places(self) -> dict[str, Place]:
        """All hosts and the server by name."""
        found = {
            f"h{leaf}_{number}": Place(leaf, number, number)
            for leaf in self.leaf_numbers
            for number in range(1, self.hosts + 1)
        }
        return {**found, SERVER: Place(self.leaves, self.hosts + 1, _SERVER_NUMBER)}

    def links(self) -> Iterator[tuple[str, int, str, int]]:
        """The links between switches: leaf, its port, spine, its port."""
        for leaf, leaf_name in zip(self.leaf_numbers, self.leaf_names, strict=True):
            for uplink, spine_name in zip(self.uplinks, self.spine_names, strict=True):
                yield leaf_name, uplink, spine_name, leaf


class LeafSpineTopo(Topo):  # type: ignore[misc]
    """The network of a `Fabric`, with every leaf linked to every spine."""

    def __init__(self, fabric: Fabric | None = None) -> None:
        self.fabric = fabric or Fabric()
        super().__init__()

    def build(self, *_args: Any, **_params: Any) -> None:
        fabric = self.fabric
        for name in (*fabric.leaf_names, *fabric.spine_names):
            self.addSwitch(name)
        for name, place in fabric.places.items():
            host = self.addHost(name, ip=f"{place.ip}/{_PREFIX}", mac=place.mac)
            self.addLink(host, fabric.leaf_names[place.leaf - 1], port1=0, port2=place.port)
        for leaf, leaf_port, spine, spine_port in fabric.links():
            self.addLink(leaf, spine, port1=leaf_port, port2=spine_port)
