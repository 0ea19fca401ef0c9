"""A short run of the scenario with real traffic: what is lost, which flows continue, and all files that it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from experiments import scenario
from experiments.measure.divergence import missing_over_time


def test_state_and_wire_are_compared_to_the_byte(tmp_path: Path) -> None:
    arguments = ["--json", "--duration", "3", "--repeats", "1", "--strategy", "none,state4_exact", "--rate", "5"]
    arguments += ["--control-plane", "native", "--accept-busy", "--out", str(tmp_path)]
    assert scenario.main(arguments) == 0
    latest = tmp_path / "scenario" / "latest"
    summary = json.loads((latest / "summary.json").read_text())
    measured = summary["measured"]
    trials = {file.stem: json.loads(file.read_text()) for file in (latest / "trials").glob("*.json")}
    assert set(trials) == {"no-reconfiguration-1", "none-1", "state4_exact-1"}
    assert (latest / "scenario.png").stat().st_size > 10_000

    # A busy machine may leave a trial without a verdict, but what was measured to the byte is the same there.
    for name in ("no-reconfiguration-1", "state4_exact-1"):
        assert trials[name]["missing_bytes"] == 0, name
        assert all(flow["wire_bytes"] == flow["state_bytes"] for flow in trials[name]["bytes_by_flow"].values())
    assert trials["none-1"]["state_bytes"] == 0 and trials["none-1"]["delta_loss"] == 1
    assert not any(trials["none-1"]["goes_on"].values())
    assert all(trials["state4_exact-1"]["goes_on"].values())
    assert trials["no-reconfiguration-1"]["goes_on"] == {"open": True, "early": True, "late": False, "tcp": True}
    if measured["state4_exact"]["runs"]:
        assert measured["state4_exact"]["delta_loss"]["median"] == 0

    frames = pd.read_parquet(latest / "samples" / "frames" / "none-1.parquet")
    samples = pd.read_parquet(latest / "samples" / "state" / "none-1.parquet")
    missing = missing_over_time(frames, samples)
    swap = trials["none-1"]["swap"]
    assert missing.loc[missing["t"] > swap["end"] + 0.1, "state_bytes"].eq(0).all()
    assert trials["none-1"]["sampling_error_bytes"] <= 50_000
    assert samples["data_plane_s"].is_monotonic_increasing

    report = json.loads((latest / "iperf3" / "state4_exact-1.json").read_text())
    assert "error" not in report and report["intervals"]
    assert "error" in json.loads((latest / "iperf3" / "none-1.json").read_text())
