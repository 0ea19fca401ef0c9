"""HULA: two ways from s1 to the top-of-rack switch 9, which has 10.0.9.0/24.

    h1 -- 1        2 -- spine A --\\
             s1                     ToR 9 -- 10.0.9.0/24
    h4 -- 4        3 -- spine B --/
                   5 -- (the way that layer 2 would take)
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from tests.switch.frames import mac, probe, udp, utilisation
from tests.switch.harness import Bench

A, B, L2 = 2, 3, 5
TOR = 9
MS = 1000
FLOWLET_TIMEOUT = 100 * MS
PATH_TIMEOUT = 1000 * MS
LINK_WINDOW = 1 << 17
SHIFT = 10  # a step of utilisation is 1024 bytes in a window

ENTRIES = f"""
[[multicast]]
group = 2
ports = [1, 2, 3, 4]

[[entry]]
table = "dmac"
match = {{ dst_mac = "00:00:00:00:00:09" }}
action = "forward"
params = {{ port = {L2} }}

[[entry]]
table = "dmac"
match = {{ dst_mac = "00:00:00:00:00:04" }}
action = "forward"
params = {{ port = 4 }}

[[entry]]
table = "balance"
match = {{ dst = "10.0.9.0/24" }}
action = "to_tor"
params = {{ id = {TOR} }}
priority = 1

[[entry]]
table = "balance"
match = {{ src = "10.0.0.4", dst = "10.0.9.0/24" }}
action = "l2_only"
priority = 2
""" + "".join(
    f"""
[[entry]]
table = "probes"
match = {{ port = {port} }}
action = "replicate"
params = {{ group = 2 }}

[[entry]]
table = "links"
match = {{ port = {port} }}
action = "measure"
params = {{ shift = {SHIFT} }}
"""
    for port in (1, A, B)
)


@pytest.fixture(params=["hula", "chained"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with Bench(request.param, ENTRIES) as made:
        yield made


def data(flow: int = 0, *, source: int = 1, size: int = 100) -> bytes:
    """A packet to a host behind ToR 9; each `flow` has its own source port."""
    addresses = Ether(src=mac(source), dst=mac(9)) / IP(src=f"10.0.0.{source}", dst="10.0.9.1")
    return bytes(addresses / UDP(sport=50000 + flow, dport=5000) / Raw(bytes(size - 42)))


def hop(bench: Bench, flow: int = 0) -> int:
    (port,) = bench.ports(1, data(flow))
    return port


def tell(bench: Bench, port: int, util: int, tor: int = TOR) -> int:
    """A probe arrives; returns the utilisation that it is sent on with, the same at all ports but the one of
    arrival."""
    out = bench.send(port, probe(port, tor, util))
    assert [number for number, _ in out] == [number for number in (1, 2, 3, 4) if number != port]
    (carried,) = {utilisation(frame) for _, frame in out}
    for _, frame in out:
        assert frame == probe(port, tor, carried)
    return carried


def entry(bench: Bench, tor: int = TOR) -> tuple[int, int, int]:
    """Best hop, its utilisation and the time of the entry."""
    return bench.cell("best_hop", tor), bench.cell("path_util", tor), bench.cell("path_time", tor)


def test_without_a_probe_data_takes_the_port_of_layer_2(bench: Bench) -> None:
    assert hop(bench) == L2


def test_the_first_probe_is_believed(bench: Bench) -> None:
    assert tell(bench, A, 200) == 200
    assert entry(bench) == (A, 200, bench.time_us)
    assert hop(bench) == A


def test_the_less_used_way_is_best(bench: Bench) -> None:
    tell(bench, A, 100)
    tell(bench, B, 50)
    assert entry(bench)[:2] == (B, 50)
    assert hop(bench) == B


def test_a_worse_way_changes_nothing_and_its_probe_carries_the_smallest(bench: Bench) -> None:
    tell(bench, B, 50)
    probed_us = bench.time_us
    bench.time_us += 10 * MS
    assert tell(bench, A, 100) == 50
    assert entry(bench) == (B, 50, probed_us)
    assert hop(bench) == B


def test_equal_is_not_better(bench: Bench) -> None:
    tell(bench, B, 50)
    tell(bench, A, 50)
    assert entry(bench)[0] == B


def test_worse_news_from_the_best_hop_is_believed(bench: Bench) -> None:
    tell(bench, B, 50)
    assert tell(bench, B, 180) == 180
    assert entry(bench)[:2] == (B, 180)
    tell(bench, A, 100)
    assert entry(bench)[:2] == (A, 100)
    assert hop(bench) == A


def test_an_old_entry_gives_way_to_a_worse_one(bench: Bench) -> None:
    tell(bench, B, 50)
    bench.time_us += PATH_TIMEOUT
    tell(bench, A, 100)
    assert entry(bench)[0] == B  # not yet older than the time-out
    bench.time_us += 1
    tell(bench, A, 100)
    assert entry(bench)[:2] == (A, 100)


def test_data_does_not_follow_an_old_entry(bench: Bench) -> None:
    tell(bench, B, 50)
    bench.time_us += PATH_TIMEOUT
    assert hop(bench, flow=1) == B
    bench.time_us += 1
    assert hop(bench, flow=2) == L2


def test_each_tor_has_an_entry_of_its_own(bench: Bench) -> None:
    tell(bench, A, 10, tor=127)
    assert entry(bench, 127)[:2] == (A, 10)
    assert entry(bench) == (0, 0, 0)
    assert hop(bench) == L2


def test_a_flowlet_stays_where_it_is_until_it_pauses(bench: Bench) -> None:
    tell(bench, A, 50)
    assert hop(bench) == A
    tell(bench, B, 10)
    for _ in range(5):  # each packet prolongs the flowlet
        bench.time_us += FLOWLET_TIMEOUT
        assert hop(bench) == A
    tell(bench, B, 10)
    bench.time_us += FLOWLET_TIMEOUT + 1
    assert hop(bench) == B


def test_a_new_flow_takes_the_best_hop_while_an_old_flowlet_stays(bench: Bench) -> None:
    tell(bench, A, 50)
    assert hop(bench, flow=0) == A
    tell(bench, B, 10)
    assert hop(bench, flow=1) == B
    assert hop(bench, flow=0) == A


def test_traffic_that_is_not_balanced_is_left_alone(bench: Bench) -> None:
    tell(bench, A, 10)
    assert bench.ports(4, data(source=4)) == [L2]
    assert bench.ports(1, udp(1, 4, 9)) == [4]
    assert not any(bench.register("flowlet_time"))


def test_probes_go_everywhere_but_back(bench: Bench) -> None:
    tell(bench, 1, 7, tor=1)
    tell(bench, A, 7)


def test_a_probe_without_a_group_or_of_an_unknown_tor_is_dropped(bench: Bench) -> None:
    assert bench.send(6, probe(6, TOR, 10)) == []
    before = {name: bench.register(name) for name in ("path_util", "best_hop", "path_time")}
    for tor in (128, 1 << 20, (1 << 24) - 1):
        assert bench.send(A, probe(A, tor, 10)) == []
    assert before == {name: bench.register(name) for name in before}


def test_a_probe_takes_the_load_of_the_link_into_account(bench: Bench) -> None:
    tell(bench, A, 0)
    for _ in range(50):
        assert bench.ports(1, data(size=1000)) == [A]
    assert bench.cell("link_load", A) == 50_000
    assert tell(bench, A, 10) == 50_000 >> SHIFT
    assert tell(bench, A, 200) == 200  # the larger of path and link
    assert tell(bench, B, 30) == 30


def test_a_full_link_is_255(bench: Bench) -> None:
    bench.set_cell("link_load", A, 1 << 30)
    bench.set_cell("link_time", A, bench.time_us)
    assert tell(bench, A, 0) == 255


def test_one_step_too_many_is_255_too(bench: Bench) -> None:
    bench.set_cell("link_load", A, 256 << SHIFT)
    bench.set_cell("link_time", A, bench.time_us)
    assert tell(bench, A, 0) == 255


def test_the_load_of_a_link_leaks_away(bench: Bench) -> None:
    tell(bench, A, 0)
    for _ in range(100):
        bench.send(1, data(size=1024))
    bench.time_us += LINK_WINDOW // 4
    assert tell(bench, A, 0) == 75
    bench.send(1, data(size=1024))
    assert bench.cell("link_load", A) == 77 * 1024 - 1024
    bench.time_us += LINK_WINDOW
    assert tell(bench, A, 0) == 0


def test_a_steady_rate_shows_its_bytes_per_window(bench: Bench) -> None:
    tell(bench, A, 0)
    interval = 512  # microseconds: 256 frames of 1000 bytes in a window
    for count in range(2000):
        bench.time_us += interval
        if count % 100 == 0:
            tell(bench, A, 0)
        bench.send(1, data(size=1000))
    assert abs(bench.cell("link_load", A) - 256_000) < 2_000


def test_a_busy_best_way_loses_to_the_idle_one(bench: Bench) -> None:
    tell(bench, A, 0)
    tell(bench, B, 5)
    for _ in range(50):
        assert hop(bench) == A
    tell(bench, A, 0)  # 5000 bytes are on the way: 4 steps
    assert entry(bench)[:2] == (A, 4)
    for _ in range(50):
        hop(bench)
    tell(bench, A, 0)
    assert entry(bench)[:2] == (A, 9)
    tell(bench, B, 5)
    assert entry(bench)[:2] == (B, 5)
    assert hop(bench, flow=3) == B


def test_links_without_an_entry_and_floods_are_not_measured(bench: Bench) -> None:
    bench.send(1, data())  # to L2's port 5
    bench.send(1, bytes(Ether(src=mac(1), dst="ff:ff:ff:ff:ff:ff")) + bytes(46))
    assert not any(bench.register("link_load"))


def test_a_flood_is_not_taken_for_traffic_to_port_0() -> None:
    entry_of_port_0 = (
        '\n[[entry]]\ntable = "links"\nmatch = { port = 0 }\naction = "measure"\nparams = { shift = 10 }\n'
    )
    with Bench("hula", ENTRIES + entry_of_port_0) as bench:
        bench.send(1, bytes(Ether(src=mac(1), dst="ff:ff:ff:ff:ff:ff")) + bytes(46))
        assert bench.cell("link_load", 0) == 0


def test_balanced_data_is_sent_once_though_layer_2_would_flood_it() -> None:
    flood = "[[multicast]]\ngroup = 1\nports = [1, 2, 3, 4, 5]\n"
    with Bench("hula", ENTRIES + flood) as bench:
        to_nobody = data().replace(bytes.fromhex("000000000009"), bytes.fromhex("020000000099"), 1)
        assert bench.ports(1, to_nobody) == [2, 3, 4, 5]
        tell(bench, A, 10)
        assert bench.ports(1, to_nobody) == [A]


def test_empty_entries_are_not_fresh_right_after_the_start(bench: Bench) -> None:
    bench.time_us = 1 * MS
    assert hop(bench) == L2
    tell(bench, B, 200)
    assert entry(bench)[:2] == (B, 200)
    assert hop(bench) == B
