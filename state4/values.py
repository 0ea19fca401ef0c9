"""Register contents as arrays.

Up to 64 bits a register is an array [cells] of uint8, uint16, uint32 or uint64; above, an array [cells, bytes] of uint8
with each cell little-endian, in whole 64-bit words. Signed cells are kept as their bits. This is how the bulk service
packs cells, so no value is ever converted one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from state4.cells import Cell, Group, Leaf, Member, convert_members, members_of

Cells = npt.NDArray[Any]


@dataclass(frozen=True)
class RegisterSpec:
    """A register of a program. `width` in bits; `id` is P4Info's; `type`: of a cell that is not simply
    bits."""

    name: str
    cells: int
    width: int
    signed: bool = False
    id: int = 0
    type: Cell | None = None

    @property
    def cell(self) -> Cell:
        """What a cell consists of."""
        return self.type if self.type is not None else Leaf(self.width, self.signed)

    @property
    def group(self) -> Group | None:
        """The members of a cell; None if it is one number."""
        return self.type if isinstance(self.type, Group) else None

    @property
    def members(self) -> dict[str, Member]:
        """The numbers inside of a cell by name; empty if it is one number."""
        return members_of(self.cell)

    @property
    def cell_bytes(self) -> int:
        """Bytes of a packed cell."""
        return next((size for size in (1, 2, 4, 8) if self.width <= 8 * size), 8 * -(-self.width // 64))

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(f"<u{self.cell_bytes}") if self.width <= 64 else np.dtype(np.uint8)

    @property
    def kib(self) -> float:
        return self.cells * self.width / 8192

    def zeros(self, count: int | None = None) -> Cells:
        n = self.cells if count is None else count
        return np.zeros(n, self.dtype) if self.width <= 64 else np.zeros((n, self.cell_bytes), np.uint8)

    def from_bytes(self, packed: bytes) -> Cells:
        """Packed cells as an array (writable)."""
        array = np.frombuffer(bytearray(packed), self.dtype)
        return array if self.width <= 64 else array.reshape(-1, self.cell_bytes)

    def to_bytes(self, values: Cells) -> bytes:
        return np.ascontiguousarray(values, self.dtype).tobytes()

    def from_little_endian(self, rows: npt.NDArray[np.uint8]) -> Cells:
        """Cells from byte rows [n, any number of bytes], cut or filled to the width of a cell."""
        packed = np.zeros((len(rows), self.cell_bytes), np.uint8)
        used = min(rows.shape[1], self.cell_bytes)
        packed[:, :used] = rows[:, :used]
        last, bits = divmod(self.width, 8)
        if bits:
            packed[:, last] &= (1 << bits) - 1
        packed[:, -(-self.width // 8) :] = 0
        return packed if self.width > 64 else packed.view(self.dtype).reshape(-1)

    def integers(self, values: Cells) -> list[int]:
        """Cells as Python numbers (of a signed register, with their sign)."""
        if self.width <= 64:
            numbers = [int(v) for v in values]
        else:
            numbers = [int.from_bytes(row.tobytes(), "little") for row in values]
        if self.signed:
            limit = 1 << (self.width - 1)
            numbers = [n - (limit << 1) if n >= limit else n for n in numbers]
        return numbers

    def from_integers(self, numbers: list[int]) -> Cells:
        mask = (1 << self.width) - 1
        if self.width <= 64:
            return np.array([n & mask for n in numbers], self.dtype)
        rows = b"".join((n & mask).to_bytes(self.cell_bytes, "little") for n in numbers)
        return np.frombuffer(bytearray(rows), np.uint8).reshape(-1, self.cell_bytes)


@dataclass(frozen=True)
class CellRange:
    """Consecutive cells of a register."""

    register: RegisterSpec
    start: int
    count: int


@dataclass(frozen=True)
class CellWrites:
    """Single cells of a register. `indices`: [n]; `values`: one cell for each index."""

    register: RegisterSpec
    indices: Cells
    values: Cells


def convert(values: Cells, old: RegisterSpec, new: RegisterSpec, members: Mapping[str, str] | None = None) -> Cells:
    """Contents of a register in the form of another: as many cells as fit, each converted to the new type. Cells that
    the old register did not have are 0. `members`: old name -> new name of members."""
    count = min(old.cells, new.cells)
    result = new.zeros()
    result[:count] = convert_cells(values[:count], old, new, members or {})
    return result


def convert_cells(kept: Cells, old: RegisterSpec, new: RegisterSpec, members: Mapping[str, str]) -> Cells:
    """Cells of a register in the form of another's: members by name, numbers cut or extended (with their sign, if the
    old ones are signed) to the new width."""
    if old.group != new.group or members:
        packed = np.ascontiguousarray(kept).view(np.uint8).reshape(len(kept), old.cell_bytes)
        rows = convert_members(packed, old.cell, new.cell, new.cell_bytes, members)
        flat: Cells = rows if new.width > 64 else rows.view(new.dtype).reshape(-1)
        return flat
    if old.width == new.width:
        return kept
    if old.width <= 64 and new.width <= 64:
        wide = kept.astype(np.uint64)
        if old.signed and new.width > old.width:
            sign = np.uint64(1 << (old.width - 1))
            wide = (wide ^ sign) - sign
        mask = np.uint64((1 << new.width) - 1)
        cut: Cells = (wide & mask).astype(new.dtype)
        return cut
    return new.from_integers(old.integers(kept))
