"""What one cell of a register consists of: a number, or the members of a struct, header or tuple.

A cell with members is kept as the concatenation of their bits, the first one in the highest bits, as P4 has it for
`++`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint8]
_CHUNK = 1 << 16  # cells whose bits are unpacked at once


@dataclass(frozen=True)
class Leaf:
    """A number. `width` in bits; `kind`: "bits", "bool" or "enum", as P4Runtime distinguishes them."""

    width: int
    signed: bool = False
    kind: str = "bits"

    def __str__(self) -> str:
        return {"bool": "bool", "enum": f"enum bit<{self.width}>"}.get(
            self.kind, f"{'int' if self.signed else 'bit'}<{self.width}>"
        )


@dataclass(frozen=True)
class Group:
    """`kind`: "struct", "header" or "tuple"; `members` by name, those of a tuple by position."""

    kind: str
    members: tuple[tuple[str, Cell], ...]


Cell = Leaf | Group


@dataclass(frozen=True)
class Member:
    """A number inside of a cell. `name`: with those of the structs around it, such as "flow.bytes"; `shift`: how many
    bits of the cell are below it."""

    name: str
    leaf: Leaf
    shift: int


def leaves(cell: Cell, name: str = "") -> Iterator[tuple[str, Leaf]]:
    """The numbers of a cell, with their names ("" for a cell that is one number), in order of declaration."""
    if isinstance(cell, Leaf):
        yield name, cell
        return
    for member, inner in cell.members:
        yield from leaves(inner, f"{name}.{member}" if name else member)


def width_of(cell: Cell) -> int:
    return sum(leaf.width for _, leaf in leaves(cell))


def members_of(cell: Cell) -> dict[str, Member]:
    """By name; empty for a cell that is one number."""
    if isinstance(cell, Leaf):
        return {}
    found, shift = {}, width_of(cell)
    for name, leaf in leaves(cell):
        shift -= leaf.width
        found[name] = Member(name, leaf, shift)
    return found


def convert_members(packed: Bits, old: Cell, new: Cell, new_bytes: int, names: Mapping[str, str]) -> Bits:
    """Cells [n, bytes], little-endian, in the form of another type: each member cut or extended (with its sign, if the
    old one is signed) to the width of its namesake. `names`: old name -> new name; members without a namesake are left
    out, or 0. Returns [n, new_bytes]."""
    result = np.zeros((len(packed), new_bytes), np.uint8)
    source, target = members_of(old), members_of(new)
    pairs = [(m, target[names.get(m.name, m.name)]) for m in source.values() if names.get(m.name, m.name) in target]
    for at in range(0, len(packed), _CHUNK):
        part = np.unpackbits(packed[at : at + _CHUNK], axis=1, bitorder="little")
        bits = np.zeros((len(part), 8 * new_bytes), np.uint8)
        for one, other in pairs:
            kept = min(one.leaf.width, other.leaf.width)
            bits[:, other.shift : other.shift + kept] = part[:, one.shift : one.shift + kept]
            if one.leaf.signed and other.leaf.width > kept:
                sign = part[:, one.shift + kept - 1]
                bits[:, other.shift + kept : other.shift + other.leaf.width] = sign[:, None]
        result[at : at + _CHUNK] = np.packbits(bits, axis=1, bitorder="little")
    return result
