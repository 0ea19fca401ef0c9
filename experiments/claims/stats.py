"""Statistics as pure functions. Nothing here knows where the numbers come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """A median and its bootstrap confidence interval; with fewer than two values the interval is just the value."""

    median: float
    low: float
    high: float
    count: int
    minimum: float
    maximum: float

    def as_dict(self) -> dict[str, float | int]:
        return dict(vars(self))

    def scaled(self, factor: float) -> Spread:
        """The same spread in another unit. `factor` is above 0."""
        values = (self.median, self.low, self.high, self.minimum, self.maximum)
        median, low, high, minimum, maximum = (value * factor for value in values)
        return Spread(median, low, high, self.count, minimum, maximum)


def spread(values: Sequence[float], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 1) -> Spread:
    """Median with a percentile-bootstrap interval (Efron and Tibshirani, 1993, chapter 13). ValueError when empty."""
    data = _checked(values)
    low, high = bootstrap_interval(data, np.median, confidence=confidence, resamples=resamples, seed=seed)
    return Spread(float(np.median(data)), low, high, len(data), float(data.min()), float(data.max()))


def bootstrap_interval(
    values: Sequence[float] | Floats,
    statistic: Callable[..., npt.ArrayLike],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 1,
) -> tuple[float, float]:
    """The percentile-bootstrap interval of a statistic, which must take `axis`. A seed always gives the same."""
    data = _checked(values)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence}")
    if len(data) < 2:
        return float(data[0]), float(data[0])
    generator = np.random.default_rng(seed)
    picks = data[generator.integers(0, len(data), (resamples, len(data)))]
    drawn = np.asarray(statistic(picks, axis=1))
    tail = (1 - confidence) / 2 * 100
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return float(low), float(high)


def longest_gap(times_s: Sequence[float] | Floats, *, start: float | None = None, end: float | None = None) -> float:
    """The longest time between two neighbours of ascending times, counting from `start` and up to `end` when given.

    Infinite when there are too few points to have a gap.
    """
    edges = [np.asarray(times_s, dtype=np.float64)]
    if start is not None:
        edges.insert(0, np.array([start]))
    if end is not None:
        edges.append(np.array([end]))
    points = np.concatenate(edges)
    return float(np.diff(points).max()) if len(points) > 1 else float("inf")


def throughput(times_s: Floats, sizes_bytes: npt.ArrayLike, *, start: float, end: float, bin_s: float) -> Floats:
    """Mbit/s in bins of `bin_s` from `start` to `end`; packets outside are left out. Shape: (number of bins,)."""
    bins = round((end - start) / bin_s)
    if bins < 1:
        raise ValueError(f"no whole bin of {bin_s:g} s between {start:g} and {end:g} s")
    totals, _ = np.histogram(times_s, bins=bins, range=(start, start + bins * bin_s), weights=np.asarray(sizes_bytes))
    megabits: Floats = totals * 8 / bin_s / 1e6
    return megabits


def delta_loss(wire_bytes: int, register_bytes: int) -> float:
    """The share of state that is missing: (bytes on the wire - bytes in the register) / bytes on the wire (Fig. 5)."""
    if wire_bytes <= 0:
        raise ValueError("no bytes on the wire: there is nothing to compare with")
    return (wire_bytes - register_bytes) / wire_bytes


def _checked(values: Sequence[float] | Floats) -> Floats:
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or len(data) == 0:
        raise ValueError("statistics need at least one value")
    if not np.isfinite(data).all():
        raise ValueError("a value is not finite: a failed measurement is an error, not a number")
    return data
