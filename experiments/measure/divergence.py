"""State compared with the wire: the bytes a switch should have counted, those it has, and when they diverged.

Pure functions over tables. `frames`: what the receiver's link carried (`wire.py`; `received_s` and `bytes` of the
counted flows, ascending). `samples`: what the switch's state contained (`sampling.py`; `t` and `state_bytes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.claims.stats import delta_loss
from experiments.harness.phases import Interval

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Delta:
    """At the end of a trial: bytes on the wire, bytes in the state, and the missing bytes.

    `delta_loss` is (wire - state) / wire; it is negative if the state has more than the wire carried.
    """

    wire_bytes: int
    state_bytes: int
    missing_bytes: int
    delta_loss: float

    @classmethod
    def of(cls, wire_bytes: int, state_bytes: int) -> Delta:
        """Raises ValueError if nothing was on the wire."""
        return cls(wire_bytes, state_bytes, wire_bytes - state_bytes, delta_loss(wire_bytes, state_bytes))


def by_flow(wire: Mapping[str, int], state: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Bytes by flow on the wire and in the state; a flow that is only in one of them has 0 in the other."""
    return {
        name: {"wire_bytes": int(wire.get(name, 0)), "state_bytes": int(state.get(name, 0))}
        for name in dict.fromkeys((*wire, *state))
    }


def wire_bytes_until(frames: pd.DataFrame, times: Floats) -> npt.NDArray[np.int64]:
    """Bytes of the frames that had arrived by each of `times` (inclusive). Shape: that of `times`."""
    total: npt.NDArray[np.int64] = np.concatenate([[0], np.cumsum(frames["bytes"].to_numpy(), dtype=np.int64)])
    places = np.searchsorted(frames["received_s"].to_numpy(), times, side="right")
    found: npt.NDArray[np.int64] = total[places]
    return found


def missing_over_time(
    frames: pd.DataFrame, samples: pd.DataFrame, *, unreadable: Interval | None = None
) -> pd.DataFrame:
    """One row per sample of the state: `t`, `wire_bytes`, `state_bytes`, `missing_bytes`.

    `unreadable`: samples from then on show another program's state and are left out, as are samples without a reading.
    """
    kept: pd.DataFrame = samples[samples["state_bytes"].notna()]
    if unreadable is not None:
        kept = kept[~kept["t"].between(unreadable.begin, unreadable.end)]
    wire = wire_bytes_until(frames, kept["t"].to_numpy())
    state = kept["state_bytes"].to_numpy().astype(np.int64)
    found: pd.DataFrame = kept[["t"]].assign(wire_bytes=wire, state_bytes=state, missing_bytes=wire - state)
    found = found.reset_index(drop=True)
    return found


def error_before(missing: pd.DataFrame, moment: float) -> int | None:
    """The largest difference in bytes, in either direction, among the samples before a time at which nothing can be
    missing yet: the inherent difference between samples of wire and state. None without a sample."""
    before = missing.loc[missing["t"] < moment, "missing_bytes"].abs()
    return None if before.empty else int(before.max())


def cpu_between(samples: pd.DataFrame, part: str, begin: float, end: float) -> float | None:
    """CPU seconds of a part of the switch from `begin` to `end`, from the nearest samples outside that interval.

    None if the part never existed or the samples do not reach that far. A part that appears in between (a listener) had
    used nothing before.
    """
    times, used = samples["t"].to_numpy(), samples[f"{part}_s"]
    if used.isna().all() or not len(times) or times[0] > begin or times[-1] < end:
        return None
    before, after = times.searchsorted(begin, side="right") - 1, times.searchsorted(end, side="left")
    values = used.fillna(0.0).to_numpy()
    return float(values[after] - values[before])


def cpu_share(samples: pd.DataFrame, part: str, begin: float, end: float) -> float | None:
    """Cores that a part used on average from `begin` to `end` (1.0: one core); None as in `cpu_between`, and for an
    interval shorter than the distance between samples."""
    inside = samples[samples["t"].between(begin, end)]
    if len(inside) < 2:
        return None
    first, last = inside.iloc[0], inside.iloc[-1]
    spent = cpu_between(samples, part, float(first["t"]), float(last["t"]))
    return None if spent is None else spent / float(last["t"] - first["t"])
