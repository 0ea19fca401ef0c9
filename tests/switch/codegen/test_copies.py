"""Copy-in and copy-out, evaluation order, exit and return (P4_16 6.7, 6.8, 8.1, 11)."""

from __future__ import annotations

from tests.switch.scene import scene

FUNCTIONS = """
bit<8> bump(inout bit<8> x) { x = x + 1; return x; }
bit<8> swap_first(inout bit<8> x, inout bit<8> y) { bit<8> t = x; x = y; y = t; return t; }
void set_both(out bit<8> x, out bit<8> y) { x = 1; y = 2; }
bool no(inout bit<8> x) { x = x + 1; return false; }
bool yes(inout bit<8> x) { x = x + 1; return true; }
"""


def test_arguments_are_evaluated_from_left_to_right() -> None:
    with scene(declarations=FUNCTIONS, ingress="hdr.h.b = hdr.h.a + bump(hdr.h.a) + hdr.h.a;") as s:
        assert s.out("05000000") == "06110000"  # 5 + 6 + 6


def test_out_arguments_are_copied_back_in_order() -> None:
    with scene(declarations=FUNCTIONS, ingress="set_both(hdr.h.a, hdr.h.a);") as s:
        assert s.out("ff000000") == "02000000"


def test_one_variable_as_two_inout_arguments() -> None:
    with scene(declarations=FUNCTIONS, ingress="hdr.h.b = swap_first(hdr.h.a, hdr.h.a);") as s:
        assert s.out("07000000") == "07070000"


def test_a_slice_as_inout_argument() -> None:
    text = "void inc(inout bit<4> x) { x = x + 1; }"
    with scene(declarations=text, ingress="inc(hdr.h.a[7:4]); inc(hdr.h.a[3:0]);") as s:
        assert s.out("ff000000") == "00000000"
        assert s.out("1e000000") == "2f000000"


def test_logic_stops_at_the_first_answer() -> None:
    with scene(
        declarations=FUNCTIONS,
        ingress="""
            if (no(hdr.h.a) && yes(hdr.h.b)) { hdr.h.d = 1; }
            if (yes(hdr.h.a) || yes(hdr.h.b)) { hdr.h.d = hdr.h.d + 2; }
            hdr.h.c = yes(hdr.h.a) ? bump(hdr.h.c) : bump(hdr.h.b);
        """,
    ) as s:
        assert s.out("00000000") == "03000102"


def test_the_target_of_an_assignment_is_evaluated_first() -> None:
    with scene(
        headers="h_t[2] s;",
        declarations="bit<8> next(inout bit<8> x) { x = x + 1; return x; }",
        parser="""state start { packet.extract(hdr.h); packet.extract(hdr.s.next); packet.extract(hdr.s.next);
                  transition accept; }""",
        ingress="hdr.s[hdr.h.a].b = next(hdr.h.a);",
    ) as s:
        assert s.out("00000000" * 3) == "0100000000010000" + "00000000"


def test_exit_in_an_action_of_a_table_in_a_sub_control_copies_out() -> None:
    with scene(
        declarations="""
        control Inner(inout bit<8> x, inout bit<8> y) {
            action leave() { x = 9; exit; }
            table t { actions = { leave; } default_action = leave(); }
            apply { y = 8; t.apply(); x = 1; }
        }
        """,
        locals="Inner() inner;",
        ingress="inner.apply(hdr.h.a, hdr.h.b); hdr.h.c = 7;",
        egress="hdr.h.d = 6;",
    ) as s:
        assert s.out("00000000") == "09080006"  # c was not reached, egress was


def test_return_leaves_only_its_own_control() -> None:
    with scene(
        declarations="control Inner(inout bit<8> x) { apply { if (x == 1) { return; } x = 5; } }",
        locals="Inner() inner;",
        ingress="inner.apply(hdr.h.a); hdr.h.b = 1;",
    ) as s:
        assert s.out("01000000") == "01010000"
        assert s.out("02000000") == "05010000"


def test_an_action_sees_variables_of_its_control_while_its_parameter_is_a_copy() -> None:
    with scene(
        locals="action twice(inout bit<8> x) { hdr.h.a = 3; x = x + 1; }",
        ingress="twice(hdr.h.a);",
    ) as s:
        assert s.out("10000000") == "11000000"  # the copy comes back last


def test_a_struct_passed_in_keeps_its_value_while_the_original_changes() -> None:
    with scene(
        declarations="""
        struct pair { bit<8> x; bit<8> y; }
        bit<8> both(in pair p, inout pair q) { q.x = 100; return p.x + p.y; }
        """,
        locals="pair v = { 1, 2 };",
        ingress="hdr.h.a = both(v, v); hdr.h.b = v.x;",
    ) as s:
        assert s.out("00000000") == "03640000"


def test_variables_of_a_control_are_reset_for_each_packet() -> None:
    with scene(locals="bit<8> count = 0;", ingress="count = count + 1; hdr.h.a = count;") as s:
        assert s.out("00000000") == "01000000"
        assert s.out("00000000") == "01000000"


def test_loops_break_and_continue_through_a_switch() -> None:
    with scene(
        ingress="""
        for (bit<8> i = 0; i < 10; i = i + 1) {
            switch (i) {
                2: { continue; }
                5: { break; }
                default: { hdr.h.a = hdr.h.a + i; }
            }
            hdr.h.b = hdr.h.b + 1;
        }
        for (bit<8> k in 250 .. 255) { hdr.h.c = hdr.h.c + 1; }
        for (bit<8> k in 5 .. 3) { hdr.h.d = 1; }
        """
    ) as s:
        assert s.out("00000000") == "08040600"  # 0 + 1 + 3 + 4


def test_loops_over_lists_and_stacks() -> None:
    with scene(
        declarations="const list<bit<8>> primes = { 2, 3, 5 };",
        headers="h_t[3] s;",
        parser="""state start { packet.extract(hdr.h); packet.extract(hdr.s.next); packet.extract(hdr.s.next);
                  transition accept; }""",
        ingress="""
        for (bit<8> p in primes) { hdr.h.a = hdr.h.a + p; }
        for (bit<8> v in (list<bit<8>>){ hdr.h.d, 1, hdr.h.d }) { hdr.h.b = hdr.h.b + v; }
        for (h_t one in hdr.s) { if (one.isValid()) { hdr.h.c = hdr.h.c + one.a; } }
        """,
        deparser="packet.emit(hdr.h);",
    ) as s:
        assert s.out("000000071000000020000000") == "0a0f3007"


def test_default_arguments_and_named_ones() -> None:
    with scene(
        declarations="bit<8> f(in bit<8> x, in bit<8> y = 7) { return x - y; }",
        ingress="hdr.h.a = f(10); hdr.h.b = f(y = 1, x = 4);",
    ) as s:
        assert s.out("00000000") == "03030000"
