"""Fixtures shared by the files of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.switch.controller import Running


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    """A switch without a program, or with the module's `PROGRAM`."""
    with Running(getattr(request.module, "PROGRAM", None)) as made:
        yield made
