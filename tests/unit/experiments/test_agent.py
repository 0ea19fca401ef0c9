"""The control process of a trial on a switch that an earlier trial has used: what outlives a program is no obstacle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from finsy.proto import p4i, p4r

from experiments.control import agent
from state4.replication import ports_of
from tests.unit.state4.fake_switch import installed

PROGRAM = installed("register<bit<16>>(8) sums;", "sums.write(0, 1);", name="program")
GROUP = "[[multicast]]\ngroup = {}\nports = [{}]\n"
SESSION = "[[clone]]\nsession = {}\nports = [{}]\n"


class Switch:
    """Its groups and sessions. What is there cannot be made again, and what is not cannot be changed or deleted."""

    def __init__(self) -> None:
        self.groups: dict[int, Any] = {}
        self.sessions: dict[int, Any] = {}

    def install(self, program: object) -> None:
        pass

    def running(self) -> p4i.P4Info:
        return PROGRAM.p4info

    def clone_session(self, number: int) -> Any:
        return self.sessions.get(number)

    def multicast_group(self, number: int) -> Any:
        return self.groups.get(number)

    def write_entities(self, updates: Sequence[p4r.Update]) -> None:
        for update in updates:
            entry = update.entity.packet_replication_engine_entry
            session, group = entry.clone_session_entry, entry.multicast_group_entry
            there = self.sessions if entry.HasField("clone_session_entry") else self.groups
            number = session.session_id or group.multicast_group_id
            assert (number in there) == (update.type != p4r.Update.INSERT)
            there.pop(number, None)
            if update.type != p4r.Update.DELETE:
                there[number] = session if there is self.sessions else group


@pytest.fixture
def switch(monkeypatch: pytest.MonkeyPatch) -> Switch:
    monkeypatch.setattr(agent, "load_prepared", lambda _: PROGRAM)
    return Switch()


@pytest.fixture
def control(switch: Switch) -> agent.Agent:
    return agent.Agent(switch, lambda message: None)  # type: ignore[arg-type]


def entries(folder: Path, text: str) -> str:
    file = folder / "entries.toml"
    file.write_text(text)
    return str(file)


def test_a_trial_finds_the_groups_and_sessions_that_it_wants_and_no_others(
    tmp_path: Path, switch: Switch, control: agent.Agent
) -> None:
    control.install("p", entries(tmp_path, GROUP.format(1, 3) + SESSION.format(77, 1)), [])
    control.install("p", entries(tmp_path, GROUP.format(1, 3) + SESSION.format(77, 1)), [])
    assert (set(switch.groups), set(switch.sessions)) == ({1}, {77})
    control.install("p", entries(tmp_path, SESSION.format(77, 2)), [])
    assert (set(switch.groups), set(switch.sessions)) == (set(), {77})
    assert ports_of(switch.sessions[77]) == (2,)


def test_groups_that_are_left_out_are_not_made(tmp_path: Path, switch: Switch, control: agent.Agent) -> None:
    control.install("p", entries(tmp_path, GROUP.format(1, 3) + GROUP.format(2, 3)), [1])
    assert set(switch.groups) == {2}


def test_entries_of_a_second_file_come_to_those_of_the_first(
    tmp_path: Path, switch: Switch, control: agent.Agent
) -> None:
    control.install("p", entries(tmp_path, GROUP.format(1, 3)), [])
    control.write_entries(entries(tmp_path, GROUP.format(1, 4) + SESSION.format(5, 3)), [])
    assert (set(switch.groups), set(switch.sessions)) == ({1}, {5})
    control.install("p", entries(tmp_path, ""), [])
    assert not switch.groups and not switch.sessions
