"""Parsers (P4_16 12): errors, lookahead, advance, select, sub-parsers, value sets."""

from __future__ import annotations

from softswitch.dataplane import entries as soft
from tests.switch.scene import scene

BYTE = "header b_t { bit<8> v; }"
NUMBER = "hdr.h.d = (bit<8>)meta.number;"
ERROR = """
hdr.h.d = 0;
if (std.parser_error == error.NoError) { hdr.h.d = 1; }
if (std.parser_error == error.PacketTooShort) { hdr.h.d = 2; }
if (std.parser_error == error.NoMatch) { hdr.h.d = 3; }
if (std.parser_error == error.ParserInvalidArgument) { hdr.h.d = 4; }
if (std.parser_error == error.Mine) { hdr.h.d = 5; }
if (std.parser_error == error.ParserTimeout) { hdr.h.d = 6; }
"""
MINE = "error { Mine }"


def state(name: str, body: str) -> str:
    return f"state {name} {{ {body} }}"


def start(body: str) -> str:
    return state("start", f"packet.extract(hdr.h); {body}")


def test_a_packet_too_short_goes_on_to_ingress_with_what_was_parsed() -> None:
    with scene(
        declarations=BYTE + MINE,
        headers="b_t x; b_t y;",
        parser=start("packet.extract(hdr.x); packet.extract(hdr.y); transition accept;"),
        ingress=ERROR,
    ) as s:
        assert s.out("00000000010299") == "00000001010299"
        assert s.out("0000000001") == "0000000201"


def test_verify_and_no_match() -> None:
    with scene(
        declarations=MINE,
        parser=start("verify(hdr.h.a != 9, error.Mine); transition select(hdr.h.a) { 1: accept; 2: reject; }"),
        ingress=ERROR,
    ) as s:
        assert [s.out(f"{a:02x}000000")[-1] for a in (1, 2, 3, 9)] == ["1", "1", "3", "5"]


def test_lookahead_does_not_consume() -> None:
    with scene(
        declarations="struct two { bit<3> x; bit<12> y; bit<1> z; } header l_t { bit<16> v; }",
        headers="l_t l;",
        metadata="bit<8> number; two t; l_t copy;",
        parser=start("""
            meta.number = (bit<8>)packet.lookahead<bit<4>>();
            meta.t = packet.lookahead<two>();
            meta.copy = packet.lookahead<l_t>();
            transition select(packet.lookahead<bit<16>>()) { 0xbeef: taken; default: accept; }
        """)
        + state("taken", "packet.extract(hdr.l); transition accept;"),
        ingress="""
        hdr.h.a = meta.number; hdr.h.b = (bit<8>)meta.t.x; hdr.h.c = (bit<8>)(meta.t.y >> 4);
        hdr.h.d = meta.copy.isValid() && meta.copy.v == 0xbeef && hdr.l.isValid() ? 8w1 : 0;
        """,
    ) as s:
        # be ef = 101 111101110111 1
        assert s.out("00000000beef11") == "0b05f701beef11"
        assert s.out("00000000ffef11") == "0f07ff00ffef11"


def test_lookahead_and_advance_at_the_end() -> None:
    with scene(
        declarations=MINE,
        parser=start("""
            transition select(hdr.h.a) { 1: look; 2: skip; 3: odd; default: accept; }
        """)
        + state("look", "transition select(packet.lookahead<bit<16>>()) { default: accept; }")
        + state("skip", "packet.advance((bit<32>)hdr.h.b * 8); transition accept;")
        + state("odd", "packet.advance(3); transition accept;"),
        ingress=ERROR,
    ) as s:
        assert s.out("01000000aabb") == "01000001aabb"
        assert s.out("01000000aa") == "01000002aa"
        assert s.out("02010000aabb") == "02010001bb"
        assert s.out("02030000aabb") == "02030002aabb"
        assert s.out("03000000aabb") == "03000004aabb"


def test_select_on_masks_ranges_and_several_keys() -> None:
    with scene(
        metadata="bit<8> number;",
        parser=start("""
            transition select(hdr.h.a, hdr.h.b) {
                (0x10 &&& 0xf0, _): one;
                (1 .. 3, 4 .. 6): two;
                (7, default): three;
                (_, 9): four;
                default: accept;
            }
        """)
        + "".join(
            state(name, f"meta.number = {i}; transition accept;")
            for i, name in enumerate(("one", "two", "three", "four"), 1)
        ),
        ingress=NUMBER,
    ) as s:
        found = {frame: int(s.out(frame + "0000")[-2:]) for frame in ("1f00", "0205", "0207", "0700", "3309", "3300")}
        assert found == {"1f00": 1, "0205": 2, "0207": 0, "0700": 3, "3309": 4, "3300": 0}


def test_select_with_the_same_value_twice_takes_the_first() -> None:
    with scene(
        metadata="bit<8> number;",
        parser=start("transition select(hdr.h.a) { 1: one; 1: two; 2: two; }")
        + state("one", "meta.number = 1; transition accept;")
        + state("two", "meta.number = 2; transition accept;"),
        ingress=NUMBER,
    ) as s:
        assert [s.out(f"0{a}000000")[-1] for a in (1, 2)] == ["1", "2"]


def test_select_on_signed_ranges_and_booleans() -> None:
    with scene(
        fields="int<8> a; bit<8> b; bit<8> c; bit<8> d;",
        metadata="bit<8> number;",
        parser=start("transition select(hdr.h.a) { -3 .. 2: near; default: far; }")
        + state("near", "transition select(hdr.h.b == 1) { true: one; false: far; }")
        + state("one", "meta.number = 1; transition accept;")
        + state("far", "meta.number = 2; transition accept;"),
        ingress=NUMBER,
    ) as s:
        assert [s.out(a + "010000")[-1] for a in ("fd", "02", "00", "fc", "03", "80")] == ["1", "1", "1", "2", "2", "2"]
        assert s.out("00000000")[-1] == "2"


def test_a_sub_parser_with_a_constructor_parameter() -> None:
    with scene(
        declarations=BYTE
        + """
        parser Take(packet_in packet, out b_t b, inout bit<8> seen)(bit<8> mark) {
            state start { packet.extract(b); seen = seen + mark; transition accept; }
        }
        """,
        headers="b_t x; b_t y;",
        metadata="bit<8> number;",
        parser="Take(3) take3; Take(40) take40; "
        + start(
            "take3.apply(packet, hdr.x, meta.number); take40.apply(packet, hdr.y, meta.number); transition accept;"
        ),
        ingress=NUMBER + "if (std.parser_error == error.PacketTooShort) { hdr.h.c = 1; }",
    ) as s:
        assert s.out("000000000102ff") == "0000002b0102ff"
        assert s.out("0000000001") == "0000010301"


def test_a_parser_that_does_not_end_is_stopped() -> None:
    with scene(
        declarations=MINE,
        parser=start("transition again;") + state("again", "transition select(hdr.h.a) { 9: accept; default: again; }"),
        ingress=ERROR,
    ) as s:
        assert s.out("09000000") == "09000001"
        assert s.out("00000000") == "00000006"


def test_value_sets_are_filled_by_the_control_plane() -> None:
    with scene(
        declarations="struct pair { @match(ternary) bit<8> x; bit<8> y; }",
        metadata="bit<8> number;",
        parser="value_set<bit<8>>(4) ones; value_set<pair>(4) pairs; "
        + start("""transition select(hdr.h.a) { ones: one; default: next; }""")
        + state("next", "transition select(hdr.h.a, hdr.h.b) { pairs: two; default: accept; }")
        + state("one", "meta.number = 1; transition accept;")
        + state("two", "meta.number = 2; transition accept;"),
        ingress=NUMBER,
    ) as s:
        frames = ("05000000", "25070000", "2f070000", "25080000")
        assert [s.out(f)[-1] for f in frames] == ["0", "0", "0", "0"]
        sets = s.pipeline.value_sets
        sets["TestParser.ones"].set([(soft.Exact(5),)])
        sets["TestParser.pairs"].set([(soft.Ternary(0x20, 0xF0), soft.Exact(7))])
        assert [s.out(f)[-1] for f in frames] == ["1", "2", "2", "0"]


def test_the_length_of_the_packet() -> None:
    with scene(
        metadata="bit<8> number;",
        parser=start("meta.number = (bit<8>)packet.length(); transition accept;"),
        ingress=NUMBER,
    ) as s:
        assert s.out("00000000aabbcc") == "00000007aabbcc"
