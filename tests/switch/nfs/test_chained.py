"""The chained program: the firewall decides first, then layer 2 chooses a port, then HULA may choose a better one.

    h1 (allowed) -- 1 \\
    h2 ............. 2   s1   6 -- server, ToR 6: probes
    h5 ............. 5 /
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.switch.frames import SERVER, arp_request, ping, probe, tcp, udp, utilisation
from tests.switch.harness import Bench

SEQUENCE = (10000, 20000, 30000)
HULA_REGISTERS = ("link_load", "link_time", "path_util", "best_hop", "path_time", "flowlet_hop", "flowlet_time")


@pytest.fixture(params=["chained", "chained_v2"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with Bench(request.param) as made:
        yield made


def test_the_scene_of_figure_3(bench: Bench) -> None:
    """Four flows of a packet per second to UDP 5000: one allowed, two that knock at 8 s, one that knocks at 19 s."""
    received = dict.fromkeys((1, 2, 3, 4), 0)
    for second in range(30):
        for tenth in range(10):
            bench.time_us += 100_000
            bench.send(SERVER, probe(SERVER, 6, 0))
            if tenth != 5:
                continue
            for host in received:
                if (second, host) in ((8, 2), (8, 3), (19, 4)):
                    for port in SEQUENCE:
                        assert bench.ports(host, tcp(host, SERVER, port)) == []
                received[host] += bench.ports(host, udp(host, SERVER, 5000)) == [SERVER]
    assert received == {1: 30, 2: 22, 3: 22, 4: 11}


def test_data_to_the_server_takes_its_best_hop_while_it_is_fresh(bench: Bench) -> None:
    bench.send(3, probe(3, 6, 20))  # as if h3's port led to the server's ToR
    assert bench.ports(2, udp(2, SERVER, 9)) == [3]
    bench.time_us += 1_000_001
    assert bench.ports(2, udp(2, SERVER, 9)) == [SERVER]


def test_only_the_server_is_balanced(bench: Bench) -> None:
    bench.send(3, probe(3, 1, 20))
    assert bench.ports(2, udp(2, 1, 9)) == [1]
    assert bench.ports(SERVER, udp(SERVER, 1, 9)) == [1]


def test_what_the_firewall_drops_never_reaches_hula(bench: Bench) -> None:
    bench.send(SERVER, probe(SERVER, 6, 0))
    before = {name: bench.register(name) for name in HULA_REGISTERS}
    assert bench.ports(2, udp(2, SERVER, 5000)) == []
    assert bench.ports(2, tcp(2, SERVER, 10000)) == []
    assert before == {name: bench.register(name) for name in HULA_REGISTERS}


def test_the_allowed_flow_writes_no_stage_but_hulas_registers(bench: Bench) -> None:
    bench.send(SERVER, probe(SERVER, 6, 0))
    assert bench.ports(1, udp(1, SERVER, 5000)) == [SERVER]
    assert not any(bench.register("pk_reg"))
    assert bench.cell("link_load", SERVER) == len(udp(1, SERVER, 5000))
    assert [time for time in bench.register("flowlet_time") if time] == [bench.time_us]
    assert [hop for hop in bench.register("flowlet_hop") if hop] == [SERVER]


def test_probes_reach_all_other_ports_and_no_table_of_layer_2(bench: Bench) -> None:
    out = bench.send(SERVER, probe(SERVER, 6, 40))
    assert [port for port, _ in out] == [1, 2, 3, 4, 5]
    assert {utilisation(frame) for _, frame in out} == {40}
    assert bench.switch.next_digest(timeout=0) is None


def test_ordinary_traffic_passes(bench: Bench) -> None:
    for frame in (tcp(2, SERVER, 5201), tcp(2, SERVER, 5201, "PA", payload=bytes(1400)), udp(2, SERVER, 5201)):
        assert bench.ports(2, frame) == [SERVER]
    assert bench.ports(2, ping(2, 4)) == [4]
    assert bench.ports(2, arp_request(2, SERVER)) == [1, 3, 4, 5, 6]
