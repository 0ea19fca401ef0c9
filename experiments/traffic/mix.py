"""The traffic of the scenario: every host of the paper's network sends a different kind of flow to the server.

    flow    host  traffic
    open    h1    UDP, from a source that need not knock
    early   h2    UDP, opened by a knock beforehand
    ended   h3    UDP, opened likewise, which ends before the program is changed: only its state remains
    late    h4    UDP, sent throughout; its knock comes during the reconfiguration
    tcp     h5    TCP by iperf3, opened like `early`

HULA probes of every host and of the server are sent throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.traffic.armed import TrafficError, wait_all
from experiments.traffic.flow import Flow
from experiments.traffic.iperf3 import Iperf3
from experiments.traffic.knock import ProbeSender, knocker_at
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender, SenderTotals
from topologies.network import RunningNetwork
from topologies.paper import HOSTS, PORTS, SERVER, ip_of, mac_of

FLOWS = {"open": "h1", "early": "h2", "ended": "h3", "late": "h4", "tcp": "h5"}
UDP = ("open", "early", "ended", "late")
LASTING = ("open", "early", "late", "tcp")
"""The flows that are active when the program is changed."""
KNOCKS = (10000, 20000, 30000)
UDP_PORT, TCP_PORT = 5000, 5001  # protected by the firewall (nfs/chained.entries.toml)
MARGIN_S = 0.02
"""A packet that is sent this close to a knock may pass or be dropped."""
_TCP_PATIENCE_S = 1.0


@dataclass(frozen=True)
class MixResult:
    """What the hosts sent and received. Times in s of the monotonic clock.

    senders, sent: totals and the time of each packet, by flow; received: the receiver's packets with `flow` as a name;
    knocks: begin and end, by flow; report: iperf3's; probes: number sent.
    """

    senders: Mapping[str, SenderTotals]
    sent: Mapping[str, npt.NDArray[np.float64]]
    received: pd.DataFrame
    knocks: Mapping[str, tuple[float, float]]
    report: dict[str, Any]
    probes: int


class Mix:
    """All of this traffic in one network, armed on creation. `go` starts the flows, `finish` ends them in order."""

    def __init__(self, network: RunningNetwork, *, megabits_per_s: float, seconds: float, nice: int = 0) -> None:
        """`megabits_per_s` of each flow, counted in Ethernet frames; `seconds`: duration of all flows but `ended`;
        `nice`: of the hosts' programs, added to ours."""
        self._knockers = {flow: knocker_at(network, FLOWS[flow], KNOCKS) for flow in ("early", "ended", "late", "tcp")}
        self._probes = [
            ProbeSender(network, name, mac=mac_of(name), interface=f"{name}-eth0", tor=PORTS[name])
            for name in (*HOSTS, SERVER)
        ]
        self._receiver = Receiver(network, SERVER, [UDP_PORT], nice=nice)
        interval = Flow.interval_for(megabits_per_s)
        self._senders = {
            name: Sender(network, Flow(number, FLOWS[name], ip_of(SERVER), UDP_PORT, interval), record=True, nice=nice)
            for number, name in enumerate(UDP)
        }
        self._tcp = Iperf3(
            network,
            FLOWS["tcp"],
            SERVER,
            ip_of(SERVER),
            seconds=seconds,
            interval_s=0.1,
            megabits_per_s=megabits_per_s,
            port=TCP_PORT,
            nice=nice,
        )
        self._stagger_s = interval / 1e9 / len(UDP)
        self._seconds = seconds
        self._knocked: dict[str, tuple[float, float]] = {}

    def wait_ready(self) -> None:
        wait_all(*self._knockers.values(), *self._probes, self._receiver, *self._senders.values())

    def knock_early(self) -> None:
        """Sends all knocks but the late one; when this returns, the firewall is open for their flows."""
        for flow in ("early", "ended", "tcp"):
            self._knockers[flow].knock()
            self._knocked[flow] = self._knockers[flow].sent()

    @property
    def knock_late(self) -> Callable[[], None]:
        return self._knockers["late"].knock

    def go(self, start: float, *, ended_s: float) -> None:
        """The UDP flows begin at `start` of the monotonic clock; `ended` lasts for `ended_s`."""
        for number, (flow, sender) in enumerate(self._senders.items()):
            length = ended_s if flow == "ended" else self._seconds
            sender.go(start + number * self._stagger_s, start + length)

    def go_tcp(self) -> None:
        """iperf3 connects now."""
        self._tcp.start()

    def finish(self, *, late: bool) -> MixResult:
        """Ends everything; sent packets have at least `MARGIN_S` to arrive. `late`: whether the late knock was sent.

        Raises TrafficError.
        """
        totals = {flow: sender.finish() for flow, sender in self._senders.items()}
        if refused := sum(total.refused for total in totals.values()):
            raise TrafficError(f"the senders' sockets refused {refused} packets")
        report = self._tcp.finish_or_interrupt(_TCP_PATIENCE_S)
        if late:
            self._knocked["late"] = self._knockers["late"].sent()
        for knocker in self._knockers.values():
            knocker.finish()
        probes = sum(probe.finish() for probe in self._probes)
        _, packets = self._receiver.finish()
        names = dict(enumerate(UDP))
        received = packets.assign(flow=packets["flow"].map(names))
        sent = {flow: sender.sent() for flow, sender in self._senders.items()}
        return MixResult(totals, sent, received, dict(self._knocked), report, probes)


def lost_packets(result: MixResult, flow: str) -> int:
    """Packets of a UDP flow that the firewall should have let pass, and that did not arrive."""
    sent = result.sent[flow]
    arrived = np.zeros(len(sent), dtype=bool)
    arrived[result.received.loc[result.received["flow"] == flow, "sequence"].to_numpy()] = True
    if flow == "open":
        permitted = np.ones(len(sent), dtype=bool)
    elif flow in result.knocks:
        permitted = sent > result.knocks[flow][1] + MARGIN_S
    else:
        permitted = np.zeros(len(sent), dtype=bool)
    return int((permitted & ~arrived).sum())
