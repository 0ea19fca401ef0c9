"""iperf3: one TCP connection between two nodes, with server and client in their namespaces; its JSON is kept.

connection = Iperf3(network, "h1", SERVER, ip_of(SERVER), seconds=10.0)   # the server listens
connection.start()                                                       # the client sends from now on
...
report = connection.finish()                                             # waits for the end
"""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.traffic.armed import TrafficError
from topologies.network import RunningNetwork

PORT = 5201
SEGMENT_BYTES = 1448
"""Payload of a full TCP segment with timestamps."""
FRAME_BYTES = SEGMENT_BYTES + 66
_LISTEN_S = 10.0
_PATIENCE_S = 20.0
_LISTENING = "0A"  # state of a socket in /proc/net/tcp


@dataclass(frozen=True)
class TcpRate:
    """The throughput of one TCP connection: goodput at the receiver."""

    gigabits_per_s: float
    retransmits: int


@dataclass(frozen=True)
class TcpSummary:
    """The summary of a client's report. `goodput_mbit` of the whole connection at the sender, `retransmits` of
    segments; `error`: iperf3's message if it did not end by itself, else None."""

    goodput_mbit: float | None
    retransmits: int | None
    error: str | None

    @classmethod
    def of(cls, report: dict[str, Any]) -> TcpSummary:
        total = report.get("end", {}).get("sum_sent", {})
        rate, again = total.get("bits_per_second"), total.get("retransmits")
        return cls(None if rate is None else rate / 1e6, None if again is None else int(again), report.get("error"))


class Iperf3:
    """One TCP connection from `source` to `target`. Its server listens when the constructor returns.

    seconds: duration of sending; omit_s: preceding seconds that do not count; interval_s: of the client's own reports;
    megabits_per_s: of Ethernet frames, paced by iperf3 in steps of about a millisecond; None: as fast as possible;
    name: of the helpers, unique within the network; nice: of both sides, added to ours. Raises TrafficError.
    """

    def __init__(
        self,
        network: RunningNetwork,
        source: str,
        target: str,
        target_ip: str,
        *,
        seconds: float,
        omit_s: float = 0.0,
        interval_s: float = 1.0,
        megabits_per_s: float | None = None,
        port: int = PORT,
        name: str = "iperf3",
        nice: int = 0,
    ) -> None:
        self.json_path: Path = network.directory.path / f"{name}.json"
        self._network = network
        self._source, self._target = source, target
        self._names = f"{name}-server", f"{name}-client"
        self._seconds = omit_s + seconds
        self._nice = nice
        self._argv = ["iperf3", "-c", target_ip, "-p", str(port), "-i", f"{interval_s:g}", "-J"]
        self._argv += length_arguments(seconds, megabits_per_s)
        if omit_s:
            self._argv += ["-O", f"{omit_s:g}"]
        self._client: subprocess.Popen[bytes] | None = None
        server = ["iperf3", "-s", "-1", "-p", str(port)]
        process = network.helpers.spawn(self._names[0], network.pid(target), server, nice=nice)
        try:
            _wait_listening(network, target, port, process)
        except BaseException:
            network.helpers.stop(self._names[0])
            raise

    def start(self) -> None:
        """The client connects and sends; returns at once."""
        with self.json_path.open("wb") as output:
            self._client = self._network.helpers.spawn(
                self._names[1], self._network.pid(self._source), self._argv, stdout=output, nice=self._nice
            )

    def finish(self) -> dict[str, Any]:
        """Waits for the client's end and returns its report, which is also in `json_path`. Raises TrafficError."""
        if self._client is None:
            raise TrafficError(f"{self._names[1]} was never started")
        try:
            self._client.wait(self._seconds + _PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise TrafficError(
                f"iperf3 from {self._source} to {self._target} did not end within {self._seconds + _PATIENCE_S:g} s"
            ) from None
        finally:
            self.stop()
        return read_report(self.json_path, f"iperf3 from {self._source} to {self._target}")

    def finish_or_interrupt(self, patience_s: float) -> dict[str, Any]:
        """The client's report; a client that does not end within `patience_s` from now is interrupted.

        A report with `error` is that of a broken connection, as on a switch that forgets that it may pass. Raises
        TrafficError if there is no report at all.
        """
        if self._client is None:
            raise TrafficError(f"{self._names[1]} was never started")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._client.wait(patience_s)
        self.stop()
        return _parsed(self.json_path, f"iperf3 from {self._source} to {self._target}")

    def stop(self) -> None:
        """Ends both sides, whatever their state."""
        for name in reversed(self._names):
            self._network.helpers.stop(name)


def length_arguments(seconds: float, megabits_per_s: float | None) -> list[str]:
    """The duration and rate of a client. iperf3 truncates `-t` to whole seconds, so a paced client is given the number
    of bytes instead; for an unpaced one a fraction of a second is rounded up."""
    if megabits_per_s is None:
        return ["-t", str(math.ceil(seconds))]
    payload_rate = megabits_per_s * 1e6 * SEGMENT_BYTES / FRAME_BYTES
    size = round(payload_rate * seconds / 8)
    return ["-n", str(size), "-b", f"{payload_rate:.0f}", "-l", str(SEGMENT_BYTES), "-N"]


def read_report(path: Path, what: str) -> dict[str, Any]:
    """The JSON of an iperf3 client. Raises TrafficError with iperf3's own message if it failed."""
    report = _parsed(path, what)
    if "error" in report:
        raise TrafficError(f"{what}: {report['error']}")
    return report


def _parsed(path: Path, what: str) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        report: dict[str, Any] = json.loads(text)
    except ValueError:
        raise TrafficError(f"{what}: {text.strip()[:200] or 'it printed nothing'}") from None
    return report


def tcp_rate(network: RunningNetwork, source: str, target: str, target_ip: str, *, seconds: float) -> TcpRate:
    """One TCP connection for `seconds` after a warm-up of half a second. Raises TrafficError."""
    connection = Iperf3(network, source, target, target_ip, seconds=seconds, omit_s=0.5)
    connection.start()
    total = connection.finish()["end"]
    return TcpRate(total["sum_received"]["bits_per_second"] / 1e9, int(total["sum_sent"].get("retransmits", 0)))


def _wait_listening(
    network: RunningNetwork, node: str, port: int, process: subprocess.Popen[bytes], timeout_s: float = _LISTEN_S
) -> None:
    """Waits until a TCP socket of the node listens on `port`."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise TrafficError(f"iperf3 -s ended with code {process.returncode}")
        tables = network.run(node, "sh", "-c", "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || true")
        for line in tables.splitlines():
            fields = line.split()
            if len(fields) > 3 and fields[1].endswith(f":{port:04X}") and fields[3] == _LISTENING:
                return
        time.sleep(0.02)
    raise TrafficError(f"iperf3 -s did not listen on port {port} of {node} within {timeout_s:g} s")
