"""Clones in transit to the listener, on average: how many arrive, how many wait, and which share gets through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experiments.simulation.load import Floats

BINS = 2000
"""Equal parts of the time during which the switch clones."""


@dataclass(frozen=True)
class Course:
    """The time from when the switch begins to clone, in BINS equal parts of `bin_s`. [BINS] each: clones made and let
    through in a part, and clones waiting at its end."""

    bin_s: float
    made: Floats
    through: Floats
    waiting: Floats

    @classmethod
    def of(cls, rates: Floats, length_s: float, served_per_s: float, room: float) -> Course:
        """From the clones per second in each part, the service rate, and the room in the queue."""
        bin_s = length_s / len(rates)
        made = rates * bin_s
        waiting, through = np.zeros_like(made), np.zeros_like(made)
        queue, can = 0.0, served_per_s * bin_s
        for number, coming in enumerate(made.tolist()):
            after = max(queue + coming - can, 0.0)
            lost = max(after - room, 0.0)
            queue = after - lost
            waiting[number], through[number] = queue, coming - lost
        return cls(bin_s, made, through, waiting)

    def share_at(self, times_s: Floats) -> Floats:
        """The probability that clones made at these times get through."""
        numbers = np.clip((times_s / self.bin_s).astype(np.int64), 0, len(self.made) - 1)
        made = self.made[numbers]
        share: Floats = np.divide(self.through[numbers], made, out=np.ones_like(made), where=made > 0)
        return share

    def time_of(self, clone: float) -> float:
        """When the clone with this number among those let through was made."""
        total = np.concatenate([[0.0], np.cumsum(self.through)])
        return float(np.interp(clone, total, np.arange(len(total)) * self.bin_s))


def rates_sent_every(flows: int, per_flow: float, every_s: float, length_s: float) -> Floats:
    """Clones per second in each of BINS parts of `length_s` if each flow sends a clone at once, and then at most one
    per `every_s`; `per_flow`: its packets per second.

    A flow that has just sent is silent for `every_s`. Of the others, `per_flow` of each send per second (an implicit
    step, since that may be far more than one per part).
    """
    bin_s = length_s / BINS
    delay = round(every_s / bin_s)
    if delay < 1:  # shorter than a part: the steady state
        return np.full(BINS, flows * per_flow / (1 + per_flow * every_s))
    ready = float(flows)
    sent = np.zeros(BINS)
    for number in range(BINS):
        back = sent[number - delay] if number >= delay else 0.0
        left = (ready + back) / (1 + per_flow * bin_s)
        sent[number] = ready + back - left
        ready = left
    return sent / bin_s
