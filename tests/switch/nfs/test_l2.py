"""Layer 2 forwarding.

    h1 -- 1 \\
    h2 -- 2  \\
    h3 -- 3   s1   6 -- server
    h4 -- 4  /
    h5 -- 5 /
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scapy.layers.l2 import Ether

from tests.switch.frames import SERVER, arp_reply, arp_request, ethernet, mac, ping, tcp, udp
from tests.switch.harness import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench("l2") as made:
        yield made


def test_a_known_destination_gets_the_frame_and_nobody_else(bench: Bench) -> None:
    for frame in (tcp(1, SERVER, 80), udp(1, SERVER, 53), ping(1, SERVER), arp_reply(1, SERVER)):
        assert bench.send(1, frame) == [(SERVER, frame)]


def test_the_way_back(bench: Bench) -> None:
    assert bench.ports(SERVER, udp(SERVER, 3, 40000)) == [3]


def test_a_broadcast_goes_everywhere_but_back(bench: Bench) -> None:
    assert bench.ports(2, arp_request(2, SERVER)) == [1, 3, 4, 5, 6]


def test_an_unknown_destination_is_flooded(bench: Bench) -> None:
    assert bench.ports(4, bytes(ethernet(4, "02:00:00:00:00:99")) + b"?" * 46) == [1, 2, 3, 5, 6]


def test_nothing_is_reflected_to_where_it_came_from(bench: Bench) -> None:
    assert bench.ports(3, udp(1, 3, 9)) == []


def test_other_protocols_and_short_frames_pass_unchanged(bench: Bench) -> None:
    ipv6 = bytes(Ether(src=mac(1), dst=mac(2), type=0x86DD)) + bytes(range(60))
    assert bench.ports(1, ipv6) == [2]
    only_ethernet = bytes(Ether(src=mac(1), dst=mac(2), type=0x0801))
    assert bench.ports(1, only_ethernet) == [2]
    cut_in_the_ip_header = udp(1, 2, 9)[:20]
    assert bench.ports(1, cut_in_the_ip_header) == [2]


def test_a_large_frame_keeps_its_payload(bench: Bench) -> None:
    assert bench.ports(1, udp(1, 2, 9, payload=bytes(i % 251 for i in range(1472)))) == [2]


def test_unknown_senders_are_reported_once_each_frame_and_known_ones_never(bench: Bench) -> None:
    bench.send(1, udp(1, 2, 9))
    assert bench.switch.next_digest(timeout=0) is None
    bench.send(5, bytes(Ether(src="02:00:00:00:00:77", dst=mac(2))) + bytes(46))
    message = bench.switch.next_digest(timeout=0)
    assert message is not None
    assert message.fields == (0x020000000077, 5)
    assert bench.switch.next_digest(timeout=0) is None


def test_a_known_sender_at_another_port_is_learnt_again(bench: Bench) -> None:
    bench.send(4, udp(1, 2, 9))
    message = bench.switch.next_digest(timeout=0)
    assert message is not None
    assert message.fields == (1, 4)
