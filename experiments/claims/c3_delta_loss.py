"""Claim C3 (Figure 5): delta-loss against the rate. Published value, threshold, rule, findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.claims.base import Claim, Finding, PublishedClaim

PUBLISHED = PublishedClaim(
    "C3",
    "Fig. 5",
    "Share of state lost, against the rate",
    "State4 loses less than 1 % of the bytes counted at every rate from 10 to 120 Mbit/s; the controller approach "
    "far more, growing with the time it takes to read.",
    "Delta-loss is a share of the whole run: the same loss in a run half as long counts twice. The runs here take "
    "5 s, with --quick 4 s, and only with --paper-length the published 30 s, so the limit is the harder to meet. "
    "The truth is the kernel's counters and the receiver, never the switch.",
)

PUBLISHED_DELTA_LOSS = {"state4": "below 1 % at every rate", "controller": "far above it, growing with the read time"}
_STATE4_LIMIT = 0.01
_FAR_ABOVE = 2.0  # how many times State4's loss counts as "far above"


def judge_delta_loss(losses: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Claim:
    """C3, from delta-loss by strategy and rate (`{"delta_loss": Spread as dict, ...}`).

    It holds when State4 stays below 1 % in every repeat, the controller approach loses at least twice as much and more
    than nothing at every rate, and a run without a reconfiguration loses exactly nothing (or the harness is wrong).
    """
    wrong = []
    for rate, result in losses.get("no-reconfiguration", {}).items():
        if result["delta_loss"]["maximum"] != 0 or result["delta_loss"]["minimum"] != 0:
            wrong.append(f"without a reconfiguration at {rate} Mbit/s the register differs from the wire")
    for rate, result in losses["state4"].items():
        loss = result["delta_loss"]
        if loss["maximum"] >= _STATE4_LIMIT:
            wrong.append(f"State4 loses {loss['maximum']:.2%} at {rate} Mbit/s")
        other = losses["controller"].get(rate)
        if other is None:
            wrong.append(f"the controller approach was not run at {rate} Mbit/s")
        elif other["delta_loss"]["median"] <= _FAR_ABOVE * max(loss["median"], 0.0):
            wrong.append(f"at {rate} Mbit/s the controller approach loses {other['delta_loss']['median']:.2%} only")
    measured = {
        strategy: {rate: result["delta_loss"]["median"] for rate, result in rates.items()}
        for strategy, rates in losses.items()
    }
    why = (
        "; ".join(wrong) if wrong else "State4 stays below 1 % and the controller approach far above it, at every rate"
    )
    unit = "share of the bytes on the wire, by rate in Mbit/s"
    return Claim("C3", PUBLISHED_DELTA_LOSS, measured, unit, not wrong, why, delta_loss_findings(losses))


def delta_loss_findings(losses: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> tuple[Finding, ...]:
    """Delta-loss of each strategy at the rate where its median is highest, of the controller also at the lowest."""

    def at(strategy: str, rate: str, which: str, published: str) -> Finding:
        what = f"{strategy}: {which} delta-loss of all rates"
        return Finding.of(what, published, losses[strategy][rate]["delta_loss"], "%", factor=100)

    published = {"state4": "< 1 %", "controller": "far above"}
    found = []
    for strategy, rates in losses.items():
        ordered = sorted(rates, key=lambda rate: float(rates[rate]["delta_loss"]["median"]))
        if strategy == "controller":
            found.append(at(strategy, ordered[0], "lowest", published[strategy]))
        found.append(at(strategy, ordered[-1], "highest", published.get(strategy, "")))
    return tuple(found)
