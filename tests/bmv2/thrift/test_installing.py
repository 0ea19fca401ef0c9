"""Programs: compiled, found in the cache, saved, and refused by bmv2."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import nfs
from experiments.control import programs
from softswitch.build.device_config import collect
from softswitch.build.program import compile_program
from state4.cli.main import main
from state4.errors import BadAddress, TargetError, Unsupported
from state4.instrumentation.running import all_registers
from state4.programs import InstalledProgram
from state4.targets.bmv2 import client as bmv2_client
from state4.targets.bmv2 import program as bmv2_program
from state4.targets.bmv2.client import Bmv2Client
from state4.targets.bmv2.program import missing_line
from state4.targets.bmv2.target import Bmv2Target
from tests.bmv2.entities import STATE
from tests.bmv2.thrift.bench import Bench, compile_here, serving
from tests.state4_programs import program


def test_an_installed_program_is_found_by_a_controller_that_never_saw_it(
    bench: Bench, chained: InstalledProgram
) -> None:
    bench.target.install(chained)
    with Bmv2Target(bench.served.address) as other:
        assert other.running() == chained.p4info


@pytest.fixture
def target() -> Iterator[Bmv2Target]:
    """Of a switch whose programs p4c-bm2-ss compiles, in a process of its own."""
    with serving() as served, Bmv2Target(served.address) as made:
        yield made


def test_a_program_is_compiled_once(target: Bmv2Target, chained: InstalledProgram, compiler: Path) -> None:
    target.verify(chained)
    target.install(chained)
    assert len(compiler.read_text().splitlines()) == 1
    assert target.running() == chained.p4info


def test_the_compilers_message_comes_with_the_refusal(target: Bmv2Target, state: InstalledProgram) -> None:
    refused = InstalledProgram("refused", f"{state.text}\nnonsense;\n", state.p4info, state.layout)
    with pytest.raises(TargetError, match=r"(?s)p4c-bm2-ss refused refused\.p4: refused\.p4:\d+.*nonsense"):
        target.verify(refused)


def test_an_original_is_compiled_as_it_is_and_anew_when_it_changes(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []

    def compile_(given: Path, _defines: Sequence[str]) -> dict[str, Any]:
        compiled.append(given.read_text())
        return {}

    monkeypatch.setattr(bmv2_program, "_compile", compile_)
    source = tmp_path / "plain.p4"
    texts = []
    for number, cells in enumerate((8, 16)):
        source.write_text(program(STATE.replace("(100) small", f"({cells}) small")))
        folder = tmp_path / str(number)
        folder.mkdir()
        programs._prepared.cache_clear()
        original = programs.load_prepared(programs.store_original(source, folder))
        for _ in range(2):
            bench.target.verify(original)
        assert {spec.name for spec in all_registers(original.p4info)} == {spec.name for spec in original.registers}
        texts.append(original.text)
    assert texts[0] != texts[1] and all(f'#include "{source}"' in text for text in texts)
    assert compiled == texts


def test_nothing_runs_yet(bench: Bench) -> None:
    with pytest.raises(TargetError, match="no program is running"):
        bench.target.running()


def test_a_program_of_somebody_else_needs_its_source(bench: Bench, chained: InstalledProgram) -> None:
    l2 = nfs.program_path("l2")
    bench.served.device.install(compile_program(l2), collect(l2).to_bytes())
    with pytest.raises(TargetError, match="--running"):
        bench.target.running()
    with Bmv2Target(bench.served.address, running=chained.p4info) as told:
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
    first = bench.served.forwarding
    with Bmv2Target(bench.served.address) as other:
        with pytest.raises(TargetError, match="saved and never committed"):
            other.save(state)
        assert bench.served.forwarding is first
        other.install(state)
        assert bench.served.device.saved is None and bench.served.forwarding is not first


def test_without_the_switches_for_it_nothing_can_be_swapped(
    state: InstalledProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_here(monkeypatch)
    with (
        serving(enable_swap=False) as served,
        Bmv2Target(served.address) as target,
        pytest.raises(TargetError, match="--enable-swap"),
    ):
        target.install(state)


def test_addresses() -> None:
    for wrong in ("", "host:", ":80", "host:http", "host:70000"):
        with pytest.raises(BadAddress):
            Bmv2Client(wrong)
    with pytest.raises(TargetError, match="no bmv2 answers"):
        Bmv2Client("127.0.0.1:1")


def test_a_switch_that_is_just_starting_is_waited_for() -> None:
    """simple_switch listens before its last service is there."""
    with serving() as served:
        last = threading.Timer(0.2, served.services.__setitem__, ("simple_switch", served.services["simple_switch"]))
        del served.services["simple_switch"]
        last.start()
        Bmv2Client(served.address).close()
        last.join()


def test_what_is_not_a_simple_switch_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bmv2_client, "_SERVICES_S", 0.1)
    with serving() as served:
        del served.services["simple_switch"]
        with pytest.raises(TargetError, match=r"is not simple_switch .*Unknown service"):
            Bmv2Client(served.address)


def test_missing_programs_are_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    assert main(["reconfigure", str(nfs.program_path("l2")), "--target", "bmv2"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "p4c-bm2-ss" in line and "softswitch" in line
    assert "simple_switch and p4c-bm2-ss" in missing_line(("simple_switch", "p4c-bm2-ss"))
