"""Claim C3 (Figure 5): delta-loss against the rate. Published value, threshold, rule, findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from experiments.claims.base import (
    Check,
    Claim,
    Finding,
    PublishedClaim,
    Verdict,
    decide,
    not_asked,
    not_judged,
    reasons_of,
    undisturbed_control,
)
from experiments.claims.bounds import Quantity, below

STATE4_LIMIT = 0.01
"""Published: State4 loses less, as a share of the state."""

PUBLISHED = PublishedClaim(
    "C3",
    "Fig. 5",
    "Share of state lost, against the rate",
    "State4 loses less than 1 % of the bytes counted at every rate from 10 to 120 Mbit/s; the controller approach "
    "far more, growing with the time it takes to read.",
    "Delta-loss is a share of the whole run: the same loss in a run half as long counts twice. The runs here take "
    "5 s, with --quick 4 s, and only with --paper-length the published 30 s, so the limit is the harder to meet. "
    "What the controller approach loses is (reading + writing) / trial: it follows from the pace of the control plane, "
    "is the same at every rate, and grows with the amount of state; both profiles are shown, with that formula. "
    "The truth is the kernel's counters and the receiver, never the switch.",
    drawn={"state4_below": STATE4_LIMIT},
)

PUBLISHED_VALUES = {"state4": "below 1 % at every rate", "controller": "far above it, growing with the read time"}
FAR_ABOVE = 2.0
"""How many times State4's loss counts as "far above"."""
PUBLISHED_RATES_MBIT = (10.0, 120.0)
PROFILE = "paper"
"""The profile with the published pace, on which the claim is judged."""

Losses = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By strategy and rate (or bytes of state): `{"delta_loss": Spread as dict, "lost_packets": n, ...}`."""


def judge_delta_loss(
    rates: Mapping[str, Losses],
    sizes: Mapping[str, Losses] | None = None,
    unusable: Mapping[str, str] | None = None,
    *,
    asked_rates: Sequence[float],
    asked_sizes: Sequence[int],
) -> Claim:
    """C3, from delta-loss by profile, strategy and rate, and by profile, strategy and bytes of state (`sizes`).

    It holds if, at the published pace and every rate from 10 to 120 Mbit/s, State4's worst repeat is below 1 % (too
    little in the state as well as too much) and the controller approach loses more than twice as much over both whole
    intervals; and if the controller approach loses more with the most state than with the least. A sweep that was not
    asked to cover 10 to 120 Mbit/s, or several amounts of state, was not meant to judge it.
    """
    losses = rates.get(PROFILE, {})
    findings = (*delta_loss_findings(rates), *_size_findings(sizes or {}))
    if uncovered := _uncovered(asked_rates, asked_sizes):
        return not_asked(PUBLISHED, uncovered, findings=findings)
    if missing := [name for name in ("state4", "controller") if name not in losses]:
        return not_judged(PUBLISHED, reasons_of(unusable or {}, *missing), findings=findings)
    if (claim := undisturbed_control(PUBLISHED, losses, unusable or {}, findings)) is not None:
        return claim
    asked = [f"{rate:.12g}" for rate in asked_rates]
    checks = [check for rate in asked for check in _at_rate(rate, losses, unusable or {})]
    checks.append(_grows((sizes or {}).get(PROFILE, {}), asked_sizes, unusable or {}))
    measured = {
        strategy: {rate: result["delta_loss"]["median"] for rate, result in by_rate.items()}
        for strategy, by_rate in losses.items()
    }
    reason = "State4 stays below 1 % and the controller approach far above it, at every rate"
    unit = "share of the bytes on the wire, by rate in Mbit/s"
    return decide(PUBLISHED, checks, reason, paper=PUBLISHED_VALUES, measured=measured, unit=unit, findings=findings)


def _uncovered(rates: Sequence[float], sizes: Sequence[int]) -> str:
    first, last = PUBLISHED_RATES_MBIT
    if min(rates) > first or max(rates) < last:
        rates_run = ", ".join(f"{rate:g}" for rate in sorted(rates))
        return f"the claim is about rates from {first:g} to {last:g} Mbit/s; asked for {rates_run}"
    if len(sizes) < 2:
        return "the claim is also about the time it takes to read, and there is one amount of state only"
    return ""


def _at_rate(rate: str, losses: Losses, unusable: Mapping[str, str]) -> Iterable[Check]:
    if rate not in losses["state4"]:
        yield Check(Verdict.NOT_JUDGED, f"at {rate} Mbit/s: {reasons_of(unusable, f'state4-rate{rate}')}")
        return
    ours = Quantity.of(f"State4's worst loss at {rate} Mbit/s", losses["state4"][rate]["delta_loss"], "%", 100)
    # Every repeat has to be below the limit, not only the middle one.
    worst = replace(ours.spread, high=max(ours.spread.high, ours.spread.maximum))
    yield below(replace(ours, spread=worst), STATE4_LIMIT)
    if ours.spread.minimum <= -STATE4_LIMIT:
        more = f"{ours.text(-ours.spread.minimum)} more than was on the wire"
        yield Check(Verdict.FAILS, f"at {rate} Mbit/s State4's state has {more}")
    other = losses["controller"].get(rate)
    if other is None:
        yield Check(Verdict.NOT_JUDGED, f"at {rate} Mbit/s: {reasons_of(unusable, f'controller-rate{rate}')}")
        return
    theirs = Quantity.of(f"the controller approach's loss at {rate} Mbit/s", other["delta_loss"], "%", 100)
    (low, high), (our_low, our_high) = theirs.interval, ours.interval
    why = f"{theirs.statement()}, State4's {ours.text(ours.spread.median)}"
    if low > FAR_ABOVE * max(our_high, 0.0):
        yield Check(Verdict.HOLDS, why)
    elif high <= FAR_ABOVE * max(our_low, 0.0):
        yield Check(Verdict.FAILS, f"{why}: not {FAR_ABOVE:g} times as much")
    else:
        yield Check(Verdict.NOT_JUDGED, f"inconclusive: {why}")


def _grows(sizes: Losses, asked: Sequence[int], unusable: Mapping[str, str]) -> Check:
    """More with the most state than with the least, over both whole intervals."""
    by_size = sizes.get("controller", {})
    least, most = f"{min(asked)}", f"{max(asked)}"
    for size in (least, most):
        if size not in by_size:
            why = "; ".join(text for name, text in unusable.items() if f"-state{size}-" in name)
            return Check(Verdict.NOT_JUDGED, f"with {_bytes(size)} of state: {why or 'there is no trial'}")
    one, other = (Quantity.of("", by_size[size]["delta_loss"], "%", 100) for size in (least, most))
    reason = (
        f"the controller approach loses {one.text(one.spread.median)} with {_bytes(least)} of state, "
        f"{other.text(other.spread.median)} with {_bytes(most)}"
    )
    if other.interval[0] > one.interval[1]:
        return Check(Verdict.HOLDS, reason)
    if other.interval[1] <= one.interval[0]:
        return Check(Verdict.FAILS, f"{reason}: it does not grow with the time to read")
    return Check(Verdict.NOT_JUDGED, f"inconclusive: {reason}")


def delta_loss_findings(rates: Mapping[str, Losses]) -> tuple[Finding, ...]:
    """Delta-loss of each strategy at the rate where its median is highest, of the controller also at the lowest.

    Those of another profile than the published one are named with it.
    """
    published = {"state4": "< 1 %", "controller": "far above"}
    found = []
    for profile, losses in rates.items():
        suffix = "" if profile == PROFILE else f", {profile}"
        for strategy, by_rate in losses.items():
            ordered = sorted(by_rate, key=lambda rate: float(by_rate[rate]["delta_loss"]["median"]))
            which = [("highest", ordered[-1])]
            if strategy == "controller":
                which.insert(0, ("lowest", ordered[0]))
            for name, rate in which:
                what = f"{strategy}: {name} delta-loss of all rates{suffix}"
                ours = published.get(strategy, "") if profile == PROFILE else ""
                found.append(Finding.of(what, ours, by_rate[rate]["delta_loss"], "%", factor=100))
    return tuple(found)


def _size_findings(sizes: Mapping[str, Losses]) -> tuple[Finding, ...]:
    found = []
    for profile, losses in sizes.items():
        suffix = "" if profile == PROFILE else f", {profile}"
        for strategy, by_size in losses.items():
            for size in sorted(by_size, key=float):
                published = "grows" if strategy == "controller" and profile == PROFILE else ""
                what = f"{strategy}: delta-loss with {_bytes(size)} of state{suffix}"
                found.append(Finding.of(what, published, by_size[size]["delta_loss"], "%", factor=100))
    return tuple(found)


def _bytes(text: str) -> str:
    size = float(text)
    return f"{size / 2**20:g} MB" if size >= 2**20 else f"{size / 2**10:g} KB"


def expected_loss(read_s: float, write_s: float, trial_s: float) -> float:
    """What the controller approach loses of a flow at a constant rate: the share of the trial from reading to swap."""
    return (read_s + write_s) / trial_s
