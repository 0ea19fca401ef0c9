"""Every strategy on a real switch in Mininet: the fate of each flow around a swap, in the scene of Figure 3.

h1 (open) ----.
h2, h3 (knock early) -- s1 -- server
h4 (knocks inside the reconfiguration) --'
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from experiments.claims.c1_flows_survive import ALL, PUBLISHED_FATES
from experiments.harness.options import CommonOptions

pytestmark = pytest.mark.timeout(240)

OPTIONS = CommonOptions(
    target="softswitch",
    strategies=(),
    profile="native",
    duration_s=None,
    repeats=1,
    seed=1,
    quick=True,
    out=Path("results"),
    json=True,
    resume=False,
)
OURS = {name: dict.fromkeys(PUBLISHED_FATES["state4"], ALL) for name in ("state4_exact", "precopy", "reconcile")}
FATES = {**PUBLISHED_FATES, **OURS}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A short Figure 3 with all strategies: the folder of its run, and its output."""
    out = tmp_path_factory.mktemp("results")
    argv = [sys.executable, "-m", "experiments.fig3", "--out", str(out), "--control-plane", "native"]
    argv += ["--duration", "5", "--accept-busy", "--json", "--strategy", ",".join(FATES)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    return out / "fig3" / "latest", json.loads(done.stdout)


@pytest.mark.parametrize("strategy", FATES)
def test_each_flow_meets_its_fate(results: tuple[Path, dict[str, Any]], strategy: str) -> None:
    measured = json.loads((results[0] / "trials" / f"{strategy}-1.json").read_text())
    for flow, fate in FATES[strategy].items():
        count = measured["flows"][flow]
        assert count["arrived_before"] == count["permitted_before"], flow
        assert count["wrongly_arrived"] == 0, flow
        assert count["permitted_after"] > 5, flow
        assert count["arrived_after"] == (count["permitted_after"] if fate == ALL else 0), flow
    assert measured["switch"]["ring_drops"] == 0
    assert measured["switch"]["swaps"] == 2  # the first program and the second
    assert measured["outcome"]["lost_clones"] == 0


def test_the_figure_ends_with_a_verdict_and_whole_files(results: tuple[Path, dict[str, Any]]) -> None:
    latest, summary = results
    (claim,) = summary["claims"]
    assert (claim["id"], claim["verdict"]) == ("C1", "holds"), claim["why"]
    assert json.loads((latest / "summary.json").read_text()) == summary
    assert (latest / "fig3.png").stat().st_size > 10_000
    assert b"/FontFile2" in (latest / "fig3.pdf").read_bytes()  # TrueType, embedded
    events = [json.loads(line) for line in (latest / "events.jsonl").read_text().splitlines()]
    assert {event["trial"] for event in events} == set(summary["measured"])
    assert {"reconfigure", "commit", "read_register", "clone_on"} <= {event["phase"] for event in events}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strategy", "nope"], "no strategy named 'nope'"),
        (["--control-plane", "slow"], "invalid choice"),
        (["--duration", "0"], "must be above 0"),
        (["--resume", "--duration", "17"], "no interrupted run of fig3"),
    ],
)
def test_wrong_use_ends_with_code_2_and_one_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "experiments.fig3", "--out", str(tmp_path), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
