"""The effect of an operation on traffic: a steady flow with the operation, compared with the same flow alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from experiments.claims.stats import longest_gap
from experiments.traffic.armed import TrafficError, wait_all
from experiments.traffic.flow import Flow
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from topologies.network import RunningNetwork
from topologies.paper import SERVER, ip_of

_PORT = 5300


@dataclass(frozen=True)
class FlowQuality:
    """A steady flow as seen by the receiver."""

    sent: int
    received: int
    longest_gap_ms: float

    @property
    def lost(self) -> int:
        return self.sent - self.received


def steady_flow(
    network: RunningNetwork,
    *,
    megabits_per_s: float,
    seconds: float,
    action: Callable[[], Any] | None = None,
) -> tuple[FlowQuality, Any]:
    """Sends full frames from h1 to the server with `action` in the middle; also returns the result of `action`."""
    flow = Flow(1, "h1", ip_of(SERVER), _PORT, Flow.interval_for(megabits_per_s))
    receiver, sender = Receiver(network, SERVER, [_PORT]), Sender(network, flow)
    wait_all(receiver, sender)
    start = time.monotonic() + 0.05
    sender.go(start, start + seconds)
    result = None
    if action is not None:
        time.sleep(max(0.0, start + seconds / 2 - time.monotonic()))
        result = action()
    time.sleep(max(0.0, start + seconds + 0.2 - time.monotonic()))
    totals = sender.finish()
    _, packets = receiver.finish()
    if packets.empty:
        raise TrafficError("no packet of the steady flow arrived")
    return FlowQuality(totals.sent, len(packets), longest_gap(packets["received_s"].to_numpy()) * 1e3), result
