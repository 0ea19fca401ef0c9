"""Arithmetic on compile-time values (8.5 to 8.11): `int` is exact, bit<W> and int<W> wrap at their width.

All functions are pure: they take values and types and give a value, or raise FoldError with the reason.
"""

from __future__ import annotations

from collections.abc import Callable

from p4front.syntax import ast
from p4front.types.rules import WIDTH_LIMIT
from p4front.types.types import (
    BitType,
    BoolType,
    EnumType,
    ErrorType,
    FieldInfo,
    IntegerType,
    IntType,
    SerEnumType,
    StackType,
    StructType,
    TupleType,
    Type,
    strip,
)

ConstValue = int | bool | str | tuple["ConstValue", ...] | dict[str, "ConstValue"] | ast.Node
"""A compile-time value: int (bit, int<>, serialisable enums; normalised to the type's range), bool, str (strings),
tuple (lists, tuples), dict (struct expressions, by field); for `error` and plain enums a str "error.X" / "Enum.X"."""

SHIFT_LIMIT = 1 << 12
"""Largest amount by which an `int` may be shifted left: keeps a wrong program from building a huge number."""


class FoldError(Exception):
    """The operation has no value: division by zero, a shift by a negative amount, ..."""


def bounds(type_: Type) -> tuple[int, int] | None:
    """Smallest and largest value of bit<W> or int<W> (also behind a new type or serialisable enum)."""
    type_ = strip(type_)
    if isinstance(type_, BitType):
        return 0, (1 << type_.width) - 1
    if isinstance(type_, IntType):
        return (-(1 << (type_.width - 1)), (1 << (type_.width - 1)) - 1) if type_.width else (0, 0)
    return None


def wrap(value: int, type_: Type) -> int:
    """The value taken modulo 2^W into the range of the type; `int` is unchanged."""
    type_ = strip(type_)
    if isinstance(type_, BitType):
        return value & ((1 << type_.width) - 1)
    if isinstance(type_, IntType):
        if type_.width == 0:
            return 0
        value &= (1 << type_.width) - 1
        return value - (1 << type_.width) if value >> (type_.width - 1) else value
    return value


def fits(value: int, type_: Type) -> bool:
    limits = bounds(type_)
    return limits is None or limits[0] <= value <= limits[1]


def saturate(value: int, type_: Type) -> int:
    limits = bounds(type_)
    return value if limits is None else max(limits[0], min(limits[1], value))


def bits_of(value: int, width: int) -> int:
    """Two's complement bit pattern of a value."""
    return value & ((1 << width) - 1)


# ---------------------------------------------------------------- operators


def _divide(a: int, b: int) -> int:
    _check_division(a, b, "division")
    return a // b


def _modulo(a: int, b: int) -> int:
    _check_division(a, b, "modulo")
    return a % b


def _check_division(a: int, b: int, what: str) -> None:
    if b == 0:
        raise FoldError(f"{what} by zero")
    if a < 0 or b < 0:
        raise FoldError(f"{what} is not defined for negative numbers")


_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "%": _modulo,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}

_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def arithmetic(op: str, a: int, b: int, type_: Type) -> int:
    """`* / % + - & | ^ |+| |-|` on two values of the same type."""
    if op == "|+|":
        return saturate(a + b, type_)
    if op == "|-|":
        return saturate(a - b, type_)
    value = wrap(_ARITHMETIC[op](a, b), type_)
    if value.bit_length() > WIDTH_LIMIT:
        raise FoldError(f"the result has more than {WIDTH_LIMIT} bits")
    return value


def compare(op: str, a: int, b: int) -> bool:
    """`< <= > >=`"""
    return _COMPARE[op](a, b)


def shift(op: str, value: int, amount: int, type_: Type) -> int:
    """`<<` and `>>`: arithmetic for int<W> and `int`, logical for bit<W>; a negative amount is an error (8.6)."""
    if amount < 0:
        raise FoldError("a shift by a negative amount is not allowed")
    limits = bounds(type_)
    if op == ">>":
        return value >> min(amount, WIDTH_LIMIT)
    if limits is None:
        if amount > SHIFT_LIMIT and value:
            raise FoldError(f"an `int` can be shifted left by at most {SHIFT_LIMIT} bits")
        return value << amount if value else 0
    return 0 if amount >= limits[1].bit_length() + 1 else wrap(value << amount, type_)


def concatenate(left: int, right: int, right_width: int, result: Type) -> int:
    """`left ++ right` on bit patterns."""
    return wrap((left << right_width) | bits_of(right, right_width), result)


def slice_bits(value: int, hi: int, lo: int) -> int:
    """`value[hi:lo]`, unsigned."""
    return (value >> lo) & ((1 << (hi - lo + 1)) - 1)


def complement(value: int, type_: Type) -> int:
    return wrap(~value, type_)


def cast(value: ConstValue, target: Type) -> ConstValue:
    """An explicit cast of a scalar (8.11.1)."""
    target = strip(target)
    if isinstance(target, BoolType):
        if isinstance(value, bool):
            return value
        if value not in (0, 1):
            raise FoldError(f"only 0 and 1 can be cast to bool, not {value}")
        return bool(value)
    if isinstance(target, (BitType, IntType)) and isinstance(value, int):
        return wrap(int(value), target)
    if isinstance(target, IntegerType) and isinstance(value, int):
        return int(value)
    return value


def default_value(type_: Type) -> ConstValue | None:
    """The value `...` stands for (8.12): 0, false, error.NoError, the first member, and so on inside; None without."""
    if isinstance(type_, SerEnumType) or isinstance(strip(type_), (BitType, IntType, IntegerType)):
        return 0
    plain = strip(type_)
    if isinstance(plain, BoolType):
        return False
    if isinstance(plain, ErrorType):
        return "error.NoError"
    if isinstance(plain, EnumType):
        return f"{plain.name}.{plain.members[0]}" if plain.members else None
    if isinstance(plain, StructType):
        if plain.kind != "struct":
            return None
        return _all_defaults(plain.fields)
    if isinstance(plain, TupleType):
        items = [default_value(t) for t in plain.items]
        return None if any(i is None for i in items) else tuple(i for i in items if i is not None)
    if isinstance(plain, StackType):
        item = default_value(plain.element)
        return None if item is None else (item,) * plain.size
    return None


def _all_defaults(fields: tuple[FieldInfo, ...]) -> dict[str, ConstValue] | None:
    values: dict[str, ConstValue] = {}
    for field in fields:
        value = default_value(field.type)
        if value is None:
            return None
        values[field.name] = value
    return values


def contiguous_prefix(mask: int, width: int) -> int | None:
    """Length of the prefix that a mask selects; None if its ones are not all at the top (lpm needs them there)."""
    ones = bin(mask).count("1")
    full = (1 << width) - 1
    return ones if mask == (full >> (width - ones)) << (width - ones) else None
