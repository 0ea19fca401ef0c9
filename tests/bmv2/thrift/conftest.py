"""A compiler, a switch with Thrift, and programs for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import nfs
from state4.programs import InstalledProgram, prepare_program
from state4.targets.bmv2 import program as bmv2_program
from state4.targets.bmv2.target import Bmv2Target
from tests.bmv2.entities import STATE
from tests.bmv2.thrift.bench import Bench, compile_here, serving
from tests.state4_programs import program

_COMPILER = """#!/bin/sh
for last; do :; done
echo "$last" >> {log}
exec {python} -m softswitch compat exec p4c-bm2-ss "$@"
"""


@pytest.fixture(autouse=True)
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """softswitch's own p4c-bm2-ss is on PATH; returns the file that lists what it compiled."""
    tool, log = tmp_path / "bin" / "p4c-bm2-ss", tmp_path / "compiled"
    tool.parent.mkdir()
    tool.write_text(_COMPILER.format(log=log, python=sys.executable))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    monkeypatch.setattr(bmv2_program, "_cache_folder", lambda: tmp_path / "bmv2")
    monkeypatch.setattr(bmv2_program, "_compiler_version", lambda: "softswitch's")
    return log


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    compile_here(monkeypatch)
    with serving() as served, Bmv2Target(served.address) as target:
        yield Bench(served, target)


@pytest.fixture(scope="module")
def chained() -> InstalledProgram:
    return prepare_program(nfs.program_path("chained"))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> InstalledProgram:
    path = tmp_path_factory.mktemp("programs") / "state.p4"
    path.write_text(program(STATE))
    return prepare_program(path)
