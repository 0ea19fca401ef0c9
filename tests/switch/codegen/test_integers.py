"""Values of type `int` at run time: casts of bit<W> and int<W>, and exact arithmetic on them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4front.text.source import P4Error
from softswitch.build.program import compile_text
from tests.switch.scene import program, scene

A, B = "(int)hdr.h.a", "(int)hdr.h.b"
EXPRESSIONS = [
    (f"{A} + 1", lambda a, b: a + 1),
    (f"{A} + {B}", lambda a, b: a + b),
    (f"{A} - {B}", lambda a, b: a - b),
    (f"{A} * {B}", lambda a, b: a * b),
    (f"({A} + 255) * ({B} - 300) * 7", lambda a, b: (a + 255) * (b - 300) * 7),
    (f"-({A}) - 1", lambda a, b: -a - 1),
    (f"({A} << 5) + ({B} >> 2)", lambda a, b: (a << 5) + (b >> 2)),
    (f"({A} * 1000) / 7", lambda a, b: a * 1000 // 7),
    (f"({A} * 1000) % 77", lambda a, b: a * 1000 % 77),
    (f"({B} & 0xff00) | {A}", lambda a, b: (b & 0xFF00) | a),
    (f"{B} ^ -3", lambda a, b: b ^ -3),
    (f"{A} * {A} * {A} * {A} * {A} * {A} * {A} * {A} * {A} * {A}", lambda a, b: a**10),
    (f"{A} - 400 < {B}", lambda a, b: a - 400 < b),
    (f"{A} * 3 >= {B} + 200", lambda a, b: a * 3 >= b + 200),
    (f"{A} - {B} == -5", lambda a, b: a - b == -5),
    (f"{A} != {B} + 1", lambda a, b: a != b + 1),
]


@pytest.mark.parametrize(("text", "expected"), EXPRESSIONS, ids=[text for text, _ in EXPRESSIONS])
def test_arithmetic_is_exact_and_the_cast_around_it_cuts(text: str, expected) -> None:  # type: ignore[no-untyped-def]
    comparison = isinstance(expected(0, 0), bool)
    value = f"({text}) ? 16w1 : 16w0" if comparison else f"(bit<16>)({text})"
    with scene(fields="bit<8> a; int<12> b; bit<4> spare; bit<16> result;", ingress=f"hdr.h.result = {value};") as s:

        @settings(max_examples=60, deadline=None)
        @given(st.integers(0, 255), st.integers(-2048, 2047))
        def check(a: int, b: int) -> None:
            frame = bytes([a]) + ((b % 4096) << 4).to_bytes(2, "big") + bytes(2)
            assert int(s.out(frame)[6:], 16) == int(expected(a, b)) % 65536

        check()


def test_an_int_takes_the_width_of_what_it_is_added_to() -> None:
    with scene(ingress="hdr.h.a = hdr.h.a + (int)hdr.h.b; hdr.h.c = (bit<8>)(int<8>)(-(int)hdr.h.d);") as s:
        assert s.out("f0200003") == "1020fd03"


@pytest.mark.parametrize(
    ("ingress", "says"),
    [
        ("hdr.h.a = (bit<8>)(((int)hdr.h.a - 1) / 3);", "cannot be negative"),
        ("hdr.h.a = (bit<8>)((int)hdr.h.a << 5000);", "more than 4096 bits"),
    ],
)
def test_what_is_refused(ingress: str, says: str) -> None:
    with pytest.raises(P4Error, match=says):
        compile_text(program(ingress=ingress), "scene.p4")
