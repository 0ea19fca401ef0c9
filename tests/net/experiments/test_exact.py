"""One round of `experiments.exact` in real networks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments import exact

pytestmark = pytest.mark.root


def test_nothing_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--rates",
        "20",
        "--repeats",
        "1",
        "--control-plane",
        "native",
        "--duration",
        "2",
        "--json",
        "--accept-busy",
    ]
    assert exact.main([*arguments, "--out", str(tmp_path)]) == 0
    measured = json.loads(capsys.readouterr().out)["measured"]
    rows = {row["strategy"]: row for row in measured["rows"]}
    assert rows.keys() == {"no-reconfiguration", "state4_exact", "precopy", "reconcile"}
    assert measured["verdict"] == "holds"
    assert all(row["packets"] > 3000 for row in rows.values())
