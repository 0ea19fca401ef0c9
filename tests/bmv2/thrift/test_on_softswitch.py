"""The same target against bmv2's services of softswitch: a switch that forwards, in place of the imitation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softswitch.build.device_config import collect
from softswitch.build.program import compile_program
from softswitch.compat.bmv2_config import config_json
from softswitch.compat.thrift.programs import SwitchOptions
from softswitch.compat.thrift.server import ThriftServer
from softswitch.dataplane.switch import Switch
from softswitch.server.device.device import Device
from state4.errors import TargetError
from state4.plan.translator import Translator
from state4.programs import InstalledProgram
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from state4.targets.bmv2 import program as bmv2_program
from state4.targets.bmv2.target import Bmv2Target
from state4.values import CellWrites
from tests.bmv2.entities import everything, text_of
from tests.state4_programs import request


def _compile(source: Path, _defines: Sequence[str]) -> dict[str, Any]:
    """In place of p4c-bm2-ss."""
    found: dict[str, Any] = json.loads(config_json(compile_program(source).info, collect(source)))
    return found


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    monkeypatch.setattr(bmv2_program, "_compile", _compile)
    with Switch() as switch:
        for port in (1, 2, 3, 258, 510):
            switch.add_memory_port(port)
        yield Device(switch, 0)


@pytest.fixture
def target(device: Device) -> Iterator[Bmv2Target]:
    server = ThriftServer(device, SwitchOptions(0, enable_swap=True))
    server.start()
    try:
        with Bmv2Target(f"127.0.0.1:{server.port}") as made:
            yield made
    finally:
        server.stop()


def test_everything_that_is_written_is_read_again(target: Bmv2Target, state: InstalledProgram) -> None:
    target.install(state)
    assert target.running() == state.p4info
    written = everything(state.p4info)
    target.write_entities(Translator(state.p4info, state.p4info).translate(written).updates)
    wanted = text_of(written)
    others = [entity for entity in text_of(target.read_entities()) if entity not in wanted]
    assert all("is_default_action" in entity for entity in others)  # the program's own
    assert [entity for entity in text_of(target.read_entities()) if entity in wanted] == wanted


def test_the_controller_approach_carries_everything(
    target: Bmv2Target, device: Device, state: InstalledProgram
) -> None:
    target.install(state)
    target.write_entities(Translator(state.p4info, state.p4info).translate(everything(state.p4info)).updates)
    before, old = text_of(target.read_entities()), device.active
    assert old is not None
    for name, cell, value in (("small", 3, 1), ("large", 1, 1 << 50), ("signed_ones", 0, 200)):
        old.pipeline.registers[f"MyIngress.{name}"].write_cell(cell, value)
    packets = [device.switch.inject(1, request(op=op)) for op in range(4)]
    seen = old.pipeline.counters["MyIngress.seen"].read_cell(0)
    assert seen.packets == 4
    reconfigure(load_strategy("controller"), prepare(target, state, only=["small", "large", "signed_ones"]))
    new = device.active
    assert new is not None and new is not old
    for name in ("small", "large", "signed_ones"):
        cells = [config.pipeline.registers[f"MyIngress.{name}"].read() for config in (old, new)]
        assert np.array_equal(*cells)
    assert text_of(target.read_entities()) == before
    assert new.pipeline.counters["MyIngress.seen"].read_cell(0) == seen
    assert [device.switch.inject(1, request(op=op)) for op in range(4)] == packets


def test_cells_are_written_many_at_a_time_and_an_error_among_them_is_told(
    target: Bmv2Target, state: InstalledProgram
) -> None:
    target.install(state)
    small = next(spec for spec in state.registers if spec.name == "MyIngress.small")
    indices = np.arange(5000) * 7 % 101  # now and then 100, which is not there
    with pytest.raises(TargetError, match=r"writing MyIngress\.small: bmv2 says INVALID_INDEX"):
        target.write_cells([CellWrites(small, indices, (indices + 1).astype(small.dtype))])
    assert target.read_register(small)[:100].tolist() == list(range(1, 101))


def test_clones_begin_and_end(target: Bmv2Target, device: Device, state: InstalledProgram) -> None:
    target.install(state)
    target.configure_clone_session(state.layout.session, 510)
    target.set_clone_flag(state.layout, True)
    assert [port for port, _ in device.switch.inject(1, request())].count(510) == 1
    session = target.clone_session(state.layout.session)
    assert session is not None and session.replicas[0].port == (510).to_bytes(2, "big")
    target.set_clone_flag(state.layout, False)
    assert all(port != 510 for port, _ in device.switch.inject(1, request()))


def test_a_saved_program_cannot_be_forgotten_but_installing_clears_it_away(
    target: Bmv2Target, device: Device, state: InstalledProgram
) -> None:
    target.install(state)
    first = device.active
    target.save(state)
    with pytest.raises(TargetError, match="saved and never committed"):
        target.discard_saved()
    assert device.active is first
    target.install(state)
    assert device.active is not first and device.saved is None
