"""A register that is carried over: its contents and its cloned updates, in the form of the new program's register."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from state4.plan.conversion import Conversion
from state4.values import Cells, RegisterSpec, convert


@dataclass(frozen=True)
class Carried:
    """A register that goes over; `old` and `new` may differ in name, cells and width. `conversion`: what a map says."""

    old: RegisterSpec
    new: RegisterSpec
    conversion: Conversion | None = None

    def contents(self, values: Cells) -> Cells:
        """All cells of the old register as all those of the new one."""
        if self.conversion is not None:
            return self.conversion.contents(values, self.old, self.new)
        return convert(values, self.old, self.new)

    def cells(self, indices: npt.NDArray[np.uint64], values: Cells) -> tuple[npt.NDArray[np.uint64], Cells]:
        """Single cells of the old register as those of the new one; those without a place there are left out."""
        if self.conversion is not None:
            inside, moved = self.conversion.places(indices, self.old, self.new)
            return moved, self.conversion.values(values[inside], self.old, self.new)
        inside = indices < self.new.cells
        kept = values[inside]
        if self.old.width != self.new.width:
            count = len(kept)
            kept = convert(kept, replace(self.old, cells=count), replace(self.new, cells=count))
        return np.ascontiguousarray(indices[inside]), kept

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs, in words."""
        found = []
        if self.old.name != self.new.name:
            found.append(f"renamed to {self.new.name}")
        if self.old.cells != self.new.cells:
            found.append(f"{self.old.cells} -> {self.new.cells} cells")
        if self.old.width != self.new.width:
            found.append(f"{self.old.width} -> {self.new.width} bits")
        if self.old.signed != self.new.signed:
            found.append("now signed" if self.new.signed else "no longer signed")
        if self.conversion is not None:
            found += self.conversion.describe(self.old, self.new)
        return tuple(found)

    @property
    def loses(self) -> str:
        """What of its contents has no place any more, "" if nothing."""
        if self.conversion is not None:
            return self.conversion.loses(self.old, self.new)
        if self.new.cells < self.old.cells:
            return f"the cells from {self.new.cells} on"
        if self.new.width < self.old.width:
            return f"the bits above {self.new.width}"
        if self.old.signed != self.new.signed and self.old.width > self.new.width - (not self.old.signed):
            return "the sign"
        return ""
