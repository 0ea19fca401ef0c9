"""Which port of a switch is its CPU port, from the interface on which clones arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

CPU_PORT = 510
"""The CPU port of a switch that does not say otherwise."""
_NETWORK = Path("/sys/class/net")


def find_cpu_port(interface: str, ports: Callable[[], Mapping[int, str]], network: Path = _NETWORK) -> int:
    """`interface`: where clones arrive; `ports`: tells number and interface of each port of the switch. The CPU port is
    the one whose interface is the other end of that veth, or that interface itself; CPU_PORT if none is."""
    if not interface:
        return CPU_PORT
    peer = _number(network / interface / "iflink")
    for port, name in ports().items():
        if name and (name == interface or (peer is not None and _number(network / name / "ifindex") == peer)):
            return port
    return CPU_PORT


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
