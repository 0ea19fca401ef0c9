"""A UDP flow with an exact schedule, and the small C tool (`flow.c`) that sends and receives it.

`sender.py` and `receiver.py` run the tool in a node's namespace.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.traffic.armed import TrafficError
from softswitch.build.cache import cached_directory, content_key

_SOURCE = Path(__file__).with_name("flow.c")
_FLAGS = ("-O2", "-std=gnu11")

HEADER_BYTES = 42  # Ethernet, IPv4 and UDP headers: a frame without its UDP payload
MAX_PAYLOAD = 1472  # bytes in a frame of 1500 bytes of IP
SMALL_PAYLOAD = 18  # makes a frame of 64 bytes on the wire, checksum included

RECORD = np.dtype(
    [("flow", "<u4"), ("bytes", "<u4"), ("sequence", "<u4"), ("_", "<u4"), ("sent_ns", "<i8"), ("received_ns", "<i8")]
)
"""The record that the tool writes for each packet, little-endian."""


@dataclass(frozen=True)
class Flow:
    """One UDP flow. `number` is in every packet; `interval_ns` 0 sends as fast as possible.

    `segments`: up to so many packets that are due at the same time are passed to the kernel together; it splits them
    before they reach the wire. For rates that one system call per packet cannot sustain.
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
        """The length of its frames as a switch counts them: from the Ethernet header to the end of the payload."""
        return self.payload + HEADER_BYTES


def flow_tool() -> Path:
    """The compiled tool, built on first use. Raises TrafficError if there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise TrafficError("no C compiler: apt-get install --no-install-recommends gcc libc6-dev")

    def build(folder: Path) -> None:
        argv = [compiler, *_FLAGS, "-o", str(folder / "flow"), str(_SOURCE)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise TrafficError(f"flow.c could not be compiled: {done.stderr.strip()}")

    key = content_key(_SOURCE.read_text(), *_FLAGS)
    return cached_directory("flow", key, build) / "flow"
