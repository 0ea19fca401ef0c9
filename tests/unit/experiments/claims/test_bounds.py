"""Thresholds against intervals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.claims.base import Verdict
from experiments.claims.bounds import ONE_RUN_SHARE, Quantity, at_least, at_most, below, within
from experiments.claims.stats import Spread, spread

HOLDS, FAILS, OPEN = Verdict.HOLDS, Verdict.FAILS, Verdict.NOT_JUDGED


def interval(low: float, high: float) -> Quantity:
    middle = (low + high) / 2
    return Quantity("it", Spread(middle, low, high, 3, low, high), "ms")


@pytest.mark.parametrize(
    ("low", "high", "strictly", "no_more", "no_less"),
    [
        (1, 9, HOLDS, HOLDS, FAILS),
        (1, 10, OPEN, HOLDS, OPEN),  # touches from below
        (9, 11, OPEN, OPEN, OPEN),  # crosses, whatever the median is
        (10, 11, FAILS, OPEN, HOLDS),  # touches from above
        (10, 10, FAILS, HOLDS, HOLDS),
        (11, 19, FAILS, FAILS, HOLDS),
    ],
)
def test_a_threshold_of_ten(low: float, high: float, strictly: Verdict, no_more: Verdict, no_less: Verdict) -> None:
    quantity = interval(low, high)
    assert below(quantity, 10).verdict is strictly
    assert at_most(quantity, 10).verdict is no_more
    assert at_least(quantity, 10).verdict is no_less


@given(st.floats(-100, 100), st.floats(-100, 100), st.floats(-100, 100))
def test_a_crossing_interval_decides_nothing_and_another_one_does(one: float, other: float, limit: float) -> None:
    quantity = interval(min(one, other), max(one, other))
    crosses = min(one, other) < limit < max(one, other)
    for check in (at_most(quantity, limit), at_least(quantity, limit)):
        assert check.verdict is OPEN or not crosses
    if limit not in (one, other):
        assert {at_most(quantity, limit).verdict, at_least(quantity, limit).verdict} == (
            {OPEN} if crosses else {HOLDS, FAILS}
        )


def test_a_single_run_is_known_to_a_quarter() -> None:
    assert ONE_RUN_SHARE == 0.25
    assert Quantity("it", spread([8.0])).interval == (6.0, 10.0)
    assert Quantity("it", spread([-8.0])).interval == (-10.0, -6.0)
    assert Quantity("it", spread([0.0])).interval == (0.0, 0.0)
    assert below(Quantity("it", spread([8.01])), 10).verdict is OPEN
    assert below(Quantity("it", spread([7.9])), 10).verdict is HOLDS
    assert below(Quantity("it", spread([13.4])), 10).verdict is FAILS


def test_two_runs_have_the_interval_between_them() -> None:
    assert Quantity("it", spread([8.0, 9.0])).interval == (8.0, 9.0)


def test_better_than_published_is_all_of_it_beyond_the_tolerance() -> None:
    assert at_most(interval(1, 4), 10, better_below=5).better
    assert not at_most(interval(1, 5), 10, better_below=5).better
    assert not at_most(interval(1, 4), 10).better
    assert at_least(interval(61, 70), 40, better_above=60).better
    assert not at_least(interval(60, 70), 40, better_above=60).better
    assert not at_least(interval(61, 70), 40).better
    assert not at_least(interval(30, 70), 40, better_above=20).better  # an open check is no better one


def test_it_says_what_decided() -> None:
    quantity = Quantity.of("the loss", spread([0.008, 0.012]).as_dict(), "%", 100)
    assert below(quantity, 0.01).why == "inconclusive: the loss is 1 % [0.8 %, 1.2 %], across the threshold of 1 %"
    assert below(quantity, 0.005).why == "the loss is 1 % [0.8 %, 1.2 %], not below 0.5 %"
    assert at_most(interval(2, 2), 1).why == "it is 2 ms, more than 1 ms"
    assert at_least(interval(2, 2), 3).why == "it is 2 ms, less than 3 ms"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-10, 10, HOLDS), (-11, 0, OPEN), (0, 11, OPEN), (-20, 20, OPEN), (11, 12, FAILS), (-12, -11, FAILS)],
)
def test_within_ten_of_zero(low: float, high: float, verdict: Verdict) -> None:
    assert within(interval(low, high), 10).verdict is verdict
