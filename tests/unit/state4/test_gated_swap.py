"""state4_exact on a switch that cannot hold packets: they wait in the new program, or late updates are merged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from state4.clones.header import IDLE, WAIT
from state4.clones.store import ARRIVAL_S
from state4.reconfigure import Outcome, reconfigure
from state4.strategies import load_strategy
from state4.transfer import counts as counts_module
from state4.transfer import gated_swap
from state4.transfer.gated_swap import ClonesLost
from tests.unit.state4.fake_switch import MAX_WAIT_PASSES, FakeSwitch, change, context_of, installed

SET = "register<bit<16>>(8) sums;"
ADD = "bit<16> v; sums.read(v, (bit<32>)hdr.request.cell); sums.write((bit<32>)hdr.request.cell, v + 1);"
WRITE = "sums.write((bit<32>)hdr.request.cell, hdr.request.amount);"
OLD, NEW = installed(SET, WRITE, name="old"), installed(SET, WRITE + " mark_to_drop(standard_metadata);", name="new")
ADDS = installed(SET, ADD, name="adds")
COUNTER = SET + " counter(4, CounterType.packets_and_bytes) hits;"
COUNTS = installed(COUNTER, WRITE + " hits.count((bit<32>)hdr.request.op);", name="counts", counts=True)
UNCLONED = installed(COUNTER, WRITE + " hits.count((bit<32>)hdr.request.op);", name="uncloned")


@pytest.fixture
def switch() -> FakeSwitch:
    made = FakeSwitch(OLD, can=("lets_packets_wait",))
    made.packet("sums", 1, 11)
    return made


def packets(switch: FakeSwitch, *writes: tuple[int, int]) -> Callable[[], None]:
    def run() -> None:
        for index, value in writes:
            switch.packet("sums", index, value)

    return run


def flag(switch: FakeSwitch) -> int:
    return int(switch.forwarding[switch.program.layout.flag_register][0])


@pytest.mark.parametrize("wakes", [0, 1, 2])
def test_late_updates_are_written_while_packets_wait(switch: FakeSwitch, wakes: int) -> None:
    """Also if the new program has to be woken to announce itself, once or twice."""
    switch.announces_after = wakes
    context = context_of(switch, NEW, {("commit", "begin"): packets(switch, (1, 12), (2, 22), (2, 23))})
    outcome = reconfigure(load_strategy("state4_exact"), context)
    assert switch.cells("sums") == [0, 12, 23, 0, 0, 0, 0, 0] and flag(switch) == IDLE
    assert switch.asked.count("wake") == wakes
    assert (outcome.late, outcome.merged, outcome.conflicts, outcome.inexact) == (2, 2, 0, ())
    assert outcome.written == 2
    (wait,) = [event.data for event in context.events.events if (event.phase, event.what) == ("wait", "end")]
    assert (wait["gate"], wait["late"], wait["merged"], wait["updates"], wait["exact"]) == (True, 2, 2, 3, True)


def test_the_gate_is_closed_before_the_swap_and_bounded(switch: FakeSwitch) -> None:
    seen: list[list[int]] = []
    flags: list[int] = []

    def look() -> None:
        seen.append(switch.new[NEW.layout.gate_register].tolist())
        flags.append(int(switch.new[NEW.layout.flag_register][0]))

    change("state4_exact", switch, NEW, {("commit", "begin"): look})
    assert seen == [[0, MAX_WAIT_PASSES, 0, switch.cpu_port + 1]] and flags == [WAIT]


def test_a_marker_that_was_lost_is_asked_for_again(switch: FakeSwitch) -> None:
    """The count of passes is reset to 0, whereupon the program sends the marker again."""
    switch.announces_after = None
    rounds: list[int] = []
    waits: list[float] = []

    def note(timeout_s: float) -> None:
        waits.append(timeout_s)
        cells = switch.forwarding[NEW.layout.gate_register]
        rounds.append(int(cells[0]))
        cells[0] = 5

    switch.on_wait = note
    outcome = change("state4_exact", switch, NEW)
    assert rounds == [0, 5, 0] and waits == pytest.approx([0.01, 0.1, 0.2])
    assert switch.asked.count("wake") == 2 and flag(switch) == IDLE
    (reason,) = outcome.inexact
    assert "did not announce itself" in reason


def test_the_clone_session_of_the_new_program_is_claimed(switch: FakeSwitch) -> None:
    other = installed(SET, WRITE, name="other")
    change("state4_exact", switch, other)
    assert set(switch.sessions) == {OLD.layout.session, other.layout.session}
    assert switch.asked.count("configure_clone_session") == 2


def ran(switch: FakeSwitch, late: tuple[int, int], then: tuple[int, int]) -> Outcome:
    """The new program cannot make packets wait: one update is late, and a packet runs before late updates are
    merged."""
    switch.can = ()
    at = {("commit", "begin"): packets(switch, late), ("commit", "end"): packets(switch, then)}
    return change("state4_exact", switch, ADDS if switch.program is ADDS else NEW, at)


def test_a_late_update_takes_its_place_where_nobody_wrote_since(switch: FakeSwitch) -> None:
    outcome = ran(switch, (1, 12), (5, 1))
    assert switch.cells("sums") == [0, 12, 0, 0, 0, 1, 0, 0]
    assert (outcome.late, outcome.merged, outcome.conflicts) == (1, 1, 0)
    assert outcome.inexact == ("packets ran before 1 late updates were merged",)


def test_a_newer_write_of_the_new_program_stays(switch: FakeSwitch) -> None:
    outcome = ran(switch, (1, 12), (1, 99))
    assert switch.cells("sums")[1] == 99
    assert (outcome.late, outcome.merged, outcome.conflicts, outcome.written) == (1, 0, 1, 0)


def test_what_both_programs_only_add_to_gets_the_difference() -> None:
    switch = FakeSwitch(ADDS, can=())
    switch.packet("sums", 1, 11)
    outcome = ran(switch, (1, 13), (1, 11 + 5))
    assert switch.cells("sums")[1] == 11 + 2 + 5
    assert (outcome.late, outcome.merged, outcome.conflicts) == (1, 1, 0)


def test_without_late_updates_it_is_exact_all_the_same(switch: FakeSwitch) -> None:
    switch.can = ()
    outcome = change("state4_exact", switch, NEW, {("commit", "end"): packets(switch, (1, 99))})
    assert switch.cells("sums")[1] == 99 and (outcome.late, outcome.inexact) == (0, ())


def test_clones_that_still_come_are_waited_for_where_no_program_announces_itself(switch: FakeSwitch) -> None:
    switch.can = ()
    layout = OLD.layout
    late = [
        layout.encode([(layout.number("MyIngress.sums"), cell, 50 + cell)], sequence=cell) for cell in (1, 2)
    ]  # under way
    waits: list[float] = []

    def arrive(timeout_s: float) -> None:
        waits.append(timeout_s)
        if late:
            switch.listeners[0].add(np.frombuffer(late.pop(0), np.uint8).reshape(1, -1))

    switch.on_wait = arrive
    outcome = change("state4_exact", switch, NEW)
    assert waits == [ARRIVAL_S] * 3  # one each, and one in which nothing came
    assert switch.cells("sums")[:3] == [0, 51, 52] and (outcome.late, outcome.merged) == (2, 2)


def test_packets_that_went_on_by_themselves(switch: FakeSwitch) -> None:
    """The gate gave up before the late updates had arrived: they are merged."""

    def give_up() -> None:
        switch.forwarding[NEW.layout.gate_register][2] = 1
        switch.packet("sums", 2, 7)

    at = {("commit", "begin"): packets(switch, (1, 12), (2, 5)), ("commit", "end"): give_up}
    outcome = change("state4_exact", switch, NEW, at)
    assert (switch.cells("sums")[1], switch.cells("sums")[2]) == (12, 7)
    assert (outcome.late, outcome.merged, outcome.conflicts) == (2, 1, 1) and flag(switch) == IDLE
    assert outcome.inexact == ("packets ran before 2 late updates were merged",)


def test_packets_that_went_on_while_the_late_updates_were_written(
    switch: FakeSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = switch.write_cells

    def write_and_give_up(writes: object) -> None:
        write(writes)  # type: ignore[arg-type]
        switch.forwarding[NEW.layout.gate_register][2] = 1

    at = {("commit", "begin"): packets(switch, (1, 12))}
    monkeypatch.setattr(switch, "write_cells", write_and_give_up)
    outcome = change("state4_exact", switch, NEW, at)
    assert outcome.inexact == ("packets continued while the last updates were written",)
    assert (outcome.late, outcome.merged) == (1, 1)


# ---------------------------------------------------------------- clones that are lost


def test_registers_are_read_again_while_that_is_possible(switch: FakeSwitch) -> None:
    switch.lose = lambda number: number == 1
    first = packets(switch, (3, 3), (4, 4))
    outcome = change("state4_exact", switch, NEW, {("read_register", "end"): first})
    assert switch.cells("sums") == [0, 11, 0, 3, 4, 0, 0, 0]
    assert switch.asked.count("expect") == 2 and switch.asked.count("clone_flag on") == 2
    assert (outcome.inexact, outcome.lost_clones) == ((), 0)


def test_nothing_is_changed_where_clones_get_lost_again_and_again(switch: FakeSwitch) -> None:
    switch.lose = lambda number: True
    context = context_of(switch, NEW)
    context.events.on_event = lambda event: (
        switch.packet("sums", 3, 3) if (event.phase, event.what) == ("read_register", "end") else None
    )
    with pytest.raises(ClonesLost, match="nothing was done"):
        reconfigure(load_strategy("state4_exact"), context)
    assert switch.asked.count("read_register") == gated_swap.MAX_READINGS
    assert "save" not in switch.asked and switch.program is OLD


@pytest.mark.parametrize("how", ["a gap", "the kernel had no room"])
def test_a_clone_lost_after_the_last_reading_is_reported(switch: FakeSwitch, how: str) -> None:
    def lose() -> None:
        if how == "a gap":
            switch.lose = lambda number: number == 1
            packets(switch, (3, 3), (4, 4))()
        else:
            switch.listeners[0].dropped = 1

    outcome = change("state4_exact", switch, NEW, {("save", "begin"): lose})
    assert outcome.inexact == ("clones were lost after the last read",)


def test_rounds_of_updates_before_the_swap(switch: FakeSwitch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gated_swap, "FEW_UPDATES", 1)
    rounds = [2, 2, 1, 2]
    context = context_of(switch, NEW)

    def more(event: object) -> None:
        if (event.phase, event.what) in (("write_tables", "end"), ("apply_updates", "end")) and rounds:  # type: ignore[attr-defined]
            packets(switch, *((number, 10 + number) for number in range(rounds.pop(0))))()

    context.events.on_event = more
    outcome = reconfigure(load_strategy("state4_exact"), context)
    assert rounds == [] and outcome.updates == 7 and outcome.late == 2
    assert switch.cells("sums") == [10, 11, 0, 0, 0, 0, 0, 0] and outcome.written == 2 + 2 + 1 + 2


# ---------------------------------------------------------------- counters


def counted(made: object = COUNTS) -> FakeSwitch:
    switch = FakeSwitch(made, can=("lets_packets_wait",))  # type: ignore[arg-type]
    switch.count("hits", 2, 100)
    return switch


def hits(switch: FakeSwitch) -> list[list[int]]:
    return next(values for name, values in switch.counters.items() if name.endswith("hits")).tolist()


def test_counts_that_are_cloned_are_exact() -> None:
    switch = counted()
    at = {
        ("read_register", "end"): lambda: switch.count("hits", 1, 60),
        ("save", "begin"): lambda: switch.count("hits", 1, 61),
        ("commit", "begin"): lambda: switch.count("hits", 3, 1000),
    }
    outcome = change("state4_exact", switch, COUNTS, at)
    assert hits(switch) == [[0, 0], [2, 121], [1, 100], [1, 1000]]
    assert outcome.inexact == () and outcome.late == 1


def test_a_cell_that_is_counted_while_it_is_read_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    switch = counted()
    busy = iter([True, True, False, False, False])
    read = switch.read_counter

    def read_while_counting(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
        values = read(name)
        if next(busy):
            switch.count("hits", 0, 50)
        return values

    monkeypatch.setattr(switch, "read_counter", read_while_counting)
    outcome = change("state4_exact", switch, COUNTS)
    assert hits(switch) == [[2, 100], [0, 0], [1, 100], [0, 0]] and outcome.inexact == ()
    assert not any("wake" in what for what in switch.asked)


def test_cells_that_never_rest_are_read_while_packets_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    switch = counted()
    read = switch.read_counter
    layout = COUNTS.layout

    def read_while_counting(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
        values = read(name)
        if switch.saved is None and switch.program is COUNTS and flag(switch) != WAIT:
            switch.count("hits", 0, 50)
        return values

    monkeypatch.setattr(switch, "read_counter", read_while_counting)
    switch.on_wait = lambda _: switch.announce()
    context = context_of(switch, COUNTS)
    outcome = reconfigure(load_strategy("state4_exact"), context)
    assert hits(switch) == [[counts_module.MAX_READINGS, 50 * counts_module.MAX_READINGS], [0, 0], [1, 100], [0, 0]]
    assert outcome.inexact == ()
    reasons = [
        event.data.get("why") for event in context.events.events if (event.phase, event.what) == ("wait", "begin")
    ]
    assert reasons == ["counters that change constantly", None]
    assert layout.waits


def test_a_counter_that_does_not_rest_at_all_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    switch = counted()
    switch.can = ()  # cannot wait
    read = switch.read_counter

    def read_while_counting(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
        values = read(name)
        switch.count("hits", 0, 50)
        return values

    monkeypatch.setattr(switch, "read_counter", read_while_counting)
    outcome = change("state4_exact", switch, COUNTS)
    assert "counter MyIngress.hits changed constantly while it was read" in outcome.inexact


def test_counts_that_are_not_cloned_are_carried_as_they_were_read() -> None:
    switch = counted(UNCLONED)
    outcome = change("state4_exact", switch, UNCLONED, {("save", "begin"): lambda: switch.count("hits", 2, 7)})
    assert hits(switch)[2] == [1, 100]
    (reason,) = outcome.inexact
    assert "MyIngress.hits is carried as it was read" in reason


def test_late_counts_are_added_to_what_the_new_program_has_counted() -> None:
    switch = counted()
    switch.can = ()
    at = {
        ("commit", "begin"): lambda: switch.count("hits", 2, 40),
        ("commit", "end"): lambda: switch.count("hits", 2, 3),
    }
    outcome = change("state4_exact", switch, COUNTS, at)
    assert hits(switch)[2] == [3, 143]
    assert (outcome.late, outcome.merged, outcome.conflicts) == (1, 1, 0)


def test_a_larger_counter_begins_with_the_cells_of_the_old_one() -> None:
    switch = counted()
    larger = installed(COUNTER.replace("(4,", "(6,"), WRITE + " hits.count(1);", name="larger", counts=True)
    change("state4_exact", switch, larger, {("save", "begin"): lambda: switch.count("hits", 3, 1)})
    assert hits(switch) == [[0, 0], [0, 0], [1, 100], [1, 1], [0, 0], [0, 0]]
