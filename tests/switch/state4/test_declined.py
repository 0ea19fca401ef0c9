"""A switch declines to hand over: another way to swap is used, nothing is lost, and the events have one swap."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.harness.phases import Phases
from state4.events import Event, EventLog
from state4.programs import InstalledProgram, prepare_program
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from tests.state4_programs import program, request
from tests.switch.controller import Running
from tests.switch.state4.bench.listening import ListeningTarget, send

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
    assert "declined" in attempts[0].data["error"]
    (swap,) = events.intervals("commit")
    phases = Phases.of([event.as_dict() for event in events.events])
    assert (phases.swap.begin, phases.swap.end) == swap == events.span("commit")
    assert len(phases.by_name["hold"]) == 1
    assert outcome.inexact == ()
