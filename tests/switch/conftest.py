"""Shared by the tests of the P4Runtime server: a running switch and its primary client.

The switch runs `everything.p4`, or the `PROGRAM` of the test's module. What it is sent is compiled by this process: one
of its own for each program, as a switch has it, takes longer to start than most of these programs take to compile.
Whether that other process keeps its bounds is for `hostile` to say, and `tests/net` has whole switches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from softswitch.build.isolated import Compilers
from softswitch.build.program import CompileOptions
from softswitch.build.worker import Job, compile_job
from tests.switch.controller import EVERYTHING, Controller, Running

COMPILED_APART = Compilers._run


def _compiled_here(
    self: Compilers, folder: Path, data: bytes, options: CompileOptions, stopped: Callable[[], bool]
) -> None:
    """In the place of `Compilers._run`: the same code compiles, and the same code judges what it says."""
    (folder / "config").write_bytes(data)
    result = compile_job(folder, Job(options.sanitize, self.limits))
    (folder / "result.json").write_text(result.to_json(), encoding="utf-8")
    self._judge(folder, 0)


@pytest.fixture(scope="package", autouse=True)
def compiled_here() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compilers, "_run", _compiled_here)
        yield


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    with Running(getattr(request.module, "PROGRAM", EVERYTHING)) as made:
        yield made


@pytest.fixture
def c(running: Running) -> Iterator[Controller]:
    with running.controller() as made:
        yield made
