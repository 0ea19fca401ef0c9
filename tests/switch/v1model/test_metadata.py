"""standard_metadata_t: ports, drops, lengths, times, the queue, parser errors; truncate and random."""

from __future__ import annotations

from collections import Counter

import pytest

from softswitch.build.program import compile_text
from softswitch.dataplane.stats import Drop
from softswitch.dataplane.switch import Switch
from tests.switch.scene import Scene, program, scene

# ---- where a packet goes ----


def test_without_an_egress_spec_a_packet_goes_to_port_0() -> None:
    with scene(ingress="std.egress_spec = 0;") as s:
        assert s.send("01020304") == [(0, "01020304")]
    text = program().replace("std.egress_spec = 1;", "")
    with Switch() as switch:
        switch.add_memory_port(0)
        switch.commit(switch.load(compile_text(text, "scene.p4")))
        assert switch.inject(3, b"\x01\x02\x03\x04") == [(0, b"\x01\x02\x03\x04")]


def test_metadata_starts_at_zero_and_the_ingress_port_is_known() -> None:
    with scene(
        fields="bit<8> port; bit<8> other;",
        metadata="bit<32> a; bool b; int<7> c;",
        ingress="""
        bool fresh = meta.a == 0 && !meta.b && meta.c == 0 && std.mcast_grp == 0 && std.instance_type == 0
            && std.parser_error == error.NoError && std.checksum_error == 0 && std.priority == 0 && std.egress_rid == 0;
        hdr.h.port = (bit<8>)std.ingress_port;
        hdr.h.other = fresh ? 8w1 : 0;
        """,
    ) as s:
        assert [s.out("0000", port) for port in (0, 5, 7)] == ["0001", "0501", "0701"]


@pytest.mark.parametrize("where", ["ingress", "egress"])
def test_mark_to_drop(where: str) -> None:
    with scene(**{where: "if (hdr.h.a == 1) { mark_to_drop(std); hdr.h.b = 1; }"}) as s:
        assert s.send("01000000") == []
        assert s.out("02000000") == "02000000"
        assert s.switch.stats().drops[Drop.INGRESS if where == "ingress" else Drop.EGRESS] == 1


def test_mark_to_drop_without_an_argument_as_old_programs_call_it() -> None:
    old = program(ingress="if (hdr.h.a == 1) { mark_to_drop(); }").replace("20200408", "20180101")
    with Switch() as switch:
        switch.commit(switch.load(compile_text(old, "scene.p4")))
        switch.add_memory_port(1)
        assert switch.inject(1, b"\x01\0\0\0") == []
        assert len(switch.inject(1, b"\x02\0\0\0")) == 1


def test_another_drop_port_is_the_one_that_drops() -> None:
    text = program(
        ingress="""
        if (hdr.h.a == 1) { mark_to_drop(std); }
        if (hdr.h.a == 2) { std.egress_spec = 100; }
        if (hdr.h.a == 3) { std.egress_spec = 511; }
        """,
        egress="if (hdr.h.a == 4) { mark_to_drop(std); }",
    )
    with Switch(drop_port=100) as switch:
        for port in (1, 511):
            switch.add_memory_port(port)
        switch.commit(switch.load(compile_text(text, "scene.p4")))
        ports = [[port for port, _ in switch.inject(1, bytes([a, 0, 0, 0]))] for a in range(5)]
        assert ports == [[1], [], [], [511], []]


def test_egress_cannot_change_the_port() -> None:
    with scene(
        ingress="std.egress_spec = 2;",
        egress="hdr.h.a = (bit<8>)std.egress_port; std.egress_spec = 5; std.egress_port = 6;",
    ) as s:
        assert s.send("00000000") == [(2, "02000000")]


def test_priority_is_kept_and_changes_no_order() -> None:
    with scene(ingress="std.priority = hdr.h.a[2:0];", egress="hdr.h.b = (bit<8>)std.priority;") as s:
        assert s.out("07000000") == "07070000"


# ---- lengths and truncation ----


def test_packet_length_in_ingress_and_egress() -> None:
    with scene(
        declarations="header two_t { bit<16> v; }",
        headers="two_t n;",
        ingress="hdr.h.a = (bit<8>)std.packet_length; hdr.n.setValid(); if (hdr.h.c == 1) { hdr.h.setInvalid(); }",
        egress="hdr.n.v = (bit<16>)std.packet_length;",
    ) as s:
        assert s.out("00000000aabbcc") == "07000000" + "0009" + "aabbcc"
        assert s.out("00000100aabbcc") == "0005" + "aabbcc"


@pytest.mark.parametrize(
    ("ingress", "egress", "expected"),
    [
        ("truncate(6);", "", "00112233aabb"),
        ("truncate(2);", "", "0011"),
        ("truncate(0);", "", ""),
        ("truncate(100);", "", "00112233aabbcc"),
        ("truncate(6); truncate(5);", "", "00112233aa"),
        ("truncate(5); truncate(6);", "", "00112233aa"),
        ("", "truncate(5);", "00112233aa"),
        ("truncate(4);", "truncate(6);", "00112233"),
        ("truncate(6);", "truncate(4);", "00112233"),
        ("truncate((bit<32>)hdr.h.b[2:0]);", "", "00"),
    ],
)
def test_truncate_leaves_the_least_of_all_lengths(ingress: str, egress: str, expected: str) -> None:
    with scene(ingress=ingress, egress=egress) as s:
        assert s.out("00112233aabbcc") == expected


def test_truncation_counts_bytes_of_the_packet_that_leaves_and_is_not_seen_before() -> None:
    with scene(
        declarations="header two_t { bit<16> v; }",
        headers="two_t n;",
        ingress="truncate(7); hdr.n.setValid();",
        egress="hdr.n.v = (bit<16>)std.packet_length;",
    ) as s:
        assert s.out("00112233aabbcc") == "00112233" + "0009" + "aa"


def test_replicas_and_clones_do_not_take_over_a_truncation_of_ingress() -> None:
    with scene(ingress="truncate(2); clone(CloneType.I2E, 5); if (hdr.h.a == 1) { std.mcast_grp = 7; }") as s:
        s.switch.set_clone_session(5, [(2, 0)])
        s.switch.set_multicast_group(7, [(3, 0)])
        assert s.send("0011223344") == [(2, "0011223344"), (1, "0011")]
        assert s.send("0111223344") == [(2, "0111223344"), (3, "0111223344")]


# ---- time and the queue ----


def test_timestamps_are_microseconds_of_48_bits() -> None:
    with scene(
        fields="bit<48> into; bit<48> out_of; bit<32> queued;",
        ingress="hdr.h.into = std.ingress_global_timestamp;",
        egress="hdr.h.out_of = std.egress_global_timestamp; hdr.h.queued = std.enq_timestamp;",
    ) as s:
        for time in (5, 0x1_2345_6789, (1 << 48) - 1, (1 << 48) + 3):
            s.switch.set_time(time)
            shown = f"{time % (1 << 48):012x}"
            assert s.out(bytes(16)) == shown + shown + f"{time % (1 << 32):08x}"


def test_the_ingress_time_is_seen_in_egress_and_not_by_clones_that_do_not_keep_it() -> None:
    with scene(
        fields="bit<48> into;",
        ingress="clone(CloneType.I2E, 5);",
        egress="hdr.h.into = std.ingress_global_timestamp;",
    ) as s:
        s.switch.set_clone_session(5, [(2, 0)])
        s.switch.set_time(77)
        assert s.send(bytes(6)) == [(2, "000000000000"), (1, "00000000004d")]


def test_nothing_waits_in_a_queue() -> None:
    with scene(
        fields="bit<32> depth; bit<32> delta; bit<32> left;",
        egress="""
        hdr.h.depth = (bit<32>)std.enq_qdepth; hdr.h.delta = std.deq_timedelta; hdr.h.left = (bit<32>)std.deq_qdepth;
        """,
    ) as s:
        assert s.out("ff" * 12) == "00" * 12


def test_a_real_clock_runs_from_the_start_of_the_switch() -> None:
    with scene(fields="bit<48> into;", ingress="hdr.h.into = std.ingress_global_timestamp;") as s:
        s.switch.set_time(None)
        first, second = (int(s.out(bytes(6)), 16) for _ in range(2))
        assert first <= second <= s.switch.time_us() < 1 << 40


# ---- parser errors ----

ERRORS = """
    if (std.parser_error == error.NoError) { hdr.t.seen = 0; }
    else if (std.parser_error == error.PacketTooShort) { hdr.t.seen = 1; }
    else if (std.parser_error == error.NoMatch) { hdr.t.seen = 2; }
    else if (std.parser_error == error.StackOutOfBounds) { hdr.t.seen = 3; }
    else if (std.parser_error == error.HeaderTooShort) { hdr.t.seen = 4; }
    else if (std.parser_error == error.ParserInvalidArgument) { hdr.t.seen = 6; }
    else if (std.parser_error == error.Mine) { hdr.t.seen = 7; }
    else { hdr.t.seen = 0xff; }
"""

FAILING = {
    "declarations": """
        error { Mine }
        header tell_t { bit<8> seen; }
        header one_t { bit<8> v; }
        header var_t { varbit<8> v; }
    """,
    "fields": "bit<8> kind;",
    "headers": "one_t[2] s; var_t v; tell_t t;",
    "parser": """
        state start {
            packet.extract(hdr.h);
            transition select(hdr.h.kind) {
                1: short; 2: nothing; 3: stack; 4: long; 6: odd; 7: mine; 8: reject; 0: accept;
            }
        }
        state short { packet.extract(hdr.s.next); packet.extract(hdr.s.next); transition accept; }
        state nothing { transition select(hdr.h.kind) { 1: accept; } }
        state stack { packet.extract(hdr.s.next); transition stack; }
        state long { packet.extract(hdr.v, 16); transition accept; }
        state odd { packet.extract(hdr.v, 3); transition accept; }
        state mine { verify(hdr.h.kind != 7, error.Mine); transition accept; }
    """,
    "ingress": "hdr.t.setValid();" + ERRORS,
    "deparser": "packet.emit(hdr.t); packet.emit(hdr.h);",
}


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        ("00aabbcc", 0),
        ("0111", 1),  # one header is there, the second is not
        ("02aabbcc", 2),  # no case of the select matches
        ("03aabbcc", 3),  # a third header on a stack of two
        ("04aabbcc", 4),  # more bits than the varbit holds
        ("06aabbcc", 6),  # no whole number of bytes
        ("07aabbcc", 7),  # an error of the program's own
        ("08aabbcc", 0),  # `reject` itself is no error
    ],
)
def test_each_parser_error_reaches_ingress_and_drops_nothing(frame: str, error: int) -> None:
    with scene(**FAILING) as s:
        assert s.out(frame)[:4] == f"{error:02x}" + frame[:2]


def test_a_packet_too_short_for_its_first_header_is_still_forwarded() -> None:
    with scene(
        ingress="if (!hdr.h.isValid() && std.parser_error == error.PacketTooShort) { std.egress_spec = 4; }"
    ) as s:
        assert s.send("010203") == [(4, "010203")]
        assert s.send("") == [(4, "")]


# ---- random ----


def drawn(s: Scene, count: int) -> list[int]:
    return [int(s.out(bytes(8)), 16) for _ in range(count)]


def test_random_draws_every_number_between_its_bounds_and_no_other() -> None:
    with scene(fields="bit<64> r;", ingress="bit<8> r; random(r, 8w250, 8w255); hdr.h.r = (bit<64>)r;") as s:
        found = Counter(drawn(s, 600))
        assert set(found) == set(range(250, 256))
        assert min(found.values()) > 50  # of 100 expected


def test_random_over_the_whole_of_64_bits_and_of_one_number() -> None:
    with scene(fields="bit<64> r;", ingress="random(hdr.h.r, 64w0, 64w0xffffffffffffffff);") as s:
        numbers = drawn(s, 64)
        assert len(set(numbers)) == 64 and max(numbers) > 1 << 60
    with scene(fields="bit<64> r;", ingress="random(hdr.h.r, 64w77, 64w77);") as s:
        assert set(drawn(s, 5)) == {77}


def test_bounds_of_random_may_come_from_the_packet() -> None:
    with scene(fields="bit<8> lo; bit<8> hi; bit<8> r;", ingress="random(hdr.h.r, hdr.h.lo, hdr.h.hi);") as s:
        for low, high in ((3, 4), (0, 255), (9, 9)):
            values = {int(s.out(bytes([low, high, 0]))[4:], 16) for _ in range(40)}
            assert min(values) >= low and max(values) <= high and (len(values) > 1) == (high > low)


EXTRA = "header e_t { bit<16> x; bit<16> y; } struct two_t { e_t e; bit<8> z; }"
MAKE = """
action give(inout e_t e) { e = { 1, 2 }; }
action take(in e_t e) { hdr.e = e; }
action clear(out e_t e) { }
"""


@pytest.mark.parametrize(
    ("what", "more"),
    [
        ("", 0),
        ("hdr.e = { 1, 2 };", 4),
        ("hdr.e = { x = 1, y = 2 };", 4),
        ("hdr.e = { 1, 2 }; hdr.e = { 3, 4 };", 4),
        ("hdr.e = (e_t){ 1, 2 }; hdr.e.setInvalid();", 0),
        ("hdr.e = { 1, 2 }; hdr.e = (e_t){#};", 0),
        ("e_t e = { 1, 2 }; hdr.e = e;", 4),
        ("e_t e; e = { 1, 2 }; hdr.e = e;", 4),
        ("give(hdr.e);", 4),
        ("take({ 1, 2 });", 4),
        ("two_t t = { { 1, 2 }, 3 }; hdr.e = t.e;", 4),
        ("two_t t; t = { { 1, 2 }, 3 }; hdr.e = t.e;", 4),
        ("const e_t E = { 1, 2 }; hdr.e = E;", 4),
        ("hdr.s[1] = { 1, 2 };", 4),
        ("hdr.e = hdr.e;", 0),
    ],
)
def test_packet_length_in_egress_counts_headers_that_lists_make_valid(what: str, more: int) -> None:
    with scene(
        declarations=EXTRA,
        headers="e_t e; e_t[2] s;",
        locals=MAKE,
        ingress=what,
        egress="hdr.h.a = (bit<8>)std.packet_length; hdr.e.setInvalid(); hdr.s.pop_front(2);",
    ) as s:
        assert s.out("00000000aabbcc") == f"{7 + more:02x}000000aabbcc"


@pytest.mark.parametrize("drop", [0, 3, 511])
def test_any_number_can_be_the_port_that_drops(drop: int) -> None:
    """Egress starts with an egress_spec that is not the drop port, whatever its number."""
    with Switch(drop_port=drop) as switch:
        for port in (1, 2):
            switch.add_memory_port(port)
        switch.set_clone_session(5, [(2, 0)])
        text = program(ingress="clone(CloneType.I2E, 5); if (hdr.h.a == 1) { mark_to_drop(std); }")
        switch.commit(switch.load(compile_text(text, "scene.p4")))
        assert [port for port, _ in switch.inject(1, bytes(4))] == [2, 1]
        assert [port for port, _ in switch.inject(1, b"\1\0\0\0")] == [2]
