"""The rule: after a reconfiguration the state equals that of a switch that saw the same packets and never had one.

Packets come before, between and inside all steps; clones are late or lost. `state4_exact` and `reconcile` keep the rule
always, the others as far as they promise.
"""

from __future__ import annotations

import os
import random
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from state4.cim import Track
from state4.pacing import NATIVE
from state4.reconfigure import prepare, reconfigure
from state4.shared_sessions import shared_sessions
from state4.strategies import load_strategy
from tests.state4_programs import request
from tests.switch.state4.bench.oracle import oracle
from tests.switch.state4.bench.target import BenchTarget, Cell, Packets, Schedule
from tests.switch.state4.generated import SESSIONS, generated

pytestmark = pytest.mark.long

PROGRAMS = int(os.environ.get("STATE4_PROGRAMS", "12"))
CASES = int(os.environ.get("STATE4_CASES", "300"))
LIMIT_S = 600 + CASES
STEPS = 40


def packets(seed: int, count: int) -> Packets:
    chosen = random.Random(seed)
    return [
        (
            1,
            request(
                chosen.choice((0, 1, 2, 3, 5, 7)),
                chosen.randrange(10),
                chosen.randrange(1 << 16),
                chosen.randrange(1 << 64),
                bytes(chosen.randrange(20)),
            ),
        )
        for _ in range(count)
    ]


class Case:
    """One reconfiguration under packets, until all packets have been processed. `watched`: the clone flag is on from
    the start, so that the bench sees writes even if the strategy does not clone."""

    def __init__(
        self,
        strategy: str,
        seed: int,
        schedule: Schedule,
        count: int,
        *,
        watched: bool = False,
        can_hold: bool = True,
        can_hand_over: bool = True,
        forget_kept: bool = False,
        rounds: int = 1 << 20,
        counts: bool = False,
        track: Track = Track.CLONES,
        ring_records: int | None = None,
        declines: int = 0,
        ends_holds: int = 0,
        verify: bool = False,
    ) -> None:
        self.old, self.new = generated(seed, counts, track)
        self.packets = packets(seed * 1000 + count, count)
        self.target = target = BenchTarget(self.packets, schedule, can_hold=can_hold)
        target.can_hand_over, target.forget_kept = can_hand_over, forget_kept
        target.ring_records = ring_records
        target.declines, target.ends_holds = declines, ends_holds
        target.max_wait_passes = rounds
        target.set_sessions(SESSIONS)
        stack = ExitStack()
        try:
            target.install(self.old)
            if watched:
                stack.enter_context(shared_sessions(target, self.old.layout))
                target.configure_clone_session(self.old.layout.session, target.cpu_port)
                target.set_clone_flag(self.old.layout, True)
            target.step("begin")
            context = prepare(target, self.new, profile=NATIVE, verify=verify)
            self.outcome = reconfigure(load_strategy(strategy), context)
            self.at_swap = target.sent
            self.window = set(target.written_since_take)
            target.run(len(self.packets))
            kept = [r.name for r in self.old.registers]
            self.state = {name: target.state()[name] for name in kept}
            self.out = target.out
            self.counts = target.counts()
        finally:
            stack.close()
            target.close()
        self.truth = oracle(self.old, self.packets, SESSIONS)

    def differing(self) -> set[Cell]:
        """Cells with wrong values after all packets have been processed."""
        return _differing(self.truth.state, self.state)

    def lost_at_swap(self) -> set[Cell]:
        """Cells whose value at the start of the new program differs from that at the end of the old one."""
        return _differing(self.target.before_swap, self.target.after_swap)


def _differing(wanted: dict[str, list[int]], found: dict[str, list[int]]) -> set[Cell]:
    return {(name, i) for name, cells in wanted.items() for i, value in enumerate(cells) if found[name][i] != value}


arrivals = st.lists(st.integers(0, 3), max_size=STEPS) | st.lists(st.integers(0, 3), min_size=STEPS, max_size=STEPS)
"""Of packets before each step; lists of any length seldom reach the last steps, which matter most."""
schedules = st.builds(
    Schedule,
    arrivals,
    st.integers(0, 4),
    st.just(frozenset()),
)
lossy = st.builds(
    Schedule,
    arrivals,
    st.integers(0, 4),
    st.frozensets(st.integers(0, 30), max_size=6),
    st.booleans(),
)
seeds = st.integers(0, PROGRAMS - 1)
counts = st.integers(0, 60)
_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
slow = settings(max_examples=CASES, deadline=None, suppress_health_check=_CHECKS)
brief = settings(max_examples=CASES // 5, deadline=None, suppress_health_check=_CHECKS)


@slow
@given(seeds, lossy, counts)
@pytest.mark.timeout(LIMIT_S)
def test_state4_exact_keeps_the_rule(seed: int, schedule: Schedule, count: int) -> None:
    case = Case("state4_exact", seed, schedule, count)
    assert case.state == case.truth.state
    assert case.counts == case.truth.counts
    assert case.out == case.truth.out


@brief
@given(seeds, lossy, counts, st.booleans())
@pytest.mark.timeout(LIMIT_S)
def test_state4_exact_keeps_the_rule_where_the_switch_only_holds(
    seed: int, schedule: Schedule, count: int, forget_kept: bool
) -> None:
    """Even if it should have kept clones and has not."""
    case = Case("state4_exact", seed, schedule, count, can_hand_over=forget_kept, forget_kept=forget_kept)
    assert case.state == case.truth.state
    assert case.counts == case.truth.counts
    assert case.out == case.truth.out


@slow
@given(seeds, schedules, counts, st.sampled_from([1, 64, 1 << 14]), st.booleans())
@pytest.mark.timeout(LIMIT_S)
def test_state4_exact_keeps_the_rule_by_shared_memory(
    seed: int, schedule: Schedule, count: int, records: int, can_hand_over: bool
) -> None:
    """Also where the memory has room for a few updates only, and others take their place."""
    case = Case("state4_exact", seed, schedule, count, can_hand_over=can_hand_over, ring_records=records)
    assert case.state == case.truth.state
    assert case.counts == case.truth.counts
    assert case.out == case.truth.out


@slow
@given(seeds, schedules, counts)
@pytest.mark.timeout(LIMIT_S)
def test_reconcile_keeps_the_rule(seed: int, schedule: Schedule, count: int) -> None:
    case = Case("reconcile", seed, schedule, count)
    assert case.state == case.truth.state
    assert case.counts == case.truth.counts
    assert case.out == case.truth.out


@slow
@given(seeds, schedules, counts)
@pytest.mark.timeout(LIMIT_S)
def test_state4_loses_no_more_than_its_last_window(seed: int, schedule: Schedule, count: int) -> None:
    """Writes between RSSM's last take and the swap, and clones that are then in transit."""
    case = Case("state4", seed, schedule, count)
    assert case.lost_at_swap() <= case.window
    if not case.lost_at_swap():
        assert case.state == case.truth.state
        assert case.out == case.truth.out


@brief
@given(seeds, schedules, counts)
@pytest.mark.timeout(LIMIT_S)
def test_the_controller_loses_what_is_written_after_its_reading(seed: int, schedule: Schedule, count: int) -> None:
    case = Case("controller", seed, schedule, count, watched=True)
    assert case.lost_at_swap() <= case.target.written_since_read


@brief
@given(seeds, schedules, counts)
@pytest.mark.timeout(LIMIT_S)
def test_swing_state_keeps_what_it_cloned_and_nothing_else(seed: int, schedule: Schedule, count: int) -> None:
    case = Case("swing_state", seed, schedule, count)
    cloned = case.target.delivered
    assert not (case.lost_at_swap() & cloned) - case.window
    for name, cells in case.target.after_swap.items():
        assert all(value == 0 for i, value in enumerate(cells) if (name, i) not in cloned)


def test_the_last_window_of_state4_is_real_and_exact_closes_it() -> None:
    """With packets just before the swap, the paper's algorithm loses their writes."""
    schedule = Schedule([20] + [1] * STEPS)
    lost = [seed for seed in range(PROGRAMS) if Case("state4", seed, schedule, 60).differing()]
    assert lost
    for seed in lost:
        case = Case("state4", seed, schedule, 60)
        assert case.window
        assert not Case("state4_exact", seed, schedule, 60).differing()


def test_the_controller_loses_what_changes_while_it_works() -> None:
    busy, calm = Schedule([20] + [1] * STEPS), Schedule([20])
    assert any(Case("controller", seed, busy, 60).differing() for seed in range(PROGRAMS))
    assert not any(Case("controller", seed, calm, 60).differing() for seed in range(PROGRAMS))


def test_without_preservation_everything_is_lost() -> None:
    for seed in range(PROGRAMS):
        case = Case("none", seed, Schedule([60]), 60)
        assert not any(any(cells) for cells in case.state.values())


def test_packets_that_are_held_are_not_lost() -> None:
    case = Case("state4_exact", 1, Schedule([10] + [1] * STEPS), 60)
    assert len(case.out) == 60
    assert case.at_swap < 60
