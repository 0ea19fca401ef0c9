"""Expressions and statements: what is accepted, and the located message for what is not."""

from __future__ import annotations

import pytest

from p4front.load import load_text
from p4front.text.source import P4Error
from tests.unit.p4front.p4check import error_of, errors_of, in_control

HEADERS = (
    "header H { bit<8> a; bit<16> b; } header G { bit<8> z; } header_union U { H h; G g; } struct S { H h; H[4] st; }"
)

GOOD = [
    "x = x |+| 200; x = x |-| 1; y = x ++ x; x = y[15:8]; x[3:0] = 5; y[7:0] = x; x = y[3+:8];",
    "x = x > 5 ? x : 8w5; x = (x == 3) ? 1 : x; x = -x; x = ~x & 0xF0 ^ 3;",
    "x += 3; x <<= 2; y |+|= 1; x &= 0xF;",
    "if (x == 1) x = 2; else if (y != 3 && !(x > 2)) { x = 3; } else { return; }",
    "switch (x) { 1: 2: { y = 1; } 3: { y = 2; } default: { exit; } }",
    "for (bit<8> i = 0; i < 4; i = i + 1) { if (i == 2) { continue; } x = x + i; if (x > 9) { break; } }",
    "for (bit<8> i in 1 .. 5) { x = x + i; } for (bit<16> j in { 1, 2, 3 }) { y = j; }",
    "tuple<bit<8>, bool> t = { x, true }; x = t[0]; bool b = t == { 3, false };",
    "const bit<8> k = 3; x = k; { bit<8> x = 4; y = (bit<16>)x; }",
    "; { } return;",
]


@pytest.mark.parametrize("body", GOOD)
def test_accepted(body: str) -> None:
    assert errors_of(in_control(body)) == []


GOOD_HEADERS = [
    "s.h = { 1, 2 }; s.h = { b = 2, a = 1 }; s.h = (H) { 1, 2 }; s.h = {#}; H g = s.h; s.st[1] = g; s.st[s.h.a] = g;",
    "s.h.setValid(); if (s.h.isValid()) { s.h.setInvalid(); } s.st.push_front(1); s.st.pop_front(2);",
    "bool b = s.h == s.st[0]; b = s.h == { 1, 2 }; b = s.st == s.st; bit<32> n = s.st.size; b = s.h == {#};",
    "U u; u.h = s.h; u.g.setValid(); bool b = u.isValid(); u = {#};",
    "S t = s; t = { s.h, s.st }; t.h.a[3:0] = t.h.b[3:0]; S d = ...; S e = { h = { 1, ... }, ... };",
    "bit<32> n = s.h.minSizeInBytes() + H.maxSizeInBits() + s.st.minSizeInBits();",
]


@pytest.mark.parametrize("body", GOOD_HEADERS)
def test_accepted_with_headers(body: str) -> None:
    assert errors_of(in_control(body, before=HEADERS, params="inout S s")) == []


# The apply block is on line 4: `apply { body`, so the body begins at column 9.
WRONG = [
    ("x = y;", "4:13 cannot assign bit<16> to bit<8>: add a cast `(bit<8>)`"),
    ("x = true;", "4:13 cannot assign bool to bit<8>"),
    ("x = z;", '4:13 unknown name "z"'),
    ("x = x + y;", "4:13 the operands of `+` have different types, bit<8> and bit<16>: add a cast `(bit<8>)`"),
    ("x = x && true;", "4:13 `&&` is not defined on bit<8> and bool"),
    ("x = !x;", "4:13 `!` is not defined on bit<8>: use `~`, or compare with 0"),
    ("if (x) { }", "4:13 the condition of `if` must be a bool, not bit<8>: compare it, as in `x != 0`"),
    ("x = x == 3 ? 1 : 2;", "4:13 one of the two values needs a width, since the condition is not constant"),
    ("y = 1 << x;", "4:13 the left operand of this shift needs a width, since the amount is not constant"),
    ("x = x << 8s1 + (int<8>)x;", "4:18 the amount of a shift must be unsigned, not int<8>"),
    ("y = x ++ 1;", "4:18 `++` needs operands with a width: write it, as in `8w1`"),
    ("x = y[16:9];", "4:15 bit 16 is outside of bit<16>"),
    ("x = y[x:0];", "4:15 the upper index of a slice must be known at compile time"),
    ("break;", "4:9 `break` can only be used in a loop"),
    ("continue;", "4:9 `continue` can only be used in a loop"),
    ("return 3;", "4:16 an apply block can't return a value"),
    ("int i = 3;", '4:9 "i" can\'t be a variable: `int` exists at compile time only: give it a width, such as bit<32>'),
    ("bit<8> x = 3;", '4:16 "x" is already the name of a parameter here: choose another name'),
    ("bit<8> k = 1; bit<8> k = 2;", '4:30 "k" is declared twice in this scope'),
    ("bit<8> k = k;", '4:20 unknown name "k": it is known from the end of its declaration on'),
    ("const bit<8> k = k + 1;", '4:26 unknown name "k": it is known from the end of its declaration on'),
    ("const int k = 8w5;", '4:23 cannot initialise the int constant "k" with bit<8>: add a cast `(int)`'),
    (
        "const bit<8> w = 5; const int k = w;",
        '4:43 cannot initialise the int constant "k" with bit<8>: add a cast `(int)`',
    ),
    ("bit<8> k = { 1 };", "4:20 cannot assign tuple<int> to bit<8>"),
    (
        "tuple<bit<8>, bool> t = { x, true }; x = t[2];",
        "4:52 index 2 is outside of tuple<bit<8>, bool>, which has 2 items",
    ),
    ("tuple<bit<8>> t = { x, 1 };", "4:27 2 values for tuple<bit<8>>, which has 1"),
    ("x.y = 3;", '4:11 a value of type bit<8> has no member "y"'),
    ("x(3);", "4:9 a value of type bit<8> can't be called"),
    ("bit<8>[3] a; x = a[3];", "4:28 index 3 is outside of bit<8>[3], which has 3 elements"),
    ("switch (x) { 1: { } 1: { } }", "4:29 the label `1` stands twice"),
    ("switch (x) { default: { } 1: { } }", "4:35 a label after `default`: `default` is the last label"),
    ("switch (x) { y: { } }", "4:22 a label of type bit<16> for a switch over bit<8>: add a cast `(bit<8>)`"),
    ("for (bit<16> i in 8w1 .. 8w5) { }", "4:27 the items are bit<8> and the loop variable is bit<16>"),
    ("error e = error.Nothing;", '4:25 error has no member "Nothing"'),
    ("bit<w> a;", '4:13 unknown name "w"'),
    ("bit<x> a;", "4:13 the width of a type must be known at compile time"),
    ("const bit<8> k = x;", '4:26 the value of the constant "k" must be known at compile time'),
    ('string t = "a";', '4:9 "t" can\'t be a variable: a string exists at compile time only'),
]


@pytest.mark.parametrize(("body", "message"), WRONG)
def test_refused(body: str, message: str) -> None:
    assert error_of(in_control(body)) == message


WRONG_HEADERS = [
    ("s.h.c = 3;", '4:13 header H has no member "c"'),
    ("s.h = { 1 };", "4:15 1 value for header H, which has 2"),
    ("s.h = { a = 1, c = 2 };", '4:24 header H has no field "c"'),
    ("s.h = { a = 1 };", '4:15 no value for "b" of header H: add it, or `...` for the defaults'),
    ("s.h = { a = 1, a = 2 };", '4:24 the field "a" is given twice'),
    ("s.h = { 1, true };", '4:20 cannot assign bool to bit<16> (field "b" of header H)'),
    ("s.st[4].a = 1;", "4:14 index 4 is outside of H[4], which has 4 elements"),
    ("s.st.next.a = 1;", "4:9 `next` of a header stack can only be used in a parser"),
    ("s.st.size = 1;", "4:9 this can't be assigned to: `size` of a stack can only be read"),
    ("bool b = s.h == s.st;", "4:18 can't compare header H with H[4]"),
    ("s.isValid();", '4:11 struct S has no member "isValid"'),
    ("s.h.isvalid();", '4:13 header H has no member "isvalid", did you mean "isValid"?'),
    ("U u; u.setInvalid();", '4:16 header union U has no member "setInvalid"'),
    ("U u; u.isvalid();", '4:16 header union U has no member "isvalid", did you mean "isValid"?'),
    ("s.st.nxt = s.h;", '4:14 the stack H[4] has no member "nxt"'),
    ("s.st.push_frnt(1);", '4:14 the stack H[4] has no member "push_frnt", did you mean "push_front"?'),
]


@pytest.mark.parametrize(("body", "message"), WRONG_HEADERS)
def test_refused_with_headers(body: str, message: str) -> None:
    assert error_of(in_control(body, before=HEADERS, params="inout S s")) == message


def test_in_parameters_and_action_data_are_read_only() -> None:
    found = errors_of(in_control("p = 1;", local="action a(bit<8> d) { d = 2; }", params="in bit<8> p"))
    assert found == [
        "3:47 this can't be assigned to: \"d\" is a parameter without a direction, which can't be written",
        "4:9 this can't be assigned to: \"p\" is an `in` parameter, which can't be written",
    ]


def test_all_errors_of_a_program_are_reported_in_order_with_carets() -> None:
    with pytest.raises(P4Error) as raised:
        load_text("control c(inout bit<8> x) {\n  apply {\n    x = nope;\n    x = 16w5;\n  }\n}", "wrong.p4")
    assert str(raised.value).splitlines() == [
        'wrong.p4:3:9: error: unknown name "nope"',
        "    x = nope;",
        "        ^^^^",
        "wrong.p4:4:9: error: cannot assign bit<16> to bit<8>: add a cast `(bit<8>)`",
        "    x = 16w5;",
        "        ^^^^",
    ]


def test_one_mistake_gives_one_error() -> None:
    body = "Missing m; x = m.a + m.b; m = { 1, 2 }; f(m); if (m.c == 3) { x = 1; }"
    found = errors_of(in_control(body))
    assert found == ['4:9 unknown type "Missing"', '4:49 unknown name "f"']


def test_a_misspelt_name_gets_a_suggestion() -> None:
    assert error_of(in_control("x = counter_valeu;", local="bit<8> counter_value;")) == (
        '4:13 unknown name "counter_valeu", did you mean "counter_value"?'
    )
