"""The worked examples of docs/reproducing.md do what the page says, on a real switch."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.doc_examples import ROOT, write_example


def run(*argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *argv],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
        env={**os.environ, **env},
    )


def test_a_new_strategy_keeps_every_flow(tmp_path: Path) -> None:
    folder = write_example("strategies/state4_twice.py", tmp_path).parent
    argv = ["-m", "experiments.fig3", "--strategy", "state4_twice", "--duration", "3", "--control-plane", "native"]
    done = run(*argv, "--json", "--accept-busy", "--out", str(tmp_path), STATE4_STRATEGIES=str(folder))
    assert done.returncode == 0, done.stderr
    (flows,) = json.loads(done.stdout)["measured"].values()
    for name, count in flows.items():
        assert count["arrived_after"] == count["permitted_after"] > 0, name


def test_a_new_network_function_loses_less_than_without_preservation(tmp_path: Path) -> None:
    program = write_example("nfs/port_bytes.p4", tmp_path)
    (program.parent / "include").symlink_to(ROOT / "nfs" / "include")
    argv = ["-m", "experiments.delta_loss", "--rate", "60", "--program", str(program), "--repeats", "1"]
    argv += ["--entries", str(ROOT / "nfs" / "l2.entries.toml"), "--counter", "port_bytes[5000]"]
    done = run(*argv, "--strategy", "none,state4", "--duration", "2", "--json", "--accept-busy", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)["measured"]
    losses = {name: rates["60"]["delta_loss"]["median"] for name, rates in measured["rates"]["paper"].items()}
    assert losses["no-reconfiguration"] == 0
    assert losses["state4"] < losses["none"] / 5 and losses["none"] > 0.2  # how much less is C3's to judge


def test_a_new_topology(tmp_path: Path) -> None:
    done = run(str(write_example("pair.py", tmp_path)), PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr
    found = re.fullmatch(r"state4: (\d+) of (\d+) packets arrived, 262144 cells were carried\n", done.stdout)
    assert found is not None, done.stdout
    assert found[1] == found[2] != "0"
