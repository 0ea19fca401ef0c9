"""Changes of a program while there is an update ring: a second one, a switch that ends, and where there can be none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from state4.errors import TargetError
from state4.events import Event, EventLog
from state4.programs import InstalledProgram
from state4.reconfigure import Outcome, prepare, reconfigure
from state4.strategies import load_strategy
from state4.targets.p4runtime import update_ring as ring_client
from state4.targets.p4runtime.target import P4RuntimeTarget
from state4.targets.p4runtime.update_ring import _fetched
from tests.state4_programs import PARAMS, program, request
from tests.switch.controller import Running
from tests.switch.state4.bench.listening import ListeningTarget, send
from tests.switch.state4.bench.sharing import Sharing
from tests.switch.state4.generated import installed_program


def change(sharing: Sharing, target: P4RuntimeTarget, packet: Callable[[], object] = lambda: None) -> Outcome:
    """A `state4_exact` change to the same program; `packet` is called when its registers have been read."""

    def on_event(event: Event) -> None:
        if (event.phase, event.what) == ("read_register", "end"):
            packet()

    events = EventLog(on_event=on_event)
    return reconfigure(load_strategy("state4_exact"), prepare(target, sharing.program, events=events))


def count(sharing: Sharing, target: P4RuntimeTarget) -> int:
    """What the program has counted: each packet once."""
    register = next(r for r in sharing.program.registers if r.name.endswith("packets"))
    return register.integers(target.read_register(register))[0]


def test_a_second_change_while_the_first_ones_ring_is_mapped(sharing: Sharing) -> None:
    """It takes over; whoever had the ring before keeps what it has read, and its end disturbs nobody."""
    left = sharing.begin()
    sharing.send(3)
    with P4RuntimeTarget(sharing.running.address) as target:
        outcome = change(sharing, target, lambda: sharing.send(5))
        assert (outcome.ring, outcome.inexact, outcome.lost_clones) == (True, (), 0)
        left.close()
        sharing.send(2)
        assert count(sharing, target) == sharing.packets
        assert change(sharing, target).ring


def test_the_switch_ends_while_its_ring_is_mapped(counting: InstalledProgram) -> None:
    """What was written stays readable, and a change ends with an error."""
    with Running(None) as running:
        sharing = Sharing(running, counting)
        ring = sharing.begin()
        sharing.send(4)
    assert len(ring.take()) == 8
    assert not ring.wait_for(5, 0, 0.01)
    ring.close()
    with pytest.raises(TargetError):
        change(sharing, sharing.target)
    sharing.target.close()


def test_a_controller_elsewhere_gets_clones_and_the_outcome_says_so(
    sharing: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another machine there is no such socket."""
    monkeypatch.setattr(ring_client, "_fetched", lambda path: _fetched(path + " elsewhere"))
    with ListeningTarget(sharing.running.address) as target:
        outcome = change(sharing, target, lambda: send(sharing.running, request()))
        assert (outcome.ring, outcome.inexact) == (False, ())
        assert outcome.clones > 0
        assert count(sharing, target) == 2  # of the two registers that are read, one packet at each


def test_a_program_without_updates_asks_for_no_ring(sharing: Sharing) -> None:
    nothing = installed_program(
        "nothing", program(f"control MyIngress({PARAMS}) {{ apply {{ standard_metadata.egress_spec = 2; }} }}")
    )
    with ListeningTarget(sharing.running.address) as target:
        target.install(nothing)
        events = EventLog()
        outcome = reconfigure(load_strategy("state4_exact"), prepare(target, nothing, events=events))
        assert (outcome.ring, outcome.clones, outcome.inexact) == (False, 0, ())
