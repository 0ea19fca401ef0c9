"""Which bit of a dirty map stands for which cells.

A map is one register of 32-bit words. Each register of the program has consecutive words in it, and each bit of these,
from the lowest of the first word on, a block of 2^shift cells. A word is never shared by two registers.

    place of a register in the program's text: (first word << 5) | shift
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

WORD_BITS = 32
"""bmv2's control interface shows 63 bits of a cell at most."""
EXPECTED_DIRTY_CELLS = 256
"""Cells that change between two looks at the map, for which block sizes are chosen: about as many as the last round
leaves."""

Words = npt.NDArray[np.uint32]


def best_shift(cells: int, cell_bytes: int) -> int:
    """The block size for a register, as a power of two: the one that minimises the bytes read for the map and the
    blocks marked in it. With blocks of B cells a round reads cells / (8 B) bytes of the map, and B * cell_bytes for
    each dirty cell (each in a block of its own, at worst); the sum is least at B = sqrt(cells / (8 * dirty *
    cell_bytes))."""
    best = math.sqrt(cells / (8 * EXPECTED_DIRTY_CELLS * cell_bytes)) if cells else 1.0
    return max(0, round(math.log2(best))) if best > 1 else 0


@dataclass(frozen=True)
class Blocks:
    """The part of a map that is about one register. `first`: its first word; `cells`: of the register."""

    name: str
    cells: int
    shift: int
    first: int

    @property
    def count(self) -> int:
        """How many blocks the register has."""
        return -(-self.cells >> self.shift)

    @property
    def words(self) -> int:
        return -(-self.count // WORD_BITS)

    @property
    def place(self) -> int:
        """The number by which the program's text finds this part."""
        return self.first * WORD_BITS | self.shift

    def dirty(self, words: Words, *, whole_words: bool = False) -> npt.NDArray[np.intp]:
        """Numbers of the blocks whose bits are set in the map. `whole_words`: of all blocks of a word that is not 0."""
        own = np.ascontiguousarray(words[self.first : self.first + self.words], "<u4")
        if whole_words:
            own = np.where(own != 0, np.uint32(0xFFFFFFFF), np.uint32(0)).astype("<u4")
        bits = np.unpackbits(own.view(np.uint8), bitorder="little")[: self.count]
        return np.flatnonzero(bits)

    def ranges(self, blocks: npt.NDArray[np.intp]) -> list[tuple[int, int]]:
        """(first cell, number of cells) of blocks, ascending, neighbours joined."""
        if not len(blocks):
            return []
        ends = np.flatnonzero(np.diff(blocks) != 1)
        firsts = blocks[np.concatenate([[0], ends + 1])]
        lasts = blocks[np.concatenate([ends, [len(blocks) - 1]])]
        size = 1 << self.shift
        return [
            (int(first) * size, min(int(last + 1) * size, self.cells) - int(first) * size)
            for first, last in zip(firsts, lasts, strict=True)
        ]


@dataclass(frozen=True)
class MapLayout:
    """The dirty map of one program. `register`: its name; `parts`: of every register, in order of declaration."""

    register: str
    parts: tuple[Blocks, ...]

    @classmethod
    def of(cls, register: str, components: Sequence[tuple[str, int, int]]) -> MapLayout:
        """`components`: name, cells and shift of each register."""
        parts: list[Blocks] = []
        first = 0
        for name, cells, shift in components:
            parts.append(Blocks(name, cells, shift, first))
            first += parts[-1].words
        return cls(register, tuple(parts))

    @property
    def words(self) -> int:
        """Cells of the map's register, one at least."""
        return max(1, sum(part.words for part in self.parts))

    @property
    def blocks(self) -> int:
        return sum(part.count for part in self.parts)

    @cached_property
    def by_name(self) -> dict[str, Blocks]:
        return {part.name: part for part in self.parts}


__all__ = ["WORD_BITS", "Blocks", "MapLayout", "Words", "best_shift"]
