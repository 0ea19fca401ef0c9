"""What an operator gives to a program in a file of entries: groups, sessions and cells, before, during and after a
change."""

from __future__ import annotations

from pathlib import Path

import pytest

from state4.cli.main import main
from state4.entries_file import load_entries, updates
from state4.errors import TargetError
from state4.programs import InstalledProgram, prepare_program
from state4.reconfigure import Reconfiguration, prepare, reconfigure
from state4.strategies import load_strategy
from tests.state4_programs import program, request
from tests.switch.controller import Running
from tests.switch.state4.bench.listening import ListeningTarget, send

PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
INGRESS = f"""
control MyIngress({PARAMS}) {{
    register<bit<16>>(4) r;
    action set(bit<9> port) {{ standard_metadata.egress_spec = port; }}
    action flood(bit<16> group) {{ standard_metadata.mcast_grp = group; }}
    action drop() {{ mark_to_drop(standard_metadata); }}
    table t {{
        key = {{ hdr.request.op: exact; }}
        actions = {{ set; flood; drop; }}
        default_action = drop();
    }}
    apply {{
        t.apply();
        if (hdr.request.op == 9) {{ clone(CloneType.I2E, 7); }} else {{ r.write(0, hdr.request.amount); }}
    }}
}}
"""
FILE = """
[[entry]]
table = "t"
match = { "hdr.request.op" = 1 }
action = "flood"
params = { group = 5 }

[[default]]
table = "t"
action = "set"
params = { port = 4 }

[[multicast]]
group = 5
ports = [1, 2, 3]

[[clone]]
session = 7
ports = [3]

[[register]]
name = "r"
index = 2
values = [77]
"""
STRATEGIES = ("none", "controller", "state4", "state4_exact", "reconcile")


@pytest.fixture
def programs(tmp_path: Path) -> tuple[InstalledProgram, InstalledProgram]:
    made = []
    for name, extra in (("old", ""), ("new", "register<bit<8>>(1) later;")):
        path = tmp_path / f"{name}.p4"
        path.write_text(program(INGRESS.replace("register<bit<16>>(4) r;", f"register<bit<16>>(4) r; {extra}")))
        made.append(prepare_program(path))
    return made[0], made[1]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(FILE)
    return path


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_new_program_gets_all_of_the_file(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram], file: Path, strategy: str
) -> None:
    old, new = programs
    with ListeningTarget(running.address) as target:
        target.install(old)
        assert send(running, request(1)) == []
        own = updates(load_entries(file, new.p4info))
        outcome = reconfigure(load_strategy(strategy), prepare(target, new, entries=own))
        assert sorted(send(running, request(1))) == [1, 2, 3]
        assert sorted(send(running, request(9))) == [3, 4]  # the default action, and the mirror
        register = next(r for r in new.registers if r.name == "MyIngress.r")
        carried = strategy != "none"
        assert register.integers(target.read_register(register))[2] == (
            0 if carried and strategy != "reconcile" else 77
        )
    assert outcome.own_entries == len(own) == 5


def test_a_group_that_the_old_program_uses_changes_right_after_the_swap(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram], file: Path
) -> None:
    old, new = programs
    with ListeningTarget(running.address) as target:
        target.install(old)
        target.write_entities(updates(load_entries(file, old.p4info)))
        file.write_text(FILE.replace("ports = [1, 2, 3]", "ports = [2, 4]"))
        own = updates(load_entries(file, new.p4info))
        seen: list[list[int]] = []

        class Watching:
            name, summary, needs_cloning = "watching", "", False

            def reconfigure(self, context: Reconfiguration):  # type: ignore[no-untyped-def]
                outcome = load_strategy("controller").reconfigure(context)
                seen.append(sorted(send(running, request(1))))
                return outcome

        reconfigure(Watching(), prepare(target, new, entries=own))
        assert seen == [[1, 2, 3]]
        assert sorted(send(running, request(1))) == [2, 4]


def test_what_goes_wrong_leaves_no_group_behind(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram], file: Path
) -> None:
    old, new = programs

    class Failing:
        name, summary, needs_cloning = "failing", "", False

        def reconfigure(self, context: Reconfiguration):  # type: ignore[no-untyped-def]
            assert context.target.multicast_group(5) is not None
            raise TargetError("no")

    with ListeningTarget(running.address) as target:
        target.install(old)
        own = updates(load_entries(file, new.p4info))
        with pytest.raises(TargetError, match="no"):
            reconfigure(Failing(), prepare(target, new, entries=own))
        assert target.multicast_group(5) is None
        assert target.clone_session(7) is None


def test_a_file_is_loaded_into_a_running_switch(
    running: Running,
    programs: tuple[InstalledProgram, InstalledProgram],
    file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["entries", "load", str(file), "--target", running.address]
    assert main(command) == 1
    assert "no program is running" in capsys.readouterr().err
    with ListeningTarget(running.address) as target:
        target.install(programs[0])
    assert main(command) == 0
    assert capsys.readouterr().out == f"{file}: 3 made, 2 changed, 0 there already\n"
    assert sorted(send(running, request(1))) == [1, 2, 3]
    assert sorted(send(running, request(9))) == [3, 4]
    assert main(command) == 0  # again: the default action and the cell are written again
    assert capsys.readouterr().out == f"{file}: 0 made, 2 changed, 3 there already\n"
    file.write_text(
        FILE.replace("[1, 2, 3]", "[2]").replace("ports = [3]", "ports = [1]").replace("group = 5 }", "group = 6 }")
    )
    assert main(command) == 0
    assert capsys.readouterr().out == f"{file}: 0 made, 5 changed, 0 there already\n"
    file.write_text('[[entry]]\ntable = "nothing"\n')
    assert main(command) == 2
    assert "nothing" in capsys.readouterr().err


@pytest.mark.parametrize("strategy", ["none", "controller"])
def test_the_command_gives_a_program_its_file(
    running: Running,
    programs: tuple[InstalledProgram, InstalledProgram],
    file: Path,
    strategy: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ListeningTarget(running.address) as target:
        target.install(programs[0])
    new = file.parent / "new.p4"
    command = ["reconfigure", str(new), "--target", running.address, "--strategy", strategy]
    assert main([*command, "--entries", str(file)]) == 0
    assert "0 carried over, 5 of the file" in capsys.readouterr().out
    assert sorted(send(running, request(1))) == [1, 2, 3]
    assert sorted(send(running, request(9))) == [3, 4]


def test_a_session_of_the_file_is_not_taken_for_state4(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram], file: Path
) -> None:
    file.write_text(FILE.replace("session = 7", "session = 250"))
    with ListeningTarget(running.address) as target:
        target.install(programs[0])
    command = ["reconfigure", str(file.parent / "new.p4"), "--target", running.address, "--strategy", "controller"]
    assert main([*command, "--entries", str(file), "--session", "250"]) == 1
    assert main([*command, "--entries", str(file)]) == 0
    with ListeningTarget(running.address) as target:
        assert prepare(target, programs[1]).layout.session == 249
        session = target.clone_session(250)
        assert session is not None
        assert session.replicas[0].port == b"\3"
