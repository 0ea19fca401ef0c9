"""Tries to swap that the switch declines: the rule holds, with packets at every step of every try."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from state4.cim import Track
from state4.errors import SwapDeclined
from state4.transfer.tries import MAX_TRIES
from tests.switch.state4.bench.target import Schedule
from tests.switch.state4.test_rule import CASES, LIMIT_S, Case, seeds

pytestmark = pytest.mark.long

brief = settings(
    max_examples=max(1, CASES // 5),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
STEPS = 120
"""With all tries."""
schedules = st.builds(
    Schedule,
    st.lists(st.integers(0, 2), min_size=STEPS, max_size=STEPS),
    st.integers(0, 4),
    st.frozensets(st.integers(0, 60), max_size=6),
)


@brief
@given(seeds, schedules, st.integers(0, MAX_TRIES), st.integers(0, MAX_TRIES - 1), st.booleans())
@pytest.mark.timeout(LIMIT_S)
def test_state4_exact_keeps_the_rule_where_tries_are_declined(
    seed: int, schedule: Schedule, declines: int, ends_holds: int, verify: bool
) -> None:
    case = Case("state4_exact", seed, schedule, 120, declines=declines, ends_holds=ends_holds, verify=verify)
    assert case.state == case.truth.state
    assert case.counts == case.truth.counts
    assert case.out == case.truth.out
    assert case.outcome.inexact == ()
    if case.outcome.verified is not None:
        assert case.outcome.verified.total == 0


@brief
@given(seeds, schedules, st.integers(0, MAX_TRIES - 1), st.sampled_from([Track.MAP, Track.BOTH]))
@pytest.mark.timeout(LIMIT_S)
def test_precopy_keeps_the_rule_where_holds_end(seed: int, schedule: Schedule, ends_holds: int, track: Track) -> None:
    case = Case("precopy", seed, schedule, 120, ends_holds=ends_holds, track=track)
    assert case.state == case.truth.state
    assert case.counts == case.truth.counts
    assert case.out == case.truth.out
    assert len(case.outcome.declined) == ends_holds


@pytest.mark.parametrize(("strategy", "track"), [("state4_exact", Track.CLONES), ("precopy", Track.MAP)])
def test_a_switch_that_never_swaps_ends_it_with_reasons(strategy: str, track: Track) -> None:
    with pytest.raises(SwapDeclined) as error:
        Case(strategy, 1, Schedule([1] * STEPS), 60, declines=MAX_TRIES, ends_holds=MAX_TRIES, track=track)
    assert error.value.reasons[-1] == "holding packets: the ring of port 1 was three quarters full"
