"""Claim C3: delta-loss against the rate and against the amount of state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from experiments.claims.base import Claim, Verdict
from experiments.claims.c3_delta_loss import expected_loss, judge_delta_loss
from experiments.claims.stats import spread

Values = dict[float, Sequence[float]]


def losses(**by_strategy: Values) -> dict[str, dict[str, Any]]:
    return {
        name.replace("_alone", "-reconfiguration"): {
            f"{place:.12g}": {"delta_loss": spread(list(values)).as_dict(), "lost_packets": 0}
            for place, values in by_place.items()
        }
        for name, by_place in by_strategy.items()
    }


GOOD: Values = {10: (0.001, 0.002), 120: (0.003, 0.004)}
FAR: Values = {10: (0.2, 0.21), 120: (0.2, 0.21)}
GROWS = {"paper": losses(controller={65536: (0.006, 0.007), 1048576: (0.1, 0.11)})}


def judged(
    state4: Values = GOOD,
    controller: Values = FAR,
    sizes: Any = GROWS,
    unusable: dict[str, str] | None = None,
    rates: Sequence[float] = (10, 120),
) -> Claim:
    return judge({"paper": losses(state4=state4, controller=controller)}, sizes, unusable, rates=rates)


def judge(
    losses: Any, sizes: Any = GROWS, unusable: dict[str, str] | None = None, rates: Sequence[float] = (10, 120)
) -> Claim:
    asked = [int(size) for size in sizes.get("paper", {}).get("controller", {})]
    return judge_delta_loss(losses, sizes, unusable, asked_rates=rates, asked_sizes=asked)


def test_the_published_outcome_holds() -> None:
    claim = judged()
    assert claim.verdict is Verdict.HOLDS, claim.why
    assert claim.measured["state4"] == {"10": 0.0015, "120": 0.0035}


@pytest.mark.parametrize(
    ("at_120", "verdict"),
    [
        ((0.003, 0.0099), Verdict.HOLDS),
        ((0.003, 0.01), Verdict.NOT_JUDGED),  # below 1 %, not at it
        ((0.002, 0.002, 0.012), Verdict.NOT_JUDGED),  # the worst repeat counts, not the middle one
        ((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.05), Verdict.NOT_JUDGED),  # even outside the interval
        ((0.010, 0.012), Verdict.FAILS),
        ((0.0079,), Verdict.HOLDS),
        ((0.009,), Verdict.NOT_JUDGED),
        ((0.02,), Verdict.FAILS),
    ],
)
def test_state4_stays_below_one_percent_in_every_repeat(at_120: tuple[float, ...], verdict: Verdict) -> None:
    claim = judged(state4={10: (0.001, 0.002), 120: at_120})
    assert claim.verdict is verdict, claim.why


@pytest.mark.parametrize(
    ("at_120", "verdict"),
    [((-0.001, 0.001), Verdict.HOLDS), ((-0.0099, 0.001), Verdict.HOLDS), ((0.001, 0.001, -0.01), Verdict.FAILS)],
)
def test_more_in_the_state_than_on_the_wire_is_as_wrong(at_120: tuple[float, ...], verdict: Verdict) -> None:
    claim = judged(state4={10: (0.001, 0.002), 120: at_120})
    assert claim.verdict is verdict, claim.why
    if verdict is Verdict.FAILS:
        assert claim.why == "at 120 Mbit/s State4's state has 1 % more than was on the wire"


@pytest.mark.parametrize(
    ("controller", "verdict"),
    [
        ((0.0081, 0.009), Verdict.HOLDS),
        ((0.008, 0.009), Verdict.NOT_JUDGED),  # twice the worst of State4 exactly
        ((0.005, 0.0061), Verdict.NOT_JUDGED),
        ((0.005, 0.006), Verdict.FAILS),  # at most twice the best of State4
        ((0.0, 0.0), Verdict.FAILS),
    ],
)
def test_the_controller_approach_is_far_above(controller: tuple[float, ...], verdict: Verdict) -> None:
    claim = judged(controller={10: (0.2, 0.21), 120: controller})
    assert claim.verdict is verdict, claim.why


def test_nothing_lost_by_both_is_not_far_above() -> None:
    nothing: Values = {10: (0.0, 0.0), 120: (0.0, 0.0)}
    assert judged(state4=nothing).holds
    assert judged(state4=nothing, controller=nothing).verdict is Verdict.FAILS


@pytest.mark.parametrize(
    ("least", "most", "verdict"),
    [
        ((0.006, 0.007), (0.008, 0.009), Verdict.HOLDS),
        ((0.006, 0.009), (0.008, 0.012), Verdict.NOT_JUDGED),
        ((0.1, 0.11), (0.05, 0.06), Verdict.FAILS),
        ((0.1, 0.1), (0.1, 0.1), Verdict.FAILS),
    ],
)
def test_the_controllers_loss_grows_with_the_state(least: Any, most: Any, verdict: Verdict) -> None:
    sizes = {"paper": losses(controller={65536: least, 1048576: (0.0, 1.0), 4194304: most})}
    assert judged(sizes=sizes).verdict is verdict


@pytest.mark.parametrize("rates", [(120.0,), (10.0, 60.0), (20.0, 120.0)])
def test_a_sweep_that_does_not_cover_the_claim_does_not_judge_it(rates: tuple[float, ...]) -> None:
    values = dict.fromkeys(rates, (0.5, 0.5))
    claim = judged(state4=values, controller=values, rates=rates)
    assert (claim.verdict, claim.covered) == (Verdict.NOT_JUDGED, False)
    assert "10 to 120 Mbit/s" in claim.why and claim.findings


def test_rates_in_between_are_no_matter() -> None:
    wider = {5.0: (0.001, 0.001), 200.0: (0.001, 0.001)}
    assert judged(state4=wider, controller=dict.fromkeys(wider, (0.2, 0.2)), rates=tuple(wider)).holds


def test_one_amount_of_state_says_nothing_of_growth() -> None:
    claim = judged(sizes={"paper": losses(controller={65536: (0.1, 0.1)})})
    assert (claim.verdict, claim.covered) == (Verdict.NOT_JUDGED, False)
    assert judged(sizes={}).covered is False


def test_a_strategy_without_usable_trials_leaves_it_open() -> None:
    claim = judge({"paper": losses(state4=GOOD)}, GROWS, {"controller-rate10-1": "no core"})
    assert (claim.verdict, claim.covered, claim.why) == (Verdict.NOT_JUDGED, True, "controller-rate10-1: no core")
    claim = judged(controller={10: (0.2, 0.2)}, unusable={"controller-rate120-1": "no core"})
    assert claim.verdict is Verdict.NOT_JUDGED and claim.why == "at 120 Mbit/s: controller-rate120-1: no core"
    claim = judged(state4={10: (0.0, 0.0)}, unusable={"state4-rate120-1": "no core"})
    assert (claim.verdict, claim.covered) == (Verdict.NOT_JUDGED, True)
    assert claim.why == "at 120 Mbit/s: state4-rate120-1: no core"
    lost = {"paper": losses(controller={65536: (0.1, 0.1)})}
    claim = judge_delta_loss(
        {"paper": losses(state4=GOOD, controller=FAR)},
        lost,
        {"controller-rate60-paper-state1048576-1": "no core"},
        asked_rates=(10, 120),
        asked_sizes=(65536, 1048576),
    )
    assert claim.verdict is Verdict.NOT_JUDGED and claim.why == "with 1 MB of state: no core"


def test_a_disturbed_control_run_leaves_it_open() -> None:
    assert judged(unusable={"no-reconfiguration-rate120-1": "x"}).verdict is Verdict.NOT_JUDGED
    with_control = {"paper": losses(state4=GOOD, controller=FAR, no_alone={10: (0.0,)})}
    assert judge(with_control, GROWS, {"no-reconfiguration-rate120-1": "x"}).holds


def test_the_other_profile_is_shown_and_not_judged() -> None:
    rates = {"paper": losses(state4=GOOD, controller=FAR), "native": losses(state4={120: (0.5, 0.5)})}
    claim = judge(rates, {**GROWS, "native": losses(controller={65536: (0.003,)})})
    assert claim.holds
    shown = {finding.what: finding for finding in claim.findings}
    assert shown["state4: highest delta-loss of all rates, native"].spread.median == 50
    assert shown["state4: highest delta-loss of all rates"].published == "< 1 %"
    assert shown["controller: lowest delta-loss of all rates"].spread.median == pytest.approx(20.5)
    assert shown["controller: delta-loss with 1 MB of state"].published == "grows"
    assert shown["controller: delta-loss with 64 KB of state, native"].published == ""


def test_the_formula() -> None:
    assert expected_loss(1.0, 0.5, 5.0) == pytest.approx(0.3)
