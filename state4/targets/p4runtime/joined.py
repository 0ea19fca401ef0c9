"""Scattered cells in few requests: ranges near each other are read as one.

Each range of a bulk read costs the switch and the client some 15 microseconds, as much as the copying of a few KiB.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from state4.values import CellRange, Cells

GAP_BYTES = 1 << 11
MAX_BYTES = 1 << 20
"""Of a joined range: packets wait while one is copied."""


def read_joined(ranges: Sequence[CellRange], read: Callable[[Sequence[CellRange]], list[Cells]]) -> list[Cells]:
    """The cells of each range, in order; `read` is called once, for as many ranges or fewer. No call without any."""
    if not ranges:
        return []
    wider, places = join(ranges)
    found = read(wider)
    return [
        found[number][part.start - wider[number].start :][: part.count]
        for part, number in zip(ranges, places, strict=True)
    ]


def join(ranges: Sequence[CellRange]) -> tuple[list[CellRange], list[int]]:
    """Ranges that cover the given ones, and for each given one the number of the range that it lies in.

    Only neighbours in the sequence are joined: of the same register, ascending, with at most GAP_BYTES between them.
    """
    wider: list[CellRange] = []
    places: list[int] = []
    for part in ranges:
        if wider and _near(wider[-1], part):
            last = wider[-1]
            wider[-1] = CellRange(last.register, last.start, part.start + part.count - last.start)
        else:
            wider.append(part)
        places.append(len(wider) - 1)
    return wider, places


def _near(last: CellRange, part: CellRange) -> bool:
    size, gap = part.register.cell_bytes, part.start - (last.start + last.count)
    return (
        last.register.name == part.register.name
        and 0 <= gap * size <= GAP_BYTES
        and (part.start + part.count - last.start) * size <= MAX_BYTES
    )
