"""State4 against a switch through real gRPC: state there and back, holding packets, and what goes wrong on the way.

controller -- unix socket -- server -- switch with memory ports
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from finsy.proto import p4r

from state4.cli.main import main
from state4.errors import BadAddress, ListenerError, NotInstrumented, NotPrimary, PlanRefused, TargetError
from state4.events import EventLog
from state4.instrumentation.running import layout_of
from state4.programs import InstalledProgram, prepare_program
from state4.reconfigure import prepare, reconfigure
from state4.rsrm import start_cloning
from state4.strategies import load_strategy
from state4.targets.p4runtime.connection import Connection
from state4.targets.p4runtime.target import P4RuntimeTarget
from state4.values import CellWrites
from tests.state4_programs import program, request
from tests.switch.controller import Running
from tests.switch.state4.bench.listening import ListeningTarget as Target
from tests.switch.state4.bench.listening import send

PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
BODY = """
    register<bit<64>>(256) a;
    register<int<12>>(16) b;
    register<bit<100>>(300) wide;
    counter(8, CounterType.packets_and_bytes) c;
    action set(bit<9> port) { standard_metadata.egress_spec = port; }
    action drop() { mark_to_drop(standard_metadata); }
    table t {
        key = { hdr.request.op: exact; }
        actions = { set; drop; }
        default_action = drop();
    }
    table own {
        key = { hdr.request.cell: ternary; }
        actions = { set; NoAction; }
        entries = { 7 &&& 7: set(3); }
        default_action = NoAction();
    }
    apply {
        c.count((bit<32>)hdr.request.op & 7);
        t.apply();
        own.apply();
        a.write((bit<32>)hdr.request.cell, hdr.request.value);
        b.write((bit<32>)hdr.request.op & 15, (int<12>)(bit<12>)hdr.request.amount);
        wide.write((bit<32>)hdr.request.cell, (bit<100>)hdr.request.value << 30);
    }
"""


def source(extra: str = "") -> str:
    return program(f"control MyIngress({PARAMS}) {{ {extra} {BODY} }}\n")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> tuple[InstalledProgram, InstalledProgram]:
    folder: Path = tmp_path_factory.mktemp("programs")
    made = []
    for name, extra in (("old", ""), ("new", "register<bit<8>>(4) later;")):
        path = folder / f"{name}.p4"
        path.write_text(source(extra))
        made.append(prepare_program(path))
    return made[0], made[1]


@pytest.fixture(params=["bulk", "standard"])
def target(running: Running, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """With the bulk service, and as on a switch without it."""
    if request.param == "standard":
        monkeypatch.setattr(Connection, "_find_bulk", lambda _: False)
    with Target(running.address) as made:
        yield made


def add_entry(target: P4RuntimeTarget, program: InstalledProgram, op: int, port: int) -> None:
    table = next(t for t in program.p4info.tables if t.preamble.alias == "t")
    action = next(a for a in program.p4info.actions if a.preamble.alias == "set")
    update = p4r.Update(type=p4r.Update.INSERT)
    entry = update.entity.table_entry
    entry.table_id = table.preamble.id
    entry.match.add(field_id=1).exact.value = bytes([op])
    entry.action.action.action_id = action.preamble.id
    entry.action.action.params.add(param_id=1, value=bytes([port]))
    target.write_entities([update])


def spec(program: InstalledProgram, name: str):  # type: ignore[no-untyped-def]
    return next(r for r in program.registers if r.name.endswith(f".{name}"))


def test_registers_there_and_back(target: Target, programs: tuple[InstalledProgram, InstalledProgram]) -> None:
    old, _ = programs
    target.install(old)
    for register in old.registers:
        numbers = [(7919 * i * i + i) % (1 << (register.width - register.signed)) for i in range(register.cells)]
        target.write_register(register, register.from_integers(numbers))
        assert register.integers(target.read_register(register)) == numbers
        assert register.integers(target.read_register(register, 3, 5)) == numbers[3:8]
        cells = np.array([1, 0], np.uint64)
        target.write_cells([CellWrites(register, cells, register.from_integers([11, -1 if register.signed else 12]))])
        assert register.integers(target.read_register(register, 0, 2)) == [-1 if register.signed else 12, 11]
    assert set(target.read_registers(old.registers)) == {r.name for r in old.registers}


def test_writes_go_to_the_saved_program_and_reads_do_not(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram]
) -> None:
    old, new = programs
    with Target(running.address) as target:
        target.install(old)
        a = spec(old, "a")
        target.write_register(a, a.from_integers([1] * 256))
        target.save(new)
        target.write_register(spec(new, "a"), a.from_integers([2] * 256))
        assert set(a.integers(target.read_register(a))) == {1}
        target.commit()
        assert set(a.integers(target.read_register(a))) == {2}


@pytest.mark.parametrize("strategy", ["controller", "state4", "state4_exact", "reconcile"])
def test_state_goes_over(
    running: Running, target: Target, programs: tuple[InstalledProgram, InstalledProgram], strategy: str
) -> None:
    old, new = programs
    target.install(old)
    add_entry(target, old, 1, 2)
    for op, cell, value in ((1, 0, 5), (1, 9, 6), (2, 255, 7)):
        send(running, request(op, cell, 300, value))
    before = target.read_registers(old.registers)
    counts = target.read_counter("MyIngress.c")
    assert counts.any()
    events = EventLog()
    context = prepare(target, new, events=events)
    target.running_switch = running
    outcome = reconfigure(load_strategy(strategy), context)
    if strategy == "state4_exact" and target.abilities.holds is None:
        assert outcome.inexact == (
            "counter MyIngress.c is carried as it was read: the program does not clone its counts",
        )
    else:
        assert outcome.inexact == ()
    after = target.read_registers(old.registers)
    assert all((before[r.name] == after[r.name]).all() for r in old.registers)
    assert (target.read_counter("MyIngress.c") == counts).all()
    ports = send(running, request(1))
    assert ports == [2]  # the entry
    assert send(running, request(1, cell=7)) == [3]  # the program's own
    assert layout_of(target.running()) == new.layout
    assert events.span("reconfigure") is not None


def test_a_reconfiguration_after_another(running: Running, programs: tuple[InstalledProgram, InstalledProgram]) -> None:
    old, new = programs
    with Target(running.address) as target:
        target.install(old)
        add_entry(target, old, 1, 2)
        a = spec(old, "a")
        for number in range(6):
            send(running, request(1, number, 0, 100 + number))
            following = (new, old)[number % 2]
            context = prepare(target, following, allow_loss=True)
            reconfigure(load_strategy(("state4_exact", "state4")[number // 3]), context)
        assert a.integers(target.read_register(a, 0, 6)) == [100, 101, 102, 103, 104, 105]
        assert send(running, request(1)) == [2]


def test_clones_after_a_controller_that_died(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram]
) -> None:
    """It left the flag on and a half-written program saved; nothing of that is taken for state."""
    old, new = programs
    with Target(running.address) as first:
        first.install(old)
        add_entry(first, old, 1, 2)
        clones = first.open_listener(old.layout)
        start_cloning(first, old.layout, clones)
        send(running, request(1, 3, 0, 33))
        send(running, request(1, 3, 0, 34))
        first.save(new)
        first.write_register(spec(new, "a"), spec(new, "a").from_integers([9] * 256))
        clones.close()
    with Target(running.address) as second:
        a = spec(old, "a")
        outcome = reconfigure(load_strategy("state4_exact"), prepare(second, new))
        assert outcome.lost_clones == 0
        assert a.integers(second.read_register(a))[:4] == [0, 0, 0, 34]
        assert send(running, request(1)) == [2]


def test_packets_wait_while_held_and_none_is_lost(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram]
) -> None:
    old, new = programs
    with Target(running.address) as target:
        target.install(old)
        add_entry(target, old, 1, 2)
        target.save(new)
        add_entry(target, new, 1, 4)
        done: list[list[int]] = []
        packet = threading.Thread(target=lambda: done.append(send(running, request(1))))
        with target.hold(old.layout) as held:
            packet.start()
            packet.join(0.1)
            assert not done
            held.finish([CellWrites(spec(new, "a"), np.zeros(1, np.uint64), np.array([77], np.uint64))], {})
        packet.join(5)
        assert done[0] == [4]  # the new program ran it
        assert held.held_s > 0


def test_a_hold_ends_by_itself(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = programs
    monkeypatch.setattr("state4.targets.p4runtime.hold.MAX_HOLD_S", 0.02)
    with Target(running.address) as target:
        target.install(old)
        add_entry(target, old, 1, 2)
        target.save(new)
        with pytest.raises(TargetError, match="holding packets"), target.hold(old.layout) as held:
            assert send(running, request(1)) == [2]  # waits until the switch has had enough
            held.finish([], {})
        assert layout_of(target.running()) == old.layout


def test_a_hold_that_is_left_changes_nothing(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram]
) -> None:
    old, new = programs
    with Target(running.address) as target:
        target.install(old)
        target.save(new)
        with target.hold(old.layout) as held:
            assert held.sequences == (0, 0)
        send(running, request(1))
        target.commit()


def test_what_goes_wrong_leaves_the_old_program(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram]
) -> None:
    old, new = programs
    broken = InstalledProgram("broken", new.text.replace("hdr.request.op", "hdr.request.oops"), new.p4info, new.layout)
    with Target(running.address) as target:
        target.install(old)
        add_entry(target, old, 1, 2)
        send(running, request(1, 0, 0, 4))
        for strategy in ("controller", "state4", "state4_exact", "reconcile", "none"):
            with pytest.raises(TargetError, match="broken"):
                reconfigure(load_strategy(strategy), prepare(target, broken))
            assert send(running, request(1)) == [2]
        reconfigure(load_strategy("state4_exact"), prepare(target, new))
        assert send(running, request(1)) == [2]


def test_ctrl_c_leaves_the_old_program(running: Running, programs: tuple[InstalledProgram, InstalledProgram]) -> None:
    old, new = programs

    def interrupt(event: object) -> None:
        if getattr(event, "phase", "") == "write_tables":
            raise KeyboardInterrupt

    with Target(running.address) as target:
        target.install(old)
        add_entry(target, old, 1, 2)
        with pytest.raises(KeyboardInterrupt):
            reconfigure(load_strategy("state4"), prepare(target, new, events=EventLog(on_event=interrupt)))
        assert running.device.saved is None
        assert send(running, request(1)) == [2]
        flag = running.device.active.pipeline.registers["state4_flag"]  # type: ignore[union-attr]
        assert flag.read().tolist() == [0]


def test_errors_say_what_was_done(running: Running, programs: tuple[InstalledProgram, InstalledProgram]) -> None:
    old, new = programs
    with pytest.raises(BadAddress, match="does not exist"):
        P4RuntimeTarget("unix:/nowhere/x.sock")
    with Target(running.address, election_id=50) as target:
        with pytest.raises(TargetError, match="no program is running"):
            target.running()
        target.install(old)
        with pytest.raises(NotPrimary, match="cannot control"):
            P4RuntimeTarget(running.address, election_id=50)
        add_entry(target, old, 1, 2)
        with pytest.raises(TargetError, match="writing a table entry"):
            add_entry(target, old, 1, 2)
        with pytest.raises(ListenerError, match="--cpu-interface"):
            P4RuntimeTarget.open_listener(target, old.layout)
        with P4RuntimeTarget(running.address, election_id=51), pytest.raises(NotPrimary):
            target.save(new)


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize("strategy", ["state4", "state4_exact", "swing_state"])
def test_no_cpu_interface_is_needed_where_packets_write_nothing(
    running: Running, tmp_path: Path, strategy: str, bulk: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The controller writes the register; there is no update to clone."""
    if not bulk:
        monkeypatch.setattr(Connection, "_find_bulk", lambda _: False)
    read = "register<bit<16>>(4) r; apply { r.read(hdr.request.amount, (bit<32>)hdr.request.cell); }"
    path = tmp_path / "quiet.p4"
    path.write_text(program(f"control MyIngress({PARAMS}) {{ {read} }}\n"))
    quiet = prepare_program(path)
    with P4RuntimeTarget(running.address) as bare:
        bare.install(quiet)
        (register,) = quiet.registers
        bare.write_cells([CellWrites(register, np.array([2], np.uint64), register.from_integers([77]))])
        outcome = reconfigure(load_strategy(strategy), prepare(bare, quiet))
        assert register.integers(bare.read_register(register))[2] == (0 if strategy == "swing_state" else 77)
        assert (outcome.clones, outcome.inexact) == (0, ())


def test_a_program_that_cannot_clone(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "plain.p4"
    path.write_text(source())
    program_ = prepare_program(path)
    from p4front.load import load_program
    from p4front.p4info import build_p4info

    plain = InstalledProgram("plain", path.read_text(), build_p4info(load_program(path)), program_.layout)
    with Target(running.address) as target:
        target.install(plain)
        with pytest.raises(NotInstrumented, match="not installed by State4"):
            reconfigure(load_strategy("state4"), prepare(target, program_))
        reconfigure(load_strategy("controller"), prepare(target, program_))
        assert layout_of(target.running()) == program_.layout


def test_a_loss_must_be_allowed(running: Running, programs: tuple[InstalledProgram, InstalledProgram]) -> None:
    old, new = programs
    with Target(running.address) as target:
        target.install(new)
        with pytest.raises(PlanRefused, match=r"MyIngress\.later is not in the new program"):
            prepare(target, old)
        prepare(target, old, allow_loss=True)


def test_the_command_line(
    running: Running,
    programs: tuple[InstalledProgram, InstalledProgram],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old, _ = programs
    path, events, entries = tmp_path / "next.p4", tmp_path / "events.jsonl", tmp_path / "next.toml"
    path.write_text(source("register<bit<8>>(MORE) later;"))
    entries.write_text('[[entry]]\ntable = "t"\nmatch = { "hdr.request.op" = 5 }\naction = "drop"\n')
    with Target(running.address) as target:
        target.install(old)
        add_entry(target, old, 1, 2)
    send(running, request(1, 0, 0, 4))
    common = [str(path), "--target", running.address, "-D", "MORE=4", "--strategy", "controller"]
    assert main(["reconfigure", *common, "--entries", str(entries), "--events", str(events), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["strategy"] == "controller"
    assert found["cells"] == 256 + 16 + 300
    assert {json.loads(line)["phase"] for line in events.read_text().splitlines()} >= {"save", "commit"}
    assert send(running, request(1)) == [2]
    assert send(running, request(5)) == []
    assert main(["reconfigure", *common]) == 0
    assert "is running (controller" in capsys.readouterr().out
    assert main(["reconfigure", *common, "--only", "nothing"]) == 2
    assert "'nothing' is no register or table of the running program" in capsys.readouterr().err
    assert main(["reconfigure", *common[:-1], "state4"]) == 2
    assert "--cpu-interface" in capsys.readouterr().err
    path.write_text(source("register<bit<8>>(4) later"))
    assert main(["reconfigure", *common]) == 2
    assert f"{path}:" in capsys.readouterr().err
    assert send(running, request(1)) == [2]
