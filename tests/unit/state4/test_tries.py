"""A switch that declines to swap is asked again, after what has come meanwhile was applied: a bounded number of times,
and not at all if something else went wrong."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state4.cim import Track
from state4.errors import NotPrimary, SwapDeclined
from state4.events import Event, EventLog
from state4.reconfigure import Outcome, prepare, reconfigure
from state4.strategies import load_strategy
from state4.transfer.tries import MAX_TRIES, Declined, NotThisWay, Tries
from tests.unit.state4.fake_switch import FakeSwitch, context_of, installed

WRITES = "sums.write((bit<32>)hdr.request.cell, hdr.request.amount);"
OLD = installed("register<bit<16>>(8) sums;", WRITES, name="old", track=Track.BOTH)
NEW = installed("register<bit<16>>(12) sums;", WRITES, name="new", track=Track.BOTH)
ENDED = "holding packets: the ring of port 1 was three quarters full"
Writes = list[tuple[int, int]]

writes = st.lists(st.tuples(st.integers(0, 7), st.integers(0, (1 << 16) - 1)), max_size=4)


def a_switch(declines: int, ends_holds: int) -> FakeSwitch:
    switch = FakeSwitch(OLD, can=("holds", "hands_over", "reads_and_clears"))
    switch.declines, switch.ends_holds = declines, ends_holds
    return switch


def change(strategy: str, switch: FakeSwitch, **options: Any) -> Outcome:
    return reconfigure(load_strategy(strategy), prepare(switch, NEW, **options))


@given(
    st.sampled_from(["state4_exact", "precopy"]),
    st.sampled_from([0, 2, MAX_TRIES]),
    st.integers(0, MAX_TRIES - 1),
    st.dictionaries(st.integers(0, 100), writes, max_size=20) | st.lists(writes, min_size=60, max_size=60),
    st.sets(st.integers(1, 60), max_size=5),
    st.booleans(),
)
def test_nothing_is_lost_whatever_was_declined(
    strategy: str,
    declines: int,
    ends_holds: int,
    meanwhile: Mapping[int, Writes] | list[Writes],
    lost: set[int],
    verify: bool,
) -> None:
    """`meanwhile`: packets that pass at the events of these numbers; `lost`: numbers of clones that never arrive."""
    switch = a_switch(declines, ends_holds)
    switch.lose = lambda number: number in lost
    cells = [0] * 8
    coming = deque(meanwhile) if isinstance(meanwhile, list) else deque(meanwhile.get(n, []) for n in range(100))

    def packets(_: Event) -> None:
        if switch.held or not coming:
            return
        for cell, value in coming.popleft():
            switch.packet("sums", cell, value)
            cells[cell] = value

    outcome = change(strategy, switch, verify=verify, events=EventLog(on_event=packets))
    asks = strategy == "state4_exact" and not verify
    held = 0 if asks and declines < MAX_TRIES else ends_holds
    assert len(outcome.declined) == (declines if asks else 0) + held
    assert outcome.declined[len(outcome.declined) - held :] == (ENDED,) * held
    assert switch.program is NEW and switch.cells("sums") == cells + [0] * 4
    assert outcome.inexact == ()
    if verify:
        assert outcome.verified is not None
        assert outcome.verified.total == 0
        assert outcome.verified.compared["register MyIngress.sums"] == 12


@pytest.mark.parametrize("strategy", ["state4_exact", "precopy"])
def test_if_all_are_declined_the_error_has_every_reason_and_nothing_has_changed(strategy: str) -> None:
    switch = a_switch(MAX_TRIES, MAX_TRIES)
    switch.packet("sums", 1, 11)
    switch.on_decline = lambda number: switch.packet("sums", 2, number)
    with pytest.raises(SwapDeclined) as error:
        change(strategy, switch)
    hand_overs = MAX_TRIES if strategy == "state4_exact" else 0
    reasons = ("the switch declined: it does not have every clone",) * hand_overs + (ENDED,) * MAX_TRIES
    assert error.value.reasons == reasons
    assert f"declined to swap {len(reasons)} times, and the old program goes on: 1. {reasons[0]}; 2." in str(
        error.value
    )
    assert f"{len(reasons)}. {ENDED}" in str(error.value)
    assert (switch.program, switch.saved, switch.cloning) == (OLD, None, False)
    assert "commit" not in switch.asked
    assert switch.cells("sums")[:3] == [0, 11, len(reasons)]


@pytest.mark.parametrize("number", range(1, MAX_TRIES))
@pytest.mark.parametrize("strategy", ["state4_exact", "precopy"])
def test_no_other_try_after_a_demotion(strategy: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    switch = a_switch(2 * MAX_TRIES, 2 * MAX_TRIES)

    def demoted(*_: Any) -> Any:
        raise NotPrimary("another controller is primary")

    def demote(declined: int) -> None:
        if declined == number:
            for name in ("write_cells", "hold", "hand_over"):
                monkeypatch.setattr(switch, name, demoted)
            switch.packet("sums", 1, 1)

    switch.on_decline = demote
    with pytest.raises(NotPrimary):
        change(strategy, switch)
    assert (switch.declined, switch.program, switch.saved) == (number, OLD, None)


@pytest.mark.parametrize("number", range(1, MAX_TRIES + 1))
@pytest.mark.parametrize("strategy", ["state4_exact", "precopy"])
def test_no_other_try_after_a_cancellation(strategy: str, number: int) -> None:
    switch = a_switch(2 * MAX_TRIES, 2 * MAX_TRIES)
    logs: list[EventLog] = []
    switch.on_decline = lambda declined: logs[0].cancel() if declined == number else None
    context = prepare(switch, NEW, events=EventLog())
    logs.append(context.events)
    with pytest.raises(KeyboardInterrupt):
        reconfigure(load_strategy(strategy), context)
    assert (switch.declined, switch.program, switch.saved) == (number, OLD, None)


# ---------------------------------------------------------------- what could get lost on the way


@pytest.mark.parametrize("phase", ["hold", "apply_updates"])
def test_updates_taken_in_a_hold_that_ended_are_not_lost(phase: str) -> None:
    switch = a_switch(0, 1)
    switch.can = ("holds",)
    outcome = change_at(switch, (phase, "begin"), (4, 44))
    assert (switch.cells("sums")[4], len(outcome.declined)) == (44, 1)


@pytest.mark.parametrize("ends_holds", [0, 1])
def test_a_clone_lost_after_the_last_read_makes_the_hold_read_all(ends_holds: int) -> None:
    switch = a_switch(0, ends_holds)
    switch.can, switch.lose = ("holds",), lambda number: number == 1
    outcome = change_at(switch, ("hold", "begin"), (4, 44), (5, 55))
    assert (switch.cells("sums")[4:6], outcome.lost_clones) == ([44, 55], 1)


def test_a_clone_lost_while_updates_are_applied_is_not_overwritten_by_an_older_one() -> None:
    """The older one is taken after the registers were read again."""
    switch = a_switch(0, 0)
    switch.can, switch.lose = ("holds",), lambda number: number == 2
    outcome = change_at(switch, ("apply_updates", "begin"), (4, 1), (4, 2), (5, 5))
    assert (switch.cells("sums")[4:6], outcome.lost_clones) == ([2, 5], 1)


def change_at(switch: FakeSwitch, event: tuple[str, str], *packets: tuple[int, int]) -> Outcome:
    """`packets` pass at the first such event."""
    at = {event: lambda: [switch.packet("sums", *packet) for packet in packets] and None}
    return reconfigure(load_strategy("state4_exact"), context_of(switch, NEW, at))


# ---------------------------------------------------------------- the loop by itself


def test_each_way_is_tried_with_growing_patience_before_the_next() -> None:
    happened: list[Any] = []
    results = iter([Declined("a"), Declined("b"), NotThisWay("never"), Declined("c"), 7])

    def way(name: str) -> Callable[[int], int]:
        def tried(number: int) -> int:
            happened.append((name, number))
            result = next(results)
            if isinstance(result, Exception):
                raise result
            return result

        return tried

    tries = Tries(EventLog())
    assert tries.swap([way("first"), way("second")], happened.append) == 7
    assert happened == [("first", 1), 1, ("first", 2), 2, ("first", 3), ("second", 1), 1, ("second", 2)]
    assert tries.declined == ["a", "b", "c"]


def test_after_the_last_try_nothing_is_applied_any_more() -> None:
    caught_up: list[int] = []

    def declined(number: int) -> int:
        raise Declined(f"try {number}")

    with pytest.raises(SwapDeclined, match=f"{MAX_TRIES} times.*1. try 1; 2. try 2"):
        Tries(EventLog()).swap([declined], caught_up.append)
    assert caught_up == list(range(1, MAX_TRIES))
