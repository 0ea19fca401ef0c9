"""Other controllers write while the program is changed: what was acknowledged to them is in the new program.

Packets and writes come between all steps, to a switch whose program is changed and to one that is left alone.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator

import pytest
from finsy.proto import p4r

from softswitch.server.device import changes
from softswitch.server.errors import Code, Refused
from state4.errors import ProgramChanged
from state4.reconfigure import Outcome, prepare, reconfigure
from state4.strategies import load_strategy
from tests.switch.state4.bench.lockstep import Lockstep, Side, described
from tests.switch.state4.bench.random_writes import INSERT, MODIFY, Names, programs
from tests.switch.state4.bench.target import BenchTarget, Schedule
from tests.switch.state4.generated import installed_program
from tests.switch.state4.schedules import schedule

SCHEDULES = int(os.environ.get("STATE4_SCHEDULES", "300"))
BLOCK = 30
EVERY_STRATEGY = ("none", "controller", "state4", "state4_exact", "precopy", "swing_state", "reconcile")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("first", range(0, SCHEDULES, BLOCK))
def test_no_acknowledged_write_is_lost(first: int) -> None:
    for seed in range(first, first + BLOCK):
        run = schedule(seed)
        assert run.differences == [], f"schedule {seed}"
        assert run.outcome is None or run.outcome.inexact == (), f"schedule {seed}"
        if isinstance(run.failure, Refused):  # on a slow machine writers may have waited for too long
            assert run.failure.code == Code.ABORTED, f"schedule {seed}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(10))
def test_nor_when_more_is_written_than_the_switch_can_note(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MAX_KEYS", 2)
    run = Lockstep("state4_exact", seed, busy=4.0, renamed=seed % 2 == 0).run()
    assert run.differences == []


@pytest.fixture
def target() -> Iterator[BenchTarget]:
    made = BenchTarget([], Schedule())
    made.install(programs()[0])
    yield made
    made.close()


def port(op: int, number: int) -> p4r.Entity:
    """An entry of the table that is called `plain` in the first program."""
    names = Names(programs()[0].p4info)
    entity = p4r.Entity()
    entity.table_entry.table_id = names("tables", "plain")
    entity.table_entry.match.add(field_id=1).exact.value = bytes([op])
    entity.table_entry.action.action.action_id = names("actions", "to_port")
    entity.table_entry.action.action.params.add(param_id=1, value=bytes([number]))
    return entity


@functools.cache
def side_of(target: BenchTarget) -> Side:
    return Side(target)


def write(target: BenchTarget, kind: p4r.Update.Type.ValueType, entity: p4r.Entity) -> None:
    assert side_of(target).write(0, lambda _: [p4r.Update(type=kind, entity=entity)], 0) == [0]


def write_before_step(target: BenchTarget, kind: p4r.Update.Type.ValueType, entity: p4r.Entity, *, before: str) -> None:
    """Another controller writes once, before the first step of that name."""
    side_of(target)
    waiting = [entity]

    def on_step(name: str) -> None:
        if name.startswith(before) and waiting:
            write(target, kind, waiting.pop())

    target.on_step = on_step


def change(target: BenchTarget, strategy: str) -> Outcome:
    return reconfigure(load_strategy(strategy), prepare(target, programs()[1]))


def entries(target: BenchTarget) -> list[str]:
    return [text for text in described(target.device, target.config, counts=False) if "plain to_port" in text]


@pytest.mark.parametrize("strategy", EVERY_STRATEGY)
def test_a_rule_that_comes_while_the_program_is_changed(target: BenchTarget, strategy: str) -> None:
    write_before_step(target, INSERT, port(1, 3), before="reconcile" if strategy == "reconcile" else "save")
    outcome = change(target, strategy)
    assert len(entries(target)) == 1
    assert outcome.inexact == ()


def test_without_preservation_only_what_was_written_during_the_change_is_there(target: BenchTarget) -> None:
    write(target, INSERT, port(1, 3))
    write_before_step(target, INSERT, port(2, 3), before="save")
    change(target, "none")
    assert len(entries(target)) == 1


@pytest.mark.parametrize("strategy", ["controller", "state4", "state4_exact"])
def test_a_register_cell_that_another_controller_writes(target: BenchTarget, strategy: str) -> None:
    """After the cell was read, and in a register that no packet ever writes."""
    names = Names(programs()[0].p4info)
    cell = p4r.RegisterEntry(register_id=names("registers", "limit"), index={"index": 5}, data={"bitstring": b"\x2a"})
    write_before_step(target, MODIFY, p4r.Entity(register_entry=cell), before="save")
    change(target, strategy)
    assert target.state()["MyIngress.limit"] == [0, 0, 0, 0, 0, 42, 0, 0]


def test_a_switch_that_takes_no_notes_is_read_again(target: BenchTarget) -> None:
    target.can_hold = False
    write_before_step(target, INSERT, port(1, 3), before="read MyIngress.seen")
    outcome = change(target, "controller")
    assert len(entries(target)) == 1
    assert outcome.entries == 1


def test_what_has_no_place_in_the_new_program_is_named(target: BenchTarget) -> None:
    other = installed_program("writers_without", PLAINLESS)
    write_before_step(target, INSERT, port(1, 3), before="save")
    context = prepare(target, other, allow_loss=True)
    outcome = reconfigure(load_strategy("controller"), context)
    assert outcome.inexact == (
        "table MyIngress.plain: the plan does not carry it, but entries of it were written in the meantime",
    )


PLAINLESS = """#include <core.p4>
#include <v1model.p4>
struct headers_t { }
struct metadata_t { }
parser MyParser(packet_in p, out headers_t h, inout metadata_t m, inout standard_metadata_t s) {
    state start { transition accept; }
}
control MyVerify(inout headers_t h, inout metadata_t m) { apply { } }
control MyCompute(inout headers_t h, inout metadata_t m) { apply { } }
control MyIngress(inout headers_t h, inout metadata_t m, inout standard_metadata_t s) {
    register<bit<32>>(8) seen;
    apply { seen.write(0, 1); s.egress_spec = 2; }
}
control MyEgress(inout headers_t h, inout metadata_t m, inout standard_metadata_t s) { apply { } }
control MyDeparser(packet_out p, in headers_t h) { apply { } }
V1Switch(MyParser(), MyVerify(), MyIngress(), MyEgress(), MyCompute(), MyDeparser()) main;
"""


def test_a_plan_for_a_program_that_is_not_there_any_more(target: BenchTarget) -> None:
    context = prepare(target, programs()[1])
    target.install(programs()[2])
    with pytest.raises(ProgramChanged, match="try again"):
        reconfigure(load_strategy("controller"), context)
    assert "MyIngress.counted" in target.state()
