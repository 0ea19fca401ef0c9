"""Full load, for Figure 7: the highest steady rate of a switch, and the cost of cloning when it is flooded.

Both are measured several times, because on a machine whose cores also run other things one search says little. Full
load is the highest rate that a search has confirmed: a disturbed search ends too low, none ends too high. The cost of
cloning comes from floods: the sender offers more than the switch can forward, alternating without and with cloning, so
that both halves of a pair see the same machine. A flooded switch determines its own rate, whatever is offered, and a
moment in which it did not run costs some throughput instead of a trial.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from experiments.claims.c5_cloning_cost import BUSY
from experiments.claims.stats import spread
from experiments.harness.lab import Lab
from experiments.harness.progress import Display
from experiments.harness.sweep import TrialResult
from experiments.measure.machine import MachineWatch
from experiments.measure.steady_rate import RateTrial, rate_trial, search_rate
from experiments.traffic.flow import HEADER_BYTES, MAX_PAYLOAD

FRAME_BYTES = MAX_PAYLOAD + HEADER_BYTES
_MARGIN = 1.05  # a search need not begin above a flood's throughput times this
_CEILING = 3.0  # times that: a switch may forward less when flooded than at the highest rate it can sustain
_SETTLE_S = 3.0
_ATTEMPTS = 3


@dataclass(frozen=True)
class SearchPlan:
    """Pairs of floods of `flood_s` each; trials of the search of `step_s`, of its confirmation of `confirm_s`."""

    pairs: int
    flood_s: float
    step_s: float
    confirm_s: float

    @property
    def seconds(self) -> float:
        """Approximate duration, for the display."""
        return self.pairs * 2 * (self.flood_s + 0.4) + 14 * (self.step_s + 0.4) + 2 * self.confirm_s


def run_search(lab: Lab, plan: SearchPlan, *, name: str, port: int, show: Display) -> TrialResult:
    """Floods, then a search below their throughput. The lab is armed with a program that clones.

    Sample kinds `search`: the trials of the search in order; `floods`: those of the pairs.
    """

    def measure(rate: float, seconds: float) -> RateTrial:
        show.state(f"{name}: {'as fast as it goes' if math.isinf(rate) else f'{rate / 1e3:.1f} k/s'}")
        return rate_trial(lab.network, rate, seconds=seconds, port=port, payload=MAX_PAYLOAD)

    def flood_pair(pair: int) -> list[dict[str, Any]]:
        found = []
        # Alternate the order: a machine that gets slower must not look like a cost of cloning.
        for cloning in (False, True) if pair % 2 else (True, False):
            if cloning:
                lab.control.call("start_cloning")
            watch = MachineWatch(lab)
            flood = measure(math.inf, plan.flood_s)
            share = watch.read().waited
            if cloning:
                lab.control.call("stop_cloning", {"settle_s": _SETTLE_S})
            found.append({"pair": pair, "cloning": cloning, "waited": share, **asdict(flood)})
        return found

    floods: list[dict[str, Any]] = []
    for pair in range(1, plan.pairs + 1):
        tries: list[list[dict[str, Any]]] = []
        while len(tries) < _ATTEMPTS and all((_waited(both) or 0.0) > BUSY for both in tries):
            tries.append(flood_pair(pair))
        least_disturbed = min(tries, key=lambda both: _waited(both) or 0.0)
        floods += least_disturbed
    plain = [flood["received_per_s"] for flood in floods if not flood["cloning"]]
    found = search_rate(
        lambda rate: measure(rate, plan.step_s),
        lambda rate: measure(rate, plan.confirm_s),
        highest=_MARGIN * max(plain),
        ceiling=_CEILING * max(plain),
    )
    frame = pd.DataFrame(floods)
    by_pair = frame.pivot(index="pair", columns="cloning", values="received_per_s")
    measured = {
        "frames_per_s": found.frames_per_s,
        "limited_by": found.limited_by,
        "trials": len(found.trials),
        "flood_offered_per_s": float(frame["offered_per_s"].median()),
        "flood_per_s": list(by_pair[False]),
        "flood_cloning_per_s": list(by_pair[True]),
        "flood_waited": None if frame["waited"].isna().any() else float(frame["waited"].median()),
    }
    trials = pd.DataFrame([asdict(trial) for trial in found.trials])
    return TrialResult(measured, {"search": trials, "floods": frame}, ())


def _waited(pair: list[dict[str, Any]]) -> float | None:
    """In the worse flood of a pair, the share of the time that the data plane had no core; None if unknown."""
    shares = [flood["waited"] for flood in pair]
    return None if None in shares else max(shares)


def summarise_searches(searches: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The full load of a run (`frames_per_s`); spread of the steady rate over searches, and of floods over pairs.

    `waited`: share of the time that the data plane had no core, in the worst search; None if unknown. `agreement`: the
    second highest rate as a share of the highest, which is the full load; None after a single search. `cloning_keeps`:
    the share of a flood's throughput that remains with cloning, by pair.
    """
    members = list(searches.values())
    rates = spread([member["frames_per_s"] for member in members])
    plain = [rate for member in members for rate in member["flood_per_s"]]
    cloning = [rate for member in members for rate in member["flood_cloning_per_s"]]
    return {
        "frames_per_s": rates.maximum,
        "megabits_per_s": megabits(rates.maximum),
        "steady_mbit": rates.scaled(megabits(1.0)).as_dict(),
        "limited_by": " and ".join(sorted({member["limited_by"] for member in members})),
        "agreement": sorted(member["frames_per_s"] for member in members)[-2] / rates.maximum
        if len(members) > 1
        else None,
        "waited": max((share for m in members if (share := m.get("flood_waited")) is not None), default=None),
        "frame_bytes": FRAME_BYTES,
        "flood_mbit": spread([megabits(rate) for rate in plain]).as_dict(),
        "flood_cloning_mbit": spread([megabits(rate) for rate in cloning]).as_dict(),
        "cloning_keeps": spread([with_ / without for with_, without in zip(cloning, plain, strict=True)]).as_dict(),
    }


def megabits(frames_per_s: float) -> float:
    """Mbit/s of the largest frames."""
    return frames_per_s * FRAME_BYTES * 8 / 1e6
