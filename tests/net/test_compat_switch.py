"""simple_switch_grpc, as `softswitch compat install` writes it, on interfaces: from compiled file to running switch.

[host 1] h0 ---- s1 [switch: 1 -> 2, 2 -> 1] s2 ---- h0 [host 2]
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scapy.utils import rdpcap

from softswitch.compat.install import install
from tests.doc_examples import ROOT
from tests.net.test_ports import frame
from tests.net.veths import Veths, receive, run, wait

PROGRAM = """
#include <core.p4>
#include <v1model.p4>
header ethernet_t { bit<48> dst; bit<48> src; bit<16> type; }
struct headers { ethernet_t ethernet; }
struct metadata { }
register<bit<48>>(4) seen;
parser P(packet_in b, out headers hdr, inout metadata m, inout standard_metadata_t std) {
    state start { b.extract(hdr.ethernet); transition accept; }
}
control V(inout headers hdr, inout metadata m) { apply { } }
control I(inout headers hdr, inout metadata m, inout standard_metadata_t std) {
    apply {
        std.egress_spec = 3 - std.ingress_port;
        if (hdr.ethernet.type == 0x1111) {
            seen.read(hdr.ethernet.src, 1);
            hdr.ethernet.src = hdr.ethernet.src + 1;
            seen.write(1, hdr.ethernet.src);
        }
        log_msg("crossed from {}", {std.ingress_port});
    }
}
control E(inout headers hdr, inout metadata m, inout standard_metadata_t std) {
    apply {
        if (hdr.ethernet.type == 0x2222) {
            hdr.ethernet.dst = (bit<48>)std.enq_qdepth;
            hdr.ethernet.src = (bit<48>)std.deq_qdepth;
        }
    }
}
control C(inout headers hdr, inout metadata m) { apply { } }
control D(packet_out b, in headers hdr) { apply { b.emit(hdr.ethernet); } }
V1Switch(P(), V(), I(), E(), C(), D()) main;
"""


@pytest.fixture
def net() -> Iterator[Veths]:
    with Veths() as veths:
        yield veths


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bin")
    install(folder)
    (folder / "cross.p4").write_text(PROGRAM)
    run(str(folder / "p4c"), str(folder / "cross.p4"), "-o", str(folder))
    return folder


@contextmanager
def started(net: Veths, commands: Path, log: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    line = [str(commands / "simple_switch_grpc"), "-i", "1@s1", "-i", "2@s2", str(commands / "cross.json"), *words]
    with log.open("wb") as out:
        process = subprocess.Popen(["ip", "netns", "exec", net.switch, *line], stdout=out, stderr=subprocess.STDOUT)
    try:
        wait(lambda: b"ready" in log.read_bytes() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        process.terminate()
        process.wait(20)


def frames_of(file: Path) -> list[bytes]:
    return [bytes(packet) for packet in rdpcap(str(file))]


def children(process: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_a_compiled_file_runs_logs_and_is_captured(net: Veths, commands: Path, tmp_path: Path) -> None:
    one, two = net.socket(1), net.socket(2)
    log = tmp_path / "s1.log"
    sent = [frame(i, 60 + i) for i in range(50)] + [frame(99)[:12] + b"\x81\x00\x00\x05" + frame(99)[12:]]
    words = ("--pcap", str(tmp_path), "--log-console", "--nanolog", "ipc:///tmp/x", "--device-id", "7", "--")
    with started(net, commands, log, *words, "--grpc-server-addr", f"unix:{tmp_path}/s.sock") as process:
        assert Path(f"/proc/{process.pid}/comm").read_text() == "simple_switch_g\n"  # what pkill simple_switch finds
        for data in sent:
            one.send(data)
        assert [receive(two) for _ in sent] == sent
        two.send(frame(7))
        assert receive(one) == frame(7)
        wait(lambda: b"crossed from 2" in log.read_bytes())
    assert (frames_of(tmp_path / "s1_in.pcap"), frames_of(tmp_path / "s2_out.pcap")) == (sent, sent)
    assert (frames_of(tmp_path / "s2_in.pcap"), frames_of(tmp_path / "s1_out.pcap")) == ([frame(7)], [frame(7)])
    lines = log.read_text().splitlines()
    assert any("[bmv2] [D] [thread" in line and "received on port 1" in line for line in lines)
    assert any("[bmv2] [I] [thread" in line and "crossed from 1" in line for line in lines)
    assert any("note: --nanolog has no effect here" in line for line in lines)


def test_a_killed_switch_leaves_no_capture_behind(net: Veths, commands: Path, tmp_path: Path) -> None:
    one, two = net.socket(1), net.socket(2)
    words = ("--pcap", str(tmp_path), "--", "--grpc-server-addr", f"unix:{tmp_path}/s.sock")
    with started(net, commands, tmp_path / "log", *words) as process:
        one.send(frame(1))
        assert receive(two) == frame(1)
        (capture,) = children(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        wait(lambda: not Path(f"/proc/{capture}").exists())
    assert frames_of(tmp_path / "s2_out.pcap") == [frame(1)]


def test_limits_of_tc_hold_for_what_the_switch_sends(net: Veths, commands: Path, tmp_path: Path) -> None:
    """A Mininet link with `bw` is a queueing discipline on the switch's interface."""
    net.inside(
        net.switch,
        "tc",
        "qdisc",
        "add",
        "dev",
        "s2",
        "root",
        "tbf",
        "rate",
        "8mbit",
        "burst",
        "3000",
        "limit",
        "200000",
    )
    one, two = net.socket(1), net.socket(2)
    address = f"unix:{tmp_path}/s.sock"
    with started(net, commands, tmp_path / "log", "--", "--grpc-server-addr", address):
        began = time.monotonic()
        for i in range(80):  # more than 64 would not wait before egress
            one.send(frame(i, 1000))
        assert [receive(two) for _ in range(80)] == [frame(i, 1000) for i in range(80)]
        # 77 of the 80 KB have to wait for 8 Mbit/s: no less than this, however fast or slow the machine is.
        assert time.monotonic() - began > 0.07


def test_packets_wait_before_egress_while_a_link_is_slow(net: Veths, commands: Path, tmp_path: Path) -> None:
    """The interface's own queue takes some of them; the program sees the rest, as with simple_switch."""
    one, two = net.socket(1), net.socket(2)
    sent = [bytes(12) + b"\x22\x22" + i.to_bytes(2, "big") + bytes(984) for i in range(80)]

    def depths() -> list[tuple[int, int]]:
        for data in sent:
            one.send(data)
        got = [receive(two) for _ in sent]
        assert [data[12:] for data in got] == [data[12:] for data in sent]
        return [(int.from_bytes(data[:6], "big"), int.from_bytes(data[6:12], "big")) for data in got]

    with started(net, commands, tmp_path / "log", "--", "--grpc-server-addr", f"unix:{tmp_path}/s.sock"):
        assert depths() == [(0, 0)] * len(sent)
        net.inside(
            net.switch,
            *["tc", "qdisc", "add", "dev", "s2", "root", "tbf", "rate", "2mbit", "burst", "3000", "limit", "1000000"],
        )
        slow = depths()
        assert slow[0] == slow[-1][1:] * 2 == (0, 0)
        assert max(enqueued for enqueued, _ in slow) > 10 and max(left for _, left in slow) > 10


@pytest.mark.parametrize(("strategy", "instrument"), [("controller", ""), ("reconcile", ""), ("precopy", "map")])
def test_its_program_is_changed_with_its_state(
    net: Veths, commands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: str, instrument: str
) -> None:
    """A program that was started by these commands, whether or not State4 instrumented it when it was compiled."""
    new = tmp_path / "new.p4"
    new.write_text(PROGRAM.replace("std.egress_spec = 3", "hdr.ethernet.dst = 7; std.egress_spec = 3"))
    (tmp_path / "cross.p4").write_text(PROGRAM)
    monkeypatch.setenv("STATE4_INSTRUMENT", instrument)
    run(str(commands / "p4c"), str(tmp_path / "cross.p4"), "-o", str(tmp_path))
    for name in ("simple_switch_grpc", "p4c"):
        (tmp_path / name).symlink_to(commands / name)
    one, two = net.socket(1), net.socket(2)
    asking = bytes(12) + b"\x11\x11" + bytes(46)

    def answer() -> tuple[int, int]:
        one.send(asking)
        got = receive(two)
        return int.from_bytes(got[:6], "big"), int.from_bytes(got[6:12], "big")

    with started(net, tmp_path, tmp_path / "log", "--", "--grpc-server-addr", f"unix:{tmp_path}/s.sock"):
        assert [answer() for _ in range(3)] == [(0, 1), (0, 2), (0, 3)]
        command = [sys.executable, "-m", "state4", "reconfigure", str(new), "--target", f"unix:{tmp_path}/s.sock"]
        done = subprocess.run([*command, "--strategy", strategy], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert answer() == (7, 4)


def test_the_example_of_plain_mininet() -> None:
    example = ROOT / "examples" / "mininet_network.py"
    command = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, str(example)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert "dropped: 0.0 %" in done.stdout, done.stderr
