"""A switch declines to hand over, or ends a hold: it is tried again, nothing is lost, and the events have one swap."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from experiments.harness.phases import Phases
from state4.errors import SwapDeclined, TargetError
from state4.events import Event, EventLog
from state4.programs import InstalledProgram, prepare_program
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from state4.targets.abilities import Move
from state4.targets.base import Target
from state4.targets.p4runtime.mastership import OWN_ROLE
from state4.targets.p4runtime.target import P4RuntimeTarget
from state4.transfer.tries import MAX_TRIES
from tests.state4_programs import program, request
from tests.switch.controller import Running
from tests.switch.state4.bench.listening import ListeningTarget, send
from tests.switch.state4.bench.target import BenchTarget, Schedule

ROOM = 1 << 16
"""Clones that the switch keeps for a handover."""
AGAIN = 900
"""How often a packet of the flood goes round, with a clone each time."""
PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
COUNTS = """
control MyIngress(PARAMS) {
    register<bit<64>>(CELLS) sums;
    bit<64> sum;
    apply {
        sums.read(sum, (bit<32>)hdr.request.cell);
        sums.write((bit<32>)hdr.request.cell, sum + 1);
        standard_metadata.egress_spec = 2;
    }
}
""".replace("PARAMS", PARAMS)
ROUND = """
control MyEgress(PARAMS) {
    apply {
        if (hdr.request.amount > 0) {
            hdr.request.amount = hdr.request.amount - 1;
            recirculate_preserving_field_list(0);
        }
    }
}
""".replace("PARAMS", PARAMS)


@pytest.fixture
def programs(tmp_path: Path) -> tuple[InstalledProgram, InstalledProgram]:
    made = []
    for name, cells in (("old", "4"), ("new", "8")):
        path = tmp_path / f"{name}.p4"
        path.write_text(program(COUNTS.replace("CELLS", cells), egress=ROUND))
        made.append(prepare_program(path))
    return made[0], made[1]


def test_more_clones_than_the_switch_has_room_for(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram]
) -> None:
    old, new = programs
    flooded = 0

    def flood(event: Event) -> None:
        """Packets before the switch is asked to hand over, while it already keeps clones."""
        nonlocal flooded
        if (event.phase, event.what, flooded) == ("commit", "begin", 0):
            while flooded <= ROOM:
                running.switch.inject(1, request(cell=3, amount=AGAIN))
                flooded += 1 + AGAIN

    events = EventLog(on_event=flood)
    with ListeningTarget(running.address) as target:
        target.install(old)
        send(running, request(cell=3))
        outcome = reconfigure(load_strategy("state4_exact"), prepare(target, new, events=events))
        sums = new.registers[0]
        assert sums.integers(target.read_register(sums))[:5] == [0, 0, 0, flooded + 1, 0]
    attempts = [event for event in events.events if (event.phase, event.what) == ("commit", "end")]
    assert ["error" in event.data for event in attempts] == [True, False]
    assert outcome.declined == (attempts[0].data["error"],)
    assert "declined" in attempts[0].data["error"]
    (swap,) = events.intervals("commit")
    phases = Phases.of([event.as_dict() for event in events.events])
    assert (phases.swap.begin, phases.swap.end) == swap == events.span("commit")
    assert len(phases.by_name["hold"]) == 1
    assert outcome.inexact == ()


# ---------------------------------------------------------------- holds that the switch ends


class FullRings:
    """The ring of a port is three quarters full in the first `times` holds. While packets flow again, `meanwhile` is
    called with the number of the hold."""

    def __init__(
        self, running: Running, monkeypatch: pytest.MonkeyPatch, times: int, meanwhile: Callable[[int], None]
    ) -> None:
        self.ended = 0
        self._times, self._meanwhile = times, meanwhile
        self._full, self._looked = threading.Event(), threading.Event()
        monkeypatch.setattr(running.switch, "nearly_full", self._look)

    def _look(self) -> int | None:
        if not self._full.is_set():
            return None
        self._full.clear()
        self._looked.set()
        return 1

    def __call__(self, event: Event) -> None:
        if (event.phase, event.what) == ("commit", "begin") and self.ended < self._times:
            self._looked.clear()
            self._full.set()
            assert self._looked.wait(10), "the switch did not look whether a ring is full"
        if event.phase == "declined":
            self.ended += 1
            self._meanwhile(self.ended)


@pytest.mark.parametrize("times", [1, MAX_TRIES - 1])
def test_a_hold_that_ended_is_tried_again_after_the_updates_since(
    running: Running,
    programs: tuple[InstalledProgram, InstalledProgram],
    monkeypatch: pytest.MonkeyPatch,
    times: int,
) -> None:
    old, new = programs
    full = FullRings(running, monkeypatch, times, lambda number: send(running, request(cell=2)) and None)
    with ListeningTarget(running.address) as target:
        target.install(old)
        send(running, request(cell=3))
        # A comparison needs a hold: the switch does not swap by itself.
        context = prepare(target, new, events=EventLog(on_event=full), verify=True)
        outcome = reconfigure(load_strategy("state4_exact"), context)
        sums = new.registers[0]
        assert sums.integers(target.read_register(sums))[:5] == [0, 0, times, 1, 0]
    assert len(outcome.declined) == times
    assert all("the ring of port 1 was three quarters full; nothing was committed" in r for r in outcome.declined)
    assert outcome.verified is not None
    assert outcome.verified.total == 0
    assert outcome.verified.compared["register MyIngress.sums"] == 8


def test_if_every_hold_ends_the_old_program_goes_on_with_its_state(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = programs
    full = FullRings(running, monkeypatch, MAX_TRIES, lambda number: send(running, request(cell=2)) and None)
    with ListeningTarget(running.address) as target:
        target.install(old)
        context = prepare(target, new, events=EventLog(on_event=full), verify=True)
        with pytest.raises(SwapDeclined, match=f"declined to swap {MAX_TRIES} times") as error:
            reconfigure(load_strategy("state4_exact"), context)
        assert len(error.value.reasons) == MAX_TRIES
        sums = old.registers[0]
        assert sums.integers(target.read_register(sums)) == [0, 0, MAX_TRIES, 0]
        assert running.device.saved is None
        assert target.running() == old.p4info


@pytest.mark.parametrize("what", ["demoted", "replaced"])
def test_no_other_try_when_the_controller_was_demoted_or_its_program_replaced(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    old, new = programs
    stack = ExitStack()

    def interfere(number: int) -> None:
        if number != 2:
            return
        if what == "demoted":
            stack.enter_context(running.controller(1 << 40, role=OWN_ROLE))
        else:
            stack.enter_context(P4RuntimeTarget(running.address, role="other")).install(old)

    full = FullRings(running, monkeypatch, MAX_TRIES, interfere)
    with stack, ListeningTarget(running.address) as target:
        target.install(old)
        context = prepare(target, new, events=EventLog(on_event=full), verify=True)
        with pytest.raises(TargetError, match=r"primary|another client|in the meantime") as error:
            reconfigure(load_strategy("state4_exact"), context)
        assert not isinstance(error.value, SwapDeclined)
        assert full.ended == 2
        assert running.device.saved is None or running.device.saved.p4info != new.p4info
        assert running.device.active is not None
        assert running.device.active.p4info == old.p4info


# ---------------------------------------------------------------- many clones that the switch keeps


def keeping(target: Target, old: InstalledProgram, new: InstalledProgram) -> None:
    target.install(old)
    target.configure_clone_session(old.layout.session, target.cpu_port)
    target.set_clone_flag(old.layout, True)
    target.save(new)


def test_many_updates_are_written_in_pieces_between_which_packets_flow(
    programs: tuple[InstalledProgram, InstalledProgram],
) -> None:
    """Pieces of 1,024 clones, until no more than that are left for the step that swaps."""
    old, new = programs
    moves = [Move(1, "MyIngress.sums", "MyIngress.sums")]
    holds = []
    for floods in (1, 2, 5):
        with closing(BenchTarget([], Schedule())) as target:  # without a server, which holds packets now and then
            keeping(target, old, new)
            with target.hand_over(old.layout) as handover:
                for _ in range(floods):
                    target.switch.inject(1, request(cell=3, amount=AGAIN))
                before = target.switch.stats().holds
                assert handover.finish(moves, {})
                holds.append(target.switch.stats().holds - before)
            clones = floods * (1 + AGAIN)
            assert (handover.clones, handover.updates) == (clones, clones)
            assert target.state()["MyIngress.sums"][:5] == [0, 0, 0, clones, 0]
    assert [found - holds[0] for found in holds] == [0, 1, 4]


@pytest.mark.parametrize("missing", [0, 1, 3])
def test_a_clone_missing_in_many_makes_the_switch_decline(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram], missing: int
) -> None:
    """Right at the beginning, in a piece, or in what is left for the step that swaps."""
    old, new = programs
    with P4RuntimeTarget(running.address) as target:
        keeping(target, old, new)
        with target.hand_over(old.layout) as handover:
            for flood in range(4):
                if flood == missing:
                    running.switch.delete_clone_session(old.layout.session)  # asked for, and made by nobody
                    running.switch.inject(1, request(cell=2))
                    target.configure_clone_session(old.layout.session, target.cpu_port)
                running.switch.inject(1, request(cell=3, amount=AGAIN))
            assert not handover.finish([Move(1, "MyIngress.sums", "MyIngress.sums")], {})
        assert target.running() == old.p4info
        sums = old.registers[0]
        assert sums.integers(target.read_register(sums)) == [0, 0, 1, 4 * (1 + AGAIN)]
        assert running.device.saved is not None
