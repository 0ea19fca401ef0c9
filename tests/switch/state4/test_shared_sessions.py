"""A change of programs that clone by themselves in passes that write: the updates ride on those clones.

The user's sessions have State4's replica while it clones, and are as they were when it has ended.
"""

from __future__ import annotations

import pytest

from state4.errors import SessionInUse
from state4.pacing import NATIVE
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from tests.state4_cloning_programs import CLONING_PROGRAMS, SESSIONS
from tests.switch.state4.bench.target import BenchTarget, Schedule
from tests.switch.state4.generated import installed_program
from tests.switch.state4.test_rule import packets

NAMES = ("write_then_clone", "sessions_of_packets", "both_passes_clone")


def bench(name: str, schedule: Schedule) -> BenchTarget:
    target = BenchTarget(packets(5, 120), schedule)
    for port in (5, 6):
        target.switch.add_memory_port(port)
    for session, replicas in SESSIONS.items():
        target.switch.set_clone_session(session, replicas)
    target.install(installed_program(name, CLONING_PROGRAMS[name]))
    return target


@pytest.mark.parametrize("name", NAMES)
def test_the_state_is_that_of_a_switch_never_reconfigured(name: str) -> None:
    still = bench(name, Schedule())
    still.run(120)
    target = bench(name, Schedule([30] + [2] * 60, delay=1))
    before = target.switch.clone_sessions()
    context = prepare(target, installed_program(f"{name}_again", CLONING_PROGRAMS[name]), profile=NATIVE)
    outcome = reconfigure(load_strategy("state4_exact"), context)
    assert outcome.clones and not outcome.lost_clones
    own = context.layout.session
    assert [s for s in target.switch.clone_sessions() if s.id != own] == list(before)
    target.run(120)
    assert target.state() == still.state()
    assert target.out == still.out
    still.close()
    target.close()


def test_a_session_that_cuts_its_clones_too_short_is_refused_before_anything_happens() -> None:
    target = bench("write_then_clone", Schedule())
    target.switch.set_clone_session(8, SESSIONS[8], 20)
    context = prepare(target, installed_program("again", CLONING_PROGRAMS["write_then_clone"]), profile=NATIVE)
    with pytest.raises(SessionInUse, match="session 8 of the switch cuts its clones to 20 bytes"):
        reconfigure(load_strategy("state4_exact"), context)
    assert [s.truncate for s in target.switch.clone_sessions() if s.id == 8] == [20]
    target.close()


def test_a_session_that_p4runtime_does_not_have_carries_nothing_and_that_is_noticed() -> None:
    """Session 0 cannot be created on this switch, so neither the user's clone nor the update is sent."""
    text = CLONING_PROGRAMS["write_then_clone"].replace("CloneType.I2E, 8, 0", "CloneType.I2E, 0, 0")
    program = installed_program("session_0", text)
    assert program.layout.shared == {0}
    runs = []
    for schedule in (Schedule(), Schedule([30] + [2] * 60)):
        target = BenchTarget(packets(5, 120), schedule)
        target.install(program)
        if schedule.before:
            outcome = reconfigure(load_strategy("state4_exact"), prepare(target, program, profile=NATIVE))
            assert outcome.lost_clones and not outcome.inexact
        target.run(120)
        runs.append(target.state())
        target.close()
    assert runs[0] == runs[1]
