"""The remaining time: pure functions over expected and measured durations, in seconds."""

from __future__ import annotations

from collections.abc import Sequence

_MIN_ELAPSED_S = 5.0  # the progress of a trial that has just begun is meaningless
_FACTOR_LIMITS = (0.2, 5.0)


def speed_factor(finished: Sequence[tuple[float, float]]) -> float:
    """How much longer than expected the finished ones took, from (expected, measured); 1.0 at the start."""
    expected = sum(pair[0] for pair in finished)
    if expected <= 0:
        return 1.0
    low, high = _FACTOR_LIMITS
    return min(max(sum(pair[1] for pair in finished) / expected, low), high)


def remaining_s(expected_s: float, elapsed_s: float, share_done: float) -> float:
    """The remaining time of the current experiment. `share_done`: 0 to 1, as it reports itself; 0 if it reports
    nothing."""
    if share_done > 0 and elapsed_s >= _MIN_ELAPSED_S:
        by_share = elapsed_s * (1 - share_done) / share_done
        # The more is done, the more its own report counts.
        return by_share * share_done + max(expected_s - elapsed_s, 0.0) * (1 - share_done)
    return max(expected_s - elapsed_s, 0.0)
