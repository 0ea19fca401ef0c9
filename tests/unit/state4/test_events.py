"""The events of a reconfiguration: the intervals of its phases, and what each strategy reports."""

from __future__ import annotations

from typing import Any

import pytest

from state4.errors import TargetError
from state4.events import EventLog
from state4.pacing import Profile
from state4.reconfigure import Outcome, reconfigure
from state4.strategies import load_strategy, strategy_names
from state4.transfer.tries import MAX_TRIES
from tests.unit.state4.fake_switch import FakeSwitch, context_of, installed

OLD = installed("register<bit<16>>(8) sums;", "sums.write((bit<32>)hdr.request.cell, hdr.request.amount);", name="old")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_intervals_are_distinguished_by_component_and_in_order() -> None:
    events = EventLog(clock=Clock())
    for phase, what, data in (
        ("read_register", "begin", {"component": "a"}),  # 1
        ("read_register", "begin", {"component": "b"}),
        ("commit", "begin", {}),
        ("read_register", "end", {"component": "b"}),  # 4
        ("clone_on", "point", {}),
        ("read_register", "end", {"component": "a"}),  # 6
        ("read_register", "end", {"component": "c"}),  # never begun
        ("commit", "end", {"error": "declined"}),
        ("commit", "begin", {}),  # 9
        ("commit", "end", {}),
        ("commit", "begin", {}),  # never ended
    ):
        events.record(phase, what, **data)
    assert events.intervals("read_register") == [(1.0, 6.0), (2.0, 4.0)]
    assert events.span("read_register") == (1.0, 6.0)
    assert events.intervals("clone_on") == [(5.0, 5.0)] and events.span("clone_on") == (5.0, 5.0)
    assert events.intervals("commit") == [(9.0, 10.0)]
    assert events.intervals("hold") == [] and events.span("hold") is None


def test_a_cancelled_reconfiguration_ends_at_the_next_event_once_and_never_after_the_swap() -> None:
    events = EventLog()
    events.check()
    events.cancel()
    with pytest.raises(KeyboardInterrupt):
        events.record("save", "begin")
    events.record("save", "end")
    events.record("commit", "end", error="declined")
    events.cancel()
    with pytest.raises(KeyboardInterrupt):
        events.check()
    events.record("commit", "end")
    events.cancel()
    events.record("write_tables", "begin")
    assert [event.phase for event in events.events] == ["save", "save", "commit", "commit", "write_tables"]


def ran(strategy: str, can: tuple[str, ...] = ("holds", "hands_over"), **options: Any) -> tuple[Outcome, EventLog]:
    switch = FakeSwitch(OLD, can=(*can, "reconciles"))
    context = context_of(
        switch, OLD, {("save", "begin"): lambda: switch.packet("sums", 1, 5)}, profile=Profile("quick"), **options
    )
    return reconfigure(load_strategy(strategy), context), context.events


ORDER = {
    "none": "save write_tables commit",
    "controller": "read_tables read_register save write_tables write_register commit",
    "swing_state": "listen clone_on read_tables collect save write_tables apply_updates commit",
    "state4": "listen clone_on read_tables read_register save write_tables write_register apply_updates commit",
    "reconcile": "read_tables commit write_tables",
}


@pytest.mark.parametrize("strategy", ORDER)
def test_the_phases_of_each_strategy_in_order(strategy: str) -> None:
    outcome, events = ran(strategy)
    begun = [event.phase for event in events.events if event.what != "end"]
    assert begun == ["reconfigure", *ORDER[strategy].split()]
    assert outcome.strategy == strategy
    first = events.events[0]
    assert first.data == {"strategy": strategy, "profile": "quick"}


def ends(events: EventLog, phase: str) -> list[dict[str, Any]]:
    return [event.data for event in events.events if (event.phase, event.what) == (phase, "end")]


def test_each_phase_says_what_it_did() -> None:
    _, events = ran("state4")
    register = {"component": OLD.registers[0].name, "cells": 8}
    assert ends(events, "read_register") == ends(events, "write_register") == [register]
    assert ends(events, "apply_updates") == [{"updates": 1, "written": 1}]
    assert ends(events, "save") == [{"program": "old"}]
    assert ends(events, "read_tables") == [{"entries": 0}] and ends(events, "write_tables") == [{"entries": 0}]


def test_a_handover_says_how_long_packets_waited_and_what_the_switch_applied() -> None:
    switch = FakeSwitch(OLD)
    context = context_of(switch, OLD, {("commit", "begin"): lambda: switch.packet("sums", 1, 5)})
    reconfigure(load_strategy("state4_exact"), context)
    assert ends(context.events, "hold") == [{"held_s": 0.125, "clones": 1, "written": 1}]


def test_a_refused_handover_says_so() -> None:
    switch = FakeSwitch(OLD)
    switch.declines = MAX_TRIES
    context = context_of(switch, OLD)
    outcome = reconfigure(load_strategy("state4_exact"), context)
    *declined, last = ends(context.events, "hold")
    reason = "the switch declined: it does not have every clone"
    assert [found["error"] for found in declined] == list(outcome.declined) == [reason] * MAX_TRIES
    points = [event.data for event in context.events.events if event.phase == "declined"]
    assert points == [{"number": number, "reason": reason} for number in range(1, MAX_TRIES + 1)]
    assert last == {"written": 0, "complete": True, "held_s": 0.25}


def test_every_strategy_is_named_as_its_file() -> None:
    for name in strategy_names():
        assert load_strategy(name).name == name


def test_an_outcome_as_json_has_lists() -> None:
    outcome = Outcome("state4", cells=3, inexact=("a", "b"))
    found = outcome.as_dict()
    assert (found["strategy"], found["cells"], found["inexact"], found["warnings"]) == ("state4", 3, ["a", "b"], [])


def test_a_switch_that_is_gone_does_not_hide_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be undone on a switch that does not answer; the first error is reported."""
    switch = FakeSwitch(OLD)

    def gone(*_: Any) -> Any:
        raise TargetError("no answer")

    def fail() -> None:
        for name in ("discard_saved", "running", "set_clone_flag", "write_entities"):
            monkeypatch.setattr(switch, name, gone)
        raise TargetError("the first error")

    with pytest.raises(TargetError, match="the first error"):
        reconfigure(load_strategy("state4"), context_of(switch, OLD, {("save", "begin"): fail}))
