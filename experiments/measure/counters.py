"""The kernel's interface counters: what was on the wire, independent of the switch."""

from __future__ import annotations

from dataclasses import dataclass

from topologies.network import RunningNetwork

_NAMES = ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "rx_dropped", "tx_dropped")


@dataclass(frozen=True)
class InterfaceCounters:
    """Frames and bytes (Ethernet header included, no frame check sequence) since the interface was created."""

    rx_packets: int
    rx_bytes: int
    tx_packets: int
    tx_bytes: int
    rx_dropped: int
    tx_dropped: int

    def since(self, earlier: InterfaceCounters) -> InterfaceCounters:
        return InterfaceCounters(**{name: getattr(self, name) - getattr(earlier, name) for name in _NAMES})


def interface_counters(network: RunningNetwork, node: str, interface: str) -> InterfaceCounters:
    """Reads the counters of a node's interface. Raises NetworkError if it does not exist."""
    folder = f"/sys/class/net/{interface}/statistics"
    text = network.run(node, "cat", *(f"{folder}/{name}" for name in _NAMES))
    return InterfaceCounters(*(int(line) for line in text.split()))
