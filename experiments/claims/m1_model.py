"""Claim M1, our own: the model predicts measured reconfigurations within 20 %. Threshold, rule, findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from experiments.claims.base import Check, Claim, Finding, PublishedClaim, Verdict, decide, not_asked, not_judged
from experiments.claims.bounds import Quantity, within
from experiments.claims.stats import spread

PUBLISHED = PublishedClaim(
    "M1",
    "model",
    "How well the model predicts",
    "Not the paper's: time, delta-loss and clones are predicted within 20 % of what is measured.",
    "The paper measures one switch in software and expects the same of hardware. Here a model extends what is measured "
    "to rates that no machine of ours reaches. Its parameters come from some trials, its check from others: other "
    "rates, amounts of state and paces. It is known only as far as it was checked.",
)
LIMIT = 0.20
"""Of the measured value, to either side."""
MIN_COUNT = 30
"""Fewer predicted updates or clones say nothing: chance alone makes 20 % of 30."""
NEEDED = ("controller", "state4")
QUANTITIES = {"total_s": "time", "delta_loss": "delta-loss", "clones": "clones", "written": "cells after look-ahead"}


def judge_model(points: Sequence[Mapping[str, Any]], asked: Iterable[str], missing: Sequence[str] = ()) -> Claim:
    """M1, from checked points, each with `name`, `strategy` and `errors`: by quantity (predicted - measured) / measured
    of each repeat.

    It holds when, at every point, the error of every quantity is within 20 % in all that is known of it. `missing`: why
    parameters or points could not be had.
    """
    left_out = [name for name in NEEDED if name not in asked]
    if left_out:
        return not_asked(PUBLISHED, f"{' and '.join(left_out)} left out", findings=_findings(points))
    checks = [
        within(Quantity(f"the error of {QUANTITIES[name]}, {point['name']},", spread(errors), "%", 100), LIMIT)
        for point in points
        for name, errors in point["errors"].items()
    ]
    if not checks:
        return not_judged(PUBLISHED, "; ".join(missing) or "no point was measured")
    checks += [Check(Verdict.NOT_JUDGED, why) for why in missing]
    worst = {name: max(map(abs, errors)) for name, errors in _by_quantity(points).items()}
    worst_errors = ", ".join(f"{QUANTITIES[name]} {error:.0%}" for name, error in worst.items())
    return decide(
        PUBLISHED,
        checks,
        f"all {len(checks)} predictions are within {LIMIT:.0%}; median errors of the worst points: {worst_errors}",
        paper=f"within {LIMIT:.0%}",
        measured={name: worst[name] for name in worst},
        unit="share of the measured value",
        findings=_findings(points),
    )


def _by_quantity(points: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """The median error of every point."""
    found: dict[str, list[float]] = {}
    for point in points:
        for name, errors in point["errors"].items():
            found.setdefault(name, []).append(spread(errors).median)
    return found


def _findings(points: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """The sizes of the median errors at all points, by quantity."""
    return tuple(
        Finding(f"error of {QUANTITIES[name]}", "", spread([100 * abs(error) for error in errors]), "%")
        for name, errors in _by_quantity(points).items()
    )
