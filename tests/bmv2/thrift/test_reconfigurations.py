"""Reconfigurations of a bmv2."""

from __future__ import annotations

import numpy as np
import pytest
from finsy.proto import p4r

from state4.errors import PlanRefused, TargetError, Unsupported
from state4.plan.translator import Translator
from state4.programs import InstalledProgram
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from state4.targets.bmv2 import program as bmv2_program
from state4.targets.bmv2.program import p4info_of
from tests.bmv2.entities import everything, text_of
from tests.bmv2.thrift.bench import Bench
from tests.state4_programs import request


def test_the_controller_approach_carries_everything(bench: Bench, state: InstalledProgram) -> None:
    target = bench.target
    target.install(state)
    target.write_entities(Translator(state.p4info, state.p4info).translate(everything(state.p4info)).updates)
    before = text_of(target.read_entities())
    old, switch = bench.served.forwarding, bench.served.device.switch
    for name, cell, value in (("small", 3, 1), ("small", 4, 2), ("large", 1, 1 << 50), ("signed_ones", 0, 200)):
        bench.served.register(f"MyIngress.{name}").write_cell(cell, value)
    packets = [switch.inject(1, request(op=op)) for op in range(4)]
    seen = old.pipeline.counters["MyIngress.seen"].read_cell(0)
    assert seen.packets == 4
    context = prepare(target, state, only=["small", "large", "signed_ones"])
    reconfigure(load_strategy("controller"), context)
    new = bench.served.forwarding
    assert new is not old
    for name in ("small", "large", "signed_ones"):
        cells = [config.pipeline.registers[f"MyIngress.{name}"].read() for config in (old, new)]
        assert np.array_equal(*cells)
    assert text_of(target.read_entities()) == before
    assert new.pipeline.counters["MyIngress.seen"].read_cell(0) == seen
    assert [switch.inject(1, request(op=op)) for op in range(4)] == packets


def test_a_default_of_an_action_profile_is_carried(bench: Bench, state: InstalledProgram) -> None:
    target = bench.target
    target.install(state)
    member, group = everything(state.p4info)[:2]
    chosen = next(table for table in state.p4info.tables if table.preamble.name == "MyIngress.chosen")
    default = p4r.TableEntry(table_id=chosen.preamble.id, is_default_action=True)
    default.action.action_profile_group_id = group.action_profile_group.group_id
    updates = [p4r.Update(type=p4r.Update.INSERT, entity=entity) for entity in (member, group)]
    entity = p4r.Entity(table_entry=default)
    target.write_entities([*updates, p4r.Update(type=p4r.Update.MODIFY, entity=entity)])
    before, old = text_of(target.read_entities()), bench.served.forwarding
    assert str(entity) in before
    reconfigure(load_strategy("controller"), prepare(target, state, allow_loss=True))
    assert bench.served.forwarding is not old and text_of(target.read_entities()) == before
    assert 258 in [port for port, _ in bench.served.device.switch.inject(1, request(op=9))]  # no entry: the default


def test_wide_registers_are_refused_before_anything_happens(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    with pytest.raises(PlanRefused, match=r"MyIngress.wide has 80 bits, and the control interface of bmv2 carries 64"):
        prepare(bench.target, state)
    context = prepare(bench.target, state, allow_loss=True)
    assert "MyIngress.wide" not in [item.old.name for item in context.carried]


def test_reconcile_is_not_there(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    with pytest.raises(Unsupported, match="RECONCILE"):
        reconfigure(load_strategy("reconcile"), prepare(bench.target, state, allow_loss=True))


def test_what_goes_wrong_leaves_the_old_program_forwarding_and_nothing_cloned(
    bench: Bench, state: InstalledProgram
) -> None:
    bench.target.install(state)
    old, layout = bench.served.forwarding, state.layout
    bench.target.configure_clone_session(layout.session, 510)
    context = prepare(bench.target, state, allow_loss=True)

    def fail(*_: object) -> None:
        raise TargetError("no more")

    bench.target.write_counter = fail  # type: ignore[method-assign]
    with pytest.raises(TargetError, match="no more"):
        reconfigure(load_strategy("controller"), context)
    assert bench.served.forwarding is old and not bench.served.sessions
    with pytest.raises(TargetError, match="saved and never committed"):
        prepare(bench.target, state)


def test_the_configuration_carries_the_p4info(state: InstalledProgram) -> None:
    assert p4info_of(bmv2_program.bmv2_config(state)) == state.p4info
    assert p4info_of("{}") is None and p4info_of("no json") is None
