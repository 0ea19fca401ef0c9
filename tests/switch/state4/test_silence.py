"""No clone arrives although packets write: the switch's sequence numbers advance, so the controller notices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from state4.errors import NoClones
from state4.events import Event, EventLog
from state4.programs import InstalledProgram, prepare_program
from state4.reconfigure import Outcome, prepare, reconfigure
from state4.strategies import load_strategy
from tests.state4_programs import program, request
from tests.switch.controller import Running
from tests.switch.state4.bench.listening import ListeningTarget, send

PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
INGRESS = f"""
control MyIngress({PARAMS}) {{
    register<bit<16>>(4) r;
    apply {{
        if (hdr.request.op == 1) {{ r.write((bit<32>)hdr.request.cell, hdr.request.amount); }}
        standard_metadata.egress_spec = 2;
    }}
}}
"""
Packet = Callable[[Event], None]


@pytest.fixture
def made(tmp_path: Path) -> InstalledProgram:
    path = tmp_path / "made.p4"
    path.write_text(program(INGRESS))
    return prepare_program(path)


def change(running: Running, made: InstalledProgram, strategy: str, packet: Packet) -> tuple[Outcome, list[int]]:
    """A reconfiguration by clones with packets at its events, and the register after it."""
    with ListeningTarget(running.address, update_ring=False) as target:
        target.install(made)
        events = EventLog(on_event=packet)
        outcome = reconfigure(load_strategy(strategy), prepare(target, made, events=events))
        register = made.registers[0]
        return outcome, register.integers(target.read_register(register))


def unheard(running: Running, phase: str, what: str, op: int = 1) -> Packet:
    """A packet whose clone no listener receives."""

    def packet(event: Event) -> None:
        if (event.phase, event.what) == (phase, what):
            running.switch.inject(1, request(op, 3, 9))

    return packet


@pytest.mark.parametrize("strategy", ["state4", "swing_state"])
def test_nothing_is_changed_without_clones(running: Running, made: InstalledProgram, strategy: str) -> None:
    with pytest.raises(NoClones, match=r"none arrived; is the interface of --cpu-interface up"):
        change(running, made, strategy, unheard(running, "read_tables", "begin"))
    assert running.device.saved is None
    assert running.switch.active is not None
    assert running.switch.active.registers["MyIngress.r"].read_cell(3) == 9


@pytest.mark.parametrize("strategy", ["state4", "swing_state"])
def test_packets_that_write_nothing_need_no_clones(running: Running, made: InstalledProgram, strategy: str) -> None:
    outcome, _ = change(running, made, strategy, unheard(running, "read_tables", "begin", op=0))
    assert outcome.inexact == outcome.warnings == ()


def test_clones_that_stop_arriving_are_reported(running: Running, made: InstalledProgram) -> None:
    """The interface goes down after the program is saved."""
    late = unheard(running, "write_register", "begin")

    def packet(event: Event) -> None:
        if (event.phase, event.what) == ("read_tables", "begin"):
            send(running, request(1, 1, 5))
        late(event)

    outcome, cells = change(running, made, "state4", packet)
    assert cells == [0, 5, 0, 0]
    assert outcome.inexact == ("the latest clones of state updates did not arrive in time",)


def test_clones_that_are_lost_in_between_are_reported(running: Running, made: InstalledProgram) -> None:
    def packet(event: Event) -> None:
        if (event.phase, event.what) == ("read_tables", "begin"):
            running.switch.inject(1, request(1, 3, 9))
            send(running, request(1, 1, 5))

    outcome, _ = change(running, made, "state4", packet)
    assert outcome.inexact == ("1 clones of state updates were lost",)


def test_an_exact_change_is_exact_without_clones_and_says_so(running: Running, made: InstalledProgram) -> None:
    outcome, cells = change(running, made, "state4_exact", unheard(running, "read_register", "end"))
    assert cells == [0, 0, 0, 9]
    assert outcome.inexact == ()
    assert "none arrived" in outcome.warnings[0]
