"""What was on a wire: every frame that a node receives, recorded by tcpdump, independent of the switch."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.traffic.armed import TrafficError
from topologies.network import RunningNetwork

HEAD_BYTES = 42
"""Bytes kept of each frame: Ethernet, IPv4 and UDP headers. Our networks have no shorter frames."""
IPV4, HULA = 0x0800, 0x88B5
_MAGIC_NS = 0xA1B23C4D  # pcap(5): little-endian, time stamps in ns
_FILE_HEADER = 24
_RING_KIB = 1 << 16
_READY_S = 10.0
_LISTENING = re.compile(r"listening on ")
_DROPPED = re.compile(r"(\d+) packets? dropped by kernel")

_FRAME = np.dtype(
    [
        ("s", "<u4"),
        ("ns", "<u4"),
        ("kept", "<u4"),
        ("bytes", "<u4"),
        ("macs", "V12"),
        ("type", ">u2"),
        ("ip", "V12"),
        ("source", ">u4"),
        ("destination", ">u4"),
        ("source_port", ">u2"),
        ("port", ">u2"),
        ("_", "V4"),
    ]
)


@dataclass(frozen=True)
class Captured:
    """Frames in order of arrival: `received_s` (monotonic clock), `bytes` (Ethernet header included, no frame check
    sequence), `type`, `source`, `destination` (IPv4 addresses as numbers), `source_port`, `port`.

    `dropped`: frames that the kernel could not deliver; if there are any, the capture is incomplete.
    """

    frames: pd.DataFrame
    dropped: int


def address_number(address: str) -> int:
    """An IPv4 address as a number, as in captures."""
    return int.from_bytes(bytes(int(part) for part in address.split(".")), "big")


class Capture:
    """Records the frames that arrive at a node's interface, from `wait_ready` to `finish`."""

    def __init__(self, network: RunningNetwork, node: str, interface: str, *, nice: int = 0) -> None:
        """`nice`: of tcpdump, added to ours."""
        self._network = network
        self._name = f"capture-{interface}"
        self._path = network.directory.path / f"{self._name}.pcap"
        self._log = network.helpers.log(self._name)
        self._log.unlink(missing_ok=True)  # of an earlier trial in the same network
        argv = ["tcpdump", "-i", interface, "-Q", "in", "-n", "-s", str(HEAD_BYTES), "-B", str(_RING_KIB)]
        argv += ["--immediate-mode", "--time-stamp-precision=nano", "-Z", "root", "-w", str(self._path)]
        self._process = network.helpers.spawn(self._name, network.pid(node), argv, nice=nice)

    def wait_ready(self) -> None:
        """Raises TrafficError if tcpdump does not start."""
        deadline = time.monotonic() + _READY_S
        while not _LISTENING.search(self._text()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise TrafficError(f"tcpdump does not listen: {self._text().strip() or 'it printed nothing'}")
            time.sleep(0.01)

    def finish(self) -> Captured:
        """Stops recording. Raises TrafficError if tcpdump failed."""
        to_monotonic = time.monotonic() - time.time()
        self._network.helpers.stop(self._name)
        found = _DROPPED.search(self._text())
        if found is None:
            raise TrafficError(f"tcpdump did not end in order: {self._text().strip() or 'it printed nothing'}")
        frames = read_capture(self._path, to_monotonic)
        self._path.unlink()
        return Captured(frames, int(found.group(1)))

    def _text(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""


def read_capture(path: Path, to_monotonic: float = 0.0) -> pd.DataFrame:
    """The frames of a pcap file that tcpdump wrote with `HEAD_BYTES` per frame and timestamps in ns; columns as in
    `Captured`. `to_monotonic` (s) is added to the timestamps. Raises TrafficError for other files."""
    raw = path.read_bytes()
    if len(raw) < _FILE_HEADER or int.from_bytes(raw[:4], "little") != _MAGIC_NS:
        raise TrafficError(f"{path} is not a capture with timestamps in ns")
    whole = (len(raw) - _FILE_HEADER) // _FRAME.itemsize  # the last one may be incomplete
    found: npt.NDArray[Any] = np.frombuffer(raw, _FRAME, count=whole, offset=_FILE_HEADER)
    if (found["kept"] != HEAD_BYTES).any():
        raise TrafficError(f"{path} was not recorded with {HEAD_BYTES} bytes of each frame")
    frame = pd.DataFrame(
        {
            # Whole seconds first: as ns since 1970 a float would lose the last digits.
            "received_s": (found["s"] + to_monotonic) + found["ns"] / 1e9,
            "bytes": found["bytes"].astype("int32"),
            "type": found["type"].astype("int32"),
            "source": found["source"].astype("int64"),
            "destination": found["destination"].astype("int64"),
            "source_port": found["source_port"].astype("int32"),
            "port": found["port"].astype("int32"),
        }
    )
    ordered: pd.DataFrame = frame.sort_values("received_s", kind="stable", ignore_index=True)
    return ordered
