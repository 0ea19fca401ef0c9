"""Tests with real networks require root and the system's Mininet, and are skipped otherwise."""

from __future__ import annotations

import os
import shutil

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = os.path.dirname(__file__)
    why = None
    if os.geteuid() != 0:
        why = "needs root"
    elif shutil.which("mnexec") is None:
        why = "needs the mininet package"
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.root)
            if why:
                item.add_marker(pytest.mark.skip(reason=why))
