"""A short run of the model, calibrated and checked on a real switch."""

from __future__ import annotations

import json
from pathlib import Path

from experiments import model
from experiments.harness.main import EXIT_CLAIM_FAILS, EXIT_NOT_JUDGED, EXIT_OK


def test_parameters_are_measured_and_predictions_compared(tmp_path: Path) -> None:
    arguments = ["--quick", "--json", "--accept-busy", "--strategy", "controller,state4", "--out", str(tmp_path)]
    assert model.main(arguments) in (EXIT_OK, EXIT_CLAIM_FAILS, EXIT_NOT_JUDGED)  # the machine decides which
    latest = tmp_path / "model" / "latest"
    measured = json.loads((latest / "summary.json").read_text())["measured"]
    origins = {(one["strategy"], one["name"]): one["origin"] for one in measured["parameters"]}
    assert origins["state4", "apply_cell_s"] == "measured" and origins["state4", "queue_clones"] == "configured"
    assert [row["strategy"] for row in measured["check"]] == ["controller", "state4"] * 2
    assert all("total_s" in row["errors"] for row in measured["check"])
    assert measured["bounds"]["highest_packets_per_s"] > 1e4
    assert (latest / "model.pdf").exists() and (latest / "extrapolation.json").exists()
