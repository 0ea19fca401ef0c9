"""A Linux bridge as a Mininet switch, for comparison: what the kernel itself forwards."""

from __future__ import annotations

from typing import Any

from mininet.node import Switch

from topologies.nodes import disable_ipv6, run_quietly

_BRIDGE = "bridge0"


class LinuxBridge(Switch):  # type: ignore[misc]
    """A bridge in a namespace of its own. Without spanning tree, so it forwards from the first frame on."""

    def __init__(self, name: str, **params: Any) -> None:
        super().__init__(name, **{**params, "inNamespace": True})
        self.controlIntf = None
        disable_ipv6(self)

    def start(self, _controllers: list[Any]) -> None:
        run_quietly(self, f"ip link add {_BRIDGE} type bridge stp_state 0 forward_delay 0 mcast_snooping 0")
        for interface in self.intfList():
            if interface.name != "lo":
                run_quietly(self, f"ip link set {interface.name} master {_BRIDGE} up")
        run_quietly(self, f"ip link set {_BRIDGE} up")

    def stop(self, deleteIntfs: bool = True) -> None:
        self.cmd(f"ip link del {_BRIDGE}")
        super().stop(deleteIntfs)
