"""`state4 rollout` on a fabric under traffic: every switch in turn, with exact state; and stopped half-way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nfs
from experiments.harness.fabric_lab import FabricLab, open_fabric
from experiments.traffic.armed import wait_all
from experiments.traffic.flow import HEADER_BYTES, Flow
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from topologies.leaf_spine import Fabric
from topologies.leaf_spine_entries import counting_entries, leaf_entries, spine_entries

pytestmark = pytest.mark.timeout(300)  # dozens of commands, each of which reads a program
FABRIC = Fabric()
OLD, NEW = nfs.program_path("chained_counting"), nfs.program_path("chained_counting_v2")
FLOWS = {1: ("h1_1", "h2_1"), 2: ("h1_2", "h2_2"), 3: ("h2_3", "h1_3")}
ROUNDS = 2
"""One rollout each; more were measured by hand (docs/rollout.md)."""
PORT = 6000
REGISTER = "counted_bytes"


@pytest.fixture(scope="module")
def lab() -> Iterator[FabricLab]:
    with open_fabric(FABRIC) as lab:
        program = lab.prepared(OLD)
        counted = counting_entries({n: (FABRIC.places[a].ip, FABRIC.places[b].ip) for n, (a, b) in FLOWS.items()})
        texts = {name: leaf_entries(FABRIC, number) for number, name in enumerate(FABRIC.leaf_names, start=1)}
        texts |= dict.fromkeys(FABRIC.spine_names, spine_entries(FABRIC))
        lab.install(dict.fromkeys(lab.names, program), {name: f"{text}\n{counted}" for name, text in texts.items()})
        lab.control["spine1"].call("verify", {"program": str(lab.prepared(NEW))})  # compiled and kept, for all
        yield lab


def rollout_file(lab: FabricLab, folder: Path, program: Path, **top: Any) -> Path:
    lines = [f"{key} = {json.dumps(value)}" for key, value in {"program": str(program), **top}.items()]
    for name in (*FABRIC.spine_names, *FABRIC.leaf_names):
        switch = lab.switch(name)
        lines += [f"[switch.{name}]", f'target = "{switch.address}"', f'cpu_interface = "{switch.cpu_interface}"']
        lines += [f'via = "nsenter --net=/proc/{lab.network.pid(name)}/ns/net"']
    path = folder / f"{program.stem}.toml"
    path.write_text("\n".join(lines))
    return path


def rollout(path: Path, *options: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "state4", "rollout", str(path), *options]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(path: Path, *options: str) -> dict[str, Any]:
    process = rollout(path, "--json", *options)
    out, err = process.communicate(timeout=250)
    assert process.returncode == 0, err + out
    report: dict[str, Any] = json.loads(out)
    assert report["finished"] and not report["problems"]
    return report


class Traffic:
    """UDP between hosts over both spines, and which of it arrived."""

    def __init__(self, lab: FabricLab) -> None:
        self._lab = lab
        self._probes = lab.probes()
        self._receivers = {number: Receiver(lab.network, target, [PORT]) for number, (_, target) in FLOWS.items()}
        flows = [
            Flow(number, source, FABRIC.places[target].ip, PORT, interval_ns=4_000_000, payload=400)
            for number, (source, target) in FLOWS.items()
        ]
        self._senders = {flow.number: Sender(lab.network, flow) for flow in flows}
        wait_all(*self._probes, *self._receivers.values(), *self._senders.values())
        self._before = {name: lab.cells(name, REGISTER, 1, len(FLOWS)) for name in lab.names}
        start = time.monotonic() + 0.05
        for sender in self._senders.values():
            sender.go(start, start + 1000)

    def check(self) -> None:
        """Ends the traffic. Nothing was lost, and every switch on the path has counted each byte once."""
        sent = {number: sender.finish().sent for number, sender in self._senders.items()}
        time.sleep(0.2)
        arrived = {number: receiver.finish()[0].packets for number, receiver in self._receivers.items()}
        for probe in self._probes:
            probe.finish()
        assert arrived == sent and min(sent.values()) > 0
        wanted = [sent[number] * (400 + HEADER_BYTES) for number in FLOWS]
        for group in (("leaf1",), ("leaf2",), FABRIC.spine_names):
            counted = [0] * len(FLOWS)
            for name in group:
                now = self._lab.cells(name, REGISTER, 1, len(FLOWS))
                new = zip(now, self._before[name], strict=True)
                counted = [so_far + after - before for so_far, (after, before) in zip(counted, new, strict=True)]
            assert counted == wanted, group


def test_all_switches_are_changed_under_traffic_and_stay_exact(lab: FabricLab, tmp_path: Path) -> None:
    there = rollout_file(lab, tmp_path, NEW)
    back = rollout_file(lab, tmp_path, OLD, allow_loss=True, at_once=2)
    traffic = Traffic(lab)
    for number in range(ROUNDS):
        report = finished(back if number % 2 else there)
        for name in lab.names:
            outcome = report["switches"][name]["outcome"]
            assert report["switches"][name]["step"] == "done" and not outcome["inexact"]
            assert outcome["strategy"] == "state4_exact" and outcome["cells"] > 460_798
    traffic.check()


def test_a_program_that_does_not_fit_one_switch_changes_none(lab: FabricLab, tmp_path: Path) -> None:
    path = rollout_file(lab, tmp_path, NEW)
    path.write_text(path.read_text() + f'\nprogram = "{nfs.program_path("l2")}"\n')  # of the last: leaf2
    process = rollout(path)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "state4: leaf2: " in err and "has no place" in err
    assert "no change was begun" in out
    steps = json.loads(Path(f"{path}.record").read_text())["switches"]
    assert {entry["step"] for entry in steps.values()} == {"waiting"}


@pytest.mark.parametrize(("number", "program"), [(signal.SIGINT, NEW), (signal.SIGKILL, OLD)])
def test_stopped_in_the_middle_it_goes_on_and_stays_exact(
    lab: FabricLab, tmp_path: Path, number: int, program: Path
) -> None:
    """The slow profile leaves time for the signal. After SIGKILL the change in progress completes by itself."""
    path = rollout_file(lab, tmp_path, program, control_plane="paper", allow_loss=True)
    traffic = Traffic(lab)
    process = rollout(path)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("spine2: changing"):
            break
    time.sleep(1.2)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == (1 if number == signal.SIGINT else -number)
    steps = {n: e["step"] for n, e in json.loads(Path(f"{path}.record").read_text())["switches"].items()}
    assert steps["spine1"] == "done" and steps["spine2"] in ("changing", "failed")
    assert steps["leaf1"] == steps["leaf2"] == "waiting"
    refused = rollout(path)
    _, err = refused.communicate(timeout=60)
    assert refused.returncode == 2 and ("still running" in err or "--resume" in err)
    deadline = time.monotonic() + 60
    while "still running" in err and time.monotonic() < deadline:
        time.sleep(0.2)
        refused = rollout(path)
        _, err = refused.communicate(timeout=60)
    finished(path, "--resume")
    traffic.check()
