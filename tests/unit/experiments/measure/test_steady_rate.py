"""The search for the highest steady rate, with functions in place of switches."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.measure.steady_rate import LOSS_LIMIT, RESOLUTION, RateTrial, search_rate
from experiments.traffic.armed import TrafficError


def switch_of(capacity: float, fastest_sender: float = 1e9) -> Callable[[float], RateTrial]:
    """A switch that forwards so many frames per second and drops the rest."""

    def trial(asked: float) -> RateTrial:
        offered = min(asked, fastest_sender)
        received = min(offered, capacity)
        return RateTrial(asked, offered, received, (offered - received) / offered)

    return trial


@given(st.floats(3_000, 99_000))
def test_the_search_comes_close_and_stays_below(capacity: float) -> None:
    found = search_rate(switch_of(capacity), switch_of(capacity), highest=100_000)
    assert capacity * (1 - 2 * RESOLUTION) <= found.frames_per_s <= capacity / (1 - LOSS_LIMIT) * (1 + 1e-9)
    assert found.limited_by == "the switch"
    assert len(found.trials) < 30


def test_a_switch_that_takes_all_is_limited_by_nothing() -> None:
    found = search_rate(switch_of(1e9), switch_of(1e9), highest=100_000)
    assert found.frames_per_s == 100_000
    assert found.limited_by.startswith("nothing")


@given(st.floats(101_000, 299_000))
def test_a_first_rate_that_passes_is_not_the_end_where_it_was_a_guess(capacity: float) -> None:
    found = search_rate(switch_of(capacity), switch_of(capacity), highest=100_000, ceiling=300_000)
    assert capacity * (1 - 2 * RESOLUTION) <= found.frames_per_s <= capacity / (1 - LOSS_LIMIT) * (1 + 1e-9)
    assert found.limited_by == "the switch"


def test_a_guess_that_passes_is_followed_to_its_bound() -> None:
    found = search_rate(switch_of(1e9), switch_of(1e9), highest=100_000, ceiling=300_000)
    assert found.frames_per_s == 300_000 and found.limited_by.startswith("nothing")


def test_a_sender_that_cannot_keep_up_is_named() -> None:
    trial = switch_of(1e9, fastest_sender=50_000)
    found = search_rate(trial, trial, highest=100_000)
    assert 49_000 <= found.frames_per_s <= 51_100  # within what counts as kept up
    assert found.limited_by == "the sender"


def test_a_rate_that_only_short_trials_pass_goes_down_until_confirmed() -> None:
    found = search_rate(switch_of(80_000), switch_of(60_000), highest=100_000)
    assert 56_000 <= found.frames_per_s <= 60_060
    assert found.trials[-1].loss < 0.001


def test_a_switch_that_always_loses_is_an_error() -> None:
    def lossy(asked: float) -> RateTrial:
        return RateTrial(asked, asked, asked * 0.9, 0.1)

    with pytest.raises(TrafficError, match="are lost"):
        search_rate(lossy, lossy, highest=100_000)
    with pytest.raises(TrafficError, match="confirmed"):
        search_rate(switch_of(80_000), lossy, highest=100_000)


@given(st.integers(0, 10_000))
def test_a_moment_without_the_core_does_not_lower_the_rate(seed: int) -> None:
    """At most every fourth trial fails whatever its rate, never two of three in a row."""
    sound = switch_of(60_000)
    count = seed

    def disturbed(asked: float) -> RateTrial:
        nonlocal count
        count += 1
        return RateTrial(asked, asked, asked * 0.9, 0.1) if count % 4 == 0 else sound(asked)

    found = search_rate(disturbed, disturbed, highest=100_000)
    assert found.frames_per_s >= 60_000 * (1 - 2 * RESOLUTION)
