"""A compiler, a bmv2 and programs for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import nfs
from state4.programs import InstalledProgram, prepare_program
from state4.targets.bmv2 import program as bmv2_program
from state4.targets.bmv2.target import Bmv2Target
from tests.bmv2.entities import STATE
from tests.bmv2.thrift.bench import Bench
from tests.bmv2.thrift.fake_bmv2 import FakeBmv2, serving
from tests.state4_programs import program

_COMPILER = """#!/bin/sh
case "$1" in --version) echo fake; exit 0;; esac
for last; do :; done
while [ "$1" != -o ]; do shift; done
if grep -q refuse_me "$last"; then echo "$last(1): error: no" >&2; exit 1; fi
echo '{"tables": []}' > "$2"
echo "$last" >> "$STATE4_CACHE/compiled"
"""


@pytest.fixture(autouse=True)
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A p4c-bm2-ss that takes anything but `refuse_me`; returns the file that lists what it compiled."""
    tool = tmp_path / "bin" / "p4c-bm2-ss"
    tool.parent.mkdir()
    tool.write_text(_COMPILER)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    monkeypatch.setenv("STATE4_CACHE", str(tmp_path))
    bmv2_program._compiler_version.cache_clear()
    return tmp_path / "compiled"


@pytest.fixture
def bench() -> Iterator[Bench]:
    fake = FakeBmv2()
    with serving(fake) as address, Bmv2Target(address) as target:
        yield Bench(fake, target)


@pytest.fixture(scope="module")
def chained() -> InstalledProgram:
    return prepare_program(nfs.program_path("chained"))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> InstalledProgram:
    path = tmp_path_factory.mktemp("programs") / "state.p4"
    path.write_text(program(STATE))
    return prepare_program(path)
