"""What chained_v2 has more than chained: an access list in front, and the bytes of each flow.

h1 -- 1   s1   6 -- server
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.switch.frames import SERVER, arp_request, tcp, udp
from tests.switch.harness import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench("chained_v2") as made:
        yield made


def test_the_access_list_denies_telnet(bench: Bench) -> None:
    assert bench.ports(2, tcp(2, SERVER, 23)) == []
    assert bench.ports(2, tcp(2, SERVER, 22)) == [SERVER]
    assert bench.ports(2, udp(2, SERVER, 23)) == [SERVER]


def test_nobody_else_may_be_the_server(bench: Bench) -> None:
    assert bench.ports(2, udp(SERVER, 3, 9)) == []
    assert bench.ports(SERVER, udp(SERVER, 3, 9)) == [3]


def test_a_denied_packet_is_no_knock(bench: Bench) -> None:
    bench.send(2, tcp(2, SERVER, 10000))
    bench.send(2, tcp(2, SERVER, 23))  # would be a wrong knock
    assert bench.cell("pk_reg", 2) == 1


def test_each_flow_has_its_bytes(bench: Bench) -> None:
    first, second = udp(2, SERVER, 9, payload=bytes(500)), tcp(3, 4, 80)
    for _ in range(3):
        bench.send(2, first)
    bench.send(3, second)
    assert sorted(cell for cell in bench.register("flow_bytes") if cell) == [len(second), 3 * len(first)]


def test_dropped_and_other_frames_are_not_counted(bench: Bench) -> None:
    bench.send(2, udp(2, SERVER, 5000))  # protected
    bench.send(2, tcp(2, SERVER, 23))  # denied
    bench.send(2, arp_request(2, SERVER))
    assert not any(bench.register("flow_bytes"))
