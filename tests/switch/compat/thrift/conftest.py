"""One switch for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.switch.compat.thrift.bench import ThriftBench, thrift_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ThriftBench]:
    with thrift_bench(tmp_path, enable_swap=True, enable_ports=True) as made:
        yield made
