"""Operators of the code generator at widths from 1 to 300 bits, as compiled C against Python's integers."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.build.cc import INTERFACE_DIR, find_compiler
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr

WIDTHS = (
    1,
    2,
    5,
    7,
    8,
    9,
    15,
    16,
    17,
    24,
    31,
    32,
    33,
    48,
    63,
    64,
    65,
    100,
    127,
    128,
    129,
    160,
    191,
    192,
    193,
    256,
    300,
)
LIMBS = 10  # of every argument and result of a test function: room for 640 bits


@dataclass(frozen=True)
class Operator:
    """`built(a, b, width, signed)` is the C expression; `value(a, b, width)` the expected value before truncation."""

    name: str
    signed: bool
    built: Callable[[CExpr, CExpr, int, bool], CExpr]
    value: Callable[[int, int, int], int]
    result: Callable[[int], int] = lambda width: width  # its width in bits


def clamp(value: int, width: int, signed: bool) -> int:
    low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
    return max(low, min(high, value))


def arithmetic(op: str) -> Callable[[CExpr, CExpr, int, bool], CExpr]:
    return lambda a, b, width, signed: scalars.arithmetic(op, a, b, width, signed)


def compare(op: str) -> Callable[[CExpr, CExpr, int, bool], CExpr]:
    return lambda a, b, width, signed: scalars.compare(op, a, b, width, signed)


def shift(op: str) -> Callable[[CExpr, CExpr, int, bool], CExpr]:
    return lambda a, b, width, signed: scalars.shift(op, a, b, width, width, signed)


def operators() -> list[Operator]:
    ops = [
        Operator("div", False, arithmetic("/"), lambda a, b, w: a // b if b else 0),
        Operator("mod", False, arithmetic("%"), lambda a, b, w: a % b if b else 0),
        Operator("invert", False, lambda a, b, w, s: scalars.invert(a, w), lambda a, b, w: ~a),
        Operator(
            "concat",
            False,
            lambda a, b, w, s: scalars.concat(a, w, b, w),
            lambda a, b, w: a << w | b,
            lambda w: 2 * w,
        ),
        Operator("halves", False, _swap_text, lambda a, b, w: b >> w // 2 | (a & ((1 << w // 2) - 1)) << (w - w // 2)),
        Operator("insert", False, _insert_text, _insert_value),
    ]
    for signed in (False, True):
        ops += [
            Operator("add", signed, arithmetic("+"), lambda a, b, w: a + b),
            Operator("sub", signed, arithmetic("-"), lambda a, b, w: a - b),
            Operator("mul", signed, arithmetic("*"), lambda a, b, w: a * b),
            Operator("and", signed, arithmetic("&"), lambda a, b, w: a & b),
            Operator("or", signed, arithmetic("|"), lambda a, b, w: a | b),
            Operator("xor", signed, arithmetic("^"), lambda a, b, w: a ^ b),
            Operator("negate", signed, lambda a, b, w, s: scalars.negate(a, w), lambda a, b, w: -a),
            Operator("sat_add", signed, arithmetic("|+|"), lambda a, b, w, s=signed: clamp(a + b, w, s)),
            Operator("sat_sub", signed, arithmetic("|-|"), lambda a, b, w, s=signed: clamp(a - b, w, s)),
            Operator("less", signed, compare("<"), lambda a, b, w: a < b, lambda w: 1),
            Operator("less_equal", signed, compare("<="), lambda a, b, w: a <= b, lambda w: 1),
            Operator("greater", signed, compare(">"), lambda a, b, w: a > b, lambda w: 1),
            Operator("equal", signed, compare("=="), lambda a, b, w: a == b, lambda w: 1),
            Operator("unequal", signed, compare("!="), lambda a, b, w: a != b, lambda w: 1),
            Operator(
                "widen", signed, lambda a, b, w, s: scalars.cast(a, w, s, w + 77), lambda a, b, w: a, lambda w: w + 77
            ),
            Operator(
                "widen_little",
                signed,
                lambda a, b, w, s: scalars.cast(a, w, s, w + 1),
                lambda a, b, w: a,
                lambda w: w + 1,
            ),
            Operator(
                "narrow",
                signed,
                lambda a, b, w, s: scalars.cast(a, w, s, (w + 1) // 2),
                lambda a, b, w: a,
                lambda w: (w + 1) // 2,
            ),
        ]
    # The amount of a shift is never negative, so these take their second argument as it is.
    ops += [
        Operator("shift_left", False, shift("<<"), lambda a, b, w: a << b if b < w else 0),
        Operator("shift_right", False, shift(">>"), lambda a, b, w: a >> b if b < w else 0),
        Operator("arithmetic_right", True, shift(">>"), lambda a, b, w: a >> min(b % (1 << w), w)),
        Operator("shift_by_3", True, lambda a, b, w, s: scalars.shift_by(">>", a, 3, w, s), lambda a, b, w: a >> 3),
        Operator("left_by_3", True, lambda a, b, w, s: scalars.shift_by("<<", a, 3, w, s), lambda a, b, w: a << 3),
    ]
    return ops


def _swap_text(a: CExpr, b: CExpr, width: int, signed: bool) -> CExpr:
    """The low half of a, then the high part of b: slices and a concatenation."""
    low = width // 2
    if low == 0:
        return b
    return scalars.concat(scalars.bits(a, width, low - 1, 0), low, scalars.bits(b, width, width - 1, low), width - low)


def _insert_text(a: CExpr, b: CExpr, width: int, signed: bool) -> CExpr:
    hi, lo = width - 1 - width // 4, width // 3
    hi = max(hi, lo)
    return scalars.insert(a, scalars.bits(b, width, hi - lo, 0), width, hi, lo)


def _insert_value(a: int, b: int, width: int) -> int:
    hi, lo = max(width - 1 - width // 4, width // 3), width // 3
    mask = ((1 << (hi - lo + 1)) - 1) << lo
    return a & ~mask | b << lo & mask


OPERATORS = operators()


def function_name(op: Operator, width: int) -> str:
    return f"{op.name}_{'s' if op.signed else 'u'}_{width}"


def source() -> str:
    """One C function per operator and width: void NAME(const uint64_t *a, const uint64_t *b, uint64_t *out)."""
    sizes = sorted({scalars.limbs(n) for w in WIDTHS for n in (w, 2 * w, w + 77, w + 1)} - {1, 2})
    parts = ['#include "bits.h"', *(f"SS_DEFINE_WIDE({n})" for n in sizes)]
    for width in WIDTHS:
        for op in OPERATORS:
            result = op.result(width)
            c_type, out_type = scalars.ct(width), scalars.ct(result)
            a, b, r = (cexpr.name(text) for text in "abr")
            words = scalars.words_of(r, result)
            stores = " ".join(f"out[{i}] = {word};" for i, word in enumerate(words))
            first, second = (scalars.from_words(cexpr.name(text), 0, width) for text in "pq")
            parts.append(
                f"void {function_name(op, width)}(const uint64_t *p, const uint64_t *q, uint64_t *out)"
                f" {{ {c_type} a = {first}, b = {second};"
                f" {out_type} r = {op.built(a, b, width, op.signed)}; {stores} (void)a, (void)b; }}"
            )
    return "\n".join(parts)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder: Path = tmp_path_factory.mktemp("arithmetic")
    (folder / "ops.c").write_text(source())
    command = [find_compiler(), "-std=gnu11", "-O1", "-Wall", "-Werror", "-Wno-unused-function", "-fPIC", "-shared"]
    subprocess.run([*command, f"-I{INTERFACE_DIR}", "ops.c", "-o", "ops.so"], cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "ops.so"))


def signed(value: int, width: int) -> int:
    return value - (1 << width) if value >> (width - 1) else value


@settings(max_examples=1500, deadline=None)
@given(data=st.data())
def test_an_operator_gives_what_integers_give(library: ctypes.CDLL, data: st.DataObject) -> None:
    op = data.draw(st.sampled_from(OPERATORS))
    width = data.draw(st.sampled_from(WIDTHS))
    top = (1 << width) - 1
    interesting = st.sampled_from([0, 1, top, top >> 1, (top >> 1) + 1, min(top, width), min(top, width - 1)])
    a, b = (data.draw(interesting | st.integers(0, top)) for _ in range(2))
    array = ctypes.c_uint64 * LIMBS
    out = array(*([0xDEAD] * LIMBS))
    words = [array(*(value >> 64 * i & (2**64 - 1) for i in range(LIMBS))) for value in (a, b)]
    getattr(library, function_name(op, width))(*words, out)
    result = op.result(width)
    got = sum(out[i] << 64 * i for i in range(scalars.limbs(result)))
    expected = op.value(*(signed(v, width) if op.signed else v for v in (a, b)), width)
    assert got == expected & ((1 << result) - 1), f"{op.name} {width} {a:#x} {b:#x}"


def test_literals_of_all_widths_are_values_of_their_type() -> None:
    for width in WIDTHS:
        text = scalars.literal(-1, width).text
        digits = text.count("f")
        assert digits >= (width - 1) // 4 or width <= 10, text
