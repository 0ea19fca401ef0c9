"""The scenario's numbers: of one trial from its frames and samples, and of all trials by strategy."""

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
"""Of the swap, to each side: where its gap is looked for."""
_SETTLED_S = 0.3  # after the swap: by then TCP has resumed, if it does
_TAIL_S = 1.0  # the end of the trial, by which a flow's fate is judged
_ALIVE = 0.5  # of its rate
_CPU_BEFORE_S, _CPU_AFTER_S = 0.5, 0.1


def flow_numbers(
    frames: pd.DataFrame, report: dict[str, Any], swap: Interval | None, duration: float, rate: float
) -> dict[str, Any]:
    """Which flows continue, how fast, and the longest gap at the swap. `frames`: flow, received_s and bytes.

    throughput_after_mbit: from when TCP has had time to go on to the end. goes_on: whether a flow has half of its rate
    at the end of the trial. gap_at_swap_ms: None when nothing came any more. tcp: iperf3's own view.
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
    """The longest time in ms without a frame around a swap; None when none came within 0.1 s after it."""
    around = times[times.between(swap.begin - AROUND_S, swap.end + AROUND_S)]
    if not (around > swap.end).any():
        return None
    return longest_gap(around.to_numpy()) * 1e3 if len(around) > 1 else None


def cpu_numbers(samples: pd.DataFrame, window: Interval) -> dict[str, float | None]:
    """What a reconfiguration costs. Cores that the data plane used before it and in it (None when it is too short to
    be sampled twice); CPU time in ms that the others spent on it; the most memory that the control plane had.

    The listener's is None when there was none.
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
    """The time in which 99 % of the packets came from socket to socket, in ms, without those that were on their way in
    the reconfiguration. `received`: sent_s and received_s of the monotonic clock, on which `start` is second 0."""
    times = received
    if window is not None:
        arrived = received["received_s"] - start
        times = received[(arrived < window.begin) | (received["sent_s"] - start > window.end)]
    if times.empty:
        return None
    return float((times["received_s"] - times["sent_s"]).quantile(0.99)) * 1e3


def control_waited(samples: pd.DataFrame, window: Interval) -> float | None:
    """Cores that the threads of the control plane lacked on average in a reconfiguration; None where the kernel does
    not say, and for one that is shorter than the distance of the samples."""
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

    runs: how many count. lost_packets: the most of a trial. flows_that_go_on: the fewest of a trial, of the
    `flows_let_in` by then: four, and three where no program is changed, since the fourth knocks inside of that.
    repeated: attempts that were. not_judged: why trials do not count, though they were repeated.
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
