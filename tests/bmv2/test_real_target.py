"""The bmv2 target against simple_switch itself: the same entries, arrays and programs as against the Thrift server of
ours, which stands for it where it is not installed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from finsy.proto import p4r

import nfs
from state4.cli.main import main
from state4.entries_file import load_entries, updates
from state4.errors import TargetError
from state4.plan.translator import Translator
from state4.programs import InstalledProgram, prepare_program
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from state4.targets.bmv2.client import Bmv2Client
from state4.targets.bmv2.program import bmv2_config_of
from state4.targets.bmv2.target import Bmv2Target
from state4.values import CellWrites, RegisterSpec
from tests.bmv2.entities import STATE, everything, text_of
from tests.state4_programs import program

pytestmark = pytest.mark.bmv2


@pytest.fixture
def target(address: str) -> Iterator[Bmv2Target]:
    with Bmv2Target(address) as target:
        yield target


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> InstalledProgram:
    path = tmp_path_factory.mktemp("programs") / "state.p4"
    path.write_text(program(STATE))
    return prepare_program(path)


def _register(state: InstalledProgram, name: str) -> RegisterSpec:
    return next(spec for spec in state.registers if spec.name == f"MyIngress.{name}")


def test_a_switch_without_a_program_says_so(target: Bmv2Target) -> None:
    with pytest.raises(TargetError, match="no program is running"):
        target.running()


def test_everything_that_is_written_is_read_again(target: Bmv2Target, address: str, state: InstalledProgram) -> None:
    target.install(state)
    written = everything(state.p4info)
    target.write_entities(Translator(state.p4info, state.p4info).translate(written).updates)
    read = text_of(target.read_entities())
    assert [text for text in text_of(written) if text not in read] == []
    assert len(read) == len(written) + 1  # the default action that p4c gives a table: NoAction
    with Bmv2Target(address) as other:
        assert other.running() == state.p4info


def test_entries_and_groups_of_the_chained_program(target: Bmv2Target) -> None:
    path = nfs.program_path("chained")
    chained = prepare_program(path)
    target.install(chained)
    wanted = updates(load_entries(nfs.entries_path(path), chained.p4info))
    target.write_entities(wanted)
    inserted = [u.entity for u in wanted if u.entity.HasField("table_entry") and u.type == p4r.Update.INSERT]
    read = [e for e in target.read_entities() if not e.table_entry.is_default_action]
    assert text_of(read) == text_of(inserted)
    with pytest.raises(TargetError, match="it exists already"):
        target.write_entities(wanted[:1])


def test_registers_hold_what_was_written(target: Bmv2Target, state: InstalledProgram) -> None:
    target.install(state)
    small, large, wide, signed = (_register(state, name) for name in ("small", "large", "wide", "signed_ones"))
    values = (np.arange(100) * 655).astype(small.dtype)
    target.write_register(small, values)
    assert (target.read_register(small) == values).all()
    target.write_register(signed, signed.from_integers([-1, 5, -128, 0]))
    assert signed.integers(target.read_register(signed)) == [-1, 5, -128, 0]
    target.write_cells([CellWrites(large, np.array([1]), large.from_integers([(1 << 63) - 2]))])
    assert target.read_register(large).tolist() == [0, (1 << 63) - 2, 0, 0]
    target.write_cells([CellWrites(large, np.array([2]), large.from_integers([1 << 63]))])
    with pytest.raises(TargetError, match="large: cell 2 may hold"):
        target.read_register(large)
    assert target.register_problem(wide)


def test_the_controller_approach_carries_everything(target: Bmv2Target, state: InstalledProgram) -> None:
    target.install(state)
    target.write_entities(Translator(state.p4info, state.p4info).translate(everything(state.p4info)).updates)
    before = text_of(target.read_entities())
    small = _register(state, "small")
    values = (np.arange(100) % 3).astype(small.dtype)
    target.write_register(small, values)
    counted = np.array([[n, 100 * n] for n in range(8)], np.uint64)
    target.write_counter("MyIngress.seen", counted)
    reconfigure(load_strategy("controller"), prepare(target, state, allow_loss=True))
    assert (target.read_register(small) == values).all()
    assert (target.read_counter("MyIngress.seen") == counted).all()
    assert text_of(target.read_entities()) == before


def test_a_saved_program_shows_itself_and_cannot_be_forgotten(
    target: Bmv2Target, address: str, state: InstalledProgram
) -> None:
    target.install(state)
    target.save(state)
    with pytest.raises(TargetError, match="while a program is saved"):
        target.read_register(_register(state, "small"))
    with Bmv2Target(address) as other:
        with pytest.raises(TargetError, match="saved and never committed"):
            other.save(state)
        other.install(state)
        other.read_register(_register(state, "small"))


def test_a_refused_write_leaves_the_connection_usable(target: Bmv2Target, state: InstalledProgram) -> None:
    target.install(state)
    small = _register(state, "small")
    indices = np.arange(5000) * 7 % 101  # now and then 100, which is not there
    with pytest.raises(TargetError, match="INVALID_INDEX"):
        target.write_cells([CellWrites(small, indices, (indices + 1).astype(small.dtype))])
    assert target.read_register(small).tolist() == list(range(1, 101))


def test_the_command_line_changes_a_running_bmv2(
    target: Bmv2Target, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = nfs.program_path("chained"), nfs.program_path("chained_v2")
    installed = prepare_program(old)
    target.install(installed)
    target.write_entities(updates(load_entries(nfs.entries_path(old), installed.p4info)))
    stages = next(spec for spec in installed.registers if spec.name.endswith("pk_reg"))
    target.write_cells([CellWrites(stages, np.array([7, 400_000]), np.array([3, 2], stages.dtype))])
    command = ["reconfigure", str(new), "--target", f"bmv2://{address}", "--strategy", "controller", "--json"]
    assert main([*command, "--entries", str(nfs.entries_path(new))]) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert outcome["cells"] > 460_000 and outcome["entries"] > 0 and not outcome["skipped"]
    with Bmv2Target(address) as other:
        stage = next(spec for spec in prepare_program(new).registers if spec.name.endswith("pk_reg"))
        cells = other.read_register(stage)
    assert (cells[7], cells[400_000], np.count_nonzero(cells)) == (3, 2, 2)


def test_a_program_of_somebody_else_is_changed_when_its_source_is_given(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = json.loads(bmv2_config_of(nfs.program_path("l2")))
    del plain["state4"]
    client = Bmv2Client(address)
    client.call("loading", "bm_load_new_config", json.dumps(plain))
    client.call("swapping", "bm_swap_configs")
    l2 = str(nfs.program_path("l2"))
    command = ["reconfigure", l2, "--target", f"bmv2://{address}", "--strategy", "controller"]
    assert main(command) == 1
    assert "give its source with --running" in capsys.readouterr().err
    assert main([*command, "--running", l2]) == 0
