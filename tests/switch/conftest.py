"""What the tests of the P4Runtime server share: a switch that answers, and its primary client.

The switch runs `everything.p4`, or the `PROGRAM` of the test's module.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.switch.controller import EVERYTHING, Controller, Running


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    with Running(getattr(request.module, "PROGRAM", EVERYTHING)) as made:
        yield made


@pytest.fixture
def c(running: Running) -> Iterator[Controller]:
    with running.controller() as made:
        yield made
