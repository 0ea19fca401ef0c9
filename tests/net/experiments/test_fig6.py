"""A short Figure 6 on a real switch: where updates are lost, from the receiver's packets and the state."""

from __future__ import annotations

import json
from pathlib import Path

from experiments import fig6


def test_losses_are_where_the_claim_says(tmp_path: Path) -> None:
    arguments = ["--quick", "--json", "--accept-busy", "--duration", "2", "--strategy", "controller,state4_exact"]
    arguments += ["--control-plane", "native", "--out", str(tmp_path)]
    assert fig6.main(arguments) == 0
    latest = tmp_path / "fig6" / "latest"
    summary = json.loads((latest / "summary.json").read_text())
    assert {claim["id"] for claim in summary["claims"] if not claim["covered"]} == {"C4", "C7"}  # without State4 itself
    measured = summary["measured"]
    assert measured["no-reconfiguration"]["lost_updates"] == [0]
    assert measured["state4_exact"]["lost_updates"] == [0]
    [window] = measured["controller"]["windows"]
    assert window["total"] > 0
    assert window["outside_read_and_swap"] == window["survived_between"] == 0
    assert all(numbers["stray_frames"] == [0] for numbers in measured.values())
    assert (latest / "fig6.png").stat().st_size > 10_000
    assert (latest / "fig6.pdf").exists()
