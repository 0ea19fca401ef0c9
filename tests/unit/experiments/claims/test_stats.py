"""The statistics of the experiments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.claims.stats import bootstrap_interval, delta_loss, longest_gap, spread, throughput

NUMBERS = st.floats(-1e6, 1e6)


def test_spread_of_known_values() -> None:
    result = spread([3.0, 1.0, 2.0])
    assert (result.median, result.minimum, result.maximum, result.count) == (2.0, 1.0, 3.0, 3)
    assert 1.0 <= result.low <= 2.0 <= result.high <= 3.0


def test_one_value_has_no_spread() -> None:
    result = spread([5.0])
    assert (result.median, result.low, result.high) == (5.0, 5.0, 5.0)


@given(st.lists(NUMBERS, min_size=1, max_size=30))
def test_the_interval_is_ordered_and_inside_the_data(values: list[float]) -> None:
    result = spread(values, resamples=100)
    assert result.minimum <= result.low <= result.high <= result.maximum


@given(st.lists(NUMBERS, min_size=2, max_size=20), st.integers(0, 2**32 - 1))
def test_a_seed_repeats_the_interval(values: list[float], seed: int) -> None:
    first = bootstrap_interval(values, np.median, resamples=50, seed=seed)
    assert first == bootstrap_interval(values, np.median, resamples=50, seed=seed)


def test_the_interval_covers_the_true_median_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    hits = 0
    for number in range(200):
        result = spread(list(generator.normal(10, 2, 25)), resamples=300, seed=number)
        hits += result.low <= 10 <= result.high
    assert 178 <= hits <= 200


@pytest.mark.parametrize(("confidence", "low", "high"), [(0.95, 25.0, 975.0), (0.9, 50.0, 950.0)])
def test_the_interval_leaves_out_what_it_says(confidence: float, low: float, high: float) -> None:
    """Of a statistic that takes each value equally often, half of the rest lies on each side: 2.5 % for 95 %."""

    def first(picks: Any, axis: int) -> Any:
        return picks[:, 0]

    found = bootstrap_interval(np.arange(1000.0), first, confidence=confidence, resamples=40_000)
    assert found == pytest.approx((low, high), abs=5)


def test_a_spread_is_that_of_95_percent_and_2000_resamples() -> None:
    values = [1.1**power for power in range(60)]  # so many that the next percent is another value
    result = spread(values)
    found = {
        share: bootstrap_interval(values, np.median, confidence=share, resamples=2000, seed=1)
        for share in (0.9, 0.94, 0.95, 0.96, 0.975)
    }
    assert len(set(found.values())) == len(found)
    assert (result.low, result.high) == found[0.95]


def test_a_spread_in_another_unit() -> None:
    result = spread([1.0, 2.0, 4.0]).scaled(1000)
    assert (result.minimum, result.median, result.maximum, result.count) == (1000, 2000, 4000, 3)
    assert result.low <= result.median <= result.high
    assert result.as_dict().keys() == {"median", "low", "high", "count", "minimum", "maximum"}


@pytest.mark.parametrize("bad", [[], [math.nan], [1.0, math.inf]])
def test_a_failed_measurement_is_never_a_number(bad: list[float]) -> None:
    with pytest.raises(
        ValueError,
        match=r"^(statistics need at least one value|a value is not finite: a failed measurement is an error.*)$",
    ):
        spread(bad)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        bootstrap_interval([1.0, 2.0], np.median, confidence=confidence)


def test_longest_gap() -> None:
    assert longest_gap([1.0, 1.5, 4.0, 4.1]) == 2.5
    assert longest_gap([1.0, 1.5], start=0.2, end=5.0) == 3.5
    assert longest_gap([], start=1.0, end=3.0) == 2.0
    assert longest_gap([1.0]) == math.inf


def test_throughput_counts_every_byte_once() -> None:
    times = np.array([0.0005, 0.0015, 0.0016, 0.0099, 0.5])
    rates = throughput(times, [125, 125, 250, 125, 999], start=0.0, end=0.01, bin_s=0.001)
    assert rates.shape == (10,)
    assert rates[:3].tolist() == [1.0, 3.0, 0.0]
    assert rates.sum() * 0.001 * 1e6 / 8 == pytest.approx(625)


def test_throughput_from_a_moment_on_and_of_one_bin() -> None:
    times = np.array([1.9, 2.05, 2.15, 2.95, 3.0, 3.1])
    assert throughput(times, [1250] * 6, start=2.0, end=3.0, bin_s=0.1).shape == (10,)
    assert throughput(times, [1250] * 6, start=2.0, end=2.5, bin_s=0.5).tolist() == [2 * 1250 * 8 / 0.5 / 1e6]


def test_throughput_needs_a_bin() -> None:
    with pytest.raises(ValueError, match="no whole bin"):
        throughput(np.array([0.0]), [1], start=0.0, end=0.0001, bin_s=0.001)


def test_delta_loss() -> None:
    assert delta_loss(1000, 990) == 0.01
    assert delta_loss(1000, 1000) == 0.0
    assert delta_loss(1, 0) == 1.0
    assert delta_loss(1000, 1010) == -0.01  # counted twice: shown, not hidden
    with pytest.raises(ValueError, match=r"^no bytes on the wire: there is nothing to compare with$"):
        delta_loss(0, 0)
