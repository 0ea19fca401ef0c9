"""byte_counter: a cell is the sum of the lengths of its flow's frames.

h1 -- 1   s1   6 -- server          cell 0: UDP of h1 to the server; cells 1..6: the other frames, by port
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.switch.frames import SERVER, arp_request, tcp, udp
from tests.switch.harness import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench("byte_counter") as made:
        yield made


def test_counts_what_the_wire_carries(bench: Bench) -> None:
    frame = udp(1, SERVER, 5201, payload=bytes(1472))
    assert len(frame) == 1514
    for _ in range(10):
        assert bench.ports(1, frame) == [SERVER]
    assert bench.cell("byte_reg", 0) == 15140


def test_padding_is_counted(bench: Bench) -> None:
    bench.send(1, udp(1, SERVER, 5201, payload=b"x").ljust(60, b"\0"))
    assert bench.cell("byte_reg", 0) == 60


def test_other_traffic_has_other_cells(bench: Bench) -> None:
    bench.send(1, tcp(1, SERVER, 5201))
    bench.send(2, udp(2, SERVER, 5201))
    bench.send(3, arp_request(3, SERVER))
    sizes = [0, len(tcp(1, SERVER, 5201)), len(udp(2, SERVER, 5201)), len(arp_request(3, SERVER)), 0, 0, 0]
    assert bench.register("byte_reg")[:7] == sizes


def test_forwards_as_layer_2(bench: Bench) -> None:
    assert bench.ports(1, arp_request(1, SERVER)) == [2, 3, 4, 5, 6]
    assert bench.ports(SERVER, udp(SERVER, 1, 9)) == [1]


def test_a_cell_counts_past_32_bits(bench: Bench) -> None:
    bench.set_cell("byte_reg", 0, (1 << 40) - 1)
    frame = udp(1, SERVER, 5201)
    bench.send(1, frame)
    assert bench.cell("byte_reg", 0) == (1 << 40) - 1 + len(frame)


def test_an_entry_for_a_cell_that_does_not_exist_counts_nothing() -> None:
    entry = '[[entry]]\ntable = "flows"\naction = "count"\nparams = { index = 262144 }\npriority = 1\n'
    with Bench("byte_counter", entry) as bench:
        bench.send(1, udp(1, SERVER, 9))
        assert not any(bench.register("byte_reg"))


def test_the_cell_is_the_sum_of_the_frames(bench: Bench) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 1472)), max_size=30))
    def same(packets: list[tuple[int, int]]) -> None:
        bench.pipeline.reset_state()
        expected = [0] * 7
        for host, size in packets:
            frame = udp(host, SERVER if host != SERVER else 2, 5201, payload=bytes(size))
            bench.send(host, frame)
            expected[0 if host == 1 else host] += len(frame)
        assert bench.register("byte_reg")[:7] == expected

    same()
