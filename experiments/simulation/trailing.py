"""Updates of a cell after its last clone that got through: averages, for rates too high to follow each packet.

A cell is written at random times, `rate` per second. It is cloned on each write or, with approximation, at most once in
`every_s`. All clones get through until the CPU port's queue is full, and from then on each with the same probability.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from experiments.simulation.load import Floats
from experiments.simulation.queueing import Course

CELLS = 512
"""Number of cells drawn for approximation."""
MAX_CYCLES = 300
"""Number of intervals between clones followed per cell, counted back from its last clone. If fewer than one clone in a
hundred gets through, the last one that did may be older, and the loss slightly larger than computed."""


@dataclass(frozen=True)
class Window:
    """The time from when the switch clones to the last update that can be taken, in s. `full_after_s`: until the queue
    is full; `share`: of clones that get through after that. `read_s`: [n], when cells are read in bulk, counted from
    when the switch begins to clone."""

    length_s: float
    full_after_s: float
    share: float
    read_s: Floats


def trailing(rate: float, window: Window) -> float:
    """If every update is cloned: the number of a cell's updates that are lost within the window.

    In closed form: the age of the last clone that got through is exponential, with `rate * share` while the queue is
    full and `rate` before.
    """
    missed = 1 - window.share
    full_s = max(window.length_s - window.full_after_s, 0.0)
    free_s = window.length_s - full_s
    x = rate * window.share * full_s
    if full_s == 0 or missed <= 0:
        return 0.0
    recent = rate * missed * (-math.expm1(-x) - x * math.exp(-x)) / (rate * window.share) if x > 0 else 0.0
    old = math.exp(-x) * -math.expm1(-rate * free_s) * rate * missed * full_s
    never = math.exp(-x - rate * free_s)
    # Then the value read in bulk stays, and later updates are lost.
    after_read = np.clip(window.length_s - window.read_s, 0.0, full_s)
    return recent + old + never * rate * missed * float(after_read.mean())


def trailing_sent_every(
    rate: float, course: Course, length_s: float, read_s: Floats, every_s: float, generator: np.random.Generator
) -> tuple[float, float]:
    """With approximation: the number of a cell's updates lost within `length_s`, and the probability that none of its
    clones got through.

    Computed from CELLS cells, each followed from clone to clone; writes in between are counted by their average.
    """
    read = np.resize(read_s, CELLS)
    begin = max(0.0, length_s - MAX_CYCLES * (every_s + 1 / rate))
    sent = begin + generator.exponential(1 / rate, CELLS)
    if begin:  # each cell starts somewhere between two clones
        sent += every_s * generator.random(CELLS)
    since_clone, since_read = np.zeros(CELLS), np.zeros(CELLS)
    got = np.full(CELLS, begin > 0)
    while (on := sent < length_s).any():
        passed = on & (generator.random(CELLS) < course.share_at(sent))
        failed = on & ~passed
        got |= passed
        since_clone[passed] = 0.0
        quiet_end = np.minimum(sent + every_s, length_s)
        since_clone += np.where(on, rate * (quiet_end - sent), 0.0) + failed
        since_read += np.where(on, rate * np.clip(quiet_end - np.maximum(sent, read), 0.0, None), 0.0)
        since_read += failed & (sent > read)
        sent = np.where(on, sent + every_s + generator.exponential(1 / rate, CELLS), sent)
    lost = np.where(got, since_clone, since_read)
    return float(lost.mean()), float((~got).mean())
