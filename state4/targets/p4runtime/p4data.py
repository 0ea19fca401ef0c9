"""Cells of registers as P4Data, one message a cell (P4Runtime specification 1.4, section 8.5)."""

from __future__ import annotations

from collections.abc import Iterator

from finsy.proto import p4d

from state4.cells import Cell, Leaf, leaves
from state4.values import RegisterSpec


def encode(register: RegisterSpec, number: int) -> p4d.P4Data:
    """A cell, given as the number that its bits are (with a sign, if it is one signed number)."""
    cell, left = register.cell, register.width
    packed, numbers = number & ((1 << left) - 1), []
    for _, leaf in leaves(cell):
        left -= leaf.width
        value = packed >> left & ((1 << leaf.width) - 1)
        negative = leaf.signed and bool(value >> leaf.width - 1)
        numbers.append(value - (1 << leaf.width) if negative else value)
    return _encoded(cell, iter(numbers))


def decode(register: RegisterSpec, data: p4d.P4Data) -> int:
    """The bits of a cell as one number; that of an invalid header is 0."""
    packed = 0
    for leaf, number in _decoded(register.cell, data):
        packed = packed << leaf.width | number & ((1 << leaf.width) - 1)
    negative = register.signed and bool(packed >> register.width - 1)
    return packed - (1 << register.width) if negative else packed


def _encoded(cell: Cell, numbers: Iterator[int]) -> p4d.P4Data:
    data = p4d.P4Data()
    if isinstance(cell, Leaf):
        number = next(numbers)
        if cell.kind == "bool":
            data.bool = bool(number)
        elif cell.kind == "enum":
            data.enum_value = _bytes(cell, number)
        else:
            data.bitstring = _bytes(cell, number)
    elif cell.kind == "header":
        data.header.is_valid = True
        data.header.bitstrings.extend(_encoded(inner, numbers).bitstring for _, inner in cell.members)
    else:
        members = data.struct.members if cell.kind == "struct" else data.tuple.members
        members.extend(_encoded(inner, numbers) for _, inner in cell.members)
    return data


def _decoded(cell: Cell, data: p4d.P4Data) -> Iterator[tuple[Leaf, int]]:
    if isinstance(cell, Leaf):
        kind = data.WhichOneof("data")
        if kind == "bool":
            yield cell, int(data.bool)
        else:
            packed = data.enum_value if kind == "enum_value" else data.bitstring
            yield cell, int.from_bytes(packed, "big", signed=cell.signed)
    elif cell.kind == "header":
        fields = data.header.bitstrings or [b""] * len(cell.members)
        for (_, inner), packed in zip(cell.members, fields, strict=True):
            yield from _decoded(inner, p4d.P4Data(bitstring=packed))
    else:
        members = data.struct.members if cell.kind == "struct" else data.tuple.members
        for (_, inner), member in zip(cell.members, members, strict=True):
            yield from _decoded(inner, member)


def _bytes(leaf: Leaf, number: int) -> bytes:
    """In the fewest bytes; those of int<W> have a sign (section 8.3)."""
    bits = number.bit_length() if not leaf.signed else (number if number >= 0 else ~number).bit_length() + 1
    return number.to_bytes(max(1, (bits + 7) // 8), "big", signed=leaf.signed)
