"""Random expressions of a given type over the values in scope."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

WIDTHS = (1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 24, 31, 32, 33, 40, 48, 63, 64, 65, 80, 100, 128)


@dataclass(frozen=True)
class Value:
    """Something with a name: a field, a variable, a parameter."""

    text: str
    width: int
    signed: bool = False

    @property
    def type(self) -> str:
        return type_text(self.width, self.signed)


def type_text(width: int, signed: bool = False) -> str:
    return f"{'int' if signed else 'bit'}<{width}>"


class Expressions:
    """Writes expressions; `scope` is what they may read, and may be replaced at any time."""

    def __init__(self, chosen: random.Random, scope: Sequence[Value]) -> None:
        self.random = chosen
        self.scope = list(scope)

    def expression(self, width: int, signed: bool = False, depth: int = 2) -> str:
        """An expression of the type bit<width> or int<width>."""
        if depth <= 0 or self.random.random() < 0.2:
            return self._leaf(width, signed)
        kinds = ["binary", "binary", "unary", "shift", "choice", "cast"]
        if not signed:
            kinds += ["saturate", "slice", "bits"]
            if width > 1:
                kinds.append("concat")
        else:
            kinds.append("saturate")
        return getattr(self, f"_{self.random.choice(kinds)}")(width, signed, depth - 1)  # type: ignore[no-any-return]

    def condition(self, depth: int = 1) -> str:
        kind = self.random.random()
        if depth and kind < 0.15:
            operator = self.random.choice(("&&", "||"))
            return f"({self.condition(depth - 1)} {operator} {self.condition(depth - 1)})"
        if depth and kind < 0.2:
            return f"!({self.condition(depth - 1)})"
        if kind < 0.5:
            return f"hdr.h.op[{self._range(8, 2)}] {self.random.choice(('==', '!='))} {self.random.randrange(4)}"
        width, signed = self.random.choice(WIDTHS), self.random.random() < 0.25
        if width == 1:
            signed = False
        operator = self.random.choice(("==", "!=", "<", ">", "<=", ">="))
        return f"({self._named(width, signed)} {operator} {self.expression(width, signed, depth)})"

    def literal(self, width: int, signed: bool = False) -> str:
        top = (1 << (width - 1)) - 1 if signed else (1 << width) - 1
        value = self.random.choice((0, 1, top, self.random.randrange(top + 1), self.random.randrange(top + 1)))
        return f"{width}{'s' if signed else 'w'}{value:#x}"

    # ---- the kinds of expression ----

    def _leaf(self, width: int, signed: bool) -> str:
        return self.literal(width, signed) if self.random.random() < 0.2 else self._named(width, signed)

    def _named(self, width: int, signed: bool) -> str:
        """A value in scope, converted to fit."""
        same = [value for value in self.scope if (value.width, value.signed) == (width, signed)]
        if same and self.random.random() < 0.7:
            return self.random.choice(same).text
        value = self.random.choice([value for value in self.scope if value.width > 1 or not signed])
        text, changed = value.text, False
        if value.signed != signed:
            text, changed = f"({type_text(value.width, signed)}){text}", True
        if value.width != width:
            text, changed = f"({type_text(width, signed)})({text})", True
        return f"({text})" if changed else text

    def _binary(self, width: int, signed: bool, depth: int) -> str:
        operator = self.random.choice(("+", "-", "*", "&", "|", "^"))
        return f"({self.expression(width, signed, depth)} {operator} {self.expression(width, signed, depth)})"

    def _saturate(self, width: int, signed: bool, depth: int) -> str:
        operator = self.random.choice(("|+|", "|-|"))
        return f"({self.expression(width, signed, depth)} {operator} {self.expression(width, signed, depth)})"

    def _unary(self, width: int, signed: bool, depth: int) -> str:
        return f"({self.random.choice('~-')}{self.expression(width, signed, depth)})"

    def _shift(self, width: int, signed: bool, depth: int) -> str:
        amount = self.random.choice((f"8w{self.random.randrange(width)}", self._named(8, False)))
        return f"({self.expression(width, signed, depth)} {self.random.choice(('<<', '>>'))} {amount})"

    def _choice(self, width: int, signed: bool, depth: int) -> str:
        first, second = self.expression(width, signed, depth), self.expression(width, signed, depth)
        return f"({self.condition(0)} ? {first} : {second})"

    def _cast(self, width: int, signed: bool, depth: int) -> str:
        """A cast from another width, or from the other sign."""
        if width > 1 and self.random.random() < 0.4:
            return f"(({type_text(width, signed)})({self.expression(width, not signed, depth)}))"
        other = self.random.choice([w for w in WIDTHS if w > 1])
        return f"(({type_text(width, signed)})({self.expression(other, signed, depth)}))"

    def _slice(self, width: int, _signed: bool, depth: int) -> str:
        wide = self.random.choice(
            [value for value in self.scope if not value.signed and value.width >= width] or [None]
        )
        if wide is None:
            return self._binary(width, False, depth)
        return f"{wide.text}[{self._range(wide.width, width)}]"

    def _bits(self, width: int, _signed: bool, depth: int) -> str:
        """A condition as a number."""
        bit = f"(bit<1>)({self.condition(depth)})"
        return f"({bit})" if width == 1 else f"(({type_text(width)})({bit}))"

    def _concat(self, width: int, _signed: bool, depth: int) -> str:
        left = self.random.randrange(1, width)
        return f"({self.expression(left, False, depth)} ++ {self.expression(width - left, False, depth)})"

    def _range(self, of: int, width: int) -> str:
        low = self.random.randrange(of - width + 1)
        return f"{low + width - 1}:{low}"
