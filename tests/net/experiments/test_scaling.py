"""A short run of scaling, on one real switch for all trials."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from experiments import scaling


def test_one_network_serves_all_trials(tmp_path: Path) -> None:
    arguments = [
        "--quick",
        "--json",
        "--accept-busy",
        "--duration",
        "0.5",
        "--strategy",
        "controller,state4_exact",
        "--sizes",
        "1K",
    ]
    arguments += ["--accept-busy", "--registers", "4", "--control-plane", "native", "--out", str(tmp_path)]
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


BROKEN = """
from state4.errors import State4Error


class Broken:
    name = "broken"
    summary = "fails"
    needs_cloning = False

    def reconfigure(self, context):
        raise State4Error("it broke on purpose")


STRATEGY = Broken()
"""


def test_a_strategy_that_fails_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "broken.py").write_text(BROKEN)
    arguments = [
        "--quick",
        "--json",
        "--accept-busy",
        "--duration",
        "0.5",
        "--strategy",
        "broken,reconcile",
        "--sizes",
        "1K",
    ]
    arguments += ["--accept-busy", "--registers", "1", "--control-plane", "native", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "experiments.scaling", *arguments],
        env={**os.environ, "STATE4_STRATEGIES": str(tmp_path / "strategies")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    points = json.loads(done.stdout)["measured"]["points"]
    assert [(point["strategy"], len(point["failed"])) for point in points] == [("broken", 1), ("reconcile", 0)] * 2
    assert "it broke on purpose" in points[0]["failed"][0]
    assert points[1]["delta_loss"]["median"] == 0
