"""Conversion of one register to another: scale, overflow, and which cell maps to which.

The same conversion is for contents that are read in bulk and for single cloned updates, so that the state after a
reconfiguration is the conversion of the state before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from state4.values import Cells, RegisterSpec, convert_cells

_EXACT_BITS = 62
"""Products up to here are computed by numpy, longer ones by Python."""


@dataclass(frozen=True)
class Conversion:
    """Cell `i` of the old register becomes cell `stride * (i - first) + offset`, for `count` cells from `first` on
    (None: all). Its value is multiplied by `scale` and rounded down; what does not fit then is cut to the new width, or
    set to the nearest value that fits if `saturate`. Cells that nothing becomes are `initial`. `members`: old name ->
    new name of a cell's members; such cells are neither scaled nor saturated."""

    scale: Fraction = Fraction(1)
    saturate: bool = False
    first: int = 0
    count: int | None = None
    stride: int = 1
    offset: int = 0
    initial: int = 0
    members: Mapping[str, str] = field(default_factory=dict)

    def contents(self, values: Cells, old: RegisterSpec, new: RegisterSpec) -> Cells:
        """All cells of the new register."""
        result = new.from_integers([self.initial]).repeat(new.cells, axis=0)
        there, where = self.places(np.arange(old.cells, dtype=np.uint64), old, new)
        result[where.astype(np.intp)] = self.values(values[there], old, new)
        return result

    def places(
        self, indices: npt.NDArray[np.uint64], old: RegisterSpec, new: RegisterSpec
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint64]]:
        """Which of some cells of the old register have a place in the new one, and where."""
        wide = indices.astype(np.int64)
        moved = (wide - self.first) * self.stride + self.offset
        inside = (wide >= self.first) & (wide < self._end(old)) & (moved >= 0) & (moved < new.cells)
        return inside, moved[inside].astype(np.uint64)

    def values(self, values: Cells, old: RegisterSpec, new: RegisterSpec) -> Cells:
        """Values of the old register as those of the new one."""
        if old.group is not None:
            return convert_cells(values, old, new, self.members)
        up, down = self.scale.numerator, self.scale.denominator
        plain = not (old.signed or new.signed) and max(old.width, new.width) <= 64
        if plain and old.width + up.bit_length() <= _EXACT_BITS:
            wide = values.astype(np.uint64) * np.uint64(up) // np.uint64(down)
            maximum = np.uint64((1 << new.width) - 1)
            fitting: Cells = np.minimum(wide, maximum) if self.saturate else wide & maximum
            return fitting.astype(new.dtype)
        numbers = [number * up // down for number in old.integers(values)]
        if self.saturate:
            low, high = limits(new)
            numbers = [min(max(number, low), high) for number in numbers]
        return new.from_integers(numbers)

    def describe(self, old: RegisterSpec, new: RegisterSpec) -> list[str]:
        """What it does in addition to a change of name or size, in words."""
        words = []
        if self.scale != 1:
            words.append(f"values times {self.scale}" + (", rounded down" if self.scale.denominator != 1 else ""))
        if self.saturate:
            words.append("values that do not fit become {} or {}".format(*limits(new)))
        if (self.first, self.stride, self.offset) != (0, 1, 0) or self._end(old) != old.cells:
            plus = f" + {self.offset}" if self.offset else ""
            index = f"(i - {self.first})" if self.first else "i"
            times = f"{self.stride} * " if self.stride != 1 else ""
            words.append(f"cell i -> {times}{index}{plus} for i from {self.first} to {self._end(old) - 1}")
        if self.initial:
            words.append(f"other cells {self.initial}")
        return words

    def loses(self, old: RegisterSpec, new: RegisterSpec) -> str:
        """What of the old contents cannot be recovered from the new ones, "" if all can."""
        found = []
        places, _ = self.places(np.arange(old.cells, dtype=np.uint64), old, new)
        missing = int(old.cells - np.count_nonzero(places))
        if missing:
            found.append(f"{missing} of {old.cells} cells")
        (low, high), (minimum, maximum) = limits(old), limits(new)
        if old.group is None and (high * self.scale >= maximum + 1 or low * self.scale < minimum):
            found.append(f"values outside {minimum} to {maximum}")
        if self.scale < 1:
            found.append(f"what rounding loses after a multiplication by {self.scale}")
        return " and ".join(found)

    def _end(self, old: RegisterSpec) -> int:
        return old.cells if self.count is None else min(old.cells, self.first + self.count)


def limits(register: RegisterSpec) -> tuple[int, int]:
    """The smallest and largest value of a cell."""
    if register.signed:
        return -(1 << (register.width - 1)), (1 << (register.width - 1)) - 1
    return 0, (1 << register.width) - 1
