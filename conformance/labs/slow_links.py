"""Links with a bandwidth, where the kernel cannot make them slow.

The tutorials' topology.json gives a link a bandwidth in Mbit/s, and Mininet makes it so by the queueing discipline htb.
Where the kernel has none, a student can type `set_queue_rate` to both switches instead: a rate in packets, here of full
frames, in front of the link. The program sees the same queue.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

FIRST_THRIFT_PORT = 9090
_FRAME_BITS = 8 * 1514
_TRY = "ip link set lo up && tc qdisc add dev lo root htb"


def kernel_has_htb() -> bool:
    """Tried in a network namespace of its own; needs root."""
    done = subprocess.run(["unshare", "--net", "sh", "-c", _TRY], capture_output=True, check=False)
    return done.returncode == 0


def topology_of(exercise: Path) -> Path:
    """The one that its Makefile names, or the usual."""
    named = re.search(r"^TOPO *= *(\S+)", (exercise / "Makefile").read_text(), re.MULTILINE)
    return exercise / (named[1] if named else "topology.json")


def queue_rates(topology: Path) -> Iterator[str]:
    """Lines for Mininet that set the rate of each end of a limited link that is a switch."""
    content = json.loads(topology.read_text())
    switches = sorted(content["switches"], key=_natural)
    for link in content["links"]:
        if len(link) < 4 or not link[3]:
            continue
        for switch, _, port in (end.partition("-p") for end in link[:2]):
            if switch in switches:
                thrift_port = FIRST_THRIFT_PORT + switches.index(switch)
                rate = max(1, round(float(link[3]) * 1e6 / _FRAME_BITS))
                yield f"sh echo set_queue_rate {rate} {port} | simple_switch_CLI --thrift-port {thrift_port}"


def _natural(name: str) -> list[tuple[int, str]]:
    """Mininet starts s2 before s10; the switches' Thrift ports count up in that order."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
