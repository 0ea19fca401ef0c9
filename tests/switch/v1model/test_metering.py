"""Counters and meters, indirect and direct, on a clock that moves by hand.

Meters are the two-rate three-colour markers of RFC 2698, colour-blind: 0 green, 1 yellow, 2 red.
"""

from __future__ import annotations

import pytest

from softswitch.dataplane.entries import CounterValue, DefaultEntry, Entry, Exact, MeterConfig
from tests.switch.scene import Scene, scene

GREEN, YELLOW, RED = "00", "01", "02"
SECOND = 1_000_000


def padded(start: str, length: int) -> bytes:
    """A frame of `length` bytes."""
    return bytes.fromhex(start).ljust(length, b"\0")


# ---- counters ----


@pytest.mark.parametrize("kind", ["packets", "bytes", "packets_and_bytes"])
def test_an_indirect_counter_counts_packets_and_their_bytes(kind: str) -> None:
    with scene(
        locals=f"counter<bit<8>>(4, CounterType.{kind}) seen;",
        ingress="seen.count(hdr.h.a);",
    ) as s:
        seen = s.pipeline.counters["TestIngress.seen"]
        for length in (4, 60, 1500):
            s.out(padded("02", length))
        s.out(padded("03", 9))
        packets, octets = seen.read()[:, 0].tolist(), seen.read()[:, 1].tolist()
        if kind != "bytes":
            assert packets == [0, 0, 3, 1]
        if kind != "packets":
            assert octets == [0, 0, 1564, 9]


@pytest.mark.parametrize("index", ["04", "ff"])
def test_counting_out_of_range_counts_nothing(index: str) -> None:
    with scene(
        locals="counter<bit<8>>(4, CounterType.packets) seen;",
        ingress="seen.count(hdr.h.a);",
    ) as s:
        assert s.out(f"{index}000000") == f"{index}000000"
        assert s.pipeline.counters["TestIngress.seen"].read()[:, 0].tolist() == [0, 0, 0, 0]


def test_a_counter_can_be_counted_twice_and_in_both_pipelines() -> None:
    with scene(
        declarations="counter<bit<32>>(2, CounterType.packets_and_bytes) all;",
        ingress="all.count(0); all.count(0); hdr.h.setInvalid();",
        egress="all.count(1);",
    ) as s:
        s.out(padded("00", 10))
        # bytes are those of the packet as it came in, also in egress
        assert s.pipeline.counters["all"].read().tolist() == [[2, 20], [1, 10]]


def test_a_direct_counter_counts_matches_whether_or_not_the_action_counts() -> None:
    """Misses count for the default entry, which P4Runtime can also read."""
    with scene(
        locals="""
        direct_counter(CounterType.packets_and_bytes) hits;
        action twice() { hits.count(); hits.count(); }
        action silent() { }
        table t { key = { hdr.h.a: exact; } actions = { twice; silent; } default_action = silent();
                  counters = hits; }
        """,
        ingress="t.apply();",
    ) as s:
        table = s.pipeline.tables["TestIngress.t"]
        one, two = Entry((Exact(1),), "TestIngress.twice"), Entry((Exact(2),), "TestIngress.silent")
        table.insert_many([one, two])
        for start, length in (("01", 10), ("01", 20), ("02", 40), ("03", 80)):
            s.out(padded(start, length))
        assert table.direct_counter(one) == CounterValue(2, 30)
        assert table.direct_counter(two) == CounterValue(1, 40)
        assert table.default() == DefaultEntry("TestIngress.silent")
        assert table.default_counter() == CounterValue(1, 80)
        table.delete(one)
        table.insert(one)
        assert table.direct_counter(one) == CounterValue(0, 0)  # a new entry counts from 0


def test_modifying_an_entry_keeps_its_counter() -> None:
    with scene(
        locals="""
        direct_counter(CounterType.packets) hits;
        action set(bit<8> d) { hdr.h.d = d; }
        table t { key = { hdr.h.a: exact; } actions = { set; NoAction; } default_action = NoAction();
                  counters = hits; }
        """,
        ingress="t.apply();",
    ) as s:
        table = s.pipeline.tables["TestIngress.t"]
        table.insert(Entry((Exact(1),), "TestIngress.set", (7,)))
        assert s.out("01000000") == "01000007"
        changed = Entry((Exact(1),), "TestIngress.set", (8,))
        table.modify(changed)
        assert s.out("01000000") == "01000008"
        assert table.direct_counter(changed).packets == 2


# ---- meters ----


def metered(s: Scene, length: int = 4, start: str = "01") -> str:
    """The colour of one packet of `length` bytes."""
    return s.out(padded(start, length))[6:8]


def indirect(kind: str) -> dict[str, str]:
    return {
        "locals": f"meter<bit<8>>(3, MeterType.{kind}) rate;",
        "ingress": "rate.execute_meter(hdr.h.a, hdr.h.d);",
    }


def test_a_meter_without_a_configuration_is_green() -> None:
    with scene(**indirect("packets")) as s:
        assert [metered(s) for _ in range(5)] == [GREEN] * 5


def test_packets_turn_yellow_and_red_as_their_buckets_empty_and_recover() -> None:
    with scene(**indirect("packets")) as s:
        s.switch.set_time(10 * SECOND)
        s.pipeline.meters["TestIngress.rate"].configure(1, cir=1, cburst=2, pir=2, pburst=4)
        # committed 2, peak 4
        assert [metered(s) for _ in range(6)] == [GREEN, GREEN, YELLOW, YELLOW, RED, RED]
        s.switch.set_time(11 * SECOND)  # committed 1, peak 2; red packets cost nothing
        assert [metered(s) for _ in range(3)] == [GREEN, YELLOW, RED]
        s.switch.set_time(11 * SECOND + SECOND // 2)  # committed 0.5, peak 1
        assert [metered(s) for _ in range(2)] == [YELLOW, RED]
        s.switch.set_time(100 * SECOND)  # both full, not more
        assert [metered(s) for _ in range(5)] == [GREEN, GREEN, YELLOW, YELLOW, RED]


def test_bytes_are_those_of_the_packet_as_it_came_in() -> None:
    with scene(**indirect("bytes")) as s:
        s.pipeline.meters["TestIngress.rate"].configure(1, cir=100, cburst=100, pir=200, pburst=160)
        assert metered(s, 60) == GREEN  # committed 40, peak 100
        assert metered(s, 60) == YELLOW  # committed 40, peak 40
        assert metered(s, 60) == RED
        assert metered(s, 40) == GREEN  # both 0
        assert metered(s, 5) == RED
        s.switch.set_time(SECOND + SECOND // 2)  # half a second: committed 50, peak 100
        assert metered(s, 60) == YELLOW
        assert metered(s, 40) == GREEN


def test_cells_of_a_meter_do_not_share_buckets_and_out_of_range_is_no_cell() -> None:
    with scene(**indirect("packets")) as s:
        rate = s.pipeline.meters["TestIngress.rate"]
        for cell in (0, 1, 2):
            rate.configure(cell, cir=1, cburst=1, pir=1, pburst=1)
        assert [metered(s, start=start) for start in ("00", "01", "00", "01", "02")] == [GREEN, GREEN, RED, RED, GREEN]
        assert [metered(s, start="03"), metered(s, start="ff")] == [GREEN, GREEN]
        assert rate.read()[2] == MeterConfig(1, 1, 1, 1)


def test_a_new_configuration_fills_the_buckets() -> None:
    with scene(**indirect("packets")) as s:
        rate = s.pipeline.meters["TestIngress.rate"]
        rate.configure(1, cir=1, cburst=1, pir=1, pburst=1)
        assert [metered(s), metered(s)] == [GREEN, RED]
        rate.configure(1, cir=1, cburst=2, pir=1, pburst=2)
        assert [metered(s), metered(s), metered(s)] == [GREEN, GREEN, RED]
        rate.write(1, [None])
        assert metered(s) == GREEN


def test_a_burst_of_zero_never_is_green() -> None:
    with scene(**indirect("packets")) as s:
        s.pipeline.meters["TestIngress.rate"].configure(1, cir=0, cburst=0, pir=1, pburst=1)
        assert [metered(s), metered(s)] == [YELLOW, RED]


DIRECT = """
direct_meter<bit<8>>(MeterType.{kind}) rate;
action coloured() {{ rate.read(hdr.h.d); }}
action plain() {{ hdr.h.c = 0x77; }}
table t {{ key = {{ hdr.h.a: exact; }} actions = {{ coloured; plain; }} default_action = plain(); meters = rate; }}
"""


@pytest.mark.parametrize("kind", ["packets", "bytes"])
def test_a_direct_meter_colours_the_packets_of_its_entry(kind: str) -> None:
    with scene(locals=DIRECT.format(kind=kind), ingress="t.apply();") as s:
        table = s.pipeline.tables["TestIngress.t"]
        one, two = Entry((Exact(1),), "TestIngress.coloured"), Entry((Exact(2),), "TestIngress.coloured")
        table.insert_many([one, two])
        unit = 1 if kind == "packets" else 10
        table.set_direct_meter(one, MeterConfig(unit, unit, unit, 2 * unit))
        assert [metered(s, 10) for _ in range(4)] == [GREEN, YELLOW, RED, RED]
        assert [metered(s, 10, "02") for _ in range(4)] == [GREEN] * 4
        s.switch.set_time(2 * SECOND)
        assert [metered(s, 10) for _ in range(2)] == [GREEN, RED]
        assert table.direct_meter(one) == MeterConfig(unit, unit, unit, 2 * unit)
        assert table.direct_meter(two) is None


def test_a_miss_leaves_the_result_of_a_direct_meter_alone() -> None:
    with scene(
        locals=DIRECT.format(kind="packets").replace("default_action = plain()", "default_action = coloured()"),
        ingress="hdr.h.d = 9; t.apply();",
    ) as s:
        assert s.out("05000000") == "05000009"


def test_a_meter_in_egress() -> None:
    with scene(
        declarations="meter<bit<8>>(1, MeterType.packets) leaving;", egress="leaving.execute_meter(8w0, hdr.h.d);"
    ) as s:
        s.pipeline.meters["leaving"].configure(0, cir=1, cburst=1, pir=1, pburst=2)
        assert [metered(s) for _ in range(3)] == [GREEN, YELLOW, RED]
