"""Cloned updates as arrays: which cell of which register or counter got which value, in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Updates:
    """Updates in order of time. `component`: [n], numbers from 1; `index`: [n]; `value`: [n, value_bytes],
    little-endian."""

    component: npt.NDArray[np.uint32]
    index: npt.NDArray[np.uint64]
    value: Bytes

    def __len__(self) -> int:
        return len(self.component)

    @classmethod
    def empty(cls, value_bytes: int) -> Updates:
        return cls(np.zeros(0, np.uint32), np.zeros(0, np.uint64), np.zeros((0, value_bytes), np.uint8))

    @classmethod
    def concatenate(cls, parts: Sequence[Updates], value_bytes: int) -> Updates:
        if not parts:
            return cls.empty(value_bytes)
        return cls(
            np.concatenate([p.component for p in parts]),
            np.concatenate([p.index for p in parts]),
            np.concatenate([p.value for p in parts]),
        )

    def select(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Updates:
        return Updates(self.component[rows], self.index[rows], self.value[rows])

    def within(self, cells: Sequence[int]) -> Updates:
        """Without updates of unknown components and of cells beyond the component, which changed nothing. `cells`: of
        each component, from number 1 on."""
        sizes = np.array([0, *cells], np.uint64)
        known = self.component < len(sizes)
        inside = self.index < sizes[np.where(known, self.component, 0)]
        return self if bool(inside.all()) else self.select(inside)

    def of(self, number: int) -> tuple[npt.NDArray[np.uint64], Bytes]:
        """Indices and values of one component, in order."""
        rows = self.component == number
        return self.index[rows], self.value[rows]
