"""Port knocks and HULA probes: raw frames from a host, sent by a process that is armed in advance."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from experiments.traffic.armed import ArmedProcess
from experiments.traffic.frames import hula_probe, tcp_syn
from topologies.network import RunningNetwork
from topologies.paper import SERVER, ip_of, mac_of


class Knocker:
    """Knocks from one host when triggered."""

    def __init__(
        self,
        network: RunningNetwork,
        host: str,
        *,
        source: tuple[str, str],
        target: tuple[str, str],
        ports: Sequence[int],
        interface: str,
        source_port: int = 40000,
    ) -> None:
        """`source` and `target` are (MAC address, IPv4 address); `ports` the sequence of knocks."""
        frames = [
            tcp_syn(
                source_mac=source[0],
                source_ip=source[1],
                target_mac=target[0],
                target_ip=target[1],
                source_port=source_port,
                port=port,
            )
            for port in ports
        ]
        self.host = host
        self._process = _raw_sender(network, host, f"knock-{host}", interface, frames)

    def wait_ready(self) -> None:
        self._process.wait_ready()

    def knock(self) -> None:
        """Sends the sequence now, without waiting for its end."""
        self._process.command("now")

    def sent(self, timeout_s: float = 5.0) -> tuple[float, float]:
        """Waits for the end of a knock; returns when its first and last frame left, in s of the monotonic clock.

        Call it once for each `knock`, in the same order.
        """
        times = json.loads(self._process.read_line(timeout_s))
        return times["first_s"], times["last_s"]

    def finish(self) -> None:
        self._process.finish()


def knocker_at(network: RunningNetwork, host: str, ports: Sequence[int]) -> Knocker:
    """A knocker at a host of the paper's network that knocks at the server."""
    return Knocker(
        network,
        host,
        source=(mac_of(host), ip_of(host)),
        target=(mac_of(SERVER), ip_of(SERVER)),
        ports=ports,
        interface=f"{host}-eth0",
    )


class ProbeSender:
    """HULA probes of one ToR into one port of the switch, sent continuously."""

    def __init__(
        self, network: RunningNetwork, host: str, *, mac: str, interface: str, tor: int, every_s: float = 0.1
    ) -> None:
        frame = hula_probe(source_mac=mac, tor=tor)
        self._process = _raw_sender(network, host, f"probes-{host}", interface, [frame], every_s=every_s)

    def wait_ready(self) -> None:
        self._process.wait_ready()

    def finish(self) -> int:
        """Stops; returns the number of probes sent."""
        return int(self._process.finish()["sent"])


def _raw_sender(
    network: RunningNetwork,
    host: str,
    name: str,
    interface: str,
    frames: Sequence[bytes],
    *,
    every_s: float | None = None,
) -> ArmedProcess:
    argv = [sys.executable, "-m", "experiments.traffic.raw_sender", "--interface", interface]
    for frame in frames:
        argv += ["--frame", frame.hex()]
    if every_s is not None:
        argv += ["--every", str(every_s)]
    return ArmedProcess(network, host, name, argv)
