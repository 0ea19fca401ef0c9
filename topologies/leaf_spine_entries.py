"""Entries of the chained program for the switches of a fabric, as TOML (format: nfs/README.md).

Leaves forward and balance: data to another leaf goes to the spine that HULA prefers. A leaf's own probes arrive at its
CPU port and go to all spines; a spine sends them on to the other leaves, where they end. The firewall is on the spines.
A knock has to open it on each spine, whichever way the data takes, so knocks are sent to `KNOCK_MAC`, which a leaf
sends to all spines, and to `KNOCK_IP`, which HULA does not balance: it would choose one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from topologies.leaf_spine import SERVER, Fabric
from topologies.switch import CPU_PORT

KNOCK_MAC = "03:00:00:00:00:01"
KNOCK_IP = "10.0.0.99"  # on no leaf
KNOCKS = (10000, 20000, 30000)
UDP_PORT, TCP_PORT = 5000, 5001
_PROBES, _KNOCKS = 2, 3  # multicast groups
_TCP, _UDP = 6, 17
_NO_DIGESTS = '[[default]]\ntable = "smac"\naction = "NoAction"\n'
"""A host's frames arrive by as many ports as there are spines, so its place cannot be learned."""


def spine_mac(spine: int) -> str:
    """An address of the spine itself that leaves know, for packets between switches."""
    return f"02:00:00:00:01:{spine:02x}"


def leaf_entries(fabric: Fabric, leaf: int) -> str:
    """The initial entries of leaf number `leaf` (from 1)."""
    uplinks = fabric.uplinks
    blocks = [_NO_DIGESTS, _group(_PROBES, uplinks), _group(_KNOCKS, uplinks)]
    blocks.append(_entry("probes", {"port": CPU_PORT}, _to(_PROBES)))
    for place in fabric.places.values():
        # Until HULA knows a path, data to another leaf takes the spine assigned to that leaf's number.
        port = place.port if place.leaf == leaf else uplinks[place.leaf % len(uplinks)]
        blocks.append(_entry("dmac", {"dst_mac": place.mac}, ("forward", {"port": port})))
    for spine, uplink in zip(fabric.spine_numbers, uplinks, strict=True):
        blocks.append(_entry("dmac", {"dst_mac": spine_mac(spine)}, ("forward", {"port": uplink})))
    blocks.append(_entry("dmac", {"dst_mac": KNOCK_MAC}, ("flood", {"group": _KNOCKS})))
    blocks += [_measured(port, fabric.link_shift(spine)) for spine, port in enumerate(uplinks, start=1)]
    for other in fabric.leaf_numbers:
        if other != leaf:
            to_leaf = _entry("balance", {"dst": f"10.0.{other}.0/24"}, ("to_tor", {"id": other}), priority=10)
            blocks.append(to_leaf)
    return "\n".join(blocks)


def spine_entries(fabric: Fabric, spine: int = 1) -> str:
    """The initial entries of spine number `spine` (from 1). Spines differ only in the rates of their links."""
    ports = tuple(fabric.leaf_numbers)
    blocks = [_NO_DIGESTS, _group(_PROBES, ports)]
    for port in ports:
        blocks += [_entry("probes", {"port": port}, _to(_PROBES)), _measured(port, fabric.link_shift(spine))]
    for place in fabric.places.values():
        blocks.append(_entry("dmac", {"dst_mac": place.mac}, ("forward", {"port": place.leaf})))
    server = fabric.places[SERVER].ip
    for address in (server, KNOCK_IP):
        for position, port in enumerate(KNOCKS):
            match = _service(address, _TCP, port)
            blocks.append(_entry("services", match, ("knock", {"position": position}), priority=30))
    for protocol, port in ((_UDP, UDP_PORT), (_TCP, TCP_PORT)):
        match = _service(server, protocol, port)
        blocks.append(_entry("services", match, ("protect", {}), priority=20))
    blocks.append(_entry("services", {"dst": server}, ("watch", {}), priority=10))
    return "\n".join(blocks)


def counting_entries(flows: Mapping[int, tuple[str, str]]) -> str:
    """For the programs that count the bytes of flows: flow (source, destination address) by cell."""
    blocks = []
    for cell, (source, destination) in flows.items():
        match: dict[str, int | str] = {"src": source, "dst": destination}
        blocks.append(_entry("counted", match, ("count", {"cell": cell}), priority=10))
    return "\n".join(blocks)


def _service(address: str, protocol: int, port: int) -> dict[str, int | str]:
    return {"dst": address, "protocol": protocol, "port": port}


def full_load_entries(fabric: Fabric) -> str:
    """Changes a spine so that its probes report "full": one byte on a link is one step of its utilisation."""
    return "\n".join(_measured(port, 0) for port in fabric.leaf_numbers)


def no_probe_entries(fabric: Fabric) -> str:
    """Changes a spine so that no probe passes: after HULA's time-out no leaf knows a path through it."""
    return "\n".join(_entry("probes", {"port": port}, ("refuse", {})) for port in fabric.leaf_numbers)


def _measured(port: int, shift: int) -> str:
    return _entry("links", {"port": port}, ("measure", {"shift": shift}))


def _to(group: int) -> tuple[str, dict[str, int]]:
    return "replicate", {"group": group}


def _group(number: int, ports: Sequence[int]) -> str:
    return f"[[multicast]]\ngroup = {number}\nports = {list(ports)}\n"


def _entry(
    table: str, match: dict[str, int | str], action: tuple[str, dict[str, int]], *, priority: int | None = None
) -> str:
    name, params = action
    lines = ["[[entry]]", f'table = "{table}"', f"match = {_inline(match.items())}", f'action = "{name}"']
    if params:
        lines.append(f"params = {_inline(params.items())}")
    if priority is not None:
        lines.append(f"priority = {priority}")
    return "\n".join([*lines, ""])


def _inline(items: Iterable[tuple[str, int | str]]) -> str:
    inner = ", ".join(f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in items)
    return f"{{ {inner} }}"
