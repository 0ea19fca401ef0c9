"""The scenario's numbers: of one trial, from its frames and samples, and of all trials by strategy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from experiments.claims.stats import longest_gap, spread
from experiments.harness.phases import Interval
from experiments.harness.sweep import Sweep
from experiments.measure.divergence import cpu_between, cpu_share
from experiments.traffic.iperf3 import TcpSummary
from experiments.traffic.mix import LASTING

AROUND_S = 0.1
"""How far from the swap, in either direction, the gap is looked for."""
_SETTLED_S = 0.3  # after the swap: by then TCP has resumed, if at all
_TAIL_S = 1.0  # the end of the trial, which determines a flow's fate
_ALIVE = 0.5  # of its rate
_CPU_BEFORE_S, _CPU_AFTER_S = 0.5, 0.1


def flow_numbers(
    frames: pd.DataFrame, report: dict[str, Any], swap: Interval | None, duration: float, rate: float
) -> dict[str, Any]:
    """Which flows continue, how fast, and the longest gap at the swap. `frames`: flow, received_s and bytes.

    throughput_after_mbit: from when TCP has had time to resume until the end. goes_on: whether a flow reaches half of
    its rate at the end of the trial. gap_at_swap_ms: None if nothing arrived any more. tcp: iperf3's own summary.
    """
    begin = min(duration - 0.1, max(duration - _TAIL_S, (0.0 if swap is None else swap.end) + _SETTLED_S))
    tail = frames[frames["received_s"].between(begin, duration)]
    rates = {
        flow: float(tail.loc[tail["flow"] == flow, "bytes"].sum()) * 8 / 1e6 / (duration - begin) for flow in LASTING
    }
    numbers: dict[str, Any] = {
        "throughput_after_mbit": sum(rates.values()),
        "goes_on": {flow: found >= _ALIVE * rate for flow, found in rates.items()},
        "tcp": vars(TcpSummary.of(report)),
    }
    if swap is not None:
        numbers["gap_at_swap_ms"] = gap_at(frames["received_s"], swap)
    return numbers


def gap_at(times: pd.Series[float], swap: Interval) -> float | None:
    """The longest time in ms without a frame around a swap; None if no frame arrived within 0.1 s after it."""
    around = times[times.between(swap.begin - AROUND_S, swap.end + AROUND_S)]
    if not (around > swap.end).any():
        return None
    return longest_gap(around.to_numpy()) * 1e3 if len(around) > 1 else None


def cpu_numbers(samples: pd.DataFrame, window: Interval) -> dict[str, float | None]:
    """The cost of a reconfiguration. Cores that the data plane used before and during it (None if it is too short to be
    sampled twice); CPU time in ms that the other parts spent on it; the largest memory of the control plane.

    The listener's value is None if there was no listener.
    """

    def spent_ms(part: str) -> float | None:
        seconds = cpu_between(samples, part, window.begin, window.end + _CPU_AFTER_S)
        return None if seconds is None else seconds * 1e3

    memory = samples["memory_bytes"].dropna()
    return {
        "data_plane_cores_before": cpu_share(samples, "data_plane", window.begin - _CPU_BEFORE_S, window.begin),
        "data_plane_cores_meanwhile": cpu_share(samples, "data_plane", window.begin, window.end),
        "listener_cpu_ms": spent_ms("listener"),
        "control_plane_cpu_ms": spent_ms("control_plane"),
        "switch_service_cpu_ms": spent_ms("switch_other"),
        "control_plane_memory_bytes": None if memory.empty else float(memory.max()),
    }


def slow_packet_ms(received: pd.DataFrame, window: Interval | None, start: float) -> float | None:
    """The time in ms in which 99 % of the packets went from socket to socket, not counting packets in transit during
    the reconfiguration. `received`: sent_s and received_s of the monotonic clock, on which `start` is second 0."""
    times = received
    if window is not None:
        arrived = received["received_s"] - start
        times = received[(arrived < window.begin) | (received["sent_s"] - start > window.end)]
    if times.empty:
        return None
    return float((times["received_s"] - times["sent_s"]).quantile(0.99)) * 1e3


def control_waited(samples: pd.DataFrame, window: Interval) -> float | None:
    """Cores that the threads of the control plane lacked on average during a reconfiguration; None if the kernel does
    not count that, or if the reconfiguration is shorter than the distance between samples."""
    return cpu_share(samples, "control_waited", window.begin, window.end)


_OVER_REPEATS = (
    "delta_loss",
    "missing_bytes",
    "throughput_after_mbit",
    "gap_at_swap_ms",
    "reconfiguration_s",
    "data_plane_cores_before",
    "data_plane_cores_meanwhile",
    "listener_cpu_ms",
    "control_plane_cpu_ms",
    "switch_service_cpu_ms",
    "control_plane_memory_bytes",
)


def summarise(strategies: Mapping[str, str], sweep: Sweep) -> dict[str, dict[str, Any]]:
    """By strategy, from the trials that count; a number that none of them has is None. `strategies`: by trial.

    runs: number of trials that count. lost_packets: the largest of all trials. flows_that_go_on: the smallest of all
    trials, out of `flows_let_in`: four, or three if no program is changed, because the fourth flow knocks during the
    change. repeated: number of repeated attempts. not_judged: why trials do not count even after repetition.
    """
    result: dict[str, dict[str, Any]] = {}
    for strategy in dict.fromkeys(strategies.values()):
        names = [name for name, other in strategies.items() if other == strategy]
        counted = [sweep.trials[name] for name in names if name in sweep.trials]
        numbers: dict[str, Any] = {"runs": len(counted)}
        for name in _OVER_REPEATS:
            numbers[name] = _spread([_value(trial, name) for trial in counted])
        numbers["lost_packets"] = max((sum(trial["lost_packets"].values()) for trial in counted), default=None)
        numbers["flows_that_go_on"] = min((sum(trial["goes_on"].values()) for trial in counted), default=None)
        numbers["flows_let_in"] = max((_let_in(trial) for trial in counted), default=None)
        numbers["repeated"] = sum(len(sweep.repeated.get(name, ())) for name in names)
        numbers["not_judged"] = [sweep.unusable[name] for name in names if name in sweep.unusable]
        result[strategy] = numbers
    return result


def _let_in(trial: Mapping[str, Any]) -> int:
    return len(trial["goes_on"]) - ("late" not in trial["knocks"])


def _value(trial: Mapping[str, Any], name: str) -> float | None:
    if name == "reconfiguration_s":
        window = trial.get("window")
        return None if window is None else float(window["end"] - window["begin"])
    value = trial.get(name)
    return None if value is None else float(value)


def _spread(values: Sequence[float | None]) -> dict[str, float | int] | None:
    known = [value for value in values if value is not None]
    return spread(known).as_dict() if known else None
