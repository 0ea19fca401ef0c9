"""What several files of this folder need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.switch.controller import Running


@pytest.fixture
def running() -> Iterator[Running]:
    with Running(None) as made:
        yield made
