"""Updates of one cell that came after its last clone that got through: on average, where nobody can follow each packet.

A cell is written at random times, `rate` per second. Its clones are made at once, or, with approximation, at most once
in `every_s`. All of them get through until the CPU port's queue is full, from then on each with the same chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from experiments.simulation.load import Floats
from experiments.simulation.queueing import Course

CELLS = 512
"""That are drawn for approximation."""
MAX_CYCLES = 300
"""From clone to clone that are followed, the last of a cell. Where fewer than one clone in a hundred gets through, the
last that did may be older, and the loss is a little larger than computed."""


@dataclass(frozen=True)
class Window:
    """From the moment that the switch clones to the last update that can be taken, in s. `full_after_s`: until the
    queue is full; `share`: of the clones that get through from then on. `read_s`: [n], when cells are read in bulk,
    after the switch begins to clone."""

    length_s: float
    full_after_s: float
    share: float
    read_s: Floats


def trailing(rate: float, window: Window) -> float:
    """Where each update is cloned: updates of a cell that are lost within the window.

    Closed form: the age of the last clone that got through is exponential, with `rate * share` while the queue is full
    and `rate` before.
    """
    missed = 1 - window.share
    full_s = max(window.length_s - window.full_after_s, 0.0)
    free_s = window.length_s - full_s
    x = rate * window.share * full_s
    if full_s == 0 or missed <= 0:
        return 0.0
    young = rate * missed * (-math.expm1(-x) - x * math.exp(-x)) / (rate * window.share) if x > 0 else 0.0
    old = math.exp(-x) * -math.expm1(-rate * free_s) * rate * missed * full_s
    never = math.exp(-x - rate * free_s)
    # Then what was read in bulk stays, and updates after that are lost.
    after_read = np.clip(window.length_s - window.read_s, 0.0, full_s)
    return young + old + never * rate * missed * float(after_read.mean())


def trailing_sent_every(
    rate: float, course: Course, length_s: float, read_s: Floats, every_s: float, generator: np.random.Generator
) -> tuple[float, float]:
    """With approximation: updates of a cell that are lost within `length_s`, and the chance that no clone of it got
    through.

    From CELLS cells, each followed from clone to clone; what is written in between is counted by its average.
    """
    read = np.resize(read_s, CELLS)
    begin = max(0.0, length_s - MAX_CYCLES * (every_s + 1 / rate))
    sent = begin + generator.exponential(1 / rate, CELLS)
    if begin:  # each cell is somewhere between two clones
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
