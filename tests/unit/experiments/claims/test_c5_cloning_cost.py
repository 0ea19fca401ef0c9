"""Claim C5 in its three parts: the cost of cloning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from experiments.claims.base import Claim, Verdict
from experiments.claims.c5_cloning_cost import (
    ABOVE_HALF,
    FULL_LOAD,
    HALF_LOAD,
    complement,
    full_load_not_found,
    judge_cloning_cost,
)
from experiments.claims.stats import spread

HALF, ABOVE, COST = HALF_LOAD.id, ABOVE_HALF.id, FULL_LOAD.id
HOLDS, FAILS, OPEN = Verdict.HOLDS, Verdict.FAILS, Verdict.NOT_JUDGED
Shares = float | Sequence[float]

KEPT: dict[str, Shares] = {
    "no-reconfiguration_100_whole": 1.0,
    "state4_100_before": 1.0,
    "state4_100_during": 0.5,
    "state4_100_whole": 0.9,
    "state4_75_during": 0.9,
    "state4_75_whole": 0.98,
    "state4_50_during": 1.0,
    "state4_50_whole": 1.0,
    "swing_state_100_before": 0.5,
    "swing_state_100_whole": 0.5,
    "swing_state_75_before": 0.9,
    "swing_state_75_whole": 0.9,
    "swing_state_50_before": 1.0,
    "swing_state_50_whole": 1.0,
}


def several(shares: Shares) -> list[float]:
    return [shares, shares] if isinstance(shares, float) else list(shares)


def measured(
    *,
    flooded: Shares = 0.5,
    steady: dict[str, Any] | None = None,
    loads: Sequence[str] = ("100", "75", "50"),
    asked: Sequence[str] = ("state4", "swing_state"),
    **changes: Shares,
) -> dict[str, Any]:
    """`state4_100_during=0.9` etc. change the shares of packets kept; `flooded`: the share that a flood keeps."""
    kept = {name: several(shares) for name, shares in {**KEPT, **changes}.items()}
    strategies: dict[str, Any] = {}
    for name, shares in kept.items():
        strategy, load, part = name.rsplit("_", 2)
        parts_of = strategies.setdefault(strategy, {}).setdefault(load, {"parts": {}})["parts"]
        parts_of[part] = {"loss": spread([1 - share for share in shares]).as_dict()}
    leads = {
        load: spread(
            [a - b for a, b in zip(kept[f"state4_{load}_whole"], kept[f"swing_state_{load}_whole"], strict=True)]
        ).as_dict()
        for load in loads
    }
    keeps = several(flooded)
    full = {
        "steady_mbit": spread([600.0, 610.0]).as_dict(),
        "agreement": 0.98,
        "waited": 0.01,
        "cloning_keeps": spread(keeps).as_dict(),
        "flood_mbit": spread([1000.0, 1000.0]).as_dict(),
        "flood_cloning_mbit": spread([1000.0 * share for share in keeps]).as_dict(),
    }
    return {
        "steady": {**full, **(steady or {})},
        "strategies": strategies,
        "lead": leads,
        "loads": list(loads),
        "asked": list(asked),
    }


def judged(**changes: Any) -> dict[str, Claim]:
    return {claim.id: claim for claim in judge_cloning_cost(measured(**changes))}


def test_the_published_outcome_holds_in_all_its_parts() -> None:
    claims = judged()
    assert {name: claim.verdict for name, claim in claims.items()} == {HALF: HOLDS, ABOVE: HOLDS, COST: HOLDS}
    assert not any(claim.better for claim in claims.values())
    findings = {finding.what: finding for claim in claims.values() for finding in claim.findings}
    assert findings["swing_state: packets kept at 100 %, whole trial"].spread.median == pytest.approx(50)
    assert findings["state4: packets kept at 100 %, while reconfiguring"].spread.median == pytest.approx(50)
    assert findings["flooded: throughput kept when all is cloned"].spread.median == pytest.approx(50)
    assert findings["highest steady rate"].published == "600 Mbit/s"
    assert "keeps 50% of its throughput when it clones every packet (500 of 1000 Mbit/s" in claims[COST].why
    assert claims[COST].measured["state4_during"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("name", "shares", "part", "verdict"),
    [
        ("state4_50_during", (0.949, 0.96), HALF, OPEN),
        ("state4_50_during", (0.951, 0.96), HALF, HOLDS),
        ("state4_50_during", (0.93, 0.949), HALF, FAILS),
        ("state4_100_whole", (0.5, 0.5), ABOVE, FAILS),
        ("state4_100_whole", (0.519, 0.53), ABOVE, OPEN),  # ahead by more than noise at full load
        ("state4_100_whole", (0.521, 0.53), ABOVE, HOLDS),
        ("state4_75_whole", (0.879, 0.879), ABOVE, FAILS),
        ("state4_75_whole", (0.881, 0.89), ABOVE, HOLDS),  # not behind by more than noise below
        ("state4_100_before", (0.94, 0.949), COST, FAILS),
        ("state4_100_before", (0.951, 0.96), COST, HOLDS),
        ("state4_100_during", (0.39, 0.399), COST, FAILS),
        ("state4_100_during", (0.39, 0.41), COST, OPEN),
        ("state4_100_during", (0.401, 0.599), COST, HOLDS),
        ("swing_state_100_before", (0.38, 0.39), COST, FAILS),
        ("flooded", (0.38, 0.39), COST, FAILS),
        ("flooded", (0.39, 0.41), COST, OPEN),
        ("flooded", (0.41, 0.59), COST, HOLDS),
    ],
)
def test_each_threshold_from_both_sides(name: str, shares: Any, part: str, verdict: Verdict) -> None:
    claims = judged(**{name: shares})
    assert claims.pop(part).verdict is verdict
    assert all(claim.verdict is HOLDS for claim in claims.values())  # the other parts stand


@pytest.mark.parametrize("name", ["flooded", "state4_100_during", "swing_state_100_before"])
def test_cloning_that_costs_less_is_better_than_published(name: str) -> None:
    claim = judged(**{name: (0.61, 0.7)})[COST]
    assert claim.verdict is HOLDS and claim.better
    assert not judged(**{name: (0.59, 0.7)})[COST].better


def test_nothing_to_be_ahead_of_is_better_than_published() -> None:
    free = judged(state4_100_whole=0.99, swing_state_100_whole=0.99)[ABOVE]
    assert free.verdict is HOLDS and "what state4 loses at 100 %" in free.better
    costly = judged(state4_100_whole=0.9, swing_state_100_whole=0.99)[ABOVE]
    assert costly.verdict is FAILS


@pytest.mark.parametrize(
    ("steady", "why"),
    [
        ({"agreement": None}, "searched for once"),
        ({"agreement": 0.79}, "found 79% of the highest"),
        ({"waited": 0.16}, "without a core for 16% of a flood"),
    ],
)
def test_shares_of_an_unknown_full_load_say_nothing(steady: dict[str, Any], why: str) -> None:
    for claim in judged(steady=steady, state4_50_during=0.5, state4_100_during=0.1).values():
        assert claim.verdict is OPEN and claim.covered and why in claim.why


@pytest.mark.parametrize("steady", [{"agreement": 0.8}, {"waited": 0.15}, {"waited": None}])
def test_on_its_bounds_full_load_is_known(steady: dict[str, Any]) -> None:
    assert all(claim.verdict is HOLDS for claim in judged(steady=steady).values())


def test_a_flow_that_loses_packets_alone_says_nothing() -> None:
    changes: dict[str, Any] = {"no-reconfiguration_100_whole": 0.94, "state4_100_before": 0.8}
    for claim in judged(**changes).values():
        assert claim.verdict is OPEN and "loses 6.0% without any reconfiguration" in claim.why


@pytest.mark.parametrize(("load", "open_"), [("50", {HALF}), ("75", {ABOVE}), ("100", {ABOVE, COST})])
def test_a_control_run_that_was_disturbed_leaves_its_load_open(load: str, open_: set[str]) -> None:
    unusable = {f"no-reconfiguration-load{load}-1": "no core"}
    found = measured(**{"no-reconfiguration_50_whole": 1.0, "no-reconfiguration_75_whole": 1.0})
    del found["strategies"]["no-reconfiguration"][load]
    claims = {claim.id: claim for claim in judge_cloning_cost(found, unusable)}
    for name, claim in claims.items():
        assert claim.verdict is (OPEN if name in open_ else HOLDS)
        assert name not in open_ or f"at {load} % was disturbed without any reconfiguration: no core" in claim.why


def test_what_a_flow_below_full_load_loses_alone_is_the_machines() -> None:
    claims = judged(**{"no-reconfiguration_50_whole": 0.94, "state4_50_during": 0.5})
    assert claims[HALF].verdict is OPEN and claims[ABOVE].holds and claims[COST].holds
    claims = judged(**{"no-reconfiguration_50_whole": 0.96, "state4_50_during": 0.5})
    assert claims[HALF].verdict is FAILS


def test_without_a_search_that_counts_nothing_is_judged() -> None:
    claims = full_load_not_found("search-1: no core")
    assert [claim.id for claim in claims] == [HALF, ABOVE, COST]
    for claim in claims:
        assert claim.verdict is OPEN and claim.covered
        assert claim.why == "full load is not known: search-1: no core"


def test_what_was_left_out_is_not_judged_and_that_is_no_failure() -> None:
    claims = judged(loads=("50",))
    assert claims[HALF].holds
    assert [(claims[name].verdict, claims[name].covered) for name in (ABOVE, COST)] == [(OPEN, False)] * 2
    claims = judged(loads=("75", "50"))
    assert (claims[ABOVE].verdict, claims[ABOVE].covered) == (OPEN, False)
    for claim in judged(asked=("state4",)).values():
        assert claim.holds if claim.id == HALF else not claim.covered


def test_a_trial_that_does_not_count_is_the_reason() -> None:
    found = measured()
    del found["strategies"]["state4"]["50"]
    unusable = {"state4-load50-1": "the sender did not keep up", "state4-load100-1": "no core"}
    half = judge_cloning_cost(found, unusable)[0]  # of the load that it is about
    assert (half.verdict, half.covered) == (OPEN, True)
    assert half.why == "at 50 %: state4-load50-1: the sender did not keep up"


def test_two_that_never_met_in_a_repeat_are_not_compared() -> None:
    found = measured()
    del found["lead"]["75"]
    assert judge_cloning_cost(found)[1].verdict is OPEN


def test_a_complement_turns_the_interval_around() -> None:
    kept = complement(spread([0.1, 0.2, 0.4]))
    assert (kept.minimum, kept.median, kept.maximum) == pytest.approx((0.6, 0.8, 0.9))
    assert kept.low <= kept.median <= kept.high and kept.count == 3
