"""What chained_counting has more than chained: the bytes of each host's frames to the server that passed the firewall.

h1 (allowed) -- 1   s1   6 -- server          cell N: the bytes of hN
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.switch.frames import SERVER, arp_request, probe, tcp, udp
from tests.switch.harness import Bench

CELLS = 7
SEQUENCE = (10000, 20000, 30000)


@pytest.fixture(params=["chained_counting", "chained_counting_v2"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with Bench(request.param) as made:
        yield made


def test_a_cell_is_the_sum_of_the_frames_that_reached_the_server(bench: Bench) -> None:
    sent = dict.fromkeys(range(1, 6), 0)
    for host in sent:
        for payload in (1, 500, 1472):
            frame = udp(host, SERVER, 9, payload=bytes(payload))
            assert bench.ports(host, frame) == [SERVER]
            sent[host] += len(frame)
    assert bench.register("counted_bytes")[:CELLS] == [0, *sent.values(), 0]


def test_what_the_firewall_drops_is_not_counted(bench: Bench) -> None:
    guarded = udp(2, SERVER, 5000)
    assert bench.ports(2, guarded) == []
    for port in SEQUENCE:
        assert bench.ports(2, tcp(2, SERVER, port)) == []
    assert bench.cell("counted_bytes", 2) == 0
    assert bench.ports(2, guarded) == [SERVER]
    assert bench.cell("counted_bytes", 2) == len(guarded)


def test_a_packet_that_leaves_by_another_port_is_not_counted(bench: Bench) -> None:
    """As if the hop of a flowlet were lost, but not the time of its last packet."""
    frame = udp(2, SERVER, 9)
    bench.send(SERVER, probe(SERVER, 6, 0))
    assert bench.ports(2, frame) == [SERVER]
    before = bench.cell("counted_bytes", 2)
    for cell in range(1024):
        bench.set_cell("flowlet_hop", cell, 3)
    assert bench.ports(2, frame) == [3]
    assert bench.cell("counted_bytes", 2) == before
    assert bench.ports(1, udp(1, SERVER, 9)) == [SERVER]  # h1 is not balanced


def test_answers_and_other_frames_are_not_counted(bench: Bench) -> None:
    bench.send(SERVER, udp(SERVER, 2, 9))
    bench.send(2, arp_request(2, SERVER))
    bench.send(2, udp(2, 3, 9))
    assert not any(bench.register("counted_bytes"))


def test_the_access_list_is_new() -> None:
    with Bench("chained_counting") as old, Bench("chained_counting_v2") as new:
        assert old.ports(2, tcp(2, SERVER, 23)) == [SERVER]
        assert new.ports(2, tcp(2, SERVER, 23)) == []
