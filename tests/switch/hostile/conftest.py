"""Programs are compiled as a switch does it: each in a process of its own, with bounds."""

from __future__ import annotations

import pytest

from softswitch.build.isolated import Compilers
from tests.switch.conftest import COMPILED_APART


@pytest.fixture(autouse=True)
def compiled_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Compilers, "_run", COMPILED_APART)
