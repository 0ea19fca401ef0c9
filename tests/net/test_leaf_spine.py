"""A fabric of real switches: what is running, how HULA's probes spread, where the firewall is, what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import nfs
from experiments.control.client import ControlProcess
from experiments.control.programs import store_prepared
from experiments.traffic.flow import Flow
from experiments.traffic.knock import Knocker, ProbeSender
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from tests.net.folders import own_run_folders
from topologies.errors import SwitchStartError
from topologies.leaf_spine import SERVER, Fabric, LeafSpineTopo
from topologies.leaf_spine_entries import KNOCK_IP, KNOCK_MAC, KNOCKS, UDP_PORT, leaf_entries, spine_entries
from topologies.network import RunningNetwork, running_network
from topologies.rundir import ProcessId
from topologies.switch import SoftSwitch

FABRIC = Fabric()
SWITCHES = (*FABRIC.leaf_names, *FABRIC.spine_names)


@dataclass(frozen=True)
class Running:
    """The fabric with the chained program on every switch, and a control process for each."""

    network: RunningNetwork
    control: dict[str, ControlProcess]

    def cells(self, switch: str, register: str, start: int, count: int) -> list[int]:
        found: list[int] = self.control[switch].call(
            "read_cells", {"register": register, "start": start, "count": count}
        )
        return found


@pytest.fixture(scope="module")
def fabric() -> Iterator[Running]:
    with running_network(LeafSpineTopo(FABRIC), switch=SoftSwitch) as network:
        control = {name: ControlProcess.of_switch(network, name) for name in SWITCHES}
        folder = network.directory.path
        program = store_prepared(nfs.program_path("chained"), folder)
        texts = {name: leaf_entries(FABRIC, number) for number, name in enumerate(FABRIC.leaf_names, start=1)}
        texts |= dict.fromkeys(FABRIC.spine_names, spine_entries(FABRIC))
        for name, text in texts.items():
            entries = folder / f"{name}.entries.toml"
            entries.write_text(text)
            control[name].wait_ready()
            control[name].call("install", {"program": str(program), "entries": str(entries), "left_out_groups": []})
        yield Running(network, control)
        for process in control.values():
            process.finish()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_every_switch_is_a_process_with_a_namespace_and_a_cpu_port_of_its_own(fabric: Running) -> None:
    nodes = [fabric.network.node(name) for name in SWITCHES]
    assert len({node.process.pid for node in nodes}) == len(SWITCHES)
    assert len({node.address for node in nodes}) == len({node.cpu_interface for node in nodes}) == len(SWITCHES)
    names = [*SWITCHES, *FABRIC.places]
    spaces = {os.readlink(f"/proc/{fabric.network.pid(name)}/ns/net") for name in names}
    assert len(spaces) == len(names) and os.readlink("/proc/self/ns/net") not in spaces
    for node in nodes:
        node.check()
        assert Path(f"/proc/{fabric.network.pid(node.name)}").exists()


def test_probes_of_every_leaf_reach_every_other_leaf(fabric: Running) -> None:
    probes = [
        ProbeSender(
            fabric.network, name, mac="00:00:00:00:00:fe", interface=fabric.network.node(name).cpu_interface, tor=tor
        )
        for tor, name in zip(FABRIC.leaf_numbers, FABRIC.leaf_names, strict=True)
    ]
    try:
        for probe in probes:
            probe.wait_ready()
        for tor, name in zip(FABRIC.leaf_numbers, FABRIC.leaf_names, strict=True):
            for other in FABRIC.leaf_numbers:
                if other != tor:
                    until(lambda name=name, other=other: fabric.cells(name, "path_time", other, 1) != [0])  # type: ignore[misc]
                    assert fabric.cells(name, "best_hop", other, 1)[0] in FABRIC.uplinks
        for spine in FABRIC.spine_names:
            until(lambda spine=spine: 0 not in fabric.cells(spine, "path_time", 1, FABRIC.leaves))  # type: ignore[misc]
            assert fabric.cells(spine, "best_hop", 1, FABRIC.leaves) == list(FABRIC.leaf_numbers)
    finally:
        assert sum(probe.finish() for probe in probes) > 0


def arrived(fabric: Running, target: str, port: int) -> int:
    """How many of 20 packets from h1_2 to a port of `target` arrive."""
    receiver = Receiver(fabric.network, target, [port])
    flow = Flow(1, "h1_2", FABRIC.places[target].ip, port, interval_ns=1_000_000, payload=100, count=20)
    sender = Sender(fabric.network, flow)
    receiver.wait_ready()
    sender.wait_ready()
    start = time.monotonic() + 0.05
    sender.go(start, start + 5)
    time.sleep(0.4)
    assert sender.finish().sent == 20
    return receiver.finish()[0].packets


@pytest.mark.parametrize("target", ["h1_1", "h2_1", "h2_3", SERVER])
def test_hosts_of_the_same_and_of_other_leaves_are_reached(fabric: Running, target: str) -> None:
    assert arrived(fabric, target, 6000) == 20


def test_a_knock_opens_the_firewall_on_every_spine_while_hula_balances(fabric: Running) -> None:
    source = FABRIC.places["h1_2"]
    probe = ProbeSender(
        fabric.network,
        "leaf2",
        mac="00:00:00:00:00:fe",
        interface=fabric.network.node("leaf2").cpu_interface,
        tor=2,
    )
    probe.wait_ready()
    seen = fabric.cells("leaf1", "path_time", 2, 1)
    until(lambda: fabric.cells("leaf1", "path_time", 2, 1) != seen)  # from here on leaf1 knows a way
    cell = (source.leaf << 8) + source.number
    assert arrived(fabric, SERVER, UDP_PORT) == 0
    knocker = Knocker(
        fabric.network,
        "h1_2",
        source=(source.mac, source.ip),
        target=(KNOCK_MAC, KNOCK_IP),
        ports=KNOCKS,
        interface="h1_2-eth0",
    )
    knocker.wait_ready()
    knocker.knock()
    knocker.sent()
    for spine in FABRIC.spine_names:
        until(lambda spine=spine: fabric.cells(spine, "pk_reg", cell, 1) == [3])  # type: ignore[misc]
    knocker.finish()
    probe.finish()
    assert all(fabric.cells(leaf, "pk_reg", cell, 1) == [0] for leaf in FABRIC.leaf_names)
    assert arrived(fabric, SERVER, UDP_PORT) == 20


# -- what is left afterwards -------------------------------------------------------------------------------------------


def test_a_spine_that_does_not_start_takes_everything_down() -> None:
    before = own_run_folders(os.getpid())
    started: list[int] = []

    class Broken(SoftSwitch):
        def command(self, ready_file: Path) -> list[str]:
            if self.name == "spine2":
                return ["sh", "-c", "echo something went wrong >&2; exit 3"]
            return super().command(ready_file)

        def start(self, controllers: list[object]) -> None:
            super().start(controllers)
            assert self.process is not None
            started.extend([self.pid, self.process.pid])

    with (
        pytest.raises(SwitchStartError, match=r"spine2 ended with code 3.*\n.*something went wrong"),
        running_network(LeafSpineTopo(FABRIC), switch=Broken),
    ):
        pass
    assert len(started) >= 2
    assert not [pid for pid in started if ProcessId.of(pid)]
    assert own_run_folders(os.getpid()) == before


CHILD = """
import time
from topologies.leaf_spine import LeafSpineTopo
from topologies.network import running_network
from topologies.switch import SoftSwitch
with running_network(LeafSpineTopo(), switch=SoftSwitch) as running:
    daemons = [switch.process.pid for switch in running.net.switches]
    print(running.directory.path, *daemons, *(node.pid for node in running.net.values()), flush=True)
    time.sleep(1000)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_of_a_fabric_is_left_after_a_signal(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        folder, *pids = child.stdout.readline().decode().split()
        assert len(pids) == 2 * len(SWITCHES) + len(FABRIC.places)
        child.send_signal(number)
        child.wait(60)
    deadline = time.monotonic() + 20
    while any(ProcessId.of(int(pid)) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [pid for pid in pids if ProcessId.of(int(pid))]
    if number == signal.SIGKILL:  # nobody was left to remove the folder: the next clean-up does
        subprocess.run([sys.executable, "-m", "topologies.clean"], capture_output=True, check=True)
    assert not Path(folder).exists()
