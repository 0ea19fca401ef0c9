"""Experiments with --target bmv2: simple_switch in Mininet, strategies under traffic, what is left out and why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.bmv2,
    pytest.mark.root,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mnexec"), reason="needs root and Mininet"),
]
STRATEGIES = ("controller", "state4", "state4_exact", "reconcile")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """A short Figure 5: the folder of its run, its summary, and its messages."""
    out = tmp_path_factory.mktemp("results")
    argv = [sys.executable, "-m", "experiments.delta_loss", "--out", str(out), "--control-plane", "native", "--json"]
    argv += ["--accept-busy"]
    argv += ["--target", "bmv2", "--rate", "2", "--duration", "3", "--repeats", "1", "--strategy", ",".join(STRATEGIES)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode in (0, 1), done.stderr
    return out / "delta_loss" / "latest", json.loads(done.stdout), done.stderr


def _trial(results: tuple[Path, dict[str, Any], str], strategy: str) -> dict[str, Any]:
    trial: dict[str, Any] = json.loads((results[0] / "trials" / f"{strategy}-rate2-1.json").read_text())
    return trial


def test_state4_exact_loses_no_byte_of_what_arrived(results: tuple[Path, dict[str, Any], str]) -> None:
    trial = _trial(results, "state4_exact")
    assert trial["outcome"]["inexact"] == [] and trial["outcome"]["lost_clones"] == 0
    assert trial["register_bytes"] - trial["wire_bytes"] >= 0  # what the switch counted and the receiver missed
    assert trial["outcome"]["clones"] > 0


@pytest.mark.parametrize("strategy", ["controller", "state4"])
def test_the_counter_goes_over(results: tuple[Path, dict[str, Any], str], strategy: str) -> None:
    trial = _trial(results, strategy)
    share = trial["swap"]["begin"] / 3.0
    assert trial["register_bytes"] > 1.2 * (1 - share) * trial["wire_bytes"]  # more than what came after the swap


def test_what_bmv2_cannot_do_is_left_out_and_reported(results: tuple[Path, dict[str, Any], str]) -> None:
    folder, summary, message = results
    assert list(summary["left_out"]) == ["reconcile"] and summary["target"] == "bmv2"
    assert "left out: reconcile (bmv2 has no RECONCILE_AND_COMMIT" in message
    assert not (folder / "trials" / "reconcile-rate2-1.json").exists()


def test_nothing_of_the_network_is_left() -> None:
    done = subprocess.run([sys.executable, "-m", "topologies.clean"], capture_output=True, text=True, check=True)
    assert "simple_switch" not in done.stdout
