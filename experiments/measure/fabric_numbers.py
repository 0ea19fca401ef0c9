"""Numbers of a fabric's trials: paths, balance, losses, dead flows; from the wire and from the hosts' records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.claims.stats import spread
from experiments.traffic.fabric_mix import GROUPS, TCP, TCP_ENDS

BIN_S = 0.1
SHARE_S = 1.0
"""The interval for computing a path's share of the bytes: it includes some bursts of every flow."""
BALANCED = 0.5
"""HULA balances again when the changed path has this fraction of its previous share, and keeps it."""
TAIL_S = 1.75
"""The end of a trial, which determines the fate of flows: five bursts."""
ALIVE = 0.5
MARGIN_S = 0.05
"""A packet that is sent this close to a knock may pass or be dropped."""

Floats = npt.NDArray[np.float64]


def path_bins(down: pd.DataFrame, spines: Sequence[str], duration: float) -> pd.DataFrame:
    """Rates of the paths: `t` (middle of a bin of `BIN_S`), `spine`, `mbit`, counting frames that reached the
    leaves."""
    count = max(1, round(duration / BIN_S))
    edges = np.arange(count + 1) * BIN_S
    parts = []
    for spine in spines:
        of_spine = down[down["spine"] == spine]
        found, _ = np.histogram(of_spine["received_s"], bins=edges, weights=of_spine["bytes"])
        parts.append(pd.DataFrame({"t": edges[:-1] + BIN_S / 2, "spine": spine, "mbit": found * 8 / 1e6 / BIN_S}))
    bins: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return bins


def rolling_share(bins: pd.DataFrame, spine: str) -> tuple[Floats, Floats]:
    """A spine's share of the bytes, over `SHARE_S` around each time; NaN if nothing was sent at all."""
    table = bins.pivot(index="t", columns="spine", values="mbit")
    width = round(SHARE_S / BIN_S)
    ones = np.ones(width)
    own = np.convolve(table[spine].to_numpy(), ones, mode="valid")
    every = np.convolve(table.sum(axis=1).to_numpy(), ones, mode="valid")
    times = table.index.to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        return times[: len(own)] + (SHARE_S - BIN_S) / 2, np.where(every > 0, own / every, np.nan)


def balance(bins: pd.DataFrame, spine: str, begun: float, ended: float) -> dict[str, float | None]:
    """For the changed spine: its share before, during and after the change; `balanced_again_s`: seconds from the
    beginning of the change until it has its share back (`BALANCED` of it) permanently, 0.0 if it never lost it, None if
    it did not get it back by the end of the trial."""
    times, share = rolling_share(bins, spine)
    half = SHARE_S / 2
    before, last = share[times + half <= begun], float(times[-1])
    usual = float(np.nanmean(before)) if len(before) and not np.isnan(before).all() else None
    during = _share_between(bins, spine, begun, ended)
    after = _share_between(bins, spine, last + half - TAIL_S, last + half)
    numbers = {"share_before": usual, "share_meanwhile": during, "share_after": after}
    if usual is None or usual == 0:
        return {**numbers, "balanced_again_s": None}
    lacking = times[(times > begun) & ~(share >= BALANCED * usual)]
    if not len(lacking):
        return {**numbers, "balanced_again_s": 0.0}
    if lacking[-1] >= last - BIN_S / 2:
        return {**numbers, "balanced_again_s": None}
    return {**numbers, "balanced_again_s": float(lacking[-1]) - begun}


def _share_between(bins: pd.DataFrame, spine: str, begin: float, end: float) -> float | None:
    within = bins[bins["t"].between(min(begin, end - BIN_S), end)]
    every = float(within["mbit"].sum())
    return float(within.loc[within["spine"] == spine, "mbit"].sum()) / every if every else None


def probe_gap_s(frames: pd.DataFrame, spine: str, begin: float, end: float) -> float:
    """The longest time without a probe of any leaf through a spine, from `begin` to `end`."""
    down = frames[frames["probe"] & (frames["spine"] == spine) & (frames["at"] != spine)]
    longest = 0.0
    for _, of_leaf in down.groupby("at"):
        times = of_leaf["received_s"].to_numpy()
        inside = times[(times >= begin) & (times <= end)]
        longest = max(longest, float(np.diff(np.concatenate([[begin], inside, [end]])).max()))
    return longest if len(down) else end - begin


def udp_numbers(
    sent: pd.DataFrame, received: pd.DataFrame, knocks: Mapping[str, float], end: float
) -> dict[str, dict[str, int]]:
    """By group: packets that should have arrived (`due`), those that did not (`lost`), `flows`, and those that are
    `dead`: less than half of what was due in the last `TAIL_S` arrived. `knocks` and `end` in s of the clock of
    `sent_s`."""
    keys = ["flow", "sequence"]
    arrived = sent.merge(received[keys].drop_duplicates(), on=keys, how="left", indicator=True)
    arrived = arrived.assign(came=arrived["_merge"] == "both")
    numbers = {}
    for group in GROUPS:
        mine = arrived[arrived["flow"].between(group.first, group.first + group.flows - 1)]
        if group.needs_knock:
            mine = mine[mine["sent_s"] > knocks.get(group.name, np.inf) + MARGIN_S]
        tail = mine[mine["sent_s"] >= end - TAIL_S].groupby("flow")["came"].mean()
        numbers[group.name] = {
            "due": len(mine),
            "lost": int((~mine["came"]).sum()),
            "flows": len(tail),
            "dead": int((tail < ALIVE).sum()),
        }
    return numbers


def tcp_goes_on(down: pd.DataFrame, duration: float, mbit: float) -> bool:
    """Whether the connection reaches half of its rate at the end."""
    tail = down[(down["pair"] == ">".join(TCP_ENDS)) & down["received_s"].between(duration - TAIL_S, duration)]
    return float(tail["bytes"].sum()) * 8 / 1e6 / TAIL_S >= ALIVE * mbit


_OVER_REPEATS = (
    "lost_packets",
    "balanced_again_s",
    "share_before",
    "share_meanwhile",
    "share_after",
    "probe_gap_s",
    "missing_bytes",
    "delta_loss",
    "change_s",
)
_SUMS = ("frames", "bytes", "neighbour_frames", "neighbour_bytes")


def summarise(trials: Mapping[str, Mapping[str, Any]], strategies: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By strategy, from the trials that count. Spreads of numbers over the repeats, None if no trial has the number;
    `strays`: one number per repeat; `flows`, `dead`, `knocks`, `knocks_kept`: the worst repeat."""
    result = {}
    for strategy in strategies:
        own = [trial for trial in trials.values() if trial["strategy"] == strategy]
        numbers: dict[str, Any] = {"runs": len(own)}
        for name in _OVER_REPEATS:
            known = [float(trial[name]) for trial in own if trial.get(name) is not None]
            numbers[name] = spread(known).as_dict() if known else None
        numbers["never_balanced"] = sum(trial.get("balanced_again_s", 0.0) is None for trial in own)
        numbers["strays"] = {name: [trial["strays"][name] for trial in own] for name in _SUMS}
        numbers["probe_gaps_s"] = [trial["probe_gap_s"] for trial in own if trial.get("probe_gap_s") is not None]
        worst = max(own, key=dead_flows, default=None)
        numbers["flows"] = None if worst is None else flows_of(worst)
        numbers["dead"] = None if worst is None else dead_flows(worst)
        numbers["knocks_kept"] = min((trial["knocks_kept"] for trial in own), default=None)
        numbers["knocks"] = max((trial["knocks_made"] for trial in own), default=None)
        result[strategy] = numbers
    return result


def dead_flows(trial: Mapping[str, Any]) -> int:
    return sum(int(group["dead"]) for group in trial["udp"].values()) + (not trial["tcp_goes_on"])


def flows_of(trial: Mapping[str, Any]) -> int:
    """UDP flows that were admitted, and the connection."""
    return sum(int(group["flows"]) for group in trial["udp"].values()) + len((TCP,))
