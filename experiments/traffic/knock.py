"""A port knocker that is armed before it is needed, and a sender of HULA probes; both send raw frames.

    python -m experiments.traffic.knock --interface IF --frame HEX --frame HEX ...      one burst at every input line
    python -m experiments.traffic.knock --interface IF --frame HEX --every SECONDS      for ever

Raw frames, because the kernel's own TCP would repeat each SYN until it is answered.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import sys
import time
from collections.abc import Sequence

from experiments.traffic.armed import ArmedProcess
from experiments.traffic.frames import hula_probe, tcp_syn
from topologies.network import RunningNetwork


class Knocker:
    """Knocks from one host when told to."""

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
        """Sends the sequence now; returns without waiting for it."""
        self._process.command("now")

    def sent(self, timeout_s: float = 5.0) -> tuple[float, float]:
        """Waits for the end of a knock: when its first and last frame left, in s of the monotonic clock.

        Call it once for each `knock`, in the same order.
        """
        times = json.loads(self._process.read_line(timeout_s))
        return times["first_s"], times["last_s"]

    def finish(self) -> None:
        self._process.finish()


class ProbeSender:
    """HULA probes of one ToR into one port of the switch, all the while."""

    def __init__(
        self, network: RunningNetwork, host: str, *, mac: str, interface: str, tor: int, every_s: float = 0.1
    ) -> None:
        frame = hula_probe(source_mac=mac, tor=tor)
        self._process = _raw_sender(network, host, f"probes-{host}", interface, [frame], every_s=every_s)

    def wait_ready(self) -> None:
        self._process.wait_ready()

    def finish(self) -> int:
        """Stops; the number of probes sent."""
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
    argv = [sys.executable, "-m", "experiments.traffic.knock", "--interface", interface]
    for frame in frames:
        argv += ["--frame", frame.hex()]
    if every_s is not None:
        argv += ["--every", str(every_s)]
    return ArmedProcess(network, host, name, argv)


def _send_all(raw: socket.socket, frames: Sequence[bytes]) -> tuple[float, float]:
    first = time.monotonic()
    for frame in frames:
        raw.send(frame)
    return first, time.monotonic()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interface", required=True)
    parser.add_argument("--frame", action="append", required=True, type=bytes.fromhex)
    parser.add_argument("--every", type=float, default=None, help="seconds between two bursts; else one per input line")
    options = parser.parse_args()
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((options.interface, 0))
    print("ready", flush=True)
    sent = 0
    if options.every is None:
        for _ in sys.stdin:
            first, last = _send_all(raw, options.frame)
            sent += len(options.frame)
            print(json.dumps({"first_s": first, "last_s": last}), flush=True)
    else:
        due = time.monotonic()
        while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
            _send_all(raw, options.frame)
            sent += len(options.frame)
            due += options.every
    print(json.dumps({"sent": sent}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
