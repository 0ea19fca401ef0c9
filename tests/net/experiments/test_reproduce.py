"""`make reproduce` with a real network: Ctrl-C leaves complete files and no namespaces, and the run can be
continued."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ARGUMENTS = ["-m", "experiments.reproduce", "--quick", "--accept-busy", "--only", "delta_loss", "--strategy", "none"]


def wait_for(pattern: str, below: Path, timeout_s: float = 60.0) -> Path:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for found in below.glob(pattern):
            return found
        time.sleep(0.05)
    raise AssertionError(f"no {pattern} below {below} after {timeout_s} s")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_and_continued(number: signal.Signals, tmp_path: Path) -> None:
    argv = [sys.executable, *ARGUMENTS, "--out", str(tmp_path / "results")]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
        wait_for("results/delta_loss/*/trials/none-rate10-1.json", tmp_path)
        children = descendants(process.pid)
        assert children
        process.send_signal(number)
        _, message = process.communicate(timeout=90)
    assert process.returncode == 130, message
    assert "interrupted; the same command continues here" in message
    assert "Traceback" not in message
    assert not [pid for pid in children if is_running(pid)]
    for file in tmp_path.glob("results/**/*.json"):
        json.loads(file.read_text())
    assert not [path for path in tmp_path.glob("results/**/.*") if not path.is_symlink()]

    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=100)
    assert "Continuing" in done.stderr
    assert done.returncode == 0, done.stderr
    (run,) = (path for path in (tmp_path / "results" / "delta_loss").iterdir() if not path.is_symlink())
    assert (run / "summary.json").exists()
    report = tmp_path / "results" / "report" / "latest"
    state = json.loads((report / "state.json").read_text())
    assert state["delta_loss"]["status"] == "done"
    assert state["fig3"]["status"] == "waiting"


def descendants(pid: int) -> set[int]:
    """All processes below one, including those in their own sessions and namespaces."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
    found: set[int] = set()
    grown = {pid}
    while grown:
        grown = {child for child, parent in parents.items() if parent in grown}
        found |= grown
    return found


def is_running(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
