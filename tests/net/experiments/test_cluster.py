"""--cluster: a Dask scheduler and two workers, each in a namespace of its own, as if on separate machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

pytest.importorskip("distributed")

ROOT = Path(__file__).resolve().parents[3]
SLOW = "tests.unit.experiments.slow_experiment"
SCHEDULER = "tcp://10.97.0.1:8786"


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@contextmanager
def namespaces(count: int) -> Iterator[list[str]]:
    """The first has a bridge with 10.97.0.1, to which the others (10.97.0.2 and on) are connected."""
    names = [f"sdc{os.getpid()}-{number}" for number in range(count)]
    try:
        for number, name in enumerate(names):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
            if number == 0:
                ip("-n", name, "link", "add", "br0", "type", "bridge")
                ip("-n", name, "addr", "add", "10.97.0.1/24", "dev", "br0")
                ip("-n", name, "link", "set", "br0", "up")
                continue
            ip("-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", f"port{number}", "netns", names[0])
            ip("-n", name, "addr", "add", f"10.97.0.{number + 1}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", names[0], "link", "set", f"port{number}", "master", "br0", "up")
        yield names
    finally:
        for name in names:
            with suppress(subprocess.CalledProcessError):
                ip("netns", "del", name)


@contextmanager
def running(namespace: str, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python module as a process in a namespace, ended with the block."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    argv = ["ip", "netns", "exec", namespace, sys.executable, "-m", *arguments]
    process = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Cluster:
    """`workers` by name, each with WORKER set to it."""

    def __init__(self, stack: ExitStack, *names: str) -> None:
        first, *others = stack.enter_context(namespaces(1 + len(names)))
        self.namespace = first
        stack.enter_context(
            running(first, "distributed.cli.dask_scheduler", "--host", "10.97.0.1", "--port", "8786", "--no-dashboard")
        )
        self.workers = {
            name: stack.enter_context(
                running(
                    place,
                    *("distributed.cli.dask_worker", SCHEDULER, "--name", name, "--host", f"10.97.0.{number}"),
                    *("--resources", "testbed=1", "--nthreads", "1", "--no-nanny", "--no-dashboard"),
                    WORKER=name,
                )
            )
            for number, (name, place) in enumerate(zip(names, others, strict=True), start=2)
        }

    def experiment(self, *arguments: str) -> list[str]:
        return ["ip", "netns", "exec", self.namespace, sys.executable, "-m", SLOW, "--cluster", SCHEDULER, *arguments]


@pytest.mark.timeout(240)
def test_a_repeat_whose_worker_is_killed_is_done_by_the_other(tmp_path: Path) -> None:
    started = tmp_path / "started"
    started.mkdir()
    with ExitStack() as stack:
        cluster = Cluster(stack, "one", "two")
        argv = cluster.experiment("--repeats", "4", "--trial-s", "1.5", "--started", str(started), "--json")
        with subprocess.Popen(
            [*argv, "--out", str(tmp_path / "results")],
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            deadline = time.monotonic() + 120
            while not (list(started.glob("one-*")) and list(started.glob("two-*"))):
                assert process.poll() is None and time.monotonic() < deadline, process.communicate()
                time.sleep(0.05)
            cluster.workers["one"].kill()
            printed, message = process.communicate(timeout=200)
    assert process.returncode == 0, message
    summary = json.loads(printed)
    assert summary["trials"] == {"counted": 8, "unusable": {}, "repeated": {}}
    run = tmp_path / "results" / "slow" / "latest"
    trials = [json.loads(path.read_text()) for path in sorted((run / "trials").glob("*.json"))]
    assert len(trials) == 8 and all(trial["where"] == trial["worker"]["name"] for trial in trials)
    for repeat in range(1, 5):  # what is compared was measured on one machine
        assert len({trial["where"] for trial in trials if trial["repeat"] == repeat}) == 1
    assert all(claim["verdict"] == "holds" for claim in summary["claims"])
    assert "two" in summary["machines"] and (run / "slow.png").exists() and (run / "events.jsonl").exists()


@pytest.mark.timeout(240)
def test_what_fails_on_one_machine_is_done_on_the_other(tmp_path: Path) -> None:
    with ExitStack() as stack:
        cluster = Cluster(stack, "one", "two")
        argv = cluster.experiment("--repeats", "2", "--fails-on", "one", "--json", "--out", str(tmp_path))
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert list(summary["machines"]) == ["two"] and summary["trials"]["counted"] == 4


def test_without_a_scheduler_it_says_so(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", SLOW, "--cluster", "tcp://127.0.0.1:9", "--out", str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 2 and "error: there is no Dask scheduler at tcp://127.0.0.1:9" in done.stderr
