"""The traffic of the fabric: bursts of UDP that HULA can move between spines, and one TCP connection.

group       from    to       traffic
background  h1_3    h2_1     UDP in bursts, open to all
back        h2_2    h1_1     the same in the other direction
early       h1_1    server   UDP in bursts to a protected port, opened by a knock beforehand
late        h1_3    server   the same, opened by a knock while the spine is being changed
tcp         h1_2    server   TCP by iperf3, opened like `early`
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from experiments.traffic.armed import ArmedProcess, TrafficError, wait_all
from experiments.traffic.flow import HEADER_BYTES, RECORD
from experiments.traffic.iperf3 import Iperf3
from experiments.traffic.knock import Knocker
from experiments.traffic.receiver import Receiver
from topologies.leaf_spine import SERVER, Fabric
from topologies.leaf_spine_entries import KNOCK_IP, KNOCK_MAC, KNOCKS, TCP_PORT, UDP_PORT
from topologies.network import RunningNetwork

PAYLOAD = 1000
FRAME_BYTES = PAYLOAD + HEADER_BYTES
BURST_S, PAUSE_S = 0.15, 0.2
"""HULA treats packets as a new flowlet after 0.1 s without a packet of the flow."""
OPEN_PORT = 6000
TCP = "tcp"
_TCP_PATIENCE_S = 2.0


@dataclass(frozen=True)
class Group:
    """UDP flows of one kind. `first`: number of the first flow; `share`: share of the mix's rate."""

    name: str
    source: str
    target: str
    port: int
    first: int
    flows: int
    share: float
    needs_knock: bool = False


GROUPS = (
    Group("background", "h1_3", "h2_1", OPEN_PORT, 100, 8, 0.35),
    Group("back", "h2_2", "h1_1", OPEN_PORT, 200, 8, 0.35),
    Group("early", "h1_1", SERVER, UDP_PORT, 300, 6, 0.2, needs_knock=True),
    Group("late", "h1_3", SERVER, UDP_PORT, 400, 3, 0.1, needs_knock=True),
)
TCP_ENDS = ("h1_2", SERVER)
KNOCKERS = {"early": "h1_1", "late": "h1_3", TCP: "h1_2"}
"""Who knocks, by group."""


@dataclass(frozen=True)
class MixResult:
    """sent: each UDP packet (flow, sequence, sent_s); received: each one that arrived (and received_s); report:
    iperf3's; knocks: end of each knock by group, in s of the monotonic clock; latest_ms: largest delay of a sent
    packet."""

    sent: pd.DataFrame
    received: pd.DataFrame
    report: dict[str, Any]
    knocks: Mapping[str, float]
    latest_ms: float


class FabricMix:
    """All of this traffic in one network, armed on creation. `mbit`: rate of all UDP; `tcp_mbit`: rate of the
    connection, both counted in Ethernet frames."""

    def __init__(
        self, network: RunningNetwork, fabric: Fabric, *, mbit: float, tcp_mbit: float, seconds: float, seed: int
    ) -> None:
        places = fabric.places
        self._records = {g.name: network.directory.path / f"bursts-{g.name}.bin" for g in GROUPS}
        self._senders = {}
        for number, group in enumerate(GROUPS):
            cycle = (BURST_S + PAUSE_S) / BURST_S
            rate = mbit * 1e6 / 8 / FRAME_BYTES * group.share / group.flows * cycle
            argv = [sys.executable, "-m", "experiments.traffic.bursts", "--to", places[group.target].ip]
            argv += ["--port", str(group.port), "--first", str(group.first), "--flows", str(group.flows)]
            argv += ["--payload", str(PAYLOAD), "--rate", f"{rate:.6g}", "--burst", str(BURST_S)]
            argv += ["--pause", str(PAUSE_S), "--seed", str(seed * 100 + number)]
            argv += ["--records", str(self._records[group.name])]
            self._senders[group.name] = ArmedProcess(network, group.source, f"bursts-{group.name}", argv)
        targets = {group.target for group in GROUPS}
        self._receivers = [Receiver(network, t, [g.port for g in GROUPS if g.target == t]) for t in sorted(targets)]
        self._knockers = {
            group: Knocker(
                network,
                host,
                source=(places[host].mac, places[host].ip),
                target=(KNOCK_MAC, KNOCK_IP),
                ports=KNOCKS,
                interface=f"{host}-eth0",
            )
            for group, host in KNOCKERS.items()
        }
        source, target = TCP_ENDS
        self._tcp = Iperf3(
            network,
            source,
            target,
            places[target].ip,
            seconds=seconds,
            interval_s=0.1,
            megabits_per_s=tcp_mbit,
            port=TCP_PORT,
        )
        self._knocks: dict[str, float] = {}

    def wait_ready(self) -> None:
        wait_all(*self._senders.values(), *self._receivers, *self._knockers.values())

    def knock_early(self) -> None:
        """Sends all knocks but the late one; returns after all spines have had time to see them."""
        for group in ("early", TCP):
            self._knockers[group].knock()
            self._knocks[group] = self._knockers[group].sent()[1]

    def knock_late(self) -> None:
        """Sends the late knock; returns at once."""
        self._knockers["late"].knock()

    def go(self, start: float, end: float) -> None:
        """UDP runs from `start` to `end` of the monotonic clock."""
        for sender in self._senders.values():
            sender.command(f"go {round(start * 1e9)} {round(end * 1e9)}")

    def go_tcp(self) -> None:
        """iperf3 connects now."""
        self._tcp.start()

    def finish(self, *, late: bool) -> MixResult:
        """Ends everything in order. `late`: whether the late knock was sent. Raises TrafficError."""
        totals = [sender.finish() for sender in self._senders.values()]
        if refused := sum(total["refused"] for total in totals):
            raise TrafficError(f"the senders' sockets refused {refused} packets")
        report = self._tcp.finish_or_interrupt(_TCP_PATIENCE_S)
        if late:
            self._knocks["late"] = self._knockers["late"].sent()[1]
        for knocker in self._knockers.values():
            knocker.finish()
        received = pd.concat([receiver.finish()[1] for receiver in self._receivers], ignore_index=True)
        raw = np.concatenate([np.fromfile(path, RECORD) for path in self._records.values()])
        sent = pd.DataFrame(
            {
                "flow": raw["flow"].astype("int32"),
                "sequence": raw["sequence"].astype("int64"),
                "sent_s": raw["sent_ns"] / 1e9,
            }
        )
        latest = max(float(total["worst_late_ms"]) for total in totals)
        return MixResult(sent, received, report, dict(self._knocks), latest)
