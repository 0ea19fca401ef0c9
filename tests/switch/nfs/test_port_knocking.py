"""The port-knocking firewall: UDP 5000 and TCP 5001 of the server open after SYNs to 10000, 20000 and 30000.

    h1 (allowed by an entry) -- 1 \\
    h2 ..................... -- 2   s1   6 -- server
    h5 ..................... -- 5 /
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP
from scapy.packet import Raw

from tests.switch.frames import SERVER, arp_request, ethernet, ip, ping, tcp, udp
from tests.switch.harness import Bench

SEQUENCE = (10000, 20000, 30000)
SERVICE = 5000
OPEN = 3


@pytest.fixture(params=["port_knocking", "chained", "chained_v2"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with Bench(request.param) as made:
        yield made


def knock(bench: Bench, host: int, *ports: int) -> None:
    """SYNs of a host, none of which may be forwarded."""
    for port in ports:
        assert bench.ports(host, tcp(host, SERVER, port)) == []


def is_open(bench: Bench, host: int) -> bool:
    return bench.ports(host, udp(host, SERVER, SERVICE)) == [SERVER]


def stage(bench: Bench, host: int) -> int:
    return bench.cell("pk_reg", host)


def test_closed_until_the_last_knock(bench: Bench) -> None:
    for made, port in enumerate(SEQUENCE):
        assert not is_open(bench, 2)
        assert stage(bench, 2) == made
        knock(bench, 2, port)
    assert is_open(bench, 2)
    assert stage(bench, 2) == OPEN


def test_open_for_udp_and_tcp_services(bench: Bench) -> None:
    assert bench.ports(2, tcp(2, SERVER, 5001)) == []
    assert bench.ports(2, tcp(2, SERVER, 5001, "A")) == []
    knock(bench, 2, *SEQUENCE)
    assert bench.ports(2, tcp(2, SERVER, 5001)) == [SERVER]
    assert bench.ports(2, tcp(2, SERVER, 5001, "PA", payload=b"hello")) == [SERVER]
    assert is_open(bench, 2)


def test_each_source_has_its_own_stage(bench: Bench) -> None:
    knock(bench, 2, 10000, 20000)
    knock(bench, 3, 10000)
    knock(bench, 2, 30000)
    assert [stage(bench, host) for host in (2, 3, 4)] == [OPEN, 1, 0]
    assert is_open(bench, 2)
    assert not is_open(bench, 3)


@pytest.mark.parametrize(
    ("knocks", "then"),
    [
        ((20000,), 0),
        ((10000, 30000), 0),
        ((10000, 20000, 20000), 0),
        ((10000, 20000, 5001), 0),  # a protected service is no part of the sequence
        ((10000, 20000, 10000), 1),  # the first port begins again
        ((10000, 10000), 1),
        ((10000, 30000, 20000, 30000), 0),
        ((10000, 30000, 10000, 20000, 30000), OPEN),
        ((10000, 10000, 20000, 30000), OPEN),
    ],
)
def test_a_wrong_knock_sets_back(bench: Bench, knocks: tuple[int, ...], then: int) -> None:
    knock(bench, 4, *knocks)
    assert stage(bench, 4) == then
    assert is_open(bench, 4) == (then == OPEN)


def test_a_port_scan_opens_nothing(bench: Bench) -> None:
    for port in (9999, 10000, 10001, 19999, 20000, 20001, 29999, 30000, 30001):
        bench.send(5, tcp(5, SERVER, port))
    assert stage(bench, 5) == 0


def test_open_stays_open(bench: Bench) -> None:
    knock(bench, 2, *SEQUENCE, 30000, 20000, 10000)
    bench.send(2, tcp(2, SERVER, 80))
    assert stage(bench, 2) == OPEN
    assert is_open(bench, 2)


@pytest.mark.parametrize("flags", ["A", "SA", "R", "F", "PA"])
def test_only_a_syn_is_a_knock(bench: Bench, flags: str) -> None:
    knock(bench, 2, 10000)
    assert bench.ports(2, tcp(2, SERVER, 20000, flags)) == []
    assert stage(bench, 2) == 1


def test_udp_to_a_port_of_the_sequence_is_no_knock(bench: Bench) -> None:
    assert bench.ports(2, udp(2, SERVER, 10000)) == [SERVER]
    assert stage(bench, 2) == 0


def test_a_knock_at_another_host_is_ordinary_traffic(bench: Bench) -> None:
    assert bench.ports(2, tcp(2, 3, 10000)) == [3]
    assert stage(bench, 2) == 0


def test_everything_that_is_not_protected_passes(bench: Bench) -> None:
    for frame in (tcp(2, SERVER, 5201), tcp(2, SERVER, 5201, "A"), udp(2, SERVER, 5201), ping(2, SERVER)):
        assert bench.ports(2, frame) == [SERVER]
    assert bench.ports(2, arp_request(2, SERVER)) == [1, 3, 4, 5, 6]
    assert bench.ports(SERVER, udp(SERVER, 2, 40000, source_port=SERVICE)) == [2]
    assert stage(bench, 2) == 0


def test_the_allowed_source_passes_and_leaves_no_state(bench: Bench) -> None:
    assert is_open(bench, 1)
    assert bench.ports(1, tcp(1, SERVER, 10000)) == [SERVER]
    assert bench.ports(1, tcp(1, SERVER, 5001)) == [SERVER]
    assert not any(bench.register("pk_reg"))


def test_data_never_writes_the_stage(bench: Bench) -> None:
    bench.set_cell("pk_reg", 2, 2)
    bench.send(2, udp(2, SERVER, SERVICE))
    bench.send(2, tcp(2, SERVER, 5201, "A"))
    bench.send(2, ping(2, SERVER))
    assert stage(bench, 2) == 2


def test_a_source_out_of_the_range_never_opens(bench: Bench) -> None:
    def frame(source: str, port: int) -> bytes:
        return bytes(ethernet(2, SERVER) / IP(src=source, dst=ip(SERVER)) / TCP(dport=port, flags="S"))

    # The last source with a cell is 10.0.0.0 + 460,797 = 10.7.7.253.
    for source, opens in (
        ("10.7.7.253", True),
        ("10.7.7.254", False),
        ("9.255.255.255", False),
        ("192.168.0.1", False),
    ):
        for port in SEQUENCE:
            assert bench.ports(2, frame(source, port)) == []
        assert bench.ports(2, frame(source, 5001)) == ([SERVER] if opens else [])
    assert bench.cell("pk_reg", 460797) == OPEN
    assert sum(bench.register("pk_reg")) == OPEN


def test_packets_whose_ports_are_hidden_count_as_protected(bench: Bench) -> None:
    fragment = bytes(ethernet(2, SERVER) / IP(src=ip(2), dst=ip(SERVER), frag=100, proto=17) / Raw(bytes(40)))
    with_options = bytes(
        ethernet(2, SERVER) / IP(src=ip(2), dst=ip(SERVER), options=[IPOption_NOP()] * 4) / UDP(dport=SERVICE)
    )
    for frame in (fragment, with_options):
        assert bench.ports(2, frame) == []
    to_a_host = bytes(ethernet(2, 3) / IP(src=ip(2), dst=ip(3), frag=100, proto=17) / Raw(bytes(40)))
    assert bench.ports(2, to_a_host) == [3]
    knock(bench, 2, *SEQUENCE)
    for frame in (fragment, with_options):
        assert bench.ports(2, frame) == [SERVER]


def test_a_damaged_header_is_dropped_and_no_knock(bench: Bench) -> None:
    broken = bytearray(tcp(2, SERVER, 10000))
    broken[24] ^= 0xFF  # the checksum of the IPv4 header
    assert bench.ports(2, bytes(broken)) == []
    assert stage(bench, 2) == 0
