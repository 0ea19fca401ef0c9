"""Folding of compile-time values: exact `int`, wrapping sized types, and the errors of undefined operations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p4front.load import load_text
from p4front.types import constants
from p4front.types.constants import FoldError
from p4front.types.types import BOOL, INTEGER, BitType, IntType
from tests.unit.p4front.p4check import error_of, value_of

widths = st.integers(1, 130)
values = st.integers(-(1 << 140), 1 << 140)


@given(values, widths)
def test_wrapping_keeps_the_bits_and_lands_in_the_range(value: int, width: int) -> None:
    for type_ in (BitType(width), IntType(width)):
        wrapped = constants.wrap(value, type_)
        low, high = constants.bounds(type_) or (0, 0)
        assert low <= wrapped <= high
        assert (wrapped - value) % (1 << width) == 0


@given(values, values, widths)
def test_saturation_is_the_nearest_value_of_the_range(a: int, b: int, width: int) -> None:
    for type_ in (BitType(width), IntType(width)):
        x, y = constants.wrap(a, type_), constants.wrap(b, type_)
        low, high = constants.bounds(type_) or (0, 0)
        assert constants.arithmetic("|+|", x, y, type_) == min(max(x + y, low), high)
        assert constants.arithmetic("|-|", x, y, type_) == min(max(x - y, low), high)


@given(st.integers(0, 1 << 100), widths, st.integers(0, 1 << 100), widths)
def test_slices_undo_a_concatenation(a: int, wide: int, b: int, narrow: int) -> None:
    left, right = constants.wrap(a, BitType(wide)), constants.wrap(b, BitType(narrow))
    both = constants.concatenate(left, right, narrow, BitType(wide + narrow))
    assert constants.slice_bits(both, wide + narrow - 1, narrow) == left
    assert constants.slice_bits(both, narrow - 1, 0) == right


@given(values, widths, st.integers(0, 200))
def test_shifts_are_multiplication_and_floor_division(value: int, width: int, amount: int) -> None:
    for type_ in (BitType(width), IntType(width)):
        x = constants.wrap(value, type_)
        assert constants.shift("<<", x, amount, type_) == constants.wrap(x << amount, type_)
        assert constants.shift(">>", x, amount, type_) == x >> amount


@given(st.integers(1, 64), st.integers(0, 64))
def test_a_prefix_mask_is_recognised(width: int, ones: int) -> None:
    ones = min(ones, width)
    mask = ((1 << ones) - 1) << (width - ones)
    assert constants.contiguous_prefix(mask, width) == ones
    if 0 < ones < width:
        assert constants.contiguous_prefix(mask >> 1, width) is None


def test_what_has_no_value() -> None:
    with pytest.raises(FoldError, match="by zero"):
        constants.arithmetic("/", 5, 0, INTEGER)
    with pytest.raises(FoldError, match="negative"):
        constants.arithmetic("%", -5, 2, INTEGER)
    with pytest.raises(FoldError, match="negative"):
        constants.shift("<<", 1, -1, BitType(8))
    with pytest.raises(FoldError, match="at most"):
        constants.shift("<<", 1, 1 << 40, INTEGER)
    with pytest.raises(FoldError, match="only 0 and 1"):
        constants.cast(2, BOOL)


@pytest.mark.parametrize(
    ("declaration", "value"),
    [
        ("const bit<8> v = 255 + 3;", 2),
        ("const bit<8> v = 8w255 + 1;", 0),
        ("const int<8> v = 127 + 8s1;", -128),
        ("const int v = 1 << 100;", 1 << 100),
        ("const int v = 17 / 5 * 10 + 17 % 5;", 32),
        ("const bit<8> v = 8w250 |+| 10;", 255),
        ("const int<8> v = -8s100 |-| 100;", -128),
        ("const bit<12> v = 4w0xA ++ 8w0xBC;", 0xABC),
        ("const bit<4> v = 12w0xABC[7:4];", 0xB),
        ("const bit<8> v = ~8w0x0F;", 0xF0),
        ("const bit<8> v = (bit<8>)-1;", 255),
        ("const int<8> v = (int<8>)8w255;", -1),
        ("const bit<16> v = (bit<16>)(int<16>)-8s1;", 0xFFFF),
        ("const bool v = 3 < 4 && !(2 == 3);", True),
        ("const bool v = (bool)1w1;", True),
        ("const bit<8> v = true ? 8w1 : 8w2;", 1),
        ("const bit<32> v = 1 ++ 31w0;", None),
        ('const string v = "a" ++ "b";', "ab"),
        ("const tuple<bit<8>, bool> v = { 1, true };", (1, True)),
        ("struct S { bit<8> a; bool b; } const S v = { b = true, a = 3 };", {"a": 3, "b": True}),
        ("struct S { bit<8> a; bool b; } const S v = { 3, ... };", {"a": 3, "b": False}),
        ("enum E { A, B } const E v = E.B;", "E.B"),
        ("enum bit<8> E { A = 7, B = A + 1 } const E v = E.B;", 8),
        ("header H { bit<9> a; varbit<16> b; } const bit<32> v = H.minSizeInBytes();", 2),
        ("header H { bit<9> a; varbit<16> b; } const bit<32> v = H.maxSizeInBits();", 25),
    ],
)
def test_values_of_constants(declaration: str, value: object) -> None:
    text = declaration + "\ncontrol c() { apply { } }"
    if value is None:
        assert error_of(text)
        return
    program = load_text(text)
    name = next(d for d in program.declared if d.name.text == "v")
    assert program.constants[name.value] == value  # type: ignore[attr-defined]


def test_a_constant_is_folded_where_it_is_used() -> None:
    program = load_text("const int N = 3;\ncontrol c(inout bit<8> x) { apply { x = x + (N * 2 + 1); } }")
    assert value_of(program, "N * 2 + 1") == 7


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1 / 0", "1:18 division by zero"),
        ("-8 / 2", "1:18 division is not defined for negative numbers"),
        ("8w1 << -1", "1:25 a shift by a negative amount is not allowed"),
        ("8w3[1:2]", "1:18 a slice is written [high:low], and 1 is below 2"),
        ("8w3[8:2]", "1:22 bit 8 is outside of bit<8>"),
        ("7[3:0]", "1:18 a slice needs a value with a width: an `int` has none"),
        ("~5", "1:18 `~` needs a width: an `int` has none, write for instance `~8w1`"),
    ],
)
def test_wrong_arithmetic_is_located(expression: str, message: str) -> None:
    assert error_of(f"const bit<8> v = {expression};") == message


def test_a_value_that_does_not_fit_is_a_warning() -> None:
    program = load_text("const bit<8> v = 256;")
    assert [w.message for w in program.warnings] == ["256 does not fit bit<8>: it becomes 0"]
    assert value_of(program, "256") == 0
