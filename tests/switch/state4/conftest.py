"""Fixtures shared by the files of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from state4.programs import InstalledProgram
from tests.switch.controller import Running
from tests.switch.state4.bench.sharing import COUNTING, Sharing
from tests.switch.state4.generated import installed_program


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    """A switch without a program, or with the module's `PROGRAM`."""
    with Running(getattr(request.module, "PROGRAM", None)) as made:
        yield made


@pytest.fixture(scope="session")
def counting() -> InstalledProgram:
    """`COUNTING`, instrumented."""
    return installed_program("counting", COUNTING)


@pytest.fixture
def sharing(counting: InstalledProgram) -> Iterator[Sharing]:
    """A switch that forwards by it."""
    with Running(None) as running:
        made = Sharing(running, counting)
        yield made
        made.target.close()
