"""How many rounds pre-copy takes, from the write rate and the read rate (Clark et al., NSDI 2005, section 3).

While a round reads, packets dirty cells; the next round reads those. With a rate of writes w and of reading r, both in
cells per second, and a fixed time f per round, each round has

    dirty(k + 1) = w * (f + dirty(k) / r)

cells to read, never more than there are. Below w = r this falls towards w * f / (1 - w / r); above it, rounds do not
help. The rounds stop like the strategy's: when few cells are left, when a round makes no progress, or after a bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_ROUNDS = 12
FEW_CELLS = 256
"""When no more cells than this are left, the hold reads them."""
PROGRESS = 0.9
"""A round that leaves more than this share of what it read makes no progress."""


@dataclass(frozen=True)
class Prediction:
    """`rounds`: cells read by each round after the first; `remainder`: cells left for the hold; `converges`: whether
    the rounds stop because few are left."""

    rounds: tuple[float, ...]
    remainder: float
    converges: bool


def ends(read: Sequence[float]) -> bool:
    """Whether the round that read the last of these numbers of cells is the last one."""
    if not read:
        return False
    stuck = len(read) > 1 and read[-1] > PROGRESS * read[-2]
    return read[-1] <= FEW_CELLS or stuck or len(read) >= MAX_ROUNDS


def predict(cells: int, first_s: float, written_per_s: float, read_per_s: float, round_s: float) -> Prediction:
    """`cells`: of all registers; `first_s`: how long the first reading takes, and writing it to the new program;
    `written_per_s`: cells that become dirty, those of whole blocks; `read_per_s`: cells that are read and written;
    `round_s`: fixed time of a round, the map's reading included. Rates may be infinite."""

    def dirty(seconds: float) -> float:
        return min(float(cells), written_per_s * seconds)

    rounds = [dirty(first_s)]
    while not ends(rounds):
        rounds.append(dirty(round_s + rounds[-1] / read_per_s))
    return Prediction(tuple(rounds), dirty(round_s + rounds[-1] / read_per_s), rounds[-1] <= FEW_CELLS)
