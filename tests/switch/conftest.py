"""What the tests of the P4Runtime server share: a switch with `everything.p4` that answers, and its primary client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.switch.controller import Controller, Running


@pytest.fixture
def running() -> Iterator[Running]:
    with Running() as made:
        yield made


@pytest.fixture
def c(running: Running) -> Iterator[Controller]:
    with running.controller() as made:
        yield made
