"""Register contents as arrays.

Up to 64 bits a register is an array [cells] of uint8, uint16, uint32 or uint64; above, an array [cells, bytes] of uint8
with each cell little-endian, in whole 64-bit words. Signed cells are kept as their bits. This is how the bulk service
packs cells, so no value is ever converted one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Cells = npt.NDArray[Any]


@dataclass(frozen=True)
class RegisterSpec:
    """A register of a program. `width` in bits; `id` is P4Info's."""

    name: str
    cells: int
    width: int
    signed: bool = False
    id: int = 0

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
class CellWrites:
    """Single cells of a register. `indices`: [n]; `values`: one cell for each index."""

    register: RegisterSpec
    indices: Cells
    values: Cells


def convert(values: Cells, old: RegisterSpec, new: RegisterSpec) -> Cells:
    """Contents of a register in the form of another: as many cells as fit, each cut or extended (with its sign, if the
    old one is signed) to the new width. Cells that the old register did not have are 0."""
    count = min(old.cells, new.cells)
    kept = values[:count]
    if old.width == new.width:
        rows = kept
    elif old.width <= 64 and new.width <= 64:
        wide = kept.astype(np.uint64)
        if old.signed and new.width > old.width:
            sign = np.uint64(1 << (old.width - 1))
            wide = (wide ^ sign) - sign
        mask = np.uint64((1 << new.width) - 1)
        rows = (wide & mask).astype(new.dtype)
    else:
        rows = new.from_integers(old.integers(kept))
    result = new.zeros()
    result[:count] = rows
    return result
