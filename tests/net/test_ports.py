"""Ports on real interfaces: frames cross a switch between two namespaces.

[host 1] h0 ---- s1 [switch: 1 <-> 2] s2 ---- h0 [host 2]
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from softswitch.dataplane.pipeline import Pipeline
from softswitch.dataplane.stats import Drop
from softswitch.dataplane.switch import Switch
from softswitch.errors import InterfaceError, InterfaceNotFound
from tests.net.veths import Veths, inside, receive, silent, wait
from tests.switch.handmade import build
from tests.switch.runtime.bench import SCRIPTED, script_frame
from tests.switch.runtime.test_switch import FORWARDER

pytestmark = pytest.mark.usefixtures("io_threads")


@pytest.fixture
def net() -> Iterator[Veths]:
    with Veths() as veths:
        yield veths


@pytest.fixture
def switch(net: Veths) -> Iterator[Switch]:
    made = Switch()
    made.commit(made.load(build("forwarder", FORWARDER)))
    with inside(net.switch):
        for host in net.hosts:
            made.add_interface(host, f"s{host}")
        made.start()
    yield made
    made.close()


def frame(number: int, size: int = 60) -> bytes:
    return (bytes.fromhex("020000000002020000000001") + b"\x88\xb6" + struct.pack(">I", number)).ljust(size, b"\xa5")


def test_frames_cross_unchanged_and_in_order(net: Veths, switch: Switch) -> None:
    one, two = net.socket(1), net.socket(2)
    sent = [frame(i, 60 + i * 7 % 1455) for i in range(500)]
    for data in sent:
        one.send(data)
    assert [receive(two) for _ in sent] == sent
    for data in sent[:100]:
        two.send(data)
    assert [receive(one) for _ in range(100)] == sent[:100]
    stats = switch.stats()
    assert (stats.ports[1].rx_packets, stats.ports[2].tx_packets, stats.ports[1].tx_packets) == (500, 500, 100)
    assert stats.ports[1].rx_bytes == sum(map(len, sent))
    assert not any(stats.drops.values())
    assert all(port.up and not port.rx_ring_drops for port in stats.ports.values())


def test_runts_and_the_longest_frames(net: Veths, switch: Switch) -> None:
    one, two = net.socket(1), net.socket(2)
    for data in (frame(1)[:14], frame(2, 1514), frame(3)[:15]):
        one.send(data)
        assert receive(two) == data


@pytest.mark.parametrize("tpid", [0x8100, 0x88A8])
def test_vlan_tags_stay(net: Veths, switch: Switch, tpid: int) -> None:
    one, two = net.socket(1), net.socket(2)
    for size in (60, 1514 if tpid == 0x8100 else 1510):  # the kernel grants only 802.1Q four bytes more
        plain = frame(7, size)
        tagged = plain[:12] + struct.pack(">HH", tpid, 0x2FFF) + plain[12:]
        one.send(tagged)
        assert receive(two) == tagged


def test_jumbo_frames_beyond_the_ring(net: Veths, switch: Switch) -> None:
    """The ring was made for an MTU of 1500; longer frames take another path, in order with the short ones."""
    for host in net.hosts:
        net.inside(net.switch, "ip", "link", "set", f"s{host}", "mtu", "9000")
        net.inside(net.host(host), "ip", "link", "set", "h0", "mtu", "9000")
    one, two = net.socket(1), net.socket(2)
    sent = [frame(i, size) for i, size in enumerate((60, 9014, 1514, 5000, 9014, 60))] * 5
    for data in sent:
        one.send(data)
    assert [receive(two) for _ in sent] == sent


def test_a_frame_beyond_the_mtu_is_counted(net: Veths, switch: Switch) -> None:
    net.inside(net.switch, "ip", "link", "set", "s1", "mtu", "9000")
    net.inside(net.host(1), "ip", "link", "set", "h0", "mtu", "9000")
    one, two = net.socket(1), net.socket(2)
    for data in (frame(1), frame(2, 4000), frame(3)):
        one.send(data)
    assert [receive(two), receive(two)] == [frame(1), frame(3)]
    assert switch.stats().ports[2].tx_oversize == 1
    line = switch.next_log(timeout=5)
    assert line is not None and line.kind == "notice"
    assert "s2" in line.text and "MTU" in line.text


def test_checksums_left_to_the_card_are_completed(net: Veths, switch: Switch) -> None:
    """With checksum offload on, the kernel's own TCP and UDP still get through."""
    for host in net.hosts:
        net.inside(net.host(host), "ethtool", "-K", "h0", "tx", "on")
        net.inside(net.host(host), "ip", "addr", "add", f"10.9.0.{host}/24", "dev", "h0")
    with inside(net.host(2)):
        server = socket.create_server(("10.9.0.2", 7000))
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind(("10.9.0.2", 7000))
    with inside(net.host(1)):
        client = socket.create_connection(("10.9.0.2", 7000), timeout=5)
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    accepted, _ = server.accept()
    datagrams.settimeout(5)
    for payload in (b"odd", b"even", bytes(1001)):
        client.sendall(payload)
        assert accepted.recv(2000) == payload
        sender.sendto(payload, ("10.9.0.2", 7000))
        assert datagrams.recv(2000) == payload
    assert switch.stats().ports[1].rx_no_checksum >= 6
    for end in (server, datagrams, client, sender, accepted):
        end.close()


def test_an_interface_that_goes_down_and_comes_back(net: Veths, switch: Switch) -> None:
    one, two = net.socket(1), net.socket(2)
    net.inside(net.switch, "ip", "link", "set", "s2", "down")
    wait(lambda: not switch.stats().ports[2].up)
    one.send(frame(1))
    wait(lambda: switch.stats().drops[Drop.PORT_DOWN] == 1)
    net.inside(net.switch, "ip", "link", "set", "s2", "up")
    wait(lambda: switch.stats().ports[2].up)
    one.send(frame(2))
    assert receive(two) == frame(2)


def test_an_interface_that_disappears_and_comes_back(net: Veths, switch: Switch) -> None:
    one = net.socket(1)
    net.disconnect(2)
    wait(lambda: not switch.stats().ports[2].up)
    one.send(frame(1))
    wait(lambda: switch.stats().drops[Drop.PORT_DOWN] == 1)
    net.connect(2)
    wait(lambda: switch.stats().ports[2].up)
    two = net.socket(2)
    one.send(frame(2))
    assert receive(two) == frame(2)
    two.send(frame(3))
    assert receive(one) == frame(3)


def test_the_cpu_port_as_an_interface() -> None:
    with Veths(3) as net, Switch() as switch:
        switch.commit(switch.load(build("scripted", SCRIPTED)))
        switch.set_clone_session(1, [(510, 0)])
        with inside(net.switch):
            switch.add_interface(1, "s1")
            switch.add_interface(2, "s2")
            switch.add_interface(510, "s3")
            switch.start()
        one, two, cpu = net.socket(1), net.socket(2), net.socket(3)
        one.send(script_frame(ingress=1, session=1, size=60))
        assert receive(cpu)[8] == 1
        assert receive(two)[8] == 0
        assert switch.next_packet_in() is None
        switch.packet_out(2, frame(5))
        assert receive(two) == frame(5)
        # What comes from the CPU enters ingress; the forwarder of the test answers to port 0, which is not there.
        cpu.send(script_frame(port=2, size=60))
        assert receive(two)[13] == 510 & 0xFF


def test_the_switch_does_not_see_its_own_frames(net: Veths, switch: Switch) -> None:
    one, two = net.socket(1), net.socket(2)
    one.send(frame(1))
    assert receive(two) == frame(1)
    assert silent(one)
    assert switch.stats().packets == 1


def test_a_swap_under_traffic_loses_nothing(net: Veths, switch: Switch) -> None:
    one, two = net.socket(1), net.socket(2)
    program = build("forwarder", FORWARDER)
    total = 0
    pipelines: list[Pipeline] = []
    for round_ in range(40):
        for i in range(50):
            one.send(frame(round_ * 50 + i))
        fresh = switch.load(program)
        switch.commit(fresh)
        pipelines.append(fresh)
        for i in range(50):
            one.send(frame(10_000 + i))
    numbers = [struct.unpack_from(">I", receive(two), 14)[0] for _ in range(40 * 100)]
    assert [n for n in numbers if n < 10_000] == list(range(40 * 50))
    wait(lambda: switch.stats().packets == 40 * 100)
    total = sum(pipeline.registers["seen"].read_cell(1) for pipeline in pipelines)
    assert total <= 40 * 100
    assert not any(switch.stats().drops.values())


def test_packets_wait_during_a_safe_point(net: Veths, switch: Switch) -> None:
    one, two = net.socket(1), net.socket(2)
    with switch.safe_point():
        for i in range(1000):
            one.send(frame(i))
        assert silent(two)
    assert [receive(two) for _ in range(1000)] == [frame(i) for i in range(1000)]
    assert switch.stats().ports[1].rx_ring_drops == 0


def test_controllers_at_work_lose_no_packet(net: Veths, switch: Switch) -> None:
    one, two = net.socket(1), net.socket(2)
    pipeline = switch.active
    assert pipeline is not None
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            pipeline.snapshot()
            switch.set_multicast_group(1, [(1, 0), (2, 0)])
            switch.stats()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for i in range(3000):
            one.send(frame(i))
        assert [receive(two) for _ in range(3000)] == [frame(i) for i in range(3000)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert pipeline.registers["seen"].read_cell(1) == 3000


def test_removed_and_added_again(net: Veths, switch: Switch) -> None:
    one, two = net.socket(1), net.socket(2)
    for i in range(5):
        switch.remove_port(1)
        one.send(frame(1))
        assert silent(two, 0.02)
        with inside(net.switch):
            switch.add_interface(1, "s1")
        one.send(frame(i))
        assert receive(two) == frame(i)


def test_interfaces_that_cannot_be_ports(net: Veths) -> None:
    net.inside(net.switch, "ip", "tuntap", "add", "tun0", "mode", "tun")
    with Switch() as switch, inside(net.switch):
        with pytest.raises(InterfaceNotFound, match="s9"):
            switch.add_interface(1, "s9")
        with pytest.raises(InterfaceError, match="Ethernet"):
            switch.add_interface(1, "tun0")
        switch.add_interface(1, "s1")
