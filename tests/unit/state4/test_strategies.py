"""The requests of each strategy to a switch, in order, and which state reaches the new program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from state4 import rsrm, rssm
from state4.errors import NoClones, NotInstrumented, PlanRefused, SessionInUse, TargetError, Unsupported
from state4.pacing import NATIVE, Pacer, Profile
from state4.reconfigure import Outcome, Reconfiguration, reconfigure
from state4.strategies import load_strategy, swing_state
from state4.transfer.tries import MAX_TRIES
from tests.unit.state4.fake_switch import FakeHandover, FakeSwitch, change, context_of, installed

WRITES = "sums.write((bit<32>)hdr.request.cell, hdr.request.amount);"
OLD = installed("register<bit<16>>(8) sums; register<bit<8>>(4) marks;", WRITES + " marks.write(0, 1);", name="old")
NEW = installed("register<bit<16>>(8) sums; register<bit<8>>(6) marks;", WRITES + " marks.write(0, 1);", name="new")
ALIKE = installed("register<bit<16>>(8) sums; register<bit<8>>(4) marks;", WRITES, name="alike")
QUIET = installed("register<bit<16>>(8) sums; register<bit<8>>(4) marks;", "", name="quiet")
"""Packets write nothing."""
CLONING = ("state4", "state4_exact", "swing_state")


@pytest.fixture
def switch() -> FakeSwitch:
    """A switch with state in both registers."""
    made = FakeSwitch(OLD)
    made.packet("sums", 1, 11)
    made.packet("marks", 2, 22)
    return made


def _run(strategy: str, context: Reconfiguration) -> Outcome:
    return reconfigure(load_strategy(strategy), context)


def packets(switch: FakeSwitch, *writes: tuple[str, int, int]) -> Callable[[], None]:
    return lambda: [switch.packet(*write) for write in writes] and None


@pytest.mark.parametrize("strategy", ["state4", "state4_exact", "controller", "reconcile"])
def test_all_state_goes_over_without_traffic(switch: FakeSwitch, strategy: str) -> None:
    switch.can = ("holds", "hands_over", "reconciles")
    new = ALIKE if strategy == "reconcile" else NEW
    outcome = change(strategy, switch, new)
    assert switch.program is new
    assert switch.cells("sums") == [0, 11, 0, 0, 0, 0, 0, 0] and switch.cells("marks")[:4] == [0, 0, 22, 0]
    assert (outcome.strategy, outcome.cells, outcome.inexact) == (strategy, 12, ())


@pytest.mark.parametrize("strategy", ["none", "swing_state"])
def test_these_lose_what_is_not_written_during_the_change(switch: FakeSwitch, strategy: str) -> None:
    outcome = change(strategy, switch, NEW, {("read_tables", "end"): packets(switch, ("sums", 3, 33))})
    assert (outcome.strategy, outcome.written) == (strategy, int(strategy == "swing_state"))
    kept = 33 if strategy == "swing_state" else 0
    assert switch.cells("sums") == [0, 0, 0, kept, 0, 0, 0, 0] and switch.cells("marks") == [0] * 6
    assert outcome.cells == 0


# ---------------------------------------------------------------- state4


def test_updates_from_the_reading_on_reach_the_new_program(switch: FakeSwitch) -> None:
    """For several components, each written after its reading; of two updates of a cell the last one counts."""
    during = packets(switch, ("sums", 1, 1), ("marks", 2, 7), ("sums", 1, 2), ("sums", 5, 5))
    outcome = change("state4", switch, NEW, {("read_tables", "begin"): lambda: None, ("save", "begin"): during})
    assert switch.cells("sums") == [0, 2, 0, 0, 0, 5, 0, 0] and switch.cells("marks") == [0, 0, 7, 0, 0, 0]
    assert (outcome.updates, outcome.written, outcome.clones) == (4, 3, 4)
    assert (outcome.lost_clones, outcome.inexact) == (0, ())


@pytest.mark.parametrize("holds", [(), ("holds",), ("holds", "hands_over")])
@pytest.mark.parametrize("strategy", CLONING)
def test_nothing_is_listened_for_where_packets_write_nothing(strategy: str, holds: tuple[str, ...]) -> None:
    """No interface, no clone session, no flag: the registers, which only the control plane writes, are read."""
    switch = FakeSwitch(QUIET)
    switch.can = holds
    switch.packet("sums", 1, 11)
    outcome = change(strategy, switch, NEW)
    assert not {"open_listener", "configure_clone_session", "clone_flag on", "expect"} & set(switch.asked)
    assert switch.cells("sums")[1] == (0 if strategy == "swing_state" else 11)
    assert (outcome.clones, outcome.inexact, outcome.warnings) == (0, (), ())


def test_what_is_written_after_the_last_take_is_lost(switch: FakeSwitch) -> None:
    """The paper's last window."""
    change("state4", switch, NEW, {("commit", "begin"): packets(switch, ("sums", 1, 99))})
    assert switch.cells("sums")[1] == 11


def test_the_order_is_that_of_the_paper(switch: FakeSwitch) -> None:
    change("state4", switch, NEW, {("save", "begin"): packets(switch, ("sums", 0, 1))})
    first = {what: switch.asked.index(what) for what in switch.asked}
    order = ["open_listener", "clone_flag off", "expect", "configure_clone_session", "clone_flag on", "read_entities"]
    order += ["read_register", "save", "write_register", "take", "write_cells", "commit", "close"]
    assert [first[what] for what in order] == sorted(first[what] for what in order)


@pytest.mark.parametrize("strategy", CLONING)
def test_the_listener_knows_the_numbers_of_clones_before_it(switch: FakeSwitch, strategy: str) -> None:
    """Otherwise a clone lost right at the start would leave no gap."""
    switch.sequences = [7, 3]
    heard = []

    def at_start() -> None:
        heard.extend(switch.listeners)
        switch.lose = lambda number: number == 8
        switch.packet("sums", 0, 1)
        switch.packet("sums", 2, 2)

    outcome = change(strategy, switch, NEW, {("read_tables", "begin"): at_start})
    assert heard[0].expected == (7, 3)
    assert outcome.lost_clones == 1
    if strategy != "state4_exact":  # which reads the registers again
        assert outcome.inexact == ("1 clones of state updates were lost",)


def test_clones_that_do_not_arrive_at_the_end_are_reported(switch: FakeSwitch) -> None:
    def lost_at_the_end() -> None:
        switch.lose = lambda number: number > 1
        switch.packet("sums", 2, 2)

    at = {("read_tables", "begin"): packets(switch, ("sums", 0, 1)), ("write_register", "begin"): lost_at_the_end}
    outcome = change("state4", switch, NEW, at)
    assert outcome.inexact == ("the latest clones of state updates did not arrive in time",)
    assert (outcome.clones, switch.cells("sums")[2]) == (1, 0)


@pytest.mark.parametrize("strategy", ["state4", "swing_state"])
def test_silence_ends_it_before_anything_is_changed(switch: FakeSwitch, strategy: str) -> None:
    switch.lose = lambda number: True
    with pytest.raises(NoClones, match=r"to its CPU port \(\d+\), but none arrived.*Nothing was changed"):
        change(strategy, switch, NEW, {("read_tables", "begin"): packets(switch, ("sums", 0, 1))})
    assert "save" not in switch.asked and switch.program is OLD
    assert (switch.cloning, switch.listeners) == (False, [])


def test_silence_is_a_warning_where_the_registers_are_read_again(switch: FakeSwitch) -> None:
    switch.lose = lambda number: True
    outcome = change("state4_exact", switch, NEW, {("read_tables", "begin"): packets(switch, ("sums", 0, 1))})
    assert switch.cells("sums")[:2] == [1, 11]
    (warning,) = outcome.warnings
    assert "none arrived" in warning and outcome.inexact == ()


@pytest.mark.parametrize("strategy", CLONING)
def test_a_program_thatcannot_clone_is_refused(switch: FakeSwitch, strategy: str) -> None:
    switch.program = installed("", "", name="plain")
    plain = switch.program.p4info
    del plain.registers[:]
    with pytest.raises(NotInstrumented, match=f"strategy {strategy} needs that"):
        change(strategy, switch, NEW)


# ---------------------------------------------------------------- the session


def test_a_session_that_sends_elsewhere_is_not_taken(switch: FakeSwitch) -> None:
    layout = OLD.layout
    switch.configure_clone_session(layout.session, 7)
    with pytest.raises(SessionInUse, match=f"clone session {layout.session} of the switch sends elsewhere"):
        change("state4", switch, NEW)
    assert rsrm.is_free(switch, layout.session) is False
    switch.configure_clone_session(layout.session, switch.cpu_port)
    assert rsrm.is_free(switch, layout.session) and rsrm.is_free(switch, 1)


# ---------------------------------------------------------------- state4_exact


def test_a_renamed_register_takes_the_last_updates_under_its_new_name(switch: FakeSwitch) -> None:
    """The switch is given both names, and those of everything that it moves."""
    new = installed(
        "register<bit<16>>(8) totals; register<bit<8>>(4) marks;", WRITES.replace("sums", "totals"), name="renamed"
    )
    reported: list[Any] = []
    finish = FakeHandover.finish

    def noted(self: FakeHandover, moves: Any, renames: Any, *more: Any) -> bool:
        reported.extend([*((move.number, move.old, move.new) for move in moves), dict(renames)])
        return finish(self, moves, renames, *more)

    names = {"MyIngress.sums": "MyIngress.totals"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeHandover, "finish", noted)
        change("state4_exact", switch, new, {("commit", "begin"): packets(switch, ("sums", 1, 99))}, renames=names)
    assert reported == [
        (1, "MyIngress.sums", "MyIngress.totals"),
        (2, "MyIngress.marks", "MyIngress.marks"),
        names,
    ]
    assert switch.cells("totals")[:3] == [0, 99, 0] and switch.cells("marks")[2] == 22


def test_the_switch_applies_what_is_written_after_the_last_take(switch: FakeSwitch) -> None:
    outcome = change("state4_exact", switch, NEW, {("commit", "begin"): packets(switch, ("sums", 1, 99))})
    assert switch.cells("sums")[1] == 99 and switch.cells("marks")[2] == 22
    assert "hand_over" in switch.asked and "hold" not in switch.asked
    assert (outcome.written, outcome.inexact) == (1, ())


def test_what_was_cloned_before_the_switch_kept_clones_is_applied_from_here(switch: FakeSwitch) -> None:
    outcome = change("state4_exact", switch, NEW, {("apply_updates", "end"): packets(switch, ("sums", 4, 44))})
    assert switch.cells("sums")[4] == 44
    assert outcome.written == 1


@pytest.mark.parametrize("why", ["declines", "cannot"])
def test_packets_wait_where_the_switch_does_not_hand_over(switch: FakeSwitch, why: str) -> None:
    switch.declines = MAX_TRIES if why == "declines" else 0
    switch.can = ("holds",) if why == "cannot" else switch.can
    at = {("apply_updates", "end"): packets(switch, ("sums", 4, 44))}
    context = context_of(switch, NEW, at)
    _run("state4_exact", context)
    assert (switch.cells("sums")[4], switch.cells("marks")[2]) == (44, 22)
    assert "hold" in switch.asked and not switch.held
    hold = [event.data for event in context.events.events if (event.phase, event.what) == ("hold", "end")][-1]
    assert hold["held_s"] == 0.25 and hold["complete"] is True
    assert len(context.events.intervals("commit")) == 1


def test_registers_are_read_again_once_where_clones_were_lost(switch: FakeSwitch) -> None:
    switch.lose = lambda number: number == 1

    outcome = change("state4_exact", switch, NEW, {("save", "begin"): packets(switch, ("sums", 4, 4), ("sums", 5, 5))})
    assert switch.cells("sums") == [0, 11, 0, 0, 4, 5, 0, 0]
    assert switch.asked.count("read_registers") == 1
    assert (outcome.lost_clones, outcome.inexact) == (1, ())


def test_a_clone_lost_before_the_switch_keeps_them_makes_it_read_while_packets_flow(switch: FakeSwitch) -> None:
    switch.lose = lambda number: True
    at = {("apply_updates", "end"): packets(switch, ("sums", 6, 6))}
    context = context_of(switch, NEW, at)
    outcome = _run("state4_exact", context)
    assert switch.cells("sums")[6] == 6 and switch.asked[-3:] == ["finish", "commit", "close"]
    assert outcome.written == 0


def test_missing_clones_make_all_registers_be_read_while_packets_wait(switch: FakeSwitch) -> None:
    switch.can, switch.lose = ("holds",), lambda number: True
    context = context_of(switch, NEW, {("apply_updates", "end"): packets(switch, ("sums", 6, 6), ("marks", 3, 3))})
    outcome = _run("state4_exact", context)
    assert (switch.cells("sums"), switch.cells("marks")) == ([0, 11, 0, 0, 0, 0, 6, 0], [0, 0, 22, 3, 0, 0])
    hold = [event.data for event in context.events.events if (event.phase, event.what) == ("hold", "end")][-1]
    assert (hold["complete"], hold["written"]) == (False, 8 + 6) and outcome.written == 14


def test_rounds_end_when_one_brings_few(switch: FakeSwitch, monkeypatch: pytest.MonkeyPatch) -> None:
    """While many updates arrive it continues, up to a limit."""
    monkeypatch.setattr("state4.transfer.following.FEW_UPDATES", 2)
    context = context_of(switch, NEW)
    rounds = [3, 3, 2, 3]

    def more(event: Any) -> None:
        if (event.phase, event.what) in (("write_tables", "end"), ("apply_updates", "end")) and rounds:
            for number in range(rounds.pop(0)):
                switch.packet("sums", number, 10 * number)

    context.events.on_event = more
    outcome = _run("state4_exact", context)
    assert rounds == [] and outcome.updates == 11
    assert switch.cells("sums") == [0, 10, 20, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("limit", [1, 8])
def test_rounds_are_bounded(switch: FakeSwitch, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr("state4.transfer.following.FEW_UPDATES", 0)
    monkeypatch.setattr("state4.transfer.following.MAX_ROUNDS", limit)
    context = context_of(switch, NEW)
    switch.can = ("holds",)
    taken = []
    monkeypatch.setattr(rssm.Synchroniser, "apply_updates", _counted(rssm.Synchroniser.apply_updates, taken))
    context.events.on_event = lambda event: (
        switch.packet("sums", 0, 1)
        if (event.phase, event.what) in (("write_tables", "end"), ("apply_updates", "begin"))
        else None
    )
    _run("state4_exact", context)
    assert len(taken) == limit


def _counted(method: Any, into: list[int]) -> Any:
    def counted(self: Any, updates: Any) -> Any:
        into.append(len(updates))
        return method(self, updates)

    return counted


# ---------------------------------------------------------------- swing_state


@pytest.mark.parametrize(
    ("profile", "seconds"),
    [(Profile("p", 100.0, 50.0), 12 / 100 + 12 / 50), (Profile("p", 100.0), 0.12), (NATIVE, swing_state.MIN_WINDOW_S)],
)
def test_swing_state_clones_as_long_as_state4_would(
    switch: FakeSwitch, monkeypatch: pytest.MonkeyPatch, profile: Profile, seconds: float
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(swing_state.time, "sleep", slept.append)
    change("swing_state", switch, NEW, profile=profile)
    assert slept == pytest.approx([seconds])


# ---------------------------------------------------------------- pace


@pytest.mark.parametrize("strategy", ["state4", "controller", "state4_exact"])
def test_reading_and_writing_take_as_long_as_the_profile_says(
    switch: FakeSwitch, monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    clock = _paced(monkeypatch)
    change(strategy, switch, NEW, profile=Profile("slow", read_cells_per_s=200, write_cells_per_s=100))
    assert clock.seconds == pytest.approx((8 + 4) / 200 + (8 + 6) / 100)
    reads = [piece for piece in switch.pieces if piece[0] == "read"]
    assert [start for _, name, start, _ in reads if name.endswith("sums")] == [0, 2, 4, 6]
    assert [count for _, name, _, count in reads if name.endswith("sums")] == [2, 2, 2, 2]
    writes = [piece[1:] for piece in switch.pieces if piece[0] == "write" and piece[1].endswith("marks")]
    assert writes == [(writes[0][0], start, 1) for start in range(6)]


def test_updates_are_written_at_the_same_pace(switch: FakeSwitch, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _paced(monkeypatch)
    during = packets(switch, ("sums", 0, 1), ("sums", 0, 2), ("sums", 3, 2))  # two cells
    change("state4", switch, NEW, {("save", "begin"): during}, profile=Profile("slow", write_cells_per_s=100))
    assert clock.seconds == pytest.approx((8 + 6 + 2) / 100)


class _Clock:
    seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def _paced(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()

    def pacer(rate: float | None) -> Pacer:
        return Pacer(rate, clock=lambda: clock.seconds, sleep=clock.sleep)

    monkeypatch.setattr(rssm, "Pacer", pacer)
    monkeypatch.setattr(rsrm, "Pacer", pacer)
    return clock


# ---------------------------------------------------------------- reconcile


def test_reconcile_is_one_step_of_the_switch(switch: FakeSwitch) -> None:
    switch.can = ("reconciles",)
    context = context_of(switch, ALIKE)
    outcome = _run("reconcile", context)
    assert "save" not in switch.asked and "read_register" not in switch.asked
    (commit,) = [event for event in context.events.events if (event.phase, event.what) == ("commit", "end")]
    assert commit.data["held_s"] == 0.5
    assert outcome.cells == 12


def test_reconcile_needs_a_switch_thatcan(switch: FakeSwitch) -> None:
    with pytest.raises(Unsupported, match="no RECONCILE_AND_COMMIT"):
        change("reconcile", switch, NEW)


@pytest.mark.parametrize(
    ("registers", "options", "why"),
    [
        ("register<bit<24>>(8) sums; register<bit<8>>(4) marks;", {}, "cannot change .*sums"),
        ("register<bit<16>>(8) sums;", {"only": ["sums"]}, "cannot leave .*marks.* behind"),
    ],
)
def test_reconcile_keeps_everything_or_nothing(
    switch: FakeSwitch, registers: str, options: dict[str, Any], why: str
) -> None:
    switch.can = ("reconciles",)
    new = installed(registers, "sums.write(0, 0);", name="other")
    with pytest.raises(PlanRefused, match=why):
        change("reconcile", switch, new, **options)
    assert switch.program is OLD


# ---------------------------------------------------------------- when something goes wrong


@pytest.mark.parametrize("strategy", [*CLONING, "controller", "none"])
@pytest.mark.parametrize("phase", ["save", "commit"])
def test_whatever_goes_wrong_nothing_stays_saved_or_cloning(switch: FakeSwitch, strategy: str, phase: str) -> None:
    def fail() -> None:
        raise TargetError("the switch is gone")

    with pytest.raises(TargetError, match="is gone"):
        change(strategy, switch, NEW, {(phase, "begin"): fail})
    assert (switch.program, switch.saved) == (OLD, None)
    assert (switch.cloning, switch.listeners) == (False, [])
    assert switch.cells("sums")[1] == 11


def test_a_cell_of_more_than_64_bits_goes_over() -> None:
    wide = installed("register<bit<100>>(4) wide;", "wide.write(0, (bit<100>)hdr.request.value);", name="wide")
    switch = FakeSwitch(wide)
    switch.packet("wide", 1, 1 << 90)
    change("state4", switch, wide, {("save", "begin"): lambda: switch.packet("wide", 2, 3 << 80)})
    assert switch.cells("wide") == [0, 1 << 90, 3 << 80, 0]
    assert np.asarray(switch.forwarding["MyIngress.wide"]).shape == (4, 16)
