"""The runner's side of `sampler.py`: starts it, monitors it, and converts its output to a table."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.harness.lab import Lab
from experiments.traffic.armed import ArmedProcess, TrafficError
from topologies.paper import SWITCH

EVERY_S = 0.05
PARTS = ("data_plane", "switch_other", "listener", "control_plane", "control_waited")


class Sampler:
    """Samples the switch of a lab from now until `finish`."""

    def __init__(self, lab: Lab, *, register: str, cells: Sequence[int], interface: str) -> None:
        process = lab.switch.process
        if process is None:
            raise TrafficError("the switch is not running: there is nothing to sample")
        self._path = lab.network.directory.path / "samples.jsonl"
        argv = [sys.executable, "-m", "experiments.measure.sampler", "--target", lab.plan.target]
        argv += ["--address", lab.switch.address, "--register", register, "--cells", ",".join(map(str, cells))]
        argv += ["--interface", interface, "--switch-pid", str(process.pid), "--control-pid", str(lab.control.pid)]
        argv += ["--every", f"{EVERY_S:g}", "--to", str(self._path)]
        self._process = ArmedProcess(lab.network, SWITCH, "sampler", argv)
        self._read_bytes = 0

    def wait_ready(self) -> None:
        self._process.wait_ready()

    def news(self) -> list[dict[str, Any]]:
        """The samples since the last call, for a live view."""
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        return [json.loads(line) for line in whole.splitlines()]

    def finish(self, start: float, *, since: float) -> pd.DataFrame:
        """Stops, and returns the samples since a time of the monotonic clock (`samples_of`). Raises TrafficError."""
        self._process.finish()
        samples = samples_of(self._path, start)
        kept: pd.DataFrame = samples[samples["t"] >= since - start].reset_index(drop=True)
        return kept


def samples_of(path: Path, start: float) -> pd.DataFrame:
    """One row per sample: `t` in s after `start` of the monotonic clock, `state_bytes` (the sum of the cells, missing
    if they could not be read), `tx_bytes`, CPU seconds of each of `PARTS` (missing if it did not exist), and
    `memory_bytes` of the control plane."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    frame = pd.DataFrame(
        {
            "t": [line["t"] - start for line in lines],
            "state_bytes": [None if line["cells"] is None else sum(line["cells"]) for line in lines],
            "tx_bytes": [line["tx_bytes"] for line in lines],
            **{f"{part}_s": [line["cpu"].get(part) for line in lines] for part in PARTS},
            "memory_bytes": [line["memory"] for line in lines],
        }
    )
    numbers: pd.DataFrame = frame.astype("float64")
    return numbers
