"""Hosts that keep their offloads: a program sees and sends the same frames as with hosts that have none.

[host 1] h0 ---- s1 [switch: 1 -> 2, clones to 510] s2 ---- h0 [host 2] t0 ---- t1
                                                    s3 ---- h0 [host 3] the CPU port's interface

What leaves for host 2 as super-frames goes on through a bridge to t0, which has no offloads: there the kernel takes
them apart, and t1 is what a wire would be.
"""

from __future__ import annotations

import argparse
import random
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from subprocess import CalledProcessError

import pytest

from softswitch.build.program import compile_text
from softswitch.cli import run_command
from softswitch.dataplane.stats import PortStats
from softswitch.dataplane.switch import Switch
from tests.net.veths import Veths, inside, receive, silent, wait
from tests.switch.handmade import build
from tests.switch.offload_programs import NAT, PORT_CHECKSUMS, PROGRAMS, program
from tests.switch.runtime.test_switch import FORWARDER
from tests.switch.segments import ACK, CWR, PSH, UDP, Flow, Offload, SuperFrame

pytestmark = pytest.mark.usefixtures("io_threads")

CPU = 510
_SOL_PACKET, _PACKET_VNET_HDR = 263, 15
_UDP_SEGMENT = 103


@dataclass(frozen=True)
class Sent:
    """What a host sends: one super-frame, or one frame."""

    flow: Flow
    data: bytes
    segment: int
    sequence: int = 0
    ident: int = 0
    flags: int = ACK

    def _options(self) -> dict[str, int]:
        return {"sequence": self.sequence, "ident": self.ident, "flags": self.flags}

    def frames(self) -> list[bytes]:
        return self.flow.segments(self.data, self.segment, **self._options())

    def super_frame(self) -> SuperFrame:
        if len(self.data) <= self.segment:
            return SuperFrame(self.frames()[0], Offload())
        return self.flow.super_frame(self.data, self.segment, **self._options())


def stream(flow: Flow, sizes: Sequence[int], segment: int, seed: int = 1) -> list[Sent]:
    """Consecutive sends of one flow; the last one pushes."""
    generator, sent, sequence, ident = random.Random(seed), [], 0xFFFFF000, 0xFFF0
    for index, size in enumerate(sizes):
        flags = ACK | PSH if index + 1 == len(sizes) else ACK
        sent.append(Sent(flow, generator.randbytes(size), segment, sequence & 0xFFFFFFFF, ident, flags))
        sequence += size
        ident += -(-size // segment)
    return sent


SIZES = (60_000, 100, 20_000, 1448, 64_000, 3000, 1, 2896)
TRAFFIC = {
    "tcp": stream(Flow(), SIZES, 1448),
    "tcp over ipv6": stream(Flow(6), SIZES, 1428),
    "udp": stream(Flow(4, UDP), SIZES, 1472),
    "udp over ipv6": stream(Flow(6, UDP), SIZES, 1000),
    "vlan": stream(Flow(tags=((0x8100, 0x2005),)), SIZES, 1448),
    "two tags": stream(Flow(tags=((0x88A8, 7), (0x8100, 5))), SIZES, 1440),
    "mixed": [
        one
        for row in zip(
            stream(Flow(), SIZES, 1448),
            stream(Flow(source_port=1, options=b""), SIZES, 536),
            stream(Flow(6, UDP, source_port=2), [min(size, 64 * 333) for size in SIZES], 333),
            stream(Flow(4, UDP, source_port=3, fragment=0), [min(size, 64 * 64) for size in SIZES], 64),
            strict=True,
        )
        for one in row
    ],
    "congestion": [
        Sent(Flow(traffic_class=2), bytes(20_000), 1000, 0, 0, ACK | CWR),
        Sent(Flow(traffic_class=2), bytes(5000), 1000, 20_000, 20, ACK | CWR | PSH),
    ],
}


@dataclass(frozen=True)
class Outcome:
    at_two: list[bytes]
    at_cpu: list[bytes]
    registers: list[int]
    counted: list[tuple[int, int]]


@contextmanager
def network(offloads: bool) -> Iterator[tuple[Veths, Switch]]:
    with Veths(3, offloads=offloads) as net, Switch(cpu_port=CPU) as switch, inside(net.switch):
        for port, name in ((1, "s1"), (2, "s2"), (CPU, "s3")):
            switch.add_interface(port, name, offloads=offloads)
        switch.set_clone_session(1, [(CPU, 0)])
        switch.start()
        yield net, switch


def wire(net: Veths) -> socket.socket:
    """A socket on t1, behind an interface that makes the kernel split super-frames."""
    host = net.host(2)
    for command in (
        "ip link add t0 type veth peer name t1",
        "ethtool -K t0 tx off tso off gso off",
        "ip link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
        "ip link set t0 master br0",
        "ip link set h0 master br0",
    ):
        net.inside(host, *command.split())
    for name in ("t0", "t1", "br0"):
        net.inside(host, "sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1")
        net.inside(host, "ip", "link", "set", name, "up")
    wait(lambda: net.carrier(host, "t1"))
    return net.socket(2, name="t1")


def received(end: socket.socket) -> list[bytes]:
    end.settimeout(0.2)
    frames = []
    with suppress(TimeoutError):
        while True:
            frames.append(receive(end))
    return frames


def outcome(
    net: Veths,
    switch: Switch,
    text: str,
    sent: Sequence[Sent],
    *,
    offloads: bool,
    at: socket.socket | None = None,
) -> Outcome:
    """`at`: where host 2's traffic is observed; default: the wire behind it, or its interface if it has no offloads."""
    pipeline = switch.load(compile_text(text))
    switch.commit(pipeline)
    one, two, cpu = net.socket(1), at or (wire(net) if offloads else net.socket(2)), net.socket(3)
    if offloads:
        one.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        for made in (item.super_frame() for item in sent):
            one.send(made.offload.packed() + made.data)
    else:
        for frame in chain.from_iterable(item.frames() for item in sent):
            one.send(frame)
    total = sum(len(item.frames()) for item in sent)
    wait(lambda: switch.stats().ports[1].rx_packets == total, 10)
    counts = [(int(row[0]), int(row[1])) for row in pipeline.counters["I.counted"].read()]
    return Outcome(received(two), received(cpu), [int(cell) for cell in pipeline.registers["I.seen"].read()], counts)


@pytest.mark.parametrize("traffic", TRAFFIC)
@pytest.mark.parametrize("name", ["counts", "nat"])
def test_the_same_frames_as_without_offloads(name: str, traffic: str) -> None:
    compare(name, traffic)


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in ("counts", "nat")])
def test_the_same_frames_whatever_the_program_does(name: str) -> None:
    compare(name, "mixed")


def compare(name: str, traffic: str) -> None:
    sent = TRAFFIC[traffic]
    with network(False) as (net, switch):
        expected = outcome(net, switch, PROGRAMS[name], sent, offloads=False)
        plain = switch.stats()
    with network(True) as (net, switch):
        found = outcome(net, switch, PROGRAMS[name], sent, offloads=True)
        stats = switch.stats()
    assert len(found.at_two) == len(expected.at_two)
    assert found == expected
    for port in (1, 2, CPU):
        assert (traffic_of(stats.ports[port])) == traffic_of(plain.ports[port])
    if traffic != "two tags":  # which the sender's kernel splits itself
        assert stats.ports[1].rx_superframes == sum(len(item.data) > item.segment for item in sent)
    merged = stats.ports[2].tx_superframes
    assert merged == 0 if traffic == "two tags" or "wrong" in name else merged > 0
    assert stats.ports[CPU].tx_superframes == 0
    if name == "clones":
        assert found.at_cpu == list(chain.from_iterable(item.frames() for item in sent))
    assert stats.drops == plain.drops


def test_a_wrong_checksum_of_ip_stays() -> None:
    """Nothing is merged, so this is what host 2 itself receives (a bridge drops such frames)."""
    sent = TRAFFIC["tcp"]
    with network(False) as (net, switch):
        expected = outcome(net, switch, program(NAT, PORT_CHECKSUMS), sent, offloads=False)
    with network(True) as (net, switch):
        found = outcome(net, switch, program(NAT, PORT_CHECKSUMS), sent, offloads=True, at=net.socket(2))
    assert found == expected


def traffic_of(port: PortStats) -> tuple[int, int, int, int]:
    return port.rx_packets, port.rx_bytes, port.tx_packets, port.tx_bytes


@contextmanager
def forwarding(net: Veths, *, offloads: bool = True) -> Iterator[Switch]:
    with Switch() as switch, inside(net.switch):
        switch.commit(switch.load(build("forwarder", FORWARDER)))
        for host in net.hosts:
            net.inside(net.host(host), "ip", "addr", "add", f"10.9.0.{host}/24", "dev", "h0")
            switch.add_interface(host, f"s{host}", offloads=offloads)
        switch.start()
        yield switch


@pytest.fixture
def net() -> Iterator[Veths]:
    with Veths(offloads=True) as veths:
        yield veths


def test_a_connection_of_the_kernels(net: Veths) -> None:
    data = random.Random(1).randbytes(8_000_000)
    with forwarding(net) as switch:
        with inside(net.host(2)):
            server = socket.create_server(("10.9.0.2", 7000))
        with inside(net.host(1)):
            client = socket.create_connection(("10.9.0.2", 7000), timeout=10)
        accepted, _ = server.accept()
        accepted.settimeout(10)
        client.setblocking(False)
        got, left = bytearray(), memoryview(data)
        while len(got) < len(data):
            with suppress(BlockingIOError):
                left = left[client.send(left) :] if left else left
            with suppress(BlockingIOError):
                got += accepted.recv(1 << 20, socket.MSG_DONTWAIT)
        stats = switch.stats()
        for end in (server, client, accepted):
            end.close()
    assert bytes(got) == data
    for port in stats.ports.values():
        assert not port.rx_unsplit + port.rx_oversize + port.tx_oversize + port.tx_errors
    assert stats.ports[1].rx_packets >= len(data) / 1460
    assert stats.ports[2].tx_superframes > 0
    assert stats.ports[1].rx_superframes > 0


@pytest.mark.parametrize(("option", "expected"), [([], 1), (["--offloads", "on"], 1), (["--offloads", "off"], 0)])
def test_the_option_of_softswitch_run(net: Veths, option: list[str], expected: int) -> None:
    parser = argparse.ArgumentParser()
    run_command.add_parser(parser.add_subparsers())
    with Switch() as switch, inside(net.switch):
        switch.commit(switch.load(build("forwarder", FORWARDER)))
        run_command.open_ports(switch, parser.parse_args(["run", "--no-p4", "-i", "1@s1", "-i", "2@s2", *option]))
        switch.start()
        made = Flow().super_frame(bytes(10_000), 1000)
        raw(net).send(made.offload.packed() + made.data)
        wait(lambda: switch.stats().ports[1].rx_packets == (10 if expected else 1))
        assert switch.stats().ports[1].rx_superframes == expected


@pytest.mark.parametrize("size", [1000, 64])
def test_datagrams_that_the_kernel_segments(net: Veths, size: int) -> None:
    """UDP_SEGMENT: one send, many datagrams; the receiver has no UDP_GRO and gets each."""
    with forwarding(net) as switch:
        with inside(net.host(2)):
            receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            receiver.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
            receiver.bind(("10.9.0.2", 7000))
        with inside(net.host(1)):
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, size)
        receiver.settimeout(5)
        data = random.Random(2).randbytes(40 * size + 7)
        datagrams = [data[at : at + size] for at in range(0, len(data), size)]
        for _ in range(3):
            sender.sendto(data, ("10.9.0.2", 7000))
            assert [receiver.recv(2000) for _ in datagrams] == datagrams
        stats = switch.stats()
        receiver.close()
        sender.close()
    assert stats.ports[1].rx_superframes == 3
    assert stats.ports[2].tx_superframes == 3
    assert stats.ports[2].tx_packets >= 123


def raw(net: Veths) -> socket.socket:
    made = net.socket(1)
    made.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    return made


def test_a_super_frame_that_cannot_be_split_is_dropped_and_counted(net: Veths) -> None:
    """TCP in a tunnel, whose own headers every segment would need."""
    tunnel = "ip link add tunnel type vxlan id 5 local 10.9.0.1 remote 10.9.0.2 dstport 4789 dev h0"
    made = Flow().super_frame(bytes(5000), 1000)
    with forwarding(net) as switch:
        try:
            net.inside(net.host(1), *tunnel.split())
        except CalledProcessError:
            pytest.skip("this kernel has no VXLAN")
        net.inside(net.host(1), "sysctl", "-qw", "net.ipv6.conf.tunnel.disable_ipv6=1")
        net.inside(net.host(1), "ip", "link", "set", "tunnel", "up")
        net.inside(net.host(1), *["ip", "neigh", "add", "10.9.0.2", "lladdr", "02:00:00:00:00:02", "dev", "h0"])
        inside_tunnel, one, two = net.socket(1, name="tunnel"), net.socket(1), net.socket(2)
        inside_tunnel.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        inside_tunnel.send(made.offload.packed() + made.data)
        wait(lambda: switch.stats().ports[1].rx_unsplit == 1)
        line = switch.next_log(timeout=5)
        assert line is not None
        assert "s1" in line.text
        assert "tunnel" in line.text
        frame = Flow().frame(b"after it")
        one.send(frame)
        assert receive(two) == frame
        assert silent(two)
        assert switch.stats().ports[1].rx_packets == 1


def test_more_segments_than_a_batch_takes(net: Veths) -> None:
    flow = Flow()
    data = random.Random(3).randbytes(60_000)
    with forwarding(net) as switch:
        one, two = raw(net), wire(net)
        made = flow.super_frame(data, 100)
        one.send(made.offload.packed() + made.data)
        wait(lambda: switch.stats().ports[2].tx_packets == 600)
        assert received(two) == flow.segments(data, 100)
        assert switch.stats().ports[2].tx_superframes == -(-600 // 64)


def test_super_frames_wait_while_packets_are_held(net: Veths) -> None:
    """They are longer than the ring's frames, so they wait in the socket's queue, in order with shorter ones."""
    sent = stream(Flow(), [60_000, 100] * 100, 1448)
    with forwarding(net) as switch:
        one, two = raw(net), wire(net)
        with switch.safe_point():
            for item in sent:
                made = item.super_frame()
                one.send(made.offload.packed() + made.data)
            assert silent(two)
        frames = list(chain.from_iterable(item.frames() for item in sent))
        wait(lambda: switch.stats().ports[1].rx_packets == len(frames))
        assert received(two) == frames
        assert switch.stats().ports[1].rx_ring_drops == 0


def test_a_port_is_nearly_full_of_super_frames(net: Veths) -> None:
    flow = Flow()
    made = flow.super_frame(bytes(60_000), 1448)
    with forwarding(net) as switch:
        one = raw(net)
        with switch.hold():
            for _ in range(5000):
                if switch.nearly_full() == 1:
                    break
                one.send(made.offload.packed() + made.data)
            assert switch.nearly_full() == 1
        stats = switch.stats()
    assert stats.hold_drops == 0


def test_an_interface_without_segmentation_gets_single_frames(net: Veths) -> None:
    net.inside(net.switch, "ethtool", "-K", "s2", "tso", "off")
    flow, data = Flow(), random.Random(5).randbytes(20_000)
    with forwarding(net) as switch:
        one, two = raw(net), net.socket(2)
        made = flow.super_frame(data, 1000)
        one.send(made.offload.packed() + made.data)
        assert [receive(two) for _ in range(20)] == flow.segments(data, 1000)
        assert switch.stats().ports[2].tx_superframes == 0


def test_queueing_disciplines_see_single_frames(net: Veths) -> None:
    """Captures do as well, which enable them: what `tc` limits per packet is a frame of the MTU."""
    flow, data = Flow(), random.Random(7).randbytes(20_000)
    with Switch() as switch, inside(net.switch):
        switch.commit(switch.load(build("forwarder", FORWARDER)))
        switch.set_qdiscs(True)
        for host in net.hosts:
            switch.add_interface(host, f"s{host}")
        switch.start()
        one, two = raw(net), net.socket(2)
        made = flow.super_frame(data, 1000)
        one.send(made.offload.packed() + made.data)
        assert [receive(two) for _ in range(20)] == flow.segments(data, 1000)


def test_segmentation_that_is_turned_off_under_the_switch(net: Veths) -> None:
    """From then on the kernel refuses merged frames: none is lost, and after a few the switch stops trying."""
    flow, data = Flow(), random.Random(6).randbytes(10_000)
    made = flow.super_frame(data, 1000)
    with forwarding(net) as switch:
        one, two = raw(net), wire(net)
        for index in range(12):
            if index == 1:
                net.inside(net.switch, "ethtool", "-K", "s2", "tso", "off")
            one.send(made.offload.packed() + made.data)
            assert [receive(two) for _ in range(10)] == flow.segments(data, 1000)
        assert switch.stats().ports[2].tx_superframes == 1
        assert switch.stats().ports[2].tx_full == 0
        line = switch.next_log(timeout=5)
        assert line is not None
        assert "s2 takes no merged frames" in line.text


def test_frames_beyond_the_mtu_are_not_hidden_in_a_merged_one(net: Veths) -> None:
    """The kernel does not check the MTU for a merged frame, so each of its frames counts as too long."""
    net.inside(net.switch, "ip", "link", "set", "s2", "mtu", "900")
    flow = Flow()
    made = flow.super_frame(bytes(10_000), 1000)
    with forwarding(net) as switch:
        one, two = raw(net), net.socket(2)
        one.send(made.offload.packed() + made.data)
        wait(lambda: switch.stats().ports[2].tx_oversize == 10)
        assert silent(two)


def test_with_offloads_off_nothing_is_split(net: Veths) -> None:
    with forwarding(net, offloads=False) as switch:
        one, two = raw(net), net.socket(2)
        made = Flow().super_frame(bytes(10_000), 1000)
        one.send(made.offload.packed() + made.data)
        wait(lambda: switch.stats().ports[2].tx_oversize == 1)
        assert silent(two)
        assert switch.stats().ports[1].rx_superframes == 0
