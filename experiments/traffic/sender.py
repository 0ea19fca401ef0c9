"""The traffic sender: a UDP flow from a node's socket, armed in advance, with a scheduled time for each packet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.traffic.armed import ArmedProcess, TrafficError
from experiments.traffic.flow import RECORD, Flow, flow_tool
from topologies.network import RunningNetwork


@dataclass(frozen=True)
class SenderTotals:
    """A sender's totals: packets sent, packets refused by the socket, times in ns of the monotonic clock."""

    sent: int
    refused: int
    first_ns: int
    last_ns: int
    worst_late_ns: int


class Sender:
    """A flow that is ready to start."""

    def __init__(self, network: RunningNetwork, flow: Flow, *, record: bool = False, nice: int = 0) -> None:
        """`record`: records when each packet left, for `sent`; `nice`: added to our nice value."""
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

    @property
    def pid(self) -> int:
        return self._process.pid

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
        times: npt.NDArray[np.float64] = np.fromfile(self._path, RECORD)["sent_ns"] / 1e9
        return times
