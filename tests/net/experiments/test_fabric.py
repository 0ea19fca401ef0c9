"""The fabric end to end, as short as it gets: one strategy beside a run that is left alone."""

from __future__ import annotations

import json
from pathlib import Path

from experiments import fabric


def test_state4_exact_loses_no_packet_no_update_no_flow_and_takes_no_link(tmp_path: Path) -> None:
    arguments = ["--strategy", "state4_exact", "--duration", "9", "--repeats", "1", "--control-plane", "native"]
    assert fabric.main([*arguments, "--accept-busy", "--json", "--out", str(tmp_path)]) == 0
    folder = tmp_path / "fabric" / "latest"
    summary = json.loads((folder / "summary.json").read_text())
    assert [claim["covered"] for claim in summary["claims"]] == [False]  # without State4 itself
    for name in ("no-reconfiguration", "state4_exact"):
        trial = json.loads((folder / "trials" / f"{name}-1.json").read_text())
        assert trial["lost_packets"] == trial["missing_bytes"] == trial["strays"]["frames"] == 0, name
        assert trial["tcp_goes_on"] and not any(group["dead"] for group in trial["udp"].values())
        assert trial["knocks_kept"] == trial["knocks_made"] == (3 if name == "state4_exact" else 2)
        assert all(carried > 100_000 for carried in trial["link_bytes"].values())  # both spines are used
        assert trial["probe_gap_s"] < 1.0
    assert (folder / "fabric.png").stat().st_size > 1000
