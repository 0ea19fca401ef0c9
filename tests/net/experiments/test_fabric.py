"""The fabric end to end, as short as it gets: two strategies beside a run that is left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from experiments import fabric

pytestmark = pytest.mark.timeout(240)  # of three trials that may have to be repeated
STRATEGIES = ("swing_links", "state4_exact")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run of both."""
    out = tmp_path_factory.mktemp("results")
    arguments = ["--strategy", ",".join(STRATEGIES), "--duration", "9", "--repeats", "1", "--accept-busy", "--json"]
    assert fabric.main([*arguments, "--out", str(out)]) == 0
    return out / "fabric" / "latest"


def numbers_of(folder: Path, trial: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "trials" / f"{trial}-1.json").read_text())
    return found


def test_swing_states_packets_on_the_links_are_those_that_the_switches_count(folder: Path) -> None:
    trial = numbers_of(folder, "swing_links")
    outcome, captured = trial["outcome"], trial["strays"]
    assert captured["frames"] == trial["state_packets"]["frames_on_links"] > 100
    assert captured["bytes"] == 60 * captured["frames"]
    assert captured["neighbour_frames"] == captured["frames"] - outcome["restored"]
    assert outcome["parked_cells"] == outcome["given_back"] == outcome["restored"] > 0
    assert trial["knocks_kept"] == 1 and trial["knocks_made"] == 3  # the late one: it was sent while updates were
    assert numbers_of(folder, "no-reconfiguration")["strays"]["frames"] == 0


def test_state4_exact_loses_no_packet_no_update_no_flow_and_takes_no_link(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    assert [claim["covered"] for claim in summary["claims"]] == [False]  # without State4 itself
    for name in ("no-reconfiguration", "state4_exact"):
        trial = numbers_of(folder, name)
        assert trial["lost_packets"] == trial["missing_bytes"] == trial["strays"]["frames"] == 0, name
        assert trial["tcp_goes_on"] and not any(group["dead"] for group in trial["udp"].values())
        assert trial["knocks_kept"] == trial["knocks_made"] == (3 if name == "state4_exact" else 2)
        assert all(carried > 100_000 for carried in trial["link_bytes"].values())  # both spines are used
        assert trial["probe_gap_s"] < 1.0
    assert (folder / "fabric.png").stat().st_size > 1000
