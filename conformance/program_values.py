"""Numbers that mean something to a program: those that its text compares, matches or assigns, by field and by width."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

from p4front.program import Program
from p4front.syntax import ast
from p4front.types.types import BitType, strip

T = TypeVar("T")
SMALL = (0, 1, 2, 3)
PORT_BITS = 9
MAX_SESSION = 0x7FFF
"""The largest clone session that simple_switch knows."""
_COMPARED = {"==": (0,), "!=": (0,), "<": (-1, 0), ">=": (-1, 0), ">": (0, 1), "<=": (0, 1)}
"""What is added to a constant that a field is compared with: both sides of the comparison are met."""
_USUAL = 3
"""How many values of a field recur, so that the same flow is seen again."""


class Values:
    """Random numbers for one program."""

    def __init__(self, program: Program, random_: random.Random, ports: range) -> None:
        self._random, self._ports = random_, ports
        self._by_width = _by_width(program)
        self._by_field = _by_field(program)
        self._usual: dict[tuple[str, int], list[int]] = {}

    @property
    def constants(self) -> frozenset[int]:
        """All numbers in the program's text that a clone session can have."""
        return frozenset(value for values in self._by_width.values() for value in values if 0 < value <= MAX_SESSION)

    def chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def any_of(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)

    def number(self, width: int) -> int:
        """A number of so many bits, mostly a small one or one in the program's text."""
        kind = self._random.random()
        known = self._by_width.get(width, ())
        if known and kind < 0.45:
            return self._random.choice(known)
        if kind < 0.85:
            return self._random.choice(SMALL) % (1 << width)
        return self._random.getrandbits(width)

    def of_field(self, name: str, width: int) -> int:
        """A value of a field called `name`, wherever it lies: one that the program looks for, one seen before, or any.
        Fields of nine bits are ports."""
        kind = self._random.random()
        known = self._by_field.get(name, ())
        if known and kind < 0.5:
            return self._random.choice(known) % (1 << width)
        if width == PORT_BITS:
            return self._random.choice(self._ports)
        if kind < 0.85:
            usual = self._usual.setdefault((name, width), [])
            if len(usual) < _USUAL:
                usual.append(self.number(width))
            return self._random.choice(usual)
        return self.number(width)


def _by_width(program: Program) -> dict[int, list[int]]:
    found: dict[int, set[int]] = {}
    for expr, value in program.constants.items():
        type_ = program.types.get(expr)
        inner = strip(type_) if type_ is not None else None
        if isinstance(inner, BitType) and isinstance(value, int) and not isinstance(value, bool):
            found.setdefault(inner.width, set()).add(value % (1 << inner.width))
    return {width: sorted(values) for width, values in found.items()}


def _by_field(program: Program) -> dict[str, list[int]]:
    """By the field's own name, since the same number is often copied to metadata under the name that it had."""
    found: dict[str, set[int]] = {}
    for node in program.syntax.walk():
        for field, constant, changes in _meetings(node):
            value = program.constants.get(constant)
            if isinstance(value, tuple) and value:
                value = value[0]  # the first value of a mask or a range
            name = field_of(field)
            if name and isinstance(value, int) and not isinstance(value, bool):
                low = program.constants.get(field.lo) if isinstance(field, ast.Slice) else 0
                shift = low if isinstance(low, int) else 0
                found.setdefault(name, set()).update(max(0, value + change) << shift for change in changes)
    return {name: sorted(values) for name, values in found.items()}


def _meetings(node: ast.Node) -> Iterator[tuple[ast.Expr, ast.Expr, tuple[int, ...]]]:
    """(what may be a field, what may be a constant, what is added to it) of each pair that `node` brings together."""
    if isinstance(node, ast.Binary) and node.op in _COMPARED:
        yield node.left, node.right, _COMPARED[node.op]
        yield node.right, node.left, (-1, 0, 1)
    elif isinstance(node, ast.Assignment):
        yield node.target, node.value, (0,)
    elif isinstance(node, ast.SelectExpr):
        for case in node.cases:
            for key, keyset in zip(node.keys, keysets(case.keyset), strict=False):
                yield key, keyset, (0,)
    elif isinstance(node, ast.TableDecl):
        for entry in node.entries:
            for table_key, keyset in zip(node.keys or (), keysets(entry.keyset), strict=False):
                yield table_key.expr, keyset, (0,)


def keysets(keyset: ast.Expr) -> list[ast.Expr]:
    """One for each key."""
    return keyset.items if isinstance(keyset, ast.KeysetTuple) else [keyset]


def field_of(expr: ast.Expr) -> str:
    """The name of the field that an expression is about; "" if it is no field."""
    while isinstance(expr, (ast.Slice, ast.Cast)):
        expr = expr.base if isinstance(expr, ast.Slice) else expr.operand
    return expr.member.text if isinstance(expr, ast.Member) else ""
