"""UDP flows with exact schedules: Python around the small C tool `flow.c`, which is built once."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.traffic.armed import ArmedProcess, OwnLossError, TrafficError
from softswitch.build.cache import cached_directory, content_key
from topologies.network import RunningNetwork

_SOURCE = Path(__file__).with_name("flow.c")
_FLAGS = ("-O2", "-std=gnu11")

HEADER_BYTES = 42  # Ethernet, IPv4 and UDP headers: what a frame has beside the UDP payload
MAX_PAYLOAD = 1472  # bytes in a frame of 1500 bytes of IP
SMALL_PAYLOAD = 18  # makes a frame of 64 bytes on the wire, checksum included

_RECORD = np.dtype(
    [("flow", "<u4"), ("bytes", "<u4"), ("sequence", "<u4"), ("_", "<u4"), ("sent_ns", "<i8"), ("received_ns", "<i8")]
)


@dataclass(frozen=True)
class Flow:
    """One UDP flow. `number` is in every packet; `interval_ns` 0 sends as fast as it can.

    `segments`: packets that are due at the same moment go to the kernel together, up to so many; it cuts them apart
    before they reach the wire. For rates that one system call per packet can't keep up.
    """

    number: int
    source: str
    destination_ip: str
    port: int
    interval_ns: int
    payload: int = MAX_PAYLOAD
    count: int | None = None
    segments: int = 1

    @staticmethod
    def interval_for(megabits_per_s: float, payload: int = MAX_PAYLOAD) -> int:
        """The interval in ns for a rate of Ethernet frames (payload and headers, without preamble and checksum)."""
        return round((payload + HEADER_BYTES) * 8e3 / megabits_per_s)

    @property
    def frame_bytes(self) -> int:
        """The length of its frames as a switch counts them: Ethernet header to the end of the payload."""
        return self.payload + HEADER_BYTES


def flow_tool() -> Path:
    """The compiled tool, built on first use. Raises TrafficError without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise TrafficError("no C compiler: apt-get install --no-install-recommends gcc libc6-dev")

    def build(folder: Path) -> None:
        argv = [compiler, *_FLAGS, "-o", str(folder / "flow"), str(_SOURCE)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise TrafficError(f"flow.c did not compile: {done.stderr.strip()}")

    key = content_key(_SOURCE.read_text(), *_FLAGS)
    return cached_directory("flow", key, build) / "flow"


class Sender:
    """A flow that is ready to go."""

    def __init__(self, network: RunningNetwork, flow: Flow, *, record: bool = False, nice: int = 0) -> None:
        """`record` writes down when each packet left, for `sent`; `nice` is its priority before ours."""
        self.flow = flow
        self._path = network.directory.path / f"sent-{flow.number}.bin" if record else None
        argv = [str(flow_tool()), "send", "--to", flow.destination_ip, "--port", str(flow.port)]
        argv += ["--flow", str(flow.number), "--payload", str(flow.payload), "--interval", str(flow.interval_ns)]
        if flow.segments > 1:
            argv += ["--segments", str(flow.segments)]
        if flow.count is not None:
            argv += ["--count", str(flow.count)]
        if self._path is not None:
            argv += ["--records", str(self._path)]
        self._process = ArmedProcess(network, flow.source, f"send-{flow.number}", argv, nice=nice)

    def wait_ready(self) -> None:
        self._process.wait_ready()

    def go(self, start_s: float, end_s: float) -> None:
        """Packet k leaves at `start_s + k * interval` of the monotonic clock; none leaves after `end_s`."""
        self._process.command(f"go {round(start_s * 1e9)} {round(end_s * 1e9)}")

    def finish(self) -> SenderTotals:
        return SenderTotals(**self._process.finish())

    def sent(self) -> npt.NDArray[np.float64]:
        """After `finish`: when packet k left, in s of the monotonic clock. Shape: (packets,)."""
        if self._path is None:
            raise TrafficError("this sender kept no records")
        times: npt.NDArray[np.float64] = np.fromfile(self._path, _RECORD)["sent_ns"] / 1e9
        return times


@dataclass(frozen=True)
class SenderTotals:
    """What a sender did: packets sent, packets that the socket refused, times in ns of the monotonic clock."""

    sent: int
    refused: int
    first_ns: int
    last_ns: int
    worst_late_ns: int


@dataclass(frozen=True)
class ReceiverTotals:
    """What a receiver saw. `overflow` packets were lost in its own socket: the harness's fault, not the switch's."""

    packets: int
    bytes: int
    strange: int
    overflow: int
    first_ns: int
    last_ns: int
    longest_gap_ns: int


class Receiver:
    """Takes all flows at one node and, with `record`, writes down every packet."""

    def __init__(
        self, network: RunningNetwork, node: str, ports: Sequence[int], *, record: bool = True, nice: int = 0
    ) -> None:
        self._path = network.directory.path / f"received-{node}.bin" if record else None
        argv = [str(flow_tool()), "receive"]
        for port in sorted(set(ports)):
            argv += ["--port", str(port)]
        if self._path is not None:
            argv += ["--records", str(self._path)]
        self._process = ArmedProcess(network, node, f"receive-{node}", argv, nice=nice)

    def wait_ready(self) -> None:
        self._process.wait_ready()

    def finish(self) -> tuple[ReceiverTotals, pd.DataFrame]:
        """Totals and the packets in order of arrival.

        Columns: flow, sequence, bytes (UDP payload), sent_s and received_s (monotonic clock; arrival by the kernel's
        time stamp). Raises OwnLossError when packets were lost in the receiver's own socket.
        """
        totals = self.stop()
        if totals.overflow:
            raise OwnLossError(f"the receiver was too slow and lost {totals.overflow} packets of its own")
        return totals, self._packets()

    def stop(self) -> ReceiverTotals:
        """Totals only; its own losses (`overflow`) are for the caller to judge."""
        return ReceiverTotals(**self._process.finish())

    def _packets(self) -> pd.DataFrame:
        raw: npt.NDArray[Any] = np.empty(0, _RECORD) if self._path is None else np.fromfile(self._path, _RECORD)
        frame = pd.DataFrame(
            {
                "flow": raw["flow"].astype("int32"),
                "sequence": raw["sequence"].astype("int64"),
                "bytes": raw["bytes"].astype("int32"),
                "sent_s": raw["sent_ns"] / 1e9,
                "received_s": raw["received_ns"] / 1e9,
            }
        )
        ordered: pd.DataFrame = frame.sort_values("received_s", kind="stable", ignore_index=True)
        return ordered
