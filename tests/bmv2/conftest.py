"""Tests beside real bmv2: skipped, with the reason, where it is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bmv2.bench import missing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    reason = missing()
    for item in items:
        if reason and here in item.path.parents and item.get_closest_marker("bmv2"):
            item.add_marker(pytest.mark.skip(reason=reason))
