"""The traffic receiver: accepts all flows at a node and records the arrival of each packet, by the kernel's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.traffic.armed import ArmedProcess, OwnLossError
from experiments.traffic.flow import RECORD, flow_tool
from topologies.network import RunningNetwork


@dataclass(frozen=True)
class ReceiverTotals:
    """A receiver's totals. `overflow` packets were lost in its own socket, which is not the switch's fault."""

    packets: int
    bytes: int
    strange: int
    overflow: int
    first_ns: int
    last_ns: int
    longest_gap_ns: int


class Receiver:
    """Accepts all flows at one node and, with `record`, records every packet."""

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

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self) -> None:
        self._process.wait_ready()

    def finish(self) -> tuple[ReceiverTotals, pd.DataFrame]:
        """Totals and the packets in order of arrival.

        Columns: flow, sequence, bytes (UDP payload), sent_s and received_s (monotonic clock; arrival by the kernel's
        timestamp). Raises OwnLossError if packets were lost in the receiver's own socket.
        """
        totals = self.stop()
        if totals.overflow:
            raise OwnLossError(f"the receiver was too slow and lost {totals.overflow} packets of its own")
        return totals, self._packets()

    def stop(self) -> ReceiverTotals:
        """Totals only; the caller has to judge the receiver's own losses (`overflow`)."""
        return ReceiverTotals(**self._process.finish())

    def _packets(self) -> pd.DataFrame:
        raw: npt.NDArray[Any] = np.empty(0, RECORD) if self._path is None else np.fromfile(self._path, RECORD)
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
