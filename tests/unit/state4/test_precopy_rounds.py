"""What precopy requests from a switch, and what reaches the new program, with packets at each of its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from state4.cim import Track
from state4.cli.main import main
from state4.dirty import theory
from state4.errors import NotInstrumented, TargetError
from state4.instrumentation.running import map_of
from state4.pacing import Pacer, Profile
from state4.reconfigure import reconfigure, track_for
from state4.strategies import load_strategies, load_strategy
from state4.targets.abilities import Abilities
from state4.transfer import dirty_rounds
from state4.values import CellWrites
from tests.unit.state4.fake_switch import FakeSwitch, change, context_of, installed

WRITES = "sums.write((bit<32>)hdr.request.cell, hdr.request.amount); marks.write(0, 1);"
REGISTERS = "register<bit<16>>(8) sums; register<bit<8>>(4096) marks;"
LARGER = REGISTERS.replace("(8)", "(9)")
HOLDS = ("holds", "hands_over", "reads_and_clears")


def programs(track: Track) -> tuple[object, object]:
    return tuple(
        installed(text, WRITES, name=name, track=track) for text, name in ((REGISTERS, "old"), (LARGER, "new"))
    )  # type: ignore[return-value]


def switch_of(track: Track = Track.MAP, can: tuple[str, ...] = HOLDS) -> FakeSwitch:
    made = FakeSwitch(programs(track)[0], can=can)  # type: ignore[arg-type]
    made.packet("sums", 1, 11)
    made.packet("marks", 2, 22)
    return made


def packets(switch: FakeSwitch, *writes: tuple[str, int, int]) -> Callable[[], None]:
    return lambda: [switch.packet(*write) for write in writes] and None


def test_what_is_written_at_every_step_reaches_the_new_program() -> None:
    switch, new = switch_of(), programs(Track.MAP)[1]
    at = {
        ("read_register", "end"): packets(switch, ("sums", 2, 1)),
        ("save", "end"): packets(switch, ("sums", 3, 2), ("marks", 4000, 3)),
        ("read_dirty", "begin"): packets(switch, ("sums", 4, 4)),
        ("read_dirty", "end"): packets(switch, ("sums", 2, 5)),  # a cell that this round has read
        ("write_dirty", "end"): packets(switch, ("marks", 7, 6)),
        ("hold", "begin"): packets(switch, ("sums", 5, 7)),
    }
    outcome = change("precopy", switch, new, at)  # type: ignore[arg-type]
    assert switch.program is new
    assert switch.cells("sums") == [0, 11, 5, 2, 4, 7, 0, 0, 0]
    marks = switch.cells("marks")
    assert (marks[2], marks[7], marks[4000]) == (22, 6, 3)
    assert (outcome.inexact, outcome.clones, outcome.cells) == ((), 0, 8 + 4096)
    assert len(outcome.rounds) == 1
    assert outcome.remainder == 3 + 2  # three cells of sums; a block of marks has two
    assert not switch.listeners and "clone_flag on" not in switch.asked


def test_only_dirty_blocks_are_read_again() -> None:
    switch, new = switch_of(), programs(Track.MAP)[1]
    at = {("save", "end"): packets(switch, ("marks", 4000, 3))}
    outcome = change("precopy", switch, new, at)  # type: ignore[arg-type]
    part = map_of(switch_of().running()).by_name["MyIngress.marks"]
    assert outcome.rounds == (1 / map_of(switch_of().running()).blocks,)
    assert outcome.written == 1 << part.shift
    assert switch.cells("marks")[4000] == 3


def test_rounds_go_on_while_many_cells_get_dirty(monkeypatch: pytest.MonkeyPatch) -> None:
    """1000, then 500, then few: three rounds; the theory uses the rates of the first."""
    switch, new = switch_of(), programs(Track.MAP)[1]
    waiting = [500, 3]
    context = context_of(switch, new)  # type: ignore[arg-type]

    def happen(event: object) -> None:
        phase, what = event.phase, event.what  # type: ignore[attr-defined]
        if (phase, what) == ("save", "end"):
            packets(switch, *(("marks", i, 1) for i in range(1000)))()
        if (phase, what) == ("write_dirty", "end") and waiting:
            packets(switch, *(("marks", i, 2) for i in range(waiting.pop(0))))()

    context.events.on_event = happen
    outcome = reconfigure(load_strategy("precopy"), context)
    assert len(outcome.rounds) == 3
    assert list(outcome.rounds) == sorted(outcome.rounds, reverse=True)
    assert outcome.remainder == 0
    assert outcome.predicted_rounds[0] == pytest.approx(1000)
    assert switch.cells("marks")[:501] == [2] * 500 + [1]


def test_rounds_that_make_no_progress_end() -> None:
    switch, new = switch_of(), programs(Track.MAP)[1]
    context = context_of(switch, new)  # type: ignore[arg-type]

    def happen(event: object) -> None:
        if event.phase in ("save", "write_dirty") and event.what == "end":  # type: ignore[attr-defined]
            packets(switch, *(("marks", i, 1) for i in range(1000)))()

    context.events.on_event = happen
    outcome = reconfigure(load_strategy("precopy"), context)
    assert len(outcome.rounds) == 2
    assert outcome.remainder == 1000
    assert switch.cells("marks")[:1000] == [1] * 1000
    assert theory.ends([1000, 950]) and not theory.ends([1000, 800])


def test_a_mark_between_reading_and_clearing_a_word_is_not_lost() -> None:
    """A switch that cannot read and clear in one step; the packet arrives in between."""

    class Late(FakeSwitch):
        late: list[tuple[str, int, int]] = []

        def write_cells(self, writes: list[CellWrites]) -> None:  # type: ignore[override]
            if any(write.register.name.endswith("_map") for write in writes):
                while self.late:
                    self.packet(*self.late.pop())
            super().write_cells(writes)

    old, new = programs(Track.MAP)
    switch = Late(old, can=())  # type: ignore[arg-type]
    first = packets(switch, ("marks", 5, 1))
    at = {
        ("read_register", "end"): first,  # dirties the word that holds the blocks of 6 and 31, too
        ("read_dirty", "begin"): lambda: switch.late.clear(),
    }
    switch.late = []
    context = context_of(switch, new, at)  # type: ignore[arg-type]
    looks = context.events.on_event

    def happen(event: object) -> None:
        if event.phase == "read_register" and event.what == "end":  # type: ignore[attr-defined]
            switch.late = [("marks", 31, 9), ("marks", 6, 8)]
        if event.phase != "read_dirty":  # type: ignore[attr-defined]
            looks(event)  # type: ignore[arg-type, misc]

    context.events.on_event = happen
    outcome = reconfigure(load_strategy("precopy"), context)
    assert [switch.cells("marks")[i] for i in (5, 6, 31)] == [1, 8, 9]
    assert "is missing: this switch cannot hold packets" in outcome.inexact[0]


def test_clones_close_the_window_where_packets_cannot_wait() -> None:
    old, new = programs(Track.BOTH)
    switch = FakeSwitch(old, can=())  # type: ignore[arg-type]
    switch.packet("sums", 1, 11)
    at = {
        ("read_register", "end"): packets(switch, ("sums", 2, 1)),
        ("clone_on", "point"): packets(switch, ("sums", 3, 2)),
        ("write_register", "end"): packets(switch, ("sums", 4, 4)),
    }
    outcome = change("precopy", switch, new, at)  # type: ignore[arg-type]
    assert switch.cells("sums") == [0, 11, 1, 2, 4, 0, 0, 0, 0]
    assert outcome.clones == 2
    assert len(outcome.rounds) == 1


def test_the_pace_of_a_profile_counts_for_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A word of the map also counts as a cell to read."""
    paced: list[tuple[float | None, int]] = []

    class Counted(Pacer):
        def chunks(self, cells: int) -> Iterator[tuple[int, int]]:
            paced.append((self.cells_per_s, cells))
            return iter(())

    monkeypatch.setattr(dirty_rounds, "Pacer", Counted)
    switch, new = switch_of(), programs(Track.MAP)[1]
    profile = Profile("uneven", read_cells_per_s=1e9, write_cells_per_s=2e9)
    at = {("save", "end"): packets(switch, *(("marks", i, 1) for i in range(200)))}
    change("precopy", switch, new, at, profile=profile)  # type: ignore[arg-type]
    assert paced == [(1e9, map_of(switch_of().running()).words), (1e9, 200), (2e9, 200)]


def test_a_program_without_a_map_is_refused() -> None:
    switch = FakeSwitch(programs(Track.CLONES)[0], can=HOLDS)  # type: ignore[arg-type]
    with pytest.raises(NotInstrumented, match="no dirty map; strategy precopy needs that"):
        change("precopy", switch, programs(Track.MAP)[1])  # type: ignore[arg-type]
    assert "save" not in switch.asked


@pytest.mark.parametrize("phase", ["read_register", "save", "write_register", "read_dirty", "write_dirty", "hold"])
def test_whatever_goes_wrong_the_old_program_stays(phase: str) -> None:
    def fails() -> None:
        raise TargetError("the switch is gone")

    switch = switch_of()
    with pytest.raises(TargetError):
        change("precopy", switch, programs(Track.MAP)[1], {(phase, "begin"): fails})  # type: ignore[arg-type]
    assert switch.saved is None
    assert switch.program is programs(Track.MAP)[0]
    assert switch.cells("sums")[1] == 11


def test_the_new_program_is_instrumented_for_the_next_time() -> None:
    strategies = load_strategies()
    assert track_for(strategies["state4"], Abilities()) is Track.CLONES
    assert track_for(strategies["precopy"], Abilities()) is Track.BOTH
    assert track_for(strategies["precopy"], Abilities(reads_and_clears=object())) is Track.MAP  # type: ignore[arg-type]


def test_blocks_of_the_last_word_are_read_to_the_register_s_end() -> None:
    part = map_of(switch_of().running()).by_name["MyIngress.sums"]
    words = np.zeros(64, np.uint32)
    words[part.first] = 1
    assert part.ranges(part.dirty(words, whole_words=True)) == [(0, 8)]


# ---------------------------------------------------------------- --verify: the comparison in the step that swaps


@pytest.mark.parametrize("strategy", ["precopy", "state4_exact", "state4", "controller", "none"])
def test_the_outcome_says_what_differs_when_the_new_program_begins(strategy: str) -> None:
    """A packet between the last round and the hold: the exact strategies have its write, the others differ by it."""
    old, new = programs(Track.BOTH)
    switch = FakeSwitch(old, can=HOLDS)  # type: ignore[arg-type]
    switch.packet("sums", 1, 11)
    at = {("hold", "begin"): packets(switch, ("sums", 2, 22))}
    outcome = change(strategy, switch, new, at, verify=True)  # type: ignore[arg-type]
    assert outcome.verified is not None
    found = [str(difference) for difference in outcome.verified.listed]
    lost = {"none": [(1, 11), (2, 22)], "controller": [(2, 22)], "state4": [(2, 22)]}.get(strategy, [])
    assert found == [f"register MyIngress.sums [{i}]: should be {value}, is 0" for i, value in lost]
    assert outcome.verified.compared["register MyIngress.sums"] == 9
    assert outcome.as_dict()["verified"]["differences"] == len(lost)
    assert switch.program is new
    assert switch.asked.index("hold") < switch.asked.index("read_saved") < switch.asked.index("commit")


def test_a_write_that_the_switch_loses_is_found() -> None:
    class Forgetful(FakeSwitch):
        def write(self, writes: list[CellWrites]) -> None:  # type: ignore[override]
            self.asked.append("forgotten")

    old, new = programs(Track.MAP)
    switch = Forgetful(old, can=HOLDS)  # type: ignore[arg-type]
    at = {("hold", "begin"): packets(switch, ("sums", 2, 22))}
    outcome = change("precopy", switch, new, at, verify=True)  # type: ignore[arg-type]
    assert outcome.verified is not None
    assert outcome.verified.differing == {"register MyIngress.sums": 1}


def test_where_packets_wait_in_the_new_program_it_is_compared_before_they_go_on() -> None:
    old, new = programs(Track.BOTH)
    switch = FakeSwitch(old, can=("lets_packets_wait",))  # type: ignore[arg-type]
    switch.packet("sums", 1, 11)
    outcome = change("state4_exact", switch, new, verify=True)  # type: ignore[arg-type]
    assert outcome.verified is not None
    assert outcome.verified.total == 0 and not outcome.verified.unchecked
    assert outcome.verified.compared["register MyIngress.sums"] == 9


def test_what_cannot_be_compared_is_reported() -> None:
    old, new = programs(Track.MAP)
    switch = FakeSwitch(old, can=())  # type: ignore[arg-type]
    outcome = change("controller", switch, new, verify=True)  # type: ignore[arg-type]
    assert outcome.verified is not None
    assert outcome.verified.unchecked == ["registers: this switch cannot hold packets, so they were not stopped"]


def test_the_list_of_strategies(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["reconfigure", "--list"])
    assert ended.value.code == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines.keys() == load_strategies().keys()
    assert lines["precopy"].endswith("[needs a dirty map]")
    assert lines["state4"].endswith("[needs clones]")
