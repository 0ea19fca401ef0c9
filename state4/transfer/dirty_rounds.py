"""Pre-copy rounds: read the dirty map, clear it, read the marked blocks, until few are left.

Writes set marks (`state4.instrumentation.map_code`), and cells are read after their marks were cleared. So every write
after a read leaves a mark that a later round finds; no other bookkeeping is needed.

A round has to clear the words that it reads. A switch that reads and clears atomically loses no mark. On others, a mark
set between reading and clearing a word would be lost; so there a non-zero word stands for all its blocks: it is
cleared, and then all of them are read. A lost mark then belongs to a write before the clearing, which that read
includes. Words that are 0 are not cleared, so marks in them remain for the next round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from state4.dirty.layout import Words
from state4.dirty.theory import Prediction, ends, predict
from state4.instrumentation.running import all_registers, map_of
from state4.pacing import Pacer
from state4.plan.carried import Carried
from state4.reconfigure import Reconfiguration
from state4.values import CellRange, Cells, CellWrites

Blocks = Mapping[str, npt.NDArray[np.intp]]
"""Indices of blocks, by the register's old name."""
_STEP_CELLS = 1 << 16  # cells read between two checks for cancellation


@dataclass
class Contents:
    """Cells of one carried register, in its old form. `indices`: [n]; `values`: one cell for each index."""

    item: Carried
    indices: npt.NDArray[np.uint64]
    values: Cells

    def writes(self) -> CellWrites:
        """Writes of the corresponding cells in the new program; cells without a place there are left out."""
        return CellWrites(self.item.new, *self.item.cells(self.indices, self.values))


@dataclass
class DirtyRounds:
    """`shares`: the share of all blocks of carried registers that each round read; `read`: cells per round;
    `prediction`: the theory's prediction from what was measured until the map was first read."""

    context: Reconfiguration
    shares: list[float] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    prediction: Prediction | None = None

    def __post_init__(self) -> None:
        context = self.context
        self.layout = map_of(context.old)
        self.map = next(spec for spec in all_registers(context.old) if spec.name == self.layout.register)
        self.blocks = sum(self.layout.by_name[item.old.name].count for item in context.carried)
        self._clears = context.target.abilities.reads_and_clears

    # ------------------------------------------------------------ reading the map

    def look(self) -> Blocks:
        """The dirty blocks, whose marks are cleared."""
        if self._clears is not None:
            return self.dirty(self._clears.read_and_clear(self.map))
        words = self.context.target.read_register(self.map)
        marked = np.flatnonzero(words).astype(np.uint64)
        if len(marked):
            self.context.target.write_cells([CellWrites(self.map, marked, self.map.zeros(len(marked)))])
        return self.dirty(words, whole_words=True)

    def dirty(self, words: Words, *, whole_words: bool = False) -> Blocks:
        """The dirty blocks of carried registers in the words of a map."""
        names = [item.old.name for item in self.context.carried]
        return {name: self.layout.by_name[name].dirty(words, whole_words=whole_words) for name in names}

    def ranges(self, blocks: Blocks) -> list[tuple[Carried, list[CellRange]]]:
        """The cells of the blocks, by register."""
        found = []
        for item in self.context.carried:
            parts = self.layout.by_name[item.old.name].ranges(blocks[item.old.name])
            if parts:
                found.append((item, [CellRange(item.old, start, count) for start, count in parts]))
        return found

    # ------------------------------------------------------------ rounds

    def run(self, since: float, cells: int, use: Callable[[Sequence[Contents]], None]) -> None:
        """Runs rounds until few cells are left or rounds make no progress. `since`: when the map was last cleared
        (time.monotonic) and when the reading of `cells` began, and their writing if `use` writes. `use` gets the
        contents read. May be called again, for further rounds."""
        profile = self.context.profile
        pacers = Pacer(profile.read_cells_per_s), Pacer(profile.write_cells_per_s)
        before = len(self.read)
        while not ends(self.read[before:]):
            began = time.monotonic()
            blocks = self.look()
            if self.prediction is None:
                self._predict(blocks, began - since, time.monotonic() - began, cells)
            self._round(blocks, pacers, use)

    def _round(self, blocks: Blocks, pacers: tuple[Pacer, Pacer], use: Callable[[Sequence[Contents]], None]) -> None:
        share = sum(len(numbers) for numbers in blocks.values()) / self.blocks if self.blocks else 0.0
        with self.context.events.phase("read_dirty", round=len(self.read) + 1, share=share) as result:
            _wait(pacers[0], self.layout.words)
            contents = list(self._contents(blocks, pacers[0]))
            cells = sum(len(part.indices) for part in contents)
            result["cells"] = cells
        with self.context.events.phase("write_dirty", cells=cells):
            use(contents)
            _wait(pacers[1], cells)
        self.shares.append(share)
        self.read.append(cells)

    def last(self) -> Iterator[Contents]:
        """One last round: reads the map and yields the contents of the marked blocks."""
        blocks = self.look()
        yield from self._contents(blocks, Pacer(None))

    def _contents(self, blocks: Blocks, pacer: Pacer) -> Iterator[Contents]:
        for item, ranges in self.ranges(blocks):
            values: list[Cells] = []
            for step in _steps(ranges):
                self.context.events.check()
                values += self.context.target.read_ranges(step)
                _wait(pacer, sum(part.count for part in step))
            yield contents(item, ranges, values)

    def _predict(self, blocks: Blocks, first_s: float, look_s: float, cells: int) -> None:
        dirty = sum(part.count for _, ranges in self.ranges(blocks) for part in ranges)
        profile, map_s = self.context.profile, look_s
        if profile.read_cells_per_s is not None:
            map_s += self.layout.words / profile.read_cells_per_s
        if first_s > 0 and cells:
            self.prediction = predict(cells, first_s, dirty / first_s, cells / first_s, map_s)

    @property
    def numbers(self) -> dict[str, Any]:
        """Numbers for the outcome."""
        found = self.prediction
        return {
            "rounds": tuple(self.shares),
            "predicted_rounds": tuple(dirty for dirty in found.rounds) if found is not None else (),
            "predicted_remainder": found.remainder if found is not None else None,
        }


def contents(item: Carried, ranges: Sequence[CellRange], values: Sequence[Cells]) -> Contents:
    """What was read of one register, combined."""
    places = [np.arange(part.start, part.start + part.count, dtype=np.uint64) for part in ranges]
    return Contents(item, np.concatenate(places), np.concatenate(values))


def _steps(ranges: Sequence[CellRange]) -> Iterator[list[CellRange]]:
    step: list[CellRange] = []
    for part in ranges:
        step.append(part)
        if sum(p.count for p in step) >= _STEP_CELLS:
            yield step
            step = []
    if step:
        yield step


def _wait(pacer: Pacer, cells: int) -> None:
    """Waits for the time that so many cells take."""
    for _ in pacer.chunks(cells):
        pass
