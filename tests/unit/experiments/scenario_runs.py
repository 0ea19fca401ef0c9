"""A made-up run of the scenario, with the files for its table and figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.harness.results import ResultFolder
from experiments.traffic.mix import LASTING

DURATION, SWAP, WINDOW_S = 8.0, 4.0, 1.5
FRAME, PER_S = 1000, 1000  # of each flow


def trial(strategy: str, repeat: int = 1, **changes: Any) -> dict[str, Any]:
    """The numbers of a trial in which nothing was lost."""
    return {
        "strategy": strategy,
        "repeat": repeat,
        "duration": DURATION,
        "ended": 1.0,
        "wire_bytes": 10_000,
        "state_bytes": 10_000,
        "missing_bytes": 0,
        "delta_loss": 0.0,
        "lost_packets": {"open": 0, "early": 0},
        "goes_on": dict.fromkeys(LASTING, True),
        "throughput_after_mbit": 80.0,
        "gap_at_swap_ms": 0.5,
        "knocks": {"late": SWAP - 0.7},
        "window": {"begin": SWAP - WINDOW_S, "end": SWAP + 0.1},
        "swap": {"begin": SWAP - 0.01, "end": SWAP},
        "data_plane_cores_before": 0.2,
        "data_plane_cores_meanwhile": 0.3,
        "listener_cpu_ms": 400.0,
        "control_plane_cpu_ms": 150.0,
        "switch_service_cpu_ms": 80.0,
        "control_plane_memory_bytes": 1e8,
        **changes,
    }


def failed(strategy: str, why: str, repeat: int = 1) -> dict[str, Any]:
    """A trial that failed in each attempt, as stored on disk."""
    return {"strategy": strategy, "repeat": repeat, "failed": f"failed: {why}", "attempts": ["failed: once", why]}


def frames(flows: int = 4) -> pd.DataFrame:
    """Steady flows; the last of them begins a second before the swap."""
    tables = []
    for number, flow in enumerate(LASTING[:flows]):
        begin = SWAP - 1.0 if number == 3 else 0.0
        times = np.arange(begin, DURATION, 1 / PER_S) + number * 1e-4
        tables.append(pd.DataFrame({"flow": flow, "received_s": times, "bytes": FRAME}))
    return pd.concat(tables).sort_values("received_s", ignore_index=True)


def samples(table: pd.DataFrame, lost: int = 0, *, listener: bool = True) -> pd.DataFrame:
    """Every 50 ms; from the swap on the state lacks `lost` bytes."""
    times = np.arange(0.0, DURATION, 0.05)
    wire = np.array([table.loc[table["received_s"] <= time, "bytes"].sum() for time in times], dtype=np.float64)
    working = (times > SWAP - WINDOW_S) & (times < SWAP)
    listened = np.where(times > SWAP - WINDOW_S, np.cumsum(working) * 0.02, np.nan)
    return pd.DataFrame(
        {
            "t": times,
            "state_bytes": np.where(times >= SWAP, wire - lost, wire),
            "tx_bytes": wire,
            "data_plane_s": times * 0.25,
            "switch_other_s": times * 0.05,
            "listener_s": listened if listener else np.nan,
            "control_plane_s": np.cumsum(working) * 0.01,
            "control_waited_s": times * 0.01,
            "memory_bytes": 1e8,
        }
    )


def make_run(
    folder: Path,
    strategies: dict[str, int],
    *,
    broken: dict[str, str] | None = None,
    changes: dict[str, dict[str, Any]] | None = None,
) -> ResultFolder:
    """A run with these strategies and the bytes that each loses; `broken`: those of which no trial counts, and why;
    `changes`: other numbers of a strategy's trial."""
    names = [*strategies, *(broken or {})]
    options = {"strategies": names, "target": "softswitch", "profile": "paper", "left_out": {}}
    run = ResultFolder.create(folder, "scenario", options, seed=1)
    for strategy, lost in strategies.items():
        flows = 3 if strategy == "controller" else 4
        table = frames(flows)
        total = int(table["bytes"].sum())
        fates = {flow: number < flows for number, flow in enumerate(LASTING)}
        numbers = trial(
            strategy,
            wire_bytes=total,
            state_bytes=total - lost,
            missing_bytes=lost,
            delta_loss=lost / total,
            goes_on=fates,
            **(changes or {}).get(strategy, {}),
        )
        kinds = {"frames": table, "state": samples(table, lost, listener=strategy != "controller")}
        run.add_trial(f"{strategy}-1", numbers, samples=kinds, documents={"iperf3": {"end": {}}})
    for strategy, why in (broken or {}).items():
        run.add_trial(f"{strategy}-1", failed(strategy, why))
    return run
