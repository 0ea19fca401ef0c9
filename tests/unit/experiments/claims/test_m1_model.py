"""Claim M1: the model's predictions agree with the measurements."""

from __future__ import annotations

from typing import Any

from experiments.claims.base import Verdict
from experiments.claims.m1_model import judge_model

BOTH = ("controller", "state4")


def points(**errors: list[float]) -> list[dict[str, Any]]:
    return [
        {"name": "controller at 60", "strategy": "controller", "errors": {"total_s": [0.01, -0.02, 0.03]}},
        {"name": "state4 at 60", "strategy": "state4", "errors": {"total_s": [0.0, 0.1], **errors}},
    ]


def test_errors_within_a_fifth_hold() -> None:
    claim = judge_model(points(delta_loss=[-0.19, 0.19]), BOTH)
    assert claim.verdict is Verdict.HOLDS and "all 3 predictions" in claim.why
    shown = {finding.what: finding.spread.maximum for finding in claim.findings}
    assert shown == {"error of time": 5.0, "error of delta-loss": 0.0}
    assert claim.measured == {"total_s": 0.05, "delta_loss": 0.0}


def test_too_much_and_too_little_both_fail() -> None:
    for errors in ([0.3, 0.4], [-0.3, -0.4]):
        claim = judge_model(points(clones=errors), BOTH)
        assert claim.verdict is Verdict.FAILS and "the error of clones, state4 at 60," in claim.why


def test_repeats_on_both_sides_of_the_limit_decide_nothing() -> None:
    assert judge_model(points(clones=[0.1, 0.3]), BOTH).verdict is Verdict.NOT_JUDGED


def test_a_point_that_is_missing_is_not_judged_and_a_failure_stays_one() -> None:
    missing = ["state4 at 300: no core"]
    claim = judge_model(points(), BOTH, missing)
    assert claim.verdict is Verdict.NOT_JUDGED and claim.why == missing[0]
    assert judge_model(points(clones=[0.5]), BOTH, missing).verdict is Verdict.FAILS
    assert judge_model([], BOTH, missing).why == missing[0]
    assert judge_model([], BOTH).verdict is Verdict.NOT_JUDGED


def test_a_run_without_state4_was_not_meant_to_judge_it() -> None:
    claim = judge_model(points(), ("controller",))
    assert claim.verdict is Verdict.NOT_JUDGED and not claim.covered and claim.why == "state4 left out"
