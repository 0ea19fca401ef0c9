"""Events of a reconfiguration as intervals, and the time of the late knock."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.control.errors import ControlError
from experiments.harness.phases import Phases, knock_moment


def event(t: float, phase: str, what: str, **data: Any) -> dict[str, Any]:
    return {"t": t, "phase": phase, "what": what, **data}


CONTROLLER = [
    event(1.0, "reconfigure", "begin"),
    event(1.1, "read_register", "begin", component="Ingress.hula.link_load"),
    event(1.2, "read_register", "end", component="Ingress.hula.link_load"),
    event(1.2, "read_register", "begin", component="Ingress.knocking.pk_reg"),
    event(2.7, "read_register", "end", component="Ingress.knocking.pk_reg"),
    event(2.8, "save", "begin"),
    event(2.9, "save", "end"),
    event(3.0, "commit", "begin"),
    event(3.001, "commit", "end"),
    event(3.1, "reconfigure", "end"),
]


def moment(events: list[dict[str, Any]]) -> list[float]:
    """When the knock was sent."""
    times: list[float] = []
    now = 0.0
    handler = knock_moment("pk_reg", lambda: times.append(now))
    for item in events:
        now = item["t"]
        handler(item)
    return times


def test_window_swap_and_durations() -> None:
    phases = Phases.of(CONTROLLER)
    assert (phases.window.begin, phases.window.end) == (1.0, 3.1)
    assert (phases.swap.begin, phases.swap.end) == (3.0, 3.001)
    assert phases.durations()["read_register"] == pytest.approx(1.6)
    assert len(phases.by_name["read_register"]) == 2


def test_phases_of_two_threads_may_overlap() -> None:
    events = [
        event(1.0, "listen", "begin"),
        event(1.1, "read_register", "begin", component="a"),
        event(1.2, "clone_on", "point"),
        event(1.3, "read_register", "end", component="a"),
        event(1.4, "listen", "end"),
    ]
    assert Phases.of(events).durations() == pytest.approx({"read_register": 0.2, "clone_on": 0.0, "listen": 0.4})


def test_a_phase_without_an_end_is_an_error() -> None:
    with pytest.raises(ControlError, match="never ended: reconfigure, save"):
        Phases.of(CONTROLLER[:6])


def test_a_reconfiguration_without_a_swap_is_an_error() -> None:
    with pytest.raises(ControlError, match="0 phases named commit"):
        _ = Phases.of([CONTROLLER[0], CONTROLLER[-1]]).swap


def test_the_knock_follows_the_read_of_the_stages() -> None:
    assert moment(CONTROLLER) == [2.7]


def test_the_knock_of_a_strategy_that_does_not_read() -> None:
    assert moment([event(1.0, "reconfigure", "begin"), event(1.1, "save", "begin"), event(2, "commit", "begin")]) == [
        1.1
    ]
    assert moment([event(1.0, "collect", "begin"), event(2.1, "save", "begin")]) == [1.0]
    assert moment([event(1.0, "reconfigure", "begin"), event(1.2, "commit", "begin")]) == [1.2]


DECLINED = [
    event(1.0, "reconfigure", "begin"),
    event(2.0, "hold", "begin"),
    event(2.0, "commit", "begin"),
    event(2.1, "commit", "end", error="the switch declined"),
    event(2.1, "hold", "end", error="the switch declined"),
    event(2.2, "hold", "begin"),
    event(2.3, "commit", "begin"),
    event(2.4, "commit", "end"),
    event(2.4, "hold", "end", held_s=0.1),
    event(2.5, "reconfigure", "end"),
]


def test_an_attempt_that_failed_is_not_the_swap() -> None:
    phases = Phases.of(DECLINED)
    assert (phases.swap.begin, phases.swap.end) == (2.3, 2.4)
    assert phases.durations()["hold"] == pytest.approx(0.2)


def test_two_swaps_are_an_error() -> None:
    with pytest.raises(ControlError, match="2 phases named commit"):
        assert Phases.of([*DECLINED, event(3.0, "commit", "begin"), event(3.1, "commit", "end")]).swap


def test_what_a_trial_records() -> None:
    numbers = Phases.of([event(0.5, "clone_on", "point"), *CONTROLLER]).numbers()
    assert numbers["window"] == {"begin": 1.0, "end": 3.1} and numbers["swap"] == {"begin": 3.0, "end": 3.001}
    assert numbers["cloned_s"] == pytest.approx(2.501)
    assert Phases.of(CONTROLLER).numbers()["cloned_s"] is None  # nothing was cloned: not 0
