"""Scaling in short, on one real switch for all trials."""

from __future__ import annotations

import json
from pathlib import Path

from experiments import scaling


def test_one_network_serves_all_trials(tmp_path: Path) -> None:
    arguments = ["--quick", "--json", "--duration", "0.5", "--strategy", "controller,state4_exact", "--sizes", "1K"]
    arguments += ["--registers", "4", "--control-plane", "native", "--out", str(tmp_path)]
    assert scaling.main(arguments) == 0
    latest = tmp_path / "scaling" / "latest"
    points = json.loads((latest / "summary.json").read_text())["measured"]["points"]
    assert [(p["strategy"], p["state_bytes"], p["components"]) for p in points] == [
        ("controller", 1 << 10, 1),
        ("state4_exact", 1 << 10, 1),
        ("controller", 1 << 20, 4),
        ("state4_exact", 1 << 20, 4),
    ]
    assert all(point["failed"] == [] and point["lost_packets"] == 0 for point in points)
    assert all(point["delta_loss"]["median"] == 0 for point in points if point["strategy"] == "state4_exact")
    assert all(point["delta_loss"]["median"] >= 0 for point in points)
    assert (latest / "scaling.pdf").exists()
