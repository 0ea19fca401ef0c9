"""The rule with a map: the state after a reconfiguration is the oracle's state at that time, converted."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest
from finsy.proto import p4i, p4r
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from state4.cli.main import main
from state4.errors import PlanRefused
from state4.instrumentation.running import user_registers
from state4.plan.conversion import Conversion
from state4.plan.state_map import StateMap, load_map
from state4.programs import InstalledProgram, prepare_program
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from state4.targets.p4runtime.target import P4RuntimeTarget
from tests.state4_programs import program, request
from tests.switch.controller import Running
from tests.switch.state4.bench.oracle import oracle
from tests.switch.state4.bench.target import BenchTarget, Schedule

PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
OLD = """
    register<bit<16>>(8) a;
    register<int<12>>(8) b;
    register<bit<100>>(5) c;
    direct_counter(CounterType.packets) hits;
    action set(bit<9> port, bit<4> queue) { hits.count(); standard_metadata.egress_spec = port; }
    action other() { hits.count(); standard_metadata.egress_spec = 1; }
    table t {
        key = { hdr.request.op: exact @name("op"); hdr.request.cell: ternary @name("cell"); }
        actions = { set; other; NoAction; }
        counters = hits;
    }
    apply {
        t.apply();
        a.write((bit<32>)hdr.request.cell, (bit<16>)hdr.request.value);
        b.write((bit<32>)hdr.request.op, (int<12>)(bit<12>)hdr.request.value);
        c.write((bit<32>)hdr.request.cell, (bit<100>)hdr.request.value << 30);
    }
"""
NEW = """
    register<bit<9>>(20) x;
    register<int<30>>(6) y;
    register<bit<64>>(12) z;
    direct_counter(CounterType.packets) used;
    bit<8> flag = 0;
    action forward(bit<9> out_port, bit<3> class) {
        used.count();
        standard_metadata.egress_spec = out_port + (bit<9>)class;
    }
    table u {
        key = {
            hdr.request.op: exact @name("kind");
            hdr.request.cell: ternary @name("place");
            flag: exact @name("flag");
        }
        actions = { forward; NoAction; }
        counters = used;
    }
    apply {
        flag = 1;
        u.apply();
        if (hdr.request.op == 255) { x.write(0, 0); y.write(0, 0); z.write(0, 0); }
    }
"""
MAP = """
[[register]]
old = "MyIngress.a"
new = "MyIngress.x"
scale = "1/128"
offset = 8

[[register]]
old = "MyIngress.b"
new = "MyIngress.y"
count = 6

[[register]]
old = "MyIngress.c"
new = "MyIngress.z"
overflow = "saturate"
stride = 2

[[table]]
old = "MyIngress.t"
new = "MyIngress.u"
keys = { op = "kind", cell = "place" }
add_keys = { flag = 1 }

[[action]]
old = "MyIngress.set"
new = "MyIngress.forward"
params = { port = "out_port" }
drop_params = ["queue"]
add_params = { class = 1 }

[[action]]
old = "MyIngress.other"
drop = true
"""
NAMES = {"MyIngress.a": "MyIngress.x", "MyIngress.b": "MyIngress.y", "MyIngress.c": "MyIngress.z"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("programs")
    for name, body in (("old", OLD), ("new", NEW)):
        text = program(f"control MyIngress({PARAMS}) {{ {body} }}\n")
        (folder / f"{name}.p4").write_text(text)
    (folder / "my.map").write_text(MAP)
    return folder


@pytest.fixture(scope="module")
def programs(folder: Path) -> tuple[InstalledProgram, InstalledProgram]:
    return prepare_program(folder / "old.p4"), prepare_program(folder / "new.p4")


conversions = st.builds(
    Conversion,
    st.builds(Fraction, st.integers(1, 300), st.integers(1, 300)),
    st.booleans(),
    st.integers(0, 4),
    st.none() | st.integers(1, 8),
    st.integers(1, 3),
    st.integers(0, 8),
    st.integers(0, 200),
)
schedules = st.builds(
    Schedule,
    st.lists(st.integers(0, 3), max_size=40),
    st.integers(0, 4),
    st.frozensets(st.integers(0, 30), max_size=4),
)
slow = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slow
@given(st.tuples(conversions, conversions, conversions), schedules, st.integers(0, 60), st.integers(0, 1 << 30))
@pytest.mark.timeout(600)
def test_the_state_is_the_conversion_of_the_oracles(
    programs: tuple[InstalledProgram, InstalledProgram],
    chosen: tuple[Conversion, Conversion, Conversion],
    schedule: Schedule,
    count: int,
    seed: int,
) -> None:
    """For state read in bulk as well as for cloned updates."""
    old, new = programs
    state_map = StateMap(names=NAMES, registers=dict(zip(NAMES, chosen, strict=True)))
    draw = random.Random(seed)
    packets = [(1, request(draw.randrange(8), draw.randrange(10), 0, draw.randrange(1 << 64))) for _ in range(count)]
    target = BenchTarget(packets, schedule)
    try:
        target.install(old)
        context = prepare(target, new, state_map=state_map, allow_loss=True)
        reconfigure(load_strategy("state4_exact"), context)
        at_swap, found = target.sent, target.after_swap
    finally:
        target.close()
    truth = oracle(old, packets[:at_swap]).state
    before = {spec.name: spec for spec in user_registers(old.p4info)}
    after = {spec.name: spec for spec in user_registers(new.p4info)}
    for (name, renamed), conversion in zip(NAMES.items(), chosen, strict=True):
        values = before[name].from_integers(truth[name])
        wanted = conversion.contents(values, before[name], after[renamed])
        assert found[renamed] == after[renamed].integers(wanted)


# ---------------------------------------------------------------- through gRPC and the command line


def add(target: P4RuntimeTarget, p4info: p4i.P4Info, op: int, cell: int, action: str, *params: int) -> None:
    update = p4r.Update(type=p4r.Update.INSERT)
    entry = update.entity.table_entry
    entry.table_id, entry.priority = p4info.tables[0].preamble.id, 5
    entry.match.add(field_id=1).exact.value = bytes([op])
    ternary = entry.match.add(field_id=2).ternary
    ternary.value, ternary.mask = bytes([cell]), b"\xff"
    entry.action.action.action_id = next(a.preamble.id for a in p4info.actions if a.preamble.name.endswith(action))
    for number, value in enumerate(params, 1):
        entry.action.action.params.add(param_id=number, value=bytes([value]))
    target.write_entities([update])


def ports(running: Running, op: int, cell: int, value: int = 0) -> list[int]:
    return [port for port, _ in running.switch.inject(1, request(op, cell, 0, value)) if port < 510]


@pytest.mark.parametrize("strategy", ["controller", "none"])
def test_entries_and_registers_through_the_command_line(
    running: Running, folder: Path, strategy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with P4RuntimeTarget(running.address, election_id=1) as target:
        old = prepare_program(folder / "old.p4")
        target.install(old)
        add(target, old.p4info, 1, 2, "set", 2, 7)
        add(target, old.p4info, 2, 2, "other")
        assert ports(running, 1, 2, 640) == [2]
        command = ["reconfigure", str(folder / "new.p4"), "--target", running.address, "--strategy", strategy]
        command += ["--map", str(folder / "my.map")]
        assert main(command) == 2  # it loses something
        assert "loses parameter queue of action MyIngress.set" in capsys.readouterr().err
        assert main([*command, "--allow-loss"]) == 0
    active = running.switch.active
    assert active is not None
    if strategy == "none":
        return
    assert ports(running, 1, 2) == [3]  # out_port 2 and class 1
    assert ports(running, 1, 3) == [0]
    assert "entries with action MyIngress.other" in capsys.readouterr().out
    assert active.registers["MyIngress.x"].read().tolist()[8:12] == [0, 0, 640 // 128, 0]
    assert active.registers["MyIngress.y"].read().tolist()[1] == 640
    assert active.registers["MyIngress.z"].read().tolist()[4] == min(640 << 30, (1 << 64) - 1)


def test_the_plan_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["plan", str(folder / "old.p4"), str(folder / "new.p4"), "--map", str(folder / "my.map")]
    assert main(command) == 2
    shown = capsys.readouterr()
    for part in ("values times 1/128, rounded down", "key field op -> kind", "flag = 1", "port -> out_port", "lost"):
        assert part in shown.out
    assert "--allow-loss" in shown.err
    assert main([*command, "--allow-loss"]) == 0
    (folder / "bad.map").write_text('\n[[register]]\nold = "MyIngress.aa"\n')
    assert main([*command[:-1], str(folder / "bad.map")]) == 2
    assert f"{folder / 'bad.map'}:2: register 1 (MyIngress.aa): the running program has no" in capsys.readouterr().err


def test_the_switch_itself_converts_nothing(running: Running, folder: Path) -> None:
    old, new = (prepare_program(folder / f"{name}.p4") for name in ("old", "new"))
    with P4RuntimeTarget(running.address) as target:
        target.install(old)
        context = prepare(target, new, state_map=load_map(folder / "my.map"), allow_loss=True)
        with pytest.raises(PlanRefused, match=r"strategy reconcile cannot change MyIngress\.a"):
            reconfigure(load_strategy("reconcile"), context)
