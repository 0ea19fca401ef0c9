"""Single cells of registers that are copied to a new program at the swap, with their values at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from softswitch.dataplane.externs import Register
from softswitch.server.errors import invalid, out_of_range


@dataclass(frozen=True)
class CellCopy:
    """`count` cells of a register from `start` on, copied to the same indices of another one."""

    old: Register
    new: Register
    start: int
    count: int


def checked_copy(old: Register, new: Register, start: int, count: int) -> CellCopy:
    """`count` 0: up to the end. Raises Refused."""
    if (old.info.width, old.info.cell_bytes) != (new.info.width, new.info.cell_bytes):
        raise invalid(f"cells of {old.info.name} and {new.info.name} differ in width, so they cannot be copied")
    cells = min(old.info.cells, new.info.cells)
    count = count or cells - start
    if not 0 <= start <= start + count <= cells:
        raise out_of_range(f"{old.info.name} and {new.info.name} have {cells} cells, not {start} to {start + count}")
    return CellCopy(old, new, start, count)


def copy_cells(copies: Sequence[CellCopy]) -> None:
    """Copies in order. The caller has stopped packets."""
    for copy in copies:
        copy.new.write(copy.start, copy.old.read(copy.start, copy.count))
