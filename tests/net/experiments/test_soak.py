"""The soak, short: many reconfigurations in a row under traffic lose nothing and leave nothing behind."""

from __future__ import annotations

import json

import pytest

from experiments import soak


def test_a_short_soak(capsys: pytest.CaptureFixture[str]) -> None:
    code = soak.main(["--count", "20", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["holds"] == {"state": True, "flow": True, "entries": True, "memory": True, "writes": True}, found
    assert (code, found["reconfigurations"], found["wrong_cells"]) == (0, 20, 0)
    assert found["sources"] > 100
