"""Strategy precopy keeps the rule: no clone, and the new program begins with exactly the old one's state.

first reading | rounds: look at the map, clear it, read what it names | packets wait: the rest, swap
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from state4.cim import Track
from state4.dirty.theory import FEW_CELLS
from state4.errors import NotInstrumented
from tests.switch.state4.bench.target import Schedule
from tests.switch.state4.test_rule import CASES, LIMIT_S, PROGRAMS, STEPS, Case, counts, lossy, schedules, seeds

pytestmark = pytest.mark.long

_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
slow = settings(max_examples=max(1, CASES // 3), deadline=None, suppress_health_check=_CHECKS)
brief = settings(max_examples=max(1, CASES // 5), deadline=None, suppress_health_check=_CHECKS)


@slow
@given(seeds, lossy, counts, st.sampled_from([Track.MAP, Track.BOTH]))
@pytest.mark.timeout(LIMIT_S)
def test_precopy_keeps_the_rule(seed: int, schedule: Schedule, count: int, track: Track) -> None:
    case = Case("precopy", seed, schedule, count, track=track)
    assert case.state == case.truth.state
    assert case.counts == case.truth.counts
    assert case.out == case.truth.out
    assert case.outcome.inexact == ()
    assert case.target.clones == 0


@slow
@given(seeds, schedules, counts)
@pytest.mark.timeout(LIMIT_S)
def test_precopy_keeps_the_rule_where_clones_close_the_window(seed: int, schedule: Schedule, count: int) -> None:
    """A switch that cannot hold packets: rounds before the new program is saved, clones after that."""
    case = Case("precopy", seed, schedule, count, can_hold=False, counts=True, track=Track.BOTH)
    assert case.outcome.inexact == ()
    assert case.state == case.truth.state
    assert case.counts == case.truth.counts
    assert case.out == case.truth.out


@brief
@given(seeds, schedules, counts)
@pytest.mark.timeout(LIMIT_S)
def test_without_hold_and_clones_the_last_window_is_lost_and_reported(
    seed: int, schedule: Schedule, count: int
) -> None:
    """Nothing written before the last round is lost, although reading and clearing the map are separate steps."""
    case = Case("precopy", seed, schedule, count, can_hold=False, track=Track.MAP)
    assert case.outcome.inexact
    assert case.lost_at_swap() <= case.target.varied


@brief
@given(seeds, lossy, counts)
@pytest.mark.timeout(LIMIT_S)
def test_state4_exact_keeps_the_rule_with_marks_and_clones(seed: int, schedule: Schedule, count: int) -> None:
    case = Case("state4_exact", seed, schedule, count, track=Track.BOTH)
    assert case.state == case.truth.state
    assert case.out == case.truth.out


def test_rounds_and_the_hold_have_work_to_do() -> None:
    """With packets at every step there is something dirty in each round, and during the hold."""
    busy = Schedule([20] + [2] * STEPS)
    found = [Case("precopy", seed, busy, 90, track=Track.MAP) for seed in range(PROGRAMS)]
    assert not any(case.differing() for case in found)
    assert sum(any(case.outcome.rounds) for case in found) >= PROGRAMS // 2
    assert sum(bool(case.outcome.remainder) for case in found) >= PROGRAMS // 2
    for case in found:
        assert all(0 <= share <= 1 for share in case.outcome.rounds)
        assert case.outcome.predicted_remainder is not None
        assert case.outcome.predicted_rounds[-1] <= FEW_CELLS
        assert case.outcome.updates == case.outcome.clones == 0


def test_a_program_without_a_map_is_refused_and_one_with_a_map_only_cannot_be_cloned() -> None:
    with pytest.raises(NotInstrumented, match="no dirty map; strategy precopy needs"):
        Case("precopy", 1, Schedule(), 0)
    with pytest.raises(NotInstrumented, match=r"a dirty map only.*strategy state4 needs"):
        Case("state4", 1, Schedule(), 0, track=Track.MAP)
