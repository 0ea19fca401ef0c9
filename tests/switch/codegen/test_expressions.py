"""Random expressions over fields of many widths: the switch's results against a small interpreter."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.switch.scene import scene

WIDTHS = (1, 3, 8, 13, 16, 31, 32, 33, 64, 65, 96, 128, 129, 200)
EXPRESSIONS = 25
PACKETS = 12

Inputs = dict[str, int]


@dataclass(frozen=True)
class Expr:
    """P4 text, its type, and its value for given inputs (a bit pattern; bool: 0 or 1). `width` 0: bool."""

    text: str
    width: int
    signed: bool
    value: Callable[[Inputs], int]

    @property
    def type(self) -> str:
        return "bool" if self.width == 0 else f"{'int' if self.signed else 'bit'}<{self.width}>"

    def number(self, inputs: Inputs) -> int:
        """The value as a number, negative ones too."""
        bits = self.value(inputs)
        return bits - (1 << self.width) if self.signed and bits >> (self.width - 1) else bits


def cut(value: int, width: int) -> int:
    return value & ((1 << width) - 1)


def clamp(value: int, width: int, signed: bool) -> int:
    low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
    return max(low, min(high, value))


class Maker:
    """Generates random expressions of a given type from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def scalar(self, width: int, signed: bool, depth: int) -> Expr:
        inner = [
            *[self._binary] * 4,
            self._unary,
            self._shift,
            self._ternary,
            *[self._cast] * 2,
            self._slice,
            self._concat,
        ]
        make = self._leaf if depth == 0 else self.rng.choice([self._leaf, *inner])
        return make(width, signed, depth - 1)

    def boolean(self, depth: int) -> Expr:
        rng = self.rng
        if depth == 0 or rng.random() < 0.6:
            width, signed = rng.choice(WIDTHS), rng.random() < 0.4
            a, b = (self.scalar(width, signed, max(0, depth - 1)) for _ in range(2))
            op = rng.choice(["==", "!=", "<", "<=", ">", ">="])
            compare = {
                "==": lambda x, y: x == y,
                "!=": lambda x, y: x != y,
                "<": lambda x, y: x < y,
                "<=": lambda x, y: x <= y,
                ">": lambda x, y: x > y,
                ">=": lambda x, y: x >= y,
            }[op]
            return Expr(f"({a.text} {op} {b.text})", 0, False, lambda i: int(compare(a.number(i), b.number(i))))
        p, q = self.boolean(depth - 1), self.boolean(depth - 1)
        if rng.random() < 0.2:
            return Expr(f"(!{p.text})", 0, False, lambda i: 1 - p.value(i))
        if rng.random() < 0.5:
            return Expr(f"({p.text} && {q.text})", 0, False, lambda i: p.value(i) & q.value(i))
        return Expr(f"({p.text} || {q.text})", 0, False, lambda i: p.value(i) | q.value(i))

    def _leaf(self, width: int, signed: bool, depth: int) -> Expr:
        if width in WIDTHS and self.rng.random() < 0.75:
            name = f"{'s' if signed else 'u'}{width}"
            return Expr(f"hdr.h.{name}", width, signed, lambda i: i[name])
        bits = self.rng.choice([0, 1, (1 << width) - 1, self.rng.getrandbits(width)])
        number = bits - (1 << width) if signed and bits >> (width - 1) else bits
        text = f"({'int' if signed else 'bit'}<{width}>)({number})"
        return Expr(f"({text})", width, signed, lambda i: bits)

    def _binary(self, width: int, signed: bool, depth: int) -> Expr:
        a, b = (self.scalar(width, signed, depth) for _ in range(2))
        op = self.rng.choice(["+", "-", "*", "&", "|", "^", "|+|", "|-|"])
        apply: Callable[[int, int], int] = {
            "+": lambda x, y: x + y,
            "-": lambda x, y: x - y,
            "*": lambda x, y: x * y,
            "&": lambda x, y: x & y,
            "|": lambda x, y: x | y,
            "^": lambda x, y: x ^ y,
            "|+|": lambda x, y: clamp(x + y, width, signed),
            "|-|": lambda x, y: clamp(x - y, width, signed),
        }[op]
        return Expr(f"({a.text} {op} {b.text})", width, signed, lambda i: cut(apply(a.number(i), b.number(i)), width))

    def _unary(self, width: int, signed: bool, depth: int) -> Expr:
        a = self.scalar(width, signed, depth)
        if self.rng.random() < 0.5:
            return Expr(f"(-{a.text})", width, signed, lambda i: cut(-a.value(i), width))
        return Expr(f"(~{a.text})", width, signed, lambda i: cut(~a.value(i), width))

    def _shift(self, width: int, signed: bool, depth: int) -> Expr:
        a = self.scalar(width, signed, depth)
        by = self.scalar(self.rng.choice([3, 8, 65]), False, 0)
        if self.rng.random() < 0.5:
            return Expr(
                f"({a.text} << {by.text})", width, signed, lambda i: cut(a.value(i) << min(by.value(i), 300), width)
            )
        return Expr(
            f"({a.text} >> {by.text})", width, signed, lambda i: cut(a.number(i) >> min(by.value(i), 300), width)
        )

    def _ternary(self, width: int, signed: bool, depth: int) -> Expr:
        condition = self.boolean(depth)
        a, b = (self.scalar(width, signed, depth) for _ in range(2))
        return Expr(
            f"({condition.text} ? {a.text} : {b.text})",
            width,
            signed,
            lambda i: a.value(i) if condition.value(i) else b.value(i),
        )

    def _cast(self, width: int, signed: bool, depth: int) -> Expr:
        """To another width (same sign), or to the other sign (same width): what P4 allows in one cast."""
        if self.rng.random() < 0.5:
            a = self.scalar(width, not signed, depth)
            return Expr(f"(({'int' if signed else 'bit'}<{width}>){a.text})", width, signed, a.value)
        a = self.scalar(self.rng.choice(WIDTHS), signed, depth)
        return Expr(
            f"(({'int' if signed else 'bit'}<{width}>){a.text})", width, signed, lambda i: cut(a.number(i), width)
        )

    def _slice(self, width: int, signed: bool, depth: int) -> Expr:
        if signed:
            return self._cast(width, signed, depth)
        wide = self.rng.choice([w for w in WIDTHS if w >= width] or [width])
        a = self.scalar(wide, self.rng.random() < 0.3, depth)
        low = self.rng.randint(0, wide - width)
        return Expr(f"({a.text}[{low + width - 1}:{low}])", width, False, lambda i: cut(a.value(i) >> low, width))

    def _concat(self, width: int, signed: bool, depth: int) -> Expr:
        if width < 2 or signed:
            return self._cast(width, signed, depth)
        left = self.rng.randint(1, width - 1)
        a, b = self.scalar(left, False, depth), self.scalar(width - left, False, depth)
        return Expr(f"({a.text} ++ {b.text})", width, False, lambda i: a.value(i) << (width - left) | b.value(i))


def round_up(width: int) -> int:
    return max(8, -(-width // 8) * 8)


@pytest.mark.parametrize("seed", range(12))
def test_expressions_are_what_the_interpreter_says(seed: int) -> None:
    maker = Maker(seed)
    exprs: list[Expr] = []
    for _ in range(EXPRESSIONS):
        if maker.rng.random() < 0.2:
            exprs.append(maker.boolean(4))
        else:
            exprs.append(maker.scalar(maker.rng.choice(WIDTHS), maker.rng.random() < 0.4, 4))
    fields = "".join(f"bit<{w}> u{w}; bit<{round_up(w) - w}> pu{w}; " if w % 8 else f"bit<{w}> u{w}; " for w in WIDTHS)
    fields += "".join(f"int<{w}> s{w}; bit<{round_up(w) - w}> ps{w}; " if w % 8 else f"int<{w}> s{w}; " for w in WIDTHS)
    fields += "".join(f"bit<{round_up(e.width)}> r{n}; " for n, e in enumerate(exprs))
    code = ""
    for n, e in enumerate(exprs):
        if e.width == 0:
            code += f"hdr.h.r{n} = {e.text} ? 8w1 : 8w0;\n"
        else:
            code += f"hdr.h.r{n} = (bit<{round_up(e.width)}>)(bit<{e.width}>){e.text};\n"
    size = sum(round_up(w) // 8 for w in WIDTHS) * 2 + sum(round_up(e.width) // 8 for e in exprs)
    with scene(fields=fields, ingress=code) as s:
        for _ in range(PACKETS):
            inputs: Inputs = {}
            frame = b""
            for sign in "us":
                for w in WIDTHS:
                    top = (1 << w) - 1
                    value = maker.rng.choice([0, 1, top, top >> 1, 1 << (w - 1), maker.rng.getrandbits(w)])
                    inputs[f"{sign}{w}"] = value
                    frame += (value << (round_up(w) - w)).to_bytes(round_up(w) // 8, "big")
            results = bytes.fromhex(s.out(frame + bytes(size - len(frame))))[len(frame) :]
            for e in exprs:
                length = round_up(e.width) // 8
                got, results = int.from_bytes(results[:length], "big"), results[length:]
                assert got == e.value(inputs), f"{e.type} {e.text} with {inputs}"
