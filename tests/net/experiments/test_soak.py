"""A short soak: many reconfigurations in a row under traffic lose nothing and leave nothing behind."""

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


RING = 16 << 20


def test_a_ring_that_is_not_given_back_yet_is_no_leak() -> None:
    assert soak.grown([100, 100 + RING, 101, 101, 100 + RING, 102, 102, 101 + RING, 103 + RING, 103 + RING, 102]) == 2
    assert soak.grown([100, 100 + RING]) == 0  # too few to tell
    assert soak.grown([7]) == 0


def test_a_leak_is_seen_whatever_the_ring_does() -> None:
    leaking = [change * 2_000_000 + RING * (change % 3 == 0) for change in range(20)]
    assert soak.grown(leaking) > soak.GROWTH_BYTES
