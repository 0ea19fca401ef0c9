"""How many small UDP frames a switch forwards, measured with our flow tool. For TCP see `traffic/iperf3.py`."""

from __future__ import annotations

import time
from dataclasses import dataclass

from experiments.traffic.armed import TrafficError
from experiments.traffic.flow import HEADER_BYTES, SMALL_PAYLOAD, Flow
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from topologies.network import RunningNetwork

_UDP_PORT = 5300


@dataclass(frozen=True)
class FrameRate:
    """A flood of equal frames: rates offered and received, in frames per second, during the flood."""

    offered_per_s: float
    received_per_s: float
    frame_bytes: int


def frame_rate(
    network: RunningNetwork,
    source: str,
    target: str,
    target_ip: str,
    *,
    seconds: float,
    payload: int = SMALL_PAYLOAD,
    frames_per_s: float | None = None,
) -> FrameRate:
    """Sends equal UDP frames for `seconds`, as fast as the sender can or at `frames_per_s`. Raises TrafficError.

    With the default payload a frame has 64 bytes on the wire.
    """
    interval = 0 if frames_per_s is None else round(1e9 / frames_per_s)
    flow = Flow(1, source, target_ip, _UDP_PORT, interval_ns=interval, payload=payload)
    receiver, sender = Receiver(network, target, [_UDP_PORT], record=False), Sender(network, flow)
    receiver.wait_ready()
    sender.wait_ready()
    start = time.monotonic() + 0.02
    sender.go(start, start + seconds)
    time.sleep(seconds + 0.05)
    sent = sender.finish()
    time.sleep(0.1)  # lets frames waiting in the switch arrive
    totals = receiver.stop()
    duration = (sent.last_ns - sent.first_ns) / 1e9
    if totals.packets < 2 or duration <= 0:
        raise TrafficError(f"only {totals.packets} of {sent.sent} packets arrived from {source} at {target}")
    arrived_in = max(duration, (totals.last_ns - totals.first_ns) / 1e9)
    return FrameRate(sent.sent / duration, totals.packets / arrived_in, payload + HEADER_BYTES)
