"""The numbers that a register's cell consists of, as the program's types have them."""

from __future__ import annotations

from p4front.types.types import BitType, BoolType, IntType, StructType, TupleType, Type, strip


def leaf_types(type_: Type, accessor: str = "") -> list[tuple[str, Type]] | None:
    """The numbers inside of a type, in order of declaration: what follows the name of a variable to reach each (such as
    ".flow.bytes" or ".pair[1]"), and its type. None if the type has parts that cannot be cast to bits (enums without an
    underlying type, errors, header stacks and unions, varbits)."""
    inner = strip(type_)
    if isinstance(inner, (BitType, IntType, BoolType)):
        return [(accessor, type_)]
    if isinstance(inner, StructType) and inner.kind in ("struct", "header"):
        parts = [(f"{accessor}.{field.name}", field.type) for field in inner.fields]
    elif isinstance(inner, TupleType):
        parts = [(f"{accessor}[{n}]", item) for n, item in enumerate(inner.items)]
    else:
        return None
    found: list[tuple[str, Type]] = []
    for inner_accessor, part in parts:
        leaves = leaf_types(part, inner_accessor)
        if leaves is None:
            return None
        found += leaves
    return found


def leaf_width(type_: Type) -> int:
    """Bits of one of `leaf_types`."""
    inner = strip(type_)
    return inner.width if isinstance(inner, (BitType, IntType)) else 1
