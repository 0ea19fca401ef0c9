"""How much a switch forwards: TCP by iperf3, small UDP frames by our own flow tool."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass

from experiments.traffic.armed import TrafficError
from experiments.traffic.flows import HEADER_BYTES, SMALL_PAYLOAD, Flow, Receiver, Sender
from topologies.errors import NetworkError
from topologies.network import RunningNetwork

_TCP_PORT = 5201
_UDP_PORT = 5300


@dataclass(frozen=True)
class TcpRate:
    """What one TCP connection got through: goodput at the receiver."""

    gigabits_per_s: float
    retransmits: int


@dataclass(frozen=True)
class FrameRate:
    """A flood of equal frames: what was offered and what arrived, in frames per second, while it lasted."""

    offered_per_s: float
    received_per_s: float
    frame_bytes: int


def tcp_rate(network: RunningNetwork, source: str, target: str, target_ip: str, *, seconds: float) -> TcpRate:
    """One TCP connection for `seconds` after half a second of warming up. Raises TrafficError."""
    server = network.helpers.spawn("iperf3-server", network.pid(target), ["iperf3", "-s", "-1", "-p", str(_TCP_PORT)])
    try:
        _wait_listening(network, target, _TCP_PORT, server)
        argv = ["iperf3", "-c", target_ip, "-p", str(_TCP_PORT), "-t", f"{seconds:g}", "-O", "0.5", "-J"]
        try:
            report = json.loads(network.run(source, *argv, timeout_s=seconds + 20))
        except NetworkError as error:
            raise TrafficError(f"iperf3 from {source} to {target}: {error}") from None
    finally:
        network.helpers.stop("iperf3-server")
    if "error" in report:
        raise TrafficError(f"iperf3 from {source} to {target}: {report['error']}")
    total = report["end"]
    return TcpRate(total["sum_received"]["bits_per_second"] / 1e9, int(total["sum_sent"].get("retransmits", 0)))


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
    """Equal UDP frames for `seconds`, as many as the sender can or `frames_per_s`. Raises TrafficError.

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
    time.sleep(0.1)  # what still waits in the switch
    totals = receiver.stop()
    duration = (sent.last_ns - sent.first_ns) / 1e9
    if totals.packets < 2 or duration <= 0:
        raise TrafficError(f"only {totals.packets} of {sent.sent} packets arrived from {source} at {target}")
    arrived_in = max(duration, (totals.last_ns - totals.first_ns) / 1e9)
    return FrameRate(sent.sent / duration, totals.packets / arrived_in, payload + HEADER_BYTES)


def _wait_listening(
    network: RunningNetwork, node: str, port: int, process: subprocess.Popen[bytes], timeout_s: float = 10.0
) -> None:
    """Waits until a TCP socket of the node listens on `port`."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise TrafficError(f"iperf3 -s ended with code {process.returncode}")
        tables = network.run(node, "sh", "-c", "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || true")
        for line in tables.splitlines():
            fields = line.split()
            if len(fields) > 3 and fields[1].endswith(f":{port:04X}") and fields[3] == "0A":
                return
        time.sleep(0.02)
    raise TrafficError(f"iperf3 -s did not listen on port {port} of {node} within {timeout_s:g} s")
