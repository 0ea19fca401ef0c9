"""Widths of values as the data plane keeps them."""

from __future__ import annotations

from collections.abc import Iterator

from p4front.types.types import (
    BitType,
    BoolType,
    EnumType,
    ErrorType,
    IntType,
    StackType,
    StructType,
    TupleType,
    Type,
    strip,
)

ENUM_BITS = 32
"""Bits of an enumeration without an underlying type, and of an error."""


def data_width(type_: Type) -> int | None:
    """Bits of a scalar in the data plane; None of anything else."""
    plain = strip(type_)
    if isinstance(plain, (BitType, IntType)):
        return plain.width
    if isinstance(plain, BoolType):
        return 1
    return ENUM_BITS if isinstance(plain, (EnumType, ErrorType)) else None


def leaf_types(type_: Type) -> Iterator[Type]:
    """Types of the scalars (and varbits) in a value, in order."""
    plain = strip(type_)
    if isinstance(plain, StackType):
        for _ in range(plain.size):
            yield from leaf_types(plain.element)
    elif isinstance(plain, StructType):
        for field in plain.fields:
            yield from leaf_types(field.type)
    elif isinstance(plain, TupleType):
        for item in plain.items:
            yield from leaf_types(item)
    else:
        yield type_
