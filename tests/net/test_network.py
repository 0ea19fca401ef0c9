"""The networks themselves, with a Linux bridge in the middle: what is running, what is on the wire, what is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.traffic.flow import HEADER_BYTES, Flow
from experiments.traffic.knock import Knocker
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from tests.net.folders import own_run_folders
from topologies.bridge import LinuxBridge
from topologies.errors import NetworkError, SwitchStartError
from topologies.network import RunningNetwork, running_network
from topologies.paper import HOSTS, SERVER, PaperTopo, ip_of, mac_of
from topologies.rundir import ProcessId
from topologies.switch import SoftSwitch


@pytest.fixture(scope="module")
def network() -> Iterator[RunningNetwork]:
    with running_network(PaperTopo(), switch=LinuxBridge) as running:
        yield running


def frames_in(network: RunningNetwork, node: str, interface: str, direction: str) -> tuple[int, int]:
    """Packets and bytes, by the kernel's counters."""
    folder = f"/sys/class/net/{interface}/statistics"
    text = network.run(node, "cat", f"{folder}/{direction}_packets", f"{folder}/{direction}_bytes")
    packets, count = text.split()
    return int(packets), int(count)


def test_every_node_has_a_namespace_of_its_own(network: RunningNetwork) -> None:
    names = [*HOSTS, SERVER, "s1"]
    spaces = {os.readlink(f"/proc/{network.pid(name)}/ns/net") for name in names}
    assert len(spaces) == len(names)
    assert os.readlink("/proc/self/ns/net") not in spaces


def test_no_interface_reaches_the_root_namespace(network: RunningNetwork) -> None:
    assert not [name for name in os.listdir("/sys/class/net") if "-eth" in name or "cpu" in name]


def test_offloads_are_off_at_both_ends(network: RunningNetwork) -> None:
    for node, interface in (("h1", "h1-eth0"), ("s1", "s1-eth1"), ("s1", "s1-eth6"), (SERVER, "server-eth0")):
        features = network.run(node, "ethtool", "-k", interface).splitlines()
        for name in ("tcp-segmentation-offload", "generic-receive-offload", "tx-checksumming", "scatter-gather"):
            assert f"{name}: off" in features


def test_the_wire_is_quiet(network: RunningNetwork) -> None:
    before = frames_in(network, SERVER, "server-eth0", "rx")
    time.sleep(0.5)  # the time in which nothing may happen
    assert frames_in(network, SERVER, "server-eth0", "rx") == before


def test_a_flow_keeps_its_schedule_and_is_counted_by_the_byte(network: RunningNetwork) -> None:
    flow = Flow(7, "h1", ip_of(SERVER), 6000, interval_ns=1_000_000, payload=1000, count=200)
    before = frames_in(network, SERVER, "server-eth0", "rx")
    receiver, sender = Receiver(network, SERVER, [6000]), Sender(network, flow)
    receiver.wait_ready()
    sender.wait_ready()
    start = time.monotonic() + 0.05
    sender.go(start, start + 10)
    time.sleep(0.4)
    sent = sender.finish()
    totals, packets = receiver.finish()
    after = frames_in(network, SERVER, "server-eth0", "rx")

    assert sent.sent == totals.packets == 200
    assert packets["sequence"].tolist() == list(range(200))
    assert set(packets["flow"]) == {7}
    assert (packets["received_s"] >= packets["sent_s"]).all()
    assert (after[0] - before[0], after[1] - before[1]) == (200, 200 * (1000 + HEADER_BYTES))
    late = packets["received_s"] - (start + packets["sequence"] * 1e-3)
    assert late.median() < 1e-4  # the recorder's error against the known schedule


def test_a_knock_is_exactly_its_frames(network: RunningNetwork) -> None:
    """The kernel would retransmit an unanswered SYN; a knock is not retransmitted."""
    knocker = Knocker(
        network,
        "h2",
        source=(mac_of("h2"), ip_of("h2")),
        target=(mac_of("h3"), ip_of("h3")),
        ports=[10000, 20000, 30000],
        interface="h2-eth0",
    )
    knocker.wait_ready()
    before, answers = frames_in(network, "h3", "h3-eth0", "rx"), frames_in(network, "h3", "h3-eth0", "tx")
    knocker.knock()
    first, last = knocker.sent()
    knocker.finish()
    assert first <= last <= time.monotonic()
    after = frames_in(network, "h3", "h3-eth0", "rx")
    assert after[0] - before[0] == 3
    # h3 has no listener: its resets show that addresses, lengths and checksums were right.
    assert frames_in(network, "h3", "h3-eth0", "tx")[0] - answers[0] == 3


def test_two_networks_at_once_do_not_meet(network: RunningNetwork) -> None:
    with running_network(PaperTopo(), switch=LinuxBridge) as second:
        before = frames_in(second, SERVER, "server-eth0", "rx")
        assert second.pid("h1") != network.pid("h1")
        flow = Flow(1, "h1", ip_of(SERVER), 6001, interval_ns=1_000_000, count=5)
        sender = Sender(network, flow)
        sender.wait_ready()
        sender.go(time.monotonic(), time.monotonic() + 5)
        time.sleep(0.1)
        assert sender.finish().sent == 5
        assert frames_in(second, SERVER, "server-eth0", "rx") == before


def test_a_failing_program_says_what_failed(network: RunningNetwork) -> None:
    with pytest.raises(NetworkError, match=r"ip link show nothere.*does not exist"):
        network.run("h1", "ip", "link", "show", "nothere")


@pytest.mark.parametrize(
    "command", ["sleep 1000", """bash -c 'trap "" INT; sleep 1000'"""], ids=["ends", "will-not-end"]
)
def test_ctrl_c_in_the_middle_of_a_nodes_command_is_no_other_error(command: str) -> None:
    before = own_run_folders(os.getpid())
    with pytest.raises(KeyboardInterrupt), running_network(PaperTopo(), switch=LinuxBridge) as network:
        network.node("h1").sendCmd(command)  # as if Ctrl-C came while Mininet waits for its end
        raise KeyboardInterrupt
    assert own_run_folders(os.getpid()) == before


@pytest.mark.parametrize("lost", ["answer", "whole-output"])
def test_a_shell_whose_answer_was_lost_is_asked_again(lost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt character discards undelivered output of the terminal: the marker in the prompt, or everything that
    made the terminal readable."""
    before = own_run_folders(os.getpid())
    with pytest.raises(KeyboardInterrupt), running_network(PaperTopo(), switch=LinuxBridge) as network:
        node = network.node("h1")
        if lost == "answer":
            node.sendCmd("true")
            time.sleep(0.2)
            node.read(1024)  # as if the command had been interrupted between reading its end and noting it
        else:
            node.sendCmd("sleep 1000")
            times = iter(range(3))
            ready = node.waitReadable

            def too_early(timeoutms: int | None = None) -> object:
                return [True] if next(times, None) is not None else ready(timeoutms)

            monkeypatch.setattr(node, "waitReadable", too_early)
        raise KeyboardInterrupt
    assert own_run_folders(os.getpid()) == before


def test_nothing_is_left_after_an_error() -> None:
    before = own_run_folders(os.getpid())
    pids: list[int] = []
    with pytest.raises(RuntimeError, match="on purpose"), running_network(PaperTopo(), switch=LinuxBridge) as running:
        pids = [running.pid(name) for name in (*HOSTS, SERVER, "s1")]
        helper = running.helpers.spawn("sleeper", running.pid("h1"), ["sleep", "1000"])
        pids.append(helper.pid)
        assert own_run_folders(os.getpid()) != before
        raise RuntimeError("on purpose")
    assert not [pid for pid in pids if ProcessId.of(pid)]
    assert own_run_folders(os.getpid()) == before


CHILD = """
import sys, time
from topologies.bridge import LinuxBridge
from topologies.network import running_network
from topologies.paper import PaperTopo
with running_network(PaperTopo(), switch=LinuxBridge) as running:
    helper = running.helpers.spawn("sleeper", running.pid("h1"), ["sleep", "1000"])
    print(running.directory.path, helper.pid, *(node.pid for node in running.net.values()), flush=True)
    time.sleep(1000)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_after_a_signal(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        folder, *pids = child.stdout.readline().decode().split()
        assert len(pids) == 8
        child.send_signal(number)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()  # or leaving the block would wait for it
            raise
    deadline = time.monotonic() + 5
    while any(ProcessId.of(int(pid)) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [pid for pid in pids if ProcessId.of(int(pid))]
    if number == signal.SIGKILL:  # nobody was left to remove the folder: the next clean-up does
        done = subprocess.run([sys.executable, "-m", "topologies.clean"], capture_output=True, text=True, check=True)
        assert folder in done.stdout or not Path(folder).exists()
    assert not Path(folder).exists()


def test_clean_leaves_running_networks_alone(network: RunningNetwork) -> None:
    subprocess.run([sys.executable, "-m", "topologies.clean"], check=True, capture_output=True)
    assert network.directory.path.is_dir()
    assert network.run("h1", "echo", "alive") == "alive\n"


def test_a_switch_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    class Broken(SoftSwitch):
        def command(self, ready_file: Path) -> list[str]:
            return ["sh", "-c", "echo something went wrong >&2; exit 3"]

    with (
        pytest.raises(SwitchStartError, match=r"s1 ended with code 3.*\n.*something went wrong"),
        running_network(PaperTopo(), switch=Broken),
    ):
        pass


def test_where_no_namespace_can_be_made_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "mnexec"
    fake.write_text("#!/bin/sh\necho 'unshare: Operation not permitted' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    before = own_run_folders(os.getpid())
    with (
        pytest.raises(NetworkError, match=r"Operation not permitted.*privileged"),
        running_network(PaperTopo(), switch=LinuxBridge),
    ):
        pass
    assert own_run_folders(os.getpid()) == before
