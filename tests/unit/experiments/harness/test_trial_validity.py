"""When a trial shows nothing."""

from __future__ import annotations

import pytest

from experiments.harness.phases import Interval, Phases
from experiments.harness.validity import (
    Machine,
    MachineBounds,
    disturbed,
    disturbed_alone,
    missed_frames,
    outside_flow,
    slow_sender,
    unsteady,
)


def phases(begin: float, swap: float, end: float) -> Phases:
    return Phases({"reconfigure": (Interval(begin, end),), "commit": (Interval(swap, swap + 0.01),)})


@pytest.mark.parametrize(
    ("begin", "swap", "end", "why"),
    [
        (2.0, 3.0, 3.5, ""),
        (0.1, 3.0, 9.9, ""),
        (0.09, 3.0, 3.5, "before or after it"),
        (2.0, 3.0, 9.91, "before or after it"),
        (2.0, 9.995, 9.999, "outside the flow"),  # a part of the swap
        (10.5, 11.0, 12.0, "the swap (11.00 to 11.01 s) was outside the flow (0.00 to 10.00 s)"),
        (-2.0, -1.0, 1.0, "outside the flow"),
    ],
)
def test_the_reconfiguration_has_to_be_inside_the_flow(begin: float, swap: float, end: float, why: str) -> None:
    found = outside_flow(phases(begin, swap, end), Interval(0.0, 10.0))
    assert len(found) == bool(why) and all(why in text for text in found)


BOUNDS = MachineBounds(waited=0.08, host_waited=0.5, late_ms=20.0)


@pytest.mark.parametrize(
    ("machine", "reasons"),
    [
        (Machine(0.08, {"sender": 0.5}, 20.0), []),
        (Machine(0.09, {}), ["the data plane was without a core for 9% of the time (bound 8%)"]),
        (Machine(0.0, {"sender": 0.51, "h1": 0.0}), ["sender was without a core for 51% of the time (bound 50%)"]),
        (Machine(0.0, {}, 20.6), ["a sender was 21 ms late (bound 20 ms)"]),
        (Machine(None, {"sender": None}, None), []),  # nobody knows
    ],
)
def test_a_machine_that_has_no_core_for_a_trial(machine: Machine, reasons: list[str]) -> None:
    assert disturbed(machine, BOUNDS, accept_busy=False) == reasons


def test_each_reason_is_reported() -> None:
    bad = Machine(0.9, {"sender": 0.9, "receiver": 0.9}, 99.0)
    assert len(disturbed(bad, BOUNDS, accept_busy=False)) == 4
    assert len(disturbed(bad, MachineBounds(), accept_busy=False)) == 3  # how late is no matter
    assert disturbed(bad, BOUNDS, accept_busy=True) == []


def test_hosts_that_are_judged_by_what_they_did_may_wait_for_a_core() -> None:
    bounds = MachineBounds(waited=0.08, host_waited=None)
    assert disturbed(Machine(0.0, {"sender": 0.55, "receiver": 0.51}), bounds, accept_busy=False) == []
    assert len(disturbed(Machine(0.09, {"sender": 0.55}), bounds, accept_busy=False)) == 1


def test_a_sender_has_to_send_what_it_was_asked_to() -> None:
    assert slow_sender(950, 1000.0, "in the whole trial") == []
    (why,) = slow_sender(903, 1000.0, "during the reconfiguration")
    assert why == "the sender kept up with 90% of the rate during the reconfiguration (bound 95%)"


def test_what_the_receiver_misses_is_not_the_switchs_loss() -> None:
    assert missed_frames(1000, 990) == [] and missed_frames(0, 0) == []
    assert missed_frames(1000, 989) == ["the receiver missed 1.1% of the frames that reached its interface (bound 1%)"]


def test_a_rate_that_is_lost_before_anything_is_cloned_is_not_steady() -> None:
    assert unsteady(0.0) == unsteady(0.05) == []
    assert unsteady(0.17) == ["17.0% of the packets were lost before the reconfiguration (bound 5%)"]


def test_the_usual_bounds() -> None:
    assert (MachineBounds().waited, MachineBounds().host_waited) == (0.1, 0.3)


def test_a_flow_that_was_left_alone_loses_nothing() -> None:
    assert disturbed_alone(lost=0) == []
    assert disturbed_alone(lost=3) == ["3 packets were lost without any reconfiguration"]


def test_the_worst_of_all_is_the_disturbance() -> None:
    assert Machine(0.1, {"sender": 0.3, "receiver": None}).disturbance == 0.3
    assert Machine(None, {}).disturbance == 0.0
    assert Machine(0.1, {"sender": None}, 3.0).as_dict() == {
        "waited": 0.1,
        "host_waited": {"sender": None},
        "worst_sender_delay_ms": 3.0,
    }
