"""Programs: compiled, found again, saved, and what a bmv2 refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

import nfs
from experiments.control import programs
from state4.cli.main import main
from state4.errors import BadAddress, TargetError, Unsupported
from state4.instrumentation.running import all_registers
from state4.programs import InstalledProgram
from state4.targets.bmv2 import client as bmv2_client
from state4.targets.bmv2.client import Bmv2Client
from state4.targets.bmv2.program import missing_line
from state4.targets.bmv2.target import Bmv2Target
from tests.bmv2.entities import STATE
from tests.bmv2.thrift.bench import Bench
from tests.bmv2.thrift.fake_bmv2 import serving
from tests.state4_programs import program


def test_an_installed_program_is_found_by_a_controller_that_never_saw_it(
    bench: Bench, chained: InstalledProgram
) -> None:
    bench.target.install(chained)
    with serving(bench.fake) as address, Bmv2Target(address) as other:
        assert other.running() == chained.p4info


def test_a_program_is_compiled_once(bench: Bench, chained: InstalledProgram, compiler: Path) -> None:
    bench.target.verify(chained)
    bench.target.install(chained)
    assert len(compiler.read_text().splitlines()) == 1


def test_the_compilers_message_comes_with_the_refusal(bench: Bench, state: InstalledProgram) -> None:
    refused = InstalledProgram("refused", state.text + "// refuse_me\n", state.p4info, state.layout)
    with pytest.raises(TargetError, match=r"p4c-bm2-ss refused refused.p4: refused.p4\(1\): error: no"):
        bench.target.verify(refused)


def test_an_original_is_compiled_as_it_is_and_anew_when_it_changes(
    bench: Bench, tmp_path: Path, compiler: Path
) -> None:
    source = tmp_path / "plain.p4"
    texts = []
    for number, cells in enumerate((8, 16)):
        source.write_text(program(STATE.replace("(100) small", f"({cells}) small")))
        folder = tmp_path / str(number)
        folder.mkdir()
        programs._prepared.cache_clear()
        original = programs.load_prepared(programs.store_original(source, folder))
        bench.target.install(original)
        assert {spec.name for spec in all_registers(original.p4info)} == {spec.name for spec in original.registers}
        texts.append(original.text)
    assert texts[0] != texts[1] and all(f'#include "{source}"' in text for text in texts)
    assert len(compiler.read_text().splitlines()) == 2


def test_nothing_runs_yet(bench: Bench) -> None:
    with pytest.raises(TargetError, match="no program is running"):
        bench.target.running()


def test_a_program_of_somebody_else_needs_its_source(bench: Bench, chained: InstalledProgram) -> None:
    bench.fake.forwarding = bench.fake.addressed = type(bench.fake.forwarding)('{"tables": []}')
    with pytest.raises(TargetError, match="--running"):
        bench.target.running()
    with serving(bench.fake) as address, Bmv2Target(address, running=chained.p4info) as told:
        assert told.running() == chained.p4info


def test_reads_stay_with_the_forwarding_program_or_say_why_not(bench: Bench, state: InstalledProgram) -> None:
    target, small = bench.target, state.registers[0]
    target.install(state)
    target.save(state)
    for read in (
        lambda: target.read_register(small),
        lambda: target.read_entities(),
        lambda: target.read_counter("MyIngress.seen"),
        lambda: target.read_sequences(state.layout),
    ):
        with pytest.raises(Unsupported, match="while a program is saved"):
            read()
    assert target.running() == state.p4info
    target.commit()
    assert len(target.read_register(small)) == small.cells


def test_a_saved_program_cannot_be_forgotten_but_installing_clears_it_away(
    bench: Bench, state: InstalledProgram
) -> None:
    bench.target.install(state)
    bench.target.save(state)
    with pytest.raises(TargetError, match="saved and never committed"):
        bench.target.discard_saved()
    with serving(bench.fake) as address, Bmv2Target(address) as other:
        with pytest.raises(TargetError, match="saved and never committed"):
            other.save(state)
        other.install(state)
        assert bench.fake.forwarding is bench.fake.addressed


def test_without_the_switches_for_it_nothing_can_be_swapped(bench: Bench, state: InstalledProgram) -> None:
    from bm_runtime.standard.ttypes import InvalidSwapOperation, SwapOperationErrorCode

    def refuse(_config: str) -> None:
        raise InvalidSwapOperation(code=SwapOperationErrorCode.CONFIG_SWAP_DISABLED)

    bench.fake.bm_load_new_config = refuse  # type: ignore[method-assign]
    with pytest.raises(TargetError, match="--enable-swap"):
        bench.target.install(state)


def test_addresses() -> None:
    for wrong in ("", "host:", ":80", "host:http", "host:70000"):
        with pytest.raises(BadAddress):
            Bmv2Client(wrong)
    with pytest.raises(TargetError, match="no bmv2 answers"):
        Bmv2Client("127.0.0.1:1")


def test_a_switch_that_is_just_starting_is_waited_for(bench: Bench) -> None:
    with serving(bench.fake, last_service_after_s=0.2) as address:
        Bmv2Client(address).close()


def test_what_is_not_a_simple_switch_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bmv2_client, "_SERVICES_S", 0.1)
    with (
        serving(bench.fake, last_service_after_s=100) as address,
        pytest.raises(TargetError, match=r"is not simple_switch .*Unknown service"),
    ):
        Bmv2Client(address)


def test_missing_programs_are_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    assert main(["reconfigure", str(nfs.program_path("l2")), "--target", "bmv2"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "p4c-bm2-ss" in line and "softswitch" in line
    assert "simple_switch and p4c-bm2-ss" in missing_line(("simple_switch", "p4c-bm2-ss"))
