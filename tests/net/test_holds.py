"""Packets that a client holds wait in the rings of real interfaces, and a hold ends before a ring is full.

[host 1] h0 ---- s1 [switch: 1 <-> 2] s2 ---- h0 [host 2]
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from softswitch.dataplane.switch import Switch
from softswitch.errors import InterfaceError
from softswitch.proto import bulk_pb2
from tests.net.test_ports import frame
from tests.net.veths import Veths, inside, receive, silent, wait
from tests.switch.controller import Config, Controller, Running, compile_program
from tests.switch.handmade import build
from tests.switch.runtime.test_switch import FORWARDER

pytestmark = pytest.mark.usefixtures("io_threads")

RING = 512
PASSER = """
#include <core.p4>
#include <v1model.p4>
struct empty {}
parser P(packet_in b, out empty h, inout empty m, inout standard_metadata_t s) { state start { transition accept; } }
control V(inout empty h, inout empty m) { apply {} }
control I(inout empty h, inout empty m, inout standard_metadata_t s) {
    apply { s.egress_spec = s.ingress_port == 1 ? 9w2 : 9w1; }
}
control E(inout empty h, inout empty m, inout standard_metadata_t s) { apply {} }
control D(packet_out b, in empty h) { apply {} }
V1Switch(P(), V(), I(), E(), V(), D()) main;
"""


@pytest.fixture
def net() -> Iterator[Veths]:
    with Veths() as veths:
        yield veths


@contextmanager
def forwarding(net: Veths, ring_frames: int | None = RING) -> Iterator[Switch]:
    with Switch() as switch, inside(net.switch):
        switch.commit(switch.load(build("forwarder", FORWARDER)))
        for host in net.hosts:
            switch.add_interface(host, f"s{host}", ring_frames)
        switch.start()
        yield switch


def test_frames_wait_in_a_hold_and_those_beyond_the_ring_are_counted(net: Veths) -> None:
    one, two = net.socket(1), net.socket(2)
    with forwarding(net) as switch:
        one.send(frame(0))
        assert receive(two) == frame(0)
        with switch.hold():
            for number in range(1, RING + 101):
                one.send(frame(number))
            assert switch.nearly_full() == 1
            assert silent(two)
        assert [receive(two) for _ in range(RING)] == [frame(number) for number in range(1, RING + 1)]
        stats = switch.stats()
        assert (stats.hold_drops, stats.ports[1].rx_ring_drops) == (100, 100)
        one.send(frame(7))
        assert receive(two) == frame(7)


def test_a_ring_is_nearly_full_at_three_quarters(net: Veths) -> None:
    one = net.socket(1)
    with forwarding(net) as switch, switch.hold():
        for number in range(RING * 3 // 4):
            assert switch.nearly_full() is None
            one.send(frame(number))
        one.send(frame(RING))
        wait(lambda: switch.nearly_full() == 1)


def test_long_frames_do_not_make_a_ring_shorter(net: Veths) -> None:
    """As many frames of 9,000 bytes can wait as of 60: 4,096."""
    for host in net.hosts:
        net.inside(net.switch, "ip", "link", "set", f"s{host}", "mtu", "9000")
        net.inside(net.host(host), "ip", "link", "set", "h0", "mtu", "9000")
    one, two = net.socket(1), net.socket(2)
    with forwarding(net, None) as switch:
        with switch.hold():
            for number in range(4096):
                one.send(frame(number, 9000 if number % 16 == 0 else 60))
        for number in range(4096):
            assert receive(two)[14:18] == number.to_bytes(4, "big")
        assert switch.stats().hold_drops == 0


def test_the_longest_frames_take_no_more_memory_by_default(net: Veths) -> None:
    """An MTU of 65,535: 512 frames of 128 KiB each."""
    for host in net.hosts:
        net.inside(net.switch, "ip", "link", "set", f"s{host}", "mtu", "65535")
        net.inside(net.host(host), "ip", "link", "set", "h0", "mtu", "65535")
    one = net.socket(1)
    with forwarding(net, None) as switch:
        with switch.hold():
            for number in range(600):
                one.send(frame(number))
        assert switch.stats().hold_drops == 600 - 512


@pytest.mark.parametrize("frames", [1, 63, 1 << 21])
def test_a_ring_of_an_impossible_size_is_refused(net: Veths, frames: int) -> None:
    with Switch() as switch, inside(net.switch), pytest.raises(InterfaceError, match="from 64 to 1048576 frames"):
        switch.add_interface(1, "s1", frames)


class HeldStream:
    """A client that holds packets; `next` sends a request and returns the answer."""

    def __init__(self, controller: Controller) -> None:
        self._requests: queue.SimpleQueue[bulk_pb2.HoldRequest | None] = queue.SimpleQueue()
        self._answers: Any = controller.bulk.Hold(iter(self._requests.get, None))
        self.next(bulk_pb2.HoldRequest(device_id=1, fence=controller.fence(saved=True)))

    def next(self, request: bulk_pb2.HoldRequest) -> bulk_pb2.HoldResponse:
        self._requests.put(request)
        return self.answer()

    def answer(self) -> bulk_pb2.HoldResponse:
        answer: bulk_pb2.HoldResponse = next(self._answers)
        return answer


@pytest.fixture
def running(net: Veths, tmp_path: Any) -> Iterator[Running]:
    program = tmp_path / "passer.p4"
    program.write_text(PASSER)
    with Running(program) as running, inside(net.switch):
        for host in net.hosts:
            running.switch.remove_port(host)
            running.switch.add_interface(host, f"s{host}", RING)
        running.switch.start()
        yield running


@pytest.fixture
def controller(running: Running, tmp_path: Any) -> Iterator[Controller]:
    """A primary that has saved a program."""
    program = tmp_path / "passer.p4"
    with running.controller() as made:
        made.set_config(Config.VERIFY_AND_SAVE, compile_program(program), program.read_bytes())
        yield made


def test_a_hold_ends_before_a_ring_is_full_and_says_so(net: Veths, running: Running, controller: Controller) -> None:
    one, two = net.socket(1), net.socket(2)
    stream = HeldStream(controller)
    stream.next(bulk_pb2.HoldRequest(max_hold_us=1_000_000))
    sent = [frame(number) for number in range(RING - 64)]
    for data in sent:
        one.send(data)
    with pytest.raises(grpc.RpcError) as refused:
        stream.answer()
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "the ring of port 1 was three quarters full; nothing was committed" in refused.value.details()
    assert [receive(two) for _ in sent] == sent
    assert running.switch.stats().hold_drops == 0


def test_a_hold_ends_in_time_and_says_so(net: Veths, controller: Controller) -> None:
    one, two = net.socket(1), net.socket(2)
    stream = HeldStream(controller)
    stream.next(bulk_pb2.HoldRequest(max_hold_us=50_000))
    one.send(frame(1))
    with pytest.raises(grpc.RpcError) as refused:
        stream.answer()
    assert refused.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert "the limit is 50 ms; nothing was committed" in refused.value.details()
    assert receive(two) == frame(1)
    HeldStream(controller).next(bulk_pb2.HoldRequest(commit=True))
    one.send(frame(2))
    assert receive(two) == frame(2)
