"""An interrupted run leaves complete files, no processes and no folder in /run; `--resume` continues it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.net.folders import own_run_folders


def processes_below(pid: int) -> set[int]:
    """All descendants of a process."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            parents[int(entry)] = int(stat[stat.rindex(")") + 2 :].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def command(out: Path) -> list[str]:
    argv = [sys.executable, "-m", "experiments.fig3", "--out", str(out), "--control-plane", "native", "--accept-busy"]
    return [*argv, "--strategy", "none,reconcile", "--duration", "3", "--json"]


def test_ctrl_c_then_resume(tmp_path: Path) -> None:
    with subprocess.Popen(command(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("fig3/*/trials/none-1.json")):
            assert run.poll() is None, run.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        while not own_run_folders(run.pid):  # the second trial's network
            assert time.monotonic() < deadline
            time.sleep(0.05)
        children = processes_below(run.pid)
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 130, errors
    assert "continue with --resume" in errors
    assert not own_run_folders(run.pid)
    deadline = time.monotonic() + 5
    while children & processes_below(1) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not children & processes_below(1)
    (folder,) = (path for path in (tmp_path / "fig3").iterdir() if not path.is_symlink())
    assert not (tmp_path / "fig3" / "latest").exists()
    assert not list(folder.rglob(".*"))  # no half-written file
    before = (folder / "trials" / "none-1.json").read_bytes()

    done = subprocess.run([*command(tmp_path), "--resume"], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"] == folder.name
    assert (folder / "trials" / "none-1.json").read_bytes() == before
    assert (folder / "trials" / "reconcile-1.json").exists()
