"""Thresholds against what is known of a number: its confidence interval, never its median alone.

A number is on one side of a threshold when all of its interval is. Where the interval crosses it, nothing is decided.
Nobody knows the spread of a single run; it is taken to be a quarter of the value to either side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.claims.base import Check, Verdict
from experiments.claims.stats import Spread

ONE_RUN_SHARE = 0.25
"""Of the value of a single run: how far from it the true one may be."""


@dataclass(frozen=True)
class Quantity:
    """A number and how it is said: `what` with its unit; `factor` from the spread's unit to that one."""

    what: str
    spread: Spread
    unit: str = ""
    factor: float = 1.0

    @staticmethod
    def of(what: str, numbers: Mapping[str, Any], unit: str = "", factor: float = 1.0) -> Quantity:
        return Quantity(what, Spread(**numbers), unit, factor)

    @property
    def interval(self) -> tuple[float, float]:
        """From where to where the true value is, as far as the repeats tell."""
        if self.spread.count > 1:
            return self.spread.low, self.spread.high
        slack = abs(self.spread.median) * ONE_RUN_SHARE
        return self.spread.median - slack, self.spread.median + slack

    def text(self, value: float) -> str:
        return f"{value * self.factor:.3g} {self.unit}".strip()

    def told(self) -> str:
        """`the gap is 3 ms [1 ms, 4 ms]`."""
        low, high = self.interval
        if low == high:
            return f"{self.what} is {self.text(self.spread.median)}"
        return f"{self.what} is {self.text(self.spread.median)} [{self.text(low)}, {self.text(high)}]"


def below(quantity: Quantity, limit: float) -> Check:
    """Less than `limit`."""
    low, high = quantity.interval
    if high < limit:
        return Check(Verdict.HOLDS, quantity.told())
    if low >= limit:
        return Check(Verdict.FAILS, f"{quantity.told()}, not below {quantity.text(limit)}")
    return _crosses(quantity, limit)


def at_most(quantity: Quantity, limit: float, *, better_below: float | None = None) -> Check:
    """No more than `limit`; `better_below`: all of it below this is better than published."""
    low, high = quantity.interval
    if low > limit:
        return Check(Verdict.FAILS, f"{quantity.told()}, more than {quantity.text(limit)}")
    if high > limit:
        return _crosses(quantity, limit)
    return Check(Verdict.HOLDS, quantity.told(), better=better_below is not None and high < better_below)


def at_least(quantity: Quantity, limit: float, *, better_above: float | None = None) -> Check:
    """No less than `limit`; `better_above`: all of it above this is better than published."""
    low, high = quantity.interval
    if high < limit:
        return Check(Verdict.FAILS, f"{quantity.told()}, less than {quantity.text(limit)}")
    if low < limit:
        return _crosses(quantity, limit)
    return Check(Verdict.HOLDS, quantity.told(), better=better_above is not None and low > better_above)


def within(quantity: Quantity, limit: float) -> Check:
    """No farther from 0 than `limit`, to either side."""
    low, high = quantity.interval
    if -limit <= low and high <= limit:
        return Check(Verdict.HOLDS, quantity.told())
    if low > limit or high < -limit:
        return Check(Verdict.FAILS, f"{quantity.told()}, beyond {quantity.text(limit)}")
    return _crosses(quantity, limit)


def _crosses(quantity: Quantity, limit: float) -> Check:
    return Check(Verdict.NOT_JUDGED, f"inconclusive: {quantity.told()}, across the threshold of {quantity.text(limit)}")
