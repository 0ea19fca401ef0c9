"""state4_exact on a switch that cannot hold packets: the new program lets them wait.

old program | swap | new program, packets wait | late updates are written | packets go on
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from state4.lastwindow import ClonesLost
from tests.switch.state4_bench import Schedule
from tests.switch.test_state4_rule import PROGRAMS, STEPS, Case, counts, lossy, schedules, seeds

CASES = int(os.environ.get("STATE4_CASES", "700"))
_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
slow = settings(max_examples=CASES // 2, deadline=None, suppress_health_check=_CHECKS)
brief = settings(max_examples=CASES // 5, deadline=None, suppress_health_check=_CHECKS)


def waiting(seed: int, schedule: Schedule, count: int, rounds: int = 1 << 20) -> Case:
    return Case("state4_exact", seed, schedule, count, can_hold=False, rounds=rounds)


@slow
@given(seeds, schedules, counts)
@pytest.mark.timeout(600)
def test_the_rule_holds_without_hold(seed: int, schedule: Schedule, count: int) -> None:
    case = waiting(seed, schedule, count)
    assert case.outcome.inexact == ()
    assert case.state == case.truth.state
    assert case.out == case.truth.out


@slow
@given(seeds, lossy, counts)
@pytest.mark.timeout(600)
def test_lost_clones_are_reread_or_said(seed: int, schedule: Schedule, count: int) -> None:
    """While the old program can still be read, lost clones cost another reading; later ones make the result inexact."""
    try:
        case = waiting(seed, schedule, count)
    except ClonesLost:
        return
    if not case.outcome.inexact:
        assert case.state == case.truth.state
        assert case.out == case.truth.out


@brief
@given(seeds, schedules, counts, st.integers(1, 5000))
@pytest.mark.timeout(600)
def test_a_wait_that_ends_too_early_is_said(seed: int, schedule: Schedule, count: int, rounds: int) -> None:
    case = waiting(seed, schedule, count, rounds)
    if case.differing() or case.out != case.truth.out:
        assert case.outcome.inexact
    assert len(case.out) == count  # no packet is lost


def test_the_window_is_real() -> None:
    """Packets just before and after the swap: there are late updates, and they do not change the result."""
    busy = Schedule([20] + [1] * STEPS, delay=3)
    found = [waiting(seed, busy, 60) for seed in range(PROGRAMS)]
    assert sum(case.outcome.late for case in found) > 10
    assert all(case.outcome.late == case.outcome.merged for case in found)
    assert not any(case.differing() or case.outcome.inexact for case in found)


def test_nothing_is_changed_where_no_clone_arrives() -> None:
    refused = 0
    for seed in range(PROGRAMS):
        try:
            case = waiting(seed, Schedule([5] * STEPS, dead=True), 300)
        except ClonesLost as error:
            assert "nothing was done" in str(error)
            refused += 1
        else:
            assert not case.differing()  # nothing was written while clones were needed
    assert refused > PROGRAMS // 2
