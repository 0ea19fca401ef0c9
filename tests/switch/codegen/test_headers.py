"""Headers, stacks, unions and varbits (P4_16 8.17-8.20), on one packet each."""

from __future__ import annotations

import pytest

from tests.switch.scene import scene

BYTE = "header b_t { bit<8> v; }"
TAKE_STACK = """
state start { packet.extract(hdr.h); transition more; }
state more {
    packet.extract(hdr.s.next);
    transition select(hdr.s.last.v) { 0xff: accept; default: more; }
}
"""


def test_a_header_that_becomes_valid_starts_at_zero() -> None:
    with scene(
        declarations=BYTE,
        headers="b_t n;",
        ingress="""
        hdr.n.v = 9; hdr.n.setValid(); hdr.h.a = hdr.n.v;
        hdr.n.v = 4; hdr.n.setValid(); hdr.h.b = hdr.n.v;
        hdr.n.setInvalid(); hdr.h.c = (bit<8>)(bit<1>)hdr.n.isValid();
        """,
    ) as s:
        assert s.out("ffffffff") == "000400ff"


def test_an_invalid_header_is_not_emitted_and_a_new_one_is() -> None:
    with scene(
        declarations=BYTE, headers="b_t n;", ingress="hdr.n.setValid(); hdr.n.v = 0x77; hdr.h.setInvalid();"
    ) as s:
        assert s.out("01020304aa") == "77aa"


def test_a_list_assigned_to_a_header_makes_it_valid_and_hash_makes_it_invalid() -> None:
    with scene(
        declarations=BYTE,
        headers="b_t n; b_t m;",
        ingress="hdr.n = { 5 }; hdr.m = { v = 6 }; if (hdr.h.a == 1) { hdr.m = {#}; }",
    ) as s:
        assert s.out("00000000") == "000000000506"
        assert s.out("01000000") == "0100000005"


def test_fields_that_share_bytes() -> None:
    with scene(
        fields="bit<3> a; bit<5> b; bit<12> c; int<4> d; bit<1> e; bit<7> f; bit<33> g; bit<7> h; bit<128> i;"
        " bit<11> j;",
        ingress="hdr.h.c = hdr.h.c + 1; hdr.h.g = hdr.h.g + 1; hdr.h.i = hdr.h.i + 1; hdr.h.j = hdr.h.j + 1;",
    ) as s:
        frame = "e1 7ff f 81 7fffffff 80" + "00000000 00000000 00000000 000000ff" + "001f ee"
        bits = "e1 800 f 81 80000000 00" + "00000000 00000000 00000000 00000100" + "0020 ee"
        # g: 0x7fffffff80 >> 7 = 0xffffffff, one more is 0x100000000; the last five bits are filled up with zeros
        assert s.out(frame.replace(" ", "")) == bits.replace(" ", "")


def test_a_header_of_odd_bits_takes_whole_bytes() -> None:
    with scene(
        declarations="header o_t { bit<3> v; }",
        headers="o_t o;",
        parser="state start { packet.extract(hdr.h); packet.extract(hdr.o); transition accept; }",
        ingress="hdr.o.v = hdr.o.v + 1;",
    ) as s:
        assert s.out("000000005fcc") == "0000000060cc"


def test_stack_next_last_and_out_of_bounds() -> None:
    with scene(
        declarations=BYTE,
        headers="b_t[3] s;",
        metadata="bit<8> last;",
        parser=TAKE_STACK.replace("transition select", "meta.last = (bit<8>)hdr.s.lastIndex; transition select"),
        ingress="hdr.h.a = meta.last; hdr.h.b = std.parser_error == error.StackOutOfBounds ? 8w1 : 0;",
    ) as s:
        assert s.out("0000000001ffaa") == "0100000001ffaa"
        assert s.out("0000000001020304ff") == "0201000001020304ff"


def test_push_and_pop() -> None:
    with scene(
        declarations=BYTE,
        headers="b_t[3] s;",
        parser=TAKE_STACK,
        ingress="""
        if (hdr.h.a == 1) { hdr.s.push_front(1); hdr.s[0].setValid(); hdr.s[0].v = 0x11; }
        if (hdr.h.a == 2) { hdr.s.pop_front(1); }
        if (hdr.h.a == 3) { hdr.s.push_front(3); }
        if (hdr.h.a == 4) { hdr.s.pop_front(3); }
        if (hdr.h.a == 5) { hdr.s.push_front(2); hdr.s.pop_front(1); hdr.s[0].setValid(); }
        """,
    ) as s:
        assert s.out("010000002122ff") == "01000000112122"  # the last one fell out
        assert s.out("020000002122ff") == "0200000022ff"
        assert s.out("030000002122ff") == "03000000"
        assert s.out("040000002122ff") == "04000000"
        assert s.out("050000002122ff") == "050000000021"


def test_an_index_computed_at_run_time() -> None:
    with scene(
        declarations=BYTE,
        headers="b_t[4] s;",
        parser=TAKE_STACK,
        ingress="hdr.h.d = hdr.s[hdr.h.a].v; hdr.s[hdr.h.b].v = hdr.h.c;",
    ) as s:
        assert s.out("01020500212223ff") == "01020522212205ff"
        assert s.out("09090500212223ff") == "09090500212223ff"  # outside: reads 0, writes nothing


def test_one_header_of_a_union_at_a_time() -> None:
    with scene(
        declarations="header b_t { bit<8> v; } header w_t { bit<16> v; } header_union u_t { b_t b; w_t w; }",
        headers="u_t u;",
        parser="""
        state start { packet.extract(hdr.h); transition select(hdr.h.a) { 1: one; 2: two; default: accept; } }
        state one { packet.extract(hdr.u.b); transition accept; }
        state two { packet.extract(hdr.u.w); transition accept; }
        """,
        ingress="""
        if (hdr.h.b == 1) { hdr.u.w.setValid(); hdr.u.w.v = 0xabcd; }
        if (hdr.h.b == 2) { hdr.u.b = { 0x55 }; }
        if (hdr.h.b == 3) { hdr.u.setInvalid(); }
        if (hdr.h.b == 4) { b_t none; none.setInvalid(); hdr.u.b = none; }
        hdr.h.c = hdr.u.isValid() ? 8w1 : 0;
        """.replace("hdr.u.setInvalid();", "hdr.u.b.setInvalid(); hdr.u.w.setInvalid();"),
    ) as s:
        assert s.out("0100000099") == "0100010099"
        assert s.out("0101000099") == "01010100abcd"
        assert s.out("020200009999") == "0202010055"
        assert s.out("020300009999") == "02030000"
        assert s.out("0104000099") == "01040000"


def test_varbits_are_taken_copied_and_compared() -> None:
    with scene(
        declarations="header v_t { bit<4> x; varbit<32> data; bit<4> y; }",
        headers="v_t v; v_t w;",
        parser="""
        state start {
            packet.extract(hdr.h);
            packet.extract(hdr.v, (bit<32>)hdr.h.a * 8);
            packet.extract(hdr.w, (bit<32>)hdr.h.b * 8);
            transition accept;
        }
        """,
        ingress="hdr.h.c = hdr.v.data == hdr.w.data ? 8w1 : 0; hdr.h.d = (bit<8>)hdr.v.y; hdr.w.data = hdr.v.data;",
    ) as s:
        assert s.out("020100001aabb23cc4ee") == "020100021aabb23aabb4ee"
        assert s.out("010100001aa23aa4ee") == "010101021aa23aa4ee"
        assert s.out("000000001234") == "000001021234"


def test_too_long_or_odd_varbits_are_parser_errors() -> None:
    with scene(
        declarations="header v_t { varbit<16> data; }",
        headers="v_t v;",
        parser="""state start { packet.extract(hdr.h); packet.extract(hdr.v, (bit<32>)hdr.h.a); transition accept; }""",
        ingress="""
        hdr.h.b = std.parser_error == error.HeaderTooShort ? 8w1 : 0;
        hdr.h.c = std.parser_error == error.ParserInvalidArgument ? 8w1 : 0;
        hdr.h.d = std.parser_error == error.PacketTooShort ? 8w1 : 0;
        """,
    ) as s:
        assert s.out("10000000aabb") == "10000000aabb"
        assert s.out("18000000aabbcc") == "18010000aabbcc"
        assert s.out("03000000aabbcc") == "03000100aabbcc"
        assert s.out("10000000aa") == "10000001aa"


def test_equality_of_headers_structs_and_stacks() -> None:
    with scene(
        declarations=BYTE + "struct pair { bit<8> x; b_t y; }",
        headers="b_t[2] s; b_t[2] t;",
        ingress="""
        b_t p; b_t q;
        p = {#}; q = {#}; p.v = 1; q.v = 2;
        hdr.h.a = p == q ? 8w1 : 0;                       // both invalid
        p.setValid(); p.v = 3;
        hdr.h.b = p == q ? 8w1 : 0;
        q = { 3 };
        pair m = { 1, p }; pair n = { 1, q };
        hdr.h.c = m == n && p == q && hdr.s == hdr.t ? 8w1 : 0;
        hdr.t[1] = { 1 };
        hdr.h.d = hdr.s != hdr.t ? 8w1 : 0;
        """,
        deparser="packet.emit(hdr.h);",
    ) as s:
        assert s.out("00000000") == "01000101"


def test_structs_with_defaults_tuples_and_casts() -> None:
    with scene(
        declarations="""
        struct inner { bit<8> x; bool y; }
        struct outer { bit<8> a; inner i; bit<8> b; }
        enum bit<8> e_t { one = 1, two = 2 }
        """,
        ingress="""
        outer o = { b = 4, ... };
        outer p = { 1, { 2, true }, 3 };
        tuple<bit<8>, bool> t = { 7, false };
        e_t e = e_t.two;
        hdr.h.a = o.a + o.b + p.i.x;
        hdr.h.b = t[0];
        hdr.h.c = (bit<8>)e + (p.i.y ? 8w16 : 0);
        e = (e_t)hdr.h.d;
        hdr.h.d = e == e_t.one ? 8w1 : 0;
        """,
    ) as s:
        assert s.out("00000001") == "06071201"
        assert s.out("00000003") == "06071200"


# ---- unions: what is done to a member concerns the whole (8.20) ----

UNION = "header x_t { bit<8> v; } header y_t { bit<16> w; } header_union u_t { x_t x; y_t y; }"
BOTH = """
state start {
    packet.extract(hdr.h);
    transition select(hdr.h.a) { 1: with_x; 2: with_y; default: accept; }
}
state with_x { packet.extract(hdr.u.x); transition accept; }
state with_y { packet.extract(hdr.u.y); transition accept; }
"""
MEMBERS = "hdr.h.d = (hdr.u.x.isValid() ? 8w1 : 0) + (hdr.u.y.isValid() ? 8w2 : 0) + (hdr.u.isValid() ? 8w4 : 0);"


@pytest.mark.parametrize(
    ("what", "left"),
    [
        ("hdr.u.x.setInvalid();", 0),
        ("hdr.u.y.setInvalid();", 0),
        ("x_t e; hdr.u.x = e;", 0),
        ("hdr.u.x = (x_t){#};", 0),
        ("u_t e; hdr.u = e;", 0),
        ("hdr.u.x.setValid();", 5),
        ("hdr.u.x = { 7 };", 5),
        ("hdr.u.y = { 7 };", 6),
        ("spoil(hdr.u.x);", 0),
    ],
)
@pytest.mark.parametrize("first", [0, 1, 2])
def test_an_operation_on_a_member_of_a_union(what: str, left: int, first: int) -> None:
    with scene(
        declarations=UNION,
        headers="u_t u;",
        parser=BOTH,
        locals="action spoil(out x_t x) { }",
        ingress=f"{what} {MEMBERS} hdr.u.x.setInvalid();",
    ) as s:
        assert s.out(f"0{first}000000aabb")[6:8] == f"{left:02x}"
