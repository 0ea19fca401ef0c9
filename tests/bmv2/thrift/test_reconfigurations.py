"""Reconfigurations of a bmv2."""

from __future__ import annotations

import pytest

from state4.errors import PlanRefused, TargetError, Unsupported
from state4.plan.translator import Translator
from state4.programs import InstalledProgram
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from state4.targets.bmv2 import program as bmv2_program
from state4.targets.bmv2.program import p4info_of
from tests.bmv2.entities import everything, text_of
from tests.bmv2.thrift.bench import Bench


def test_the_controller_approach_carries_everything(bench: Bench, state: InstalledProgram) -> None:
    target = bench.target
    target.install(state)
    target.write_entities(Translator(state.p4info, state.p4info).translate(everything(state.p4info)).updates)
    before = text_of(target.read_entities())
    cells = bench.fake.forwarding.registers
    cells["MyIngress.small"][3:6] = 1, 2, 2
    cells["MyIngress.large"][1] = 1 << 50
    cells["MyIngress.signed_ones"][0] = 200
    bench.fake.forwarding.counters["MyIngress.seen"][4] = [9, 900]
    old = bench.fake.forwarding
    context = prepare(target, state, only=["small", "large", "signed_ones"])
    reconfigure(load_strategy("controller"), context)
    assert bench.fake.forwarding is not old
    for name in ("small", "large", "signed_ones"):
        assert bench.fake.forwarding.registers[f"MyIngress.{name}"] == cells[f"MyIngress.{name}"]
    assert text_of(target.read_entities()) == before


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
    old, layout = bench.fake.forwarding, state.layout
    bench.target.configure_clone_session(layout.session, 510)
    context = prepare(bench.target, state, allow_loss=True)

    def fail(*_: object) -> None:
        raise TargetError("no more")

    bench.target.write_counter = fail  # type: ignore[method-assign]
    with pytest.raises(TargetError, match="no more"):
        reconfigure(load_strategy("controller"), context)
    assert bench.fake.forwarding is old and not bench.fake.sessions
    with pytest.raises(TargetError, match="saved and never committed"):
        prepare(bench.target, state)


def test_the_configuration_carries_the_p4info(state: InstalledProgram) -> None:
    assert p4info_of(bmv2_program.bmv2_config(state)) == state.p4info
    assert p4info_of("{}") is None and p4info_of("no json") is None
