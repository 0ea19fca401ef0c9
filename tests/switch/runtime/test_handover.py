"""The last step of a reconfiguration, done by the switch alone: what it keeps, what it moves, what it leaves alone."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.dataplane.entries import CounterValue, Entry, MeterConfig, Ternary
from softswitch.dataplane.handover import CloneFormat, Handover
from softswitch.errors import BadEntry
from state4.errors import TargetError
from state4.events import EventLog
from state4.instrumentation.running import layout_of
from state4.programs import InstalledProgram, prepare_program
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from state4.targets.abilities import Move
from state4.targets.p4runtime.target import P4RuntimeTarget
from tests.state4_programs import program, request
from tests.switch.controller import Running
from tests.switch.state4.bench.target import BenchTarget, Schedule

PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
BODY = """
    register<bit<WIDTH>>(CELLS) a;
    register<int<SIGNED>>(256) b;
    counter(8, CounterType.packets_and_bytes) c;
    direct_counter(CounterType.packets) hits;
    direct_meter<bit<2>>(MeterType.packets) rate;
    bit<2> colour = 0;
    action set(bit<9> port) { hits.count(); rate.read(colour); standard_metadata.egress_spec = port; }
    table t {
        key = { hdr.request.op: ternary; }
        actions = { set; NoAction; }
        counters = hits;
        meters = rate;
        default_action = NoAction();
    }
    apply {
        c.count((bit<32>)hdr.request.op & 7);
        t.apply();
        if (colour == 2) { standard_metadata.egress_spec = 4; }
        a.write((bit<32>)hdr.request.cell, (bit<WIDTH>)hdr.request.value);
        b.write((bit<32>)hdr.request.cell, (int<SIGNED>)(bit<SIGNED>)hdr.request.value);
    }
"""
A, B, C, T = "MyIngress.a", "MyIngress.b", "MyIngress.c", "MyIngress.t"


def source(extra: str = "", *, width: int = 40, cells: int = 16, signed: int = 12) -> str:
    body = BODY.replace("WIDTH", str(width)).replace("CELLS", str(cells)).replace("SIGNED", str(signed))
    return program(f"control MyIngress({PARAMS}) {{ {extra} {body} }}\n")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, InstalledProgram]:
    """`narrow` and `wide` have different registers from `old`."""
    folder: Path = tmp_path_factory.mktemp("programs")
    made = {
        "old": source(),
        "new": source("register<bit<8>>(4) later;"),
        "narrow": source(width=20, cells=4, signed=9),
        "wide": source(width=100, cells=64, signed=70),
    }
    for name, text in made.items():
        (folder / f"{name}.p4").write_text(text)
    return {name: prepare_program(folder / f"{name}.p4") for name in made}


@pytest.fixture
def running() -> Iterator[Running]:
    with Running(None) as made:
        yield made


MOVES = [Move(1, A, A), Move(2, B, B)]


def keeping(target: P4RuntimeTarget, old: InstalledProgram, new: InstalledProgram) -> None:
    target.install(old)
    target.configure_clone_session(old.layout.session, target.cpu_port)
    target.set_clone_flag(old.layout, True)
    target.save(new)


def cells(target: P4RuntimeTarget, program: InstalledProgram, name: str) -> list[int]:
    spec = next(r for r in program.registers if r.name == name)
    return spec.integers(target.read_register(spec))


@pytest.mark.parametrize("name", ["new", "narrow", "wide"])
def test_the_switch_writes_the_updates_that_it_kept(
    running: Running, programs: dict[str, InstalledProgram], name: str
) -> None:
    old, new = programs["old"], programs[name]
    with P4RuntimeTarget(running.address) as target:
        keeping(target, old, new)
        running.switch.inject(1, request(0, 1, 0, 99))  # before: none of its business
        with target.hand_over(old.layout) as handover:
            assert handover.sequences == (1, 0)
            for cell, value in ((2, 5), (3, (1 << 40) - 1), (2, (1 << 40) - 2), (9, 7)):
                running.switch.inject(1, request(0, cell, 0, value))
            assert handover.finish(MOVES, {})
            assert (handover.clones, handover.held_s > 0) == (4, True)
        a, b = cells(target, new, A), cells(target, new, B)
    mask = (1 << {"new": 40, "narrow": 20, "wide": 100}[name]) - 1
    assert a[1:4] == [0, (1 << 40) - 2 & mask, (1 << 40) - 1 & mask]
    assert b[2:4] == [-2, -1]  # extended with its sign, or cut
    assert b[9] == 7
    assert len(a) < 9 or a[9] == 7


def test_counters_and_meters_move_with_their_levels(running: Running, programs: dict[str, InstalledProgram]) -> None:
    old, new = programs["old"], programs["new"]
    device = running.device
    with P4RuntimeTarget(running.address) as target:
        target.install(old)
        active = device.switch.active
        assert active is not None
        table = active.tables[T]
        entries = [table_entry(op) for op in (1, 2)]
        for entry in entries:
            table.insert(entry)
            table.set_direct_meter(entry, MeterConfig(cir=0, cburst=2, pir=0, pburst=3))
        device.switch.set_time(1_000_000)
        ports = [running.switch.inject(1, request(1))[0][0] for _ in range(5)]
        assert ports == [2, 2, 2, 4, 4]  # the bucket is empty
        reconfigure(load_strategy("reconcile"), prepare(target, new))
        moved = device.switch.active
        assert moved is not None
        assert moved is not active
        assert moved.tables[T].direct_counter(entries[0]) == CounterValue(5, 5 * len(request(1)))
        assert moved.counters[C].read_cell(1).packets == 5
        assert running.switch.inject(1, request(1))[0][0] == 4  # and stays empty
        assert running.switch.inject(1, request(2))[0][0] == 2


def table_entry(op: int) -> Entry:
    return Entry((Ternary(op, 0xFF),), "MyIngress.set", (2,), priority=1)


def test_reconcile_exchanges_storage_instead_of_copying(
    running: Running, programs: dict[str, InstalledProgram]
) -> None:
    """The old program has what the new one started with: so the time does not depend on the number of cells."""
    old, new = programs["old"], programs["new"]
    with P4RuntimeTarget(running.address) as target:
        target.install(old)
        before = running.switch.active
        running.switch.inject(1, request(3, 5, 0, 77))
        events = EventLog()
        reconfigure(load_strategy("reconcile"), prepare(target, new, events=events))
        assert cells(target, new, A)[5] == 77
        (held,) = [event.data["held_s"] for event in events.events if "held_s" in event.data]
        assert held > 0
        assert before is not None
        assert not before.registers[A].read().any()
        assert not before.counters[C].read().any()


def test_a_large_register_is_read_in_pieces(
    running: Running, programs: dict[str, InstalledProgram], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So packets never wait until all of it has been read."""
    old = programs["old"]
    monkeypatch.setattr("state4.targets.p4runtime.arrays._CHUNK_BYTES", 3 * 8)
    with P4RuntimeTarget(running.address) as target:
        target.install(old)
        spec = next(r for r in old.registers if r.name == A)
        target.write_register(spec, spec.from_integers(list(range(16))))
        before = running.switch.stats().holds
        assert spec.integers(target.read_register(spec, 1, 14)) == list(range(1, 15))
        assert running.switch.stats().holds >= before + 5  # of three cells each
        assert len(target.read_register(spec, 4, 0)) == 0


def test_a_clone_that_is_missing_changes_nothing(running: Running, programs: dict[str, InstalledProgram]) -> None:
    old, new = programs["old"], programs["new"]
    with P4RuntimeTarget(running.address) as target:
        keeping(target, old, new)
        with target.hand_over(old.layout) as handover:
            running.switch.inject(1, request(0, 2, 0, 5))
            running.switch.delete_clone_session(old.layout.session)  # asked for, and made by nobody
            running.switch.inject(1, request(0, 3, 0, 6))
            assert not handover.finish(MOVES, {})
        assert layout_of(target.running()) == old.layout
        assert running.device.saved is not None
        target.commit()
        assert not any(cells(target, new, A))


def test_only_the_last_one_keeps_clones(running: Running, programs: dict[str, InstalledProgram]) -> None:
    old, new = programs["old"], programs["new"]
    with P4RuntimeTarget(running.address) as target:
        keeping(target, old, new)
        with target.hand_over(old.layout) as first, target.hand_over(old.layout) as second:
            running.switch.inject(1, request(0, 2, 0, 5))
            assert not first.finish(MOVES, {})
            assert second.finish(MOVES, {})
        assert cells(target, new, A)[2] == 5


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        ([Move(1, "MyIngress.none", A)], "no register MyIngress.none"),
        ([Move(1, A, "MyIngress.none")], "no register MyIngress.none"),
        ([Move(0, A, A)], "numbered from 1"),
    ],
)
def test_what_is_refused(
    running: Running, programs: dict[str, InstalledProgram], moves: list[Move], message: str
) -> None:
    old, new = programs["old"], programs["new"]
    with P4RuntimeTarget(running.address) as target:
        keeping(target, old, new)
        with pytest.raises(TargetError, match=message), target.hand_over(old.layout) as handover:
            handover.finish(moves, {})
        assert layout_of(target.running()) == old.layout
        running.switch.inject(1, request(0, 2, 0, 5))  # nobody keeps clones any more
        assert running.device.clones_for is None


def test_clones_of_a_form_that_does_not_exist(running: Running, programs: dict[str, InstalledProgram]) -> None:
    old = programs["old"]
    with P4RuntimeTarget(running.address) as target:
        target.install(old)
        active = running.switch.active
        assert active is not None
        sequence = active.registers[old.layout.sequence_register]
        for form in (CloneFormat(1, 9, 1, 1, bytes(9)), CloneFormat(1, 1, 1, 1, bytes(8))):
            with pytest.raises(BadEntry):
                running.switch.keep_clones(form, sequence)
        with pytest.raises(BadEntry):
            running.switch.keep_clones(CloneFormat(1, 1, 1, 1, bytes(9)), active.registers[A])


def test_without_clones_there_is_nothing_to_wait_for(running: Running, programs: dict[str, InstalledProgram]) -> None:
    with P4RuntimeTarget(running.address) as target:
        target.install(programs["old"])
        pipeline = running.switch.load(running.device.active.compiled)  # type: ignore[union-attr]
        urgency = os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        assert running.switch.hand_over(pipeline, Handover()).complete
        assert running.switch.active is pipeline
        # Real time was for the one step only.
        assert urgency == (os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, (1 << 64) - 1)), max_size=20), st.integers(0, 20))
def test_what_was_kept_is_what_a_reading_at_the_end_would_give(
    programs: dict[str, InstalledProgram], writes: list[tuple[int, int]], at: int
) -> None:
    """Whenever the switch starts to keep clones."""
    old, new = programs["old"], programs["new"]
    bench = BenchTarget([], Schedule())
    try:
        bench.install(old)
        bench.configure_clone_session(old.layout.session, bench.cpu_port)
        bench.set_clone_flag(old.layout, True)
        for cell, value in writes[:at]:
            bench.switch.inject(1, request(0, cell, 0, value))
        bulk = bench.read_registers(list(old.registers))
        bench.save(new)
        for spec in old.registers:
            bench.write_register(spec, bulk[spec.name])
        with bench.hand_over(old.layout) as handover:
            for cell, value in writes[at:]:
                bench.switch.inject(1, request(0, cell, 0, value))
            wanted = bench.read_registers(list(old.registers))
            assert handover.finish(MOVES, {})
        found = bench.read_registers(list(old.registers))
        for name, values in wanted.items():
            assert np.array_equal(found[name], values)
    finally:
        bench.close()
