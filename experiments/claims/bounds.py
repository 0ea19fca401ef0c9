"""Thresholds compared with a number's confidence interval, never with its median alone.

A number is on one side of a threshold if its whole interval is. If the interval crosses the threshold, the check is
undecided. The spread of a single run is unknown; it is taken to be a quarter of the value in either direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.claims.base import Check, Verdict
from experiments.claims.stats import Spread

ONE_RUN_SHARE = 0.25
"""Assumed relative error of the value of a single run."""


@dataclass(frozen=True)
class Quantity:
    """A number and its description: `what` with its unit; `factor` converts from the spread's unit to that one."""

    what: str
    spread: Spread
    unit: str = ""
    factor: float = 1.0

    @staticmethod
    def of(what: str, numbers: Mapping[str, Any], unit: str = "", factor: float = 1.0) -> Quantity:
        return Quantity(what, Spread(**numbers), unit, factor)

    @property
    def interval(self) -> tuple[float, float]:
        """The interval that contains the true value, as far as the repeats show."""
        if self.spread.count > 1:
            return self.spread.low, self.spread.high
        slack = abs(self.spread.median) * ONE_RUN_SHARE
        return self.spread.median - slack, self.spread.median + slack

    def text(self, value: float) -> str:
        return f"{value * self.factor:.3g} {self.unit}".strip()

    def statement(self) -> str:
        """In words: `the gap is 3 ms [1 ms, 4 ms]`."""
        low, high = self.interval
        if low == high:
            return f"{self.what} is {self.text(self.spread.median)}"
        return f"{self.what} is {self.text(self.spread.median)} [{self.text(low)}, {self.text(high)}]"


def below(quantity: Quantity, limit: float) -> Check:
    """Less than `limit`."""
    low, high = quantity.interval
    if high < limit:
        return Check(Verdict.HOLDS, quantity.statement())
    if low >= limit:
        return Check(Verdict.FAILS, f"{quantity.statement()}, not below {quantity.text(limit)}")
    return _crosses(quantity, limit)


def at_most(quantity: Quantity, limit: float, *, better_below: float | None = None) -> Check:
    """No more than `limit`; `better_below`: the whole interval below this is better than published."""
    low, high = quantity.interval
    if low > limit:
        return Check(Verdict.FAILS, f"{quantity.statement()}, more than {quantity.text(limit)}")
    if high > limit:
        return _crosses(quantity, limit)
    return Check(Verdict.HOLDS, quantity.statement(), better=better_below is not None and high < better_below)


def at_least(quantity: Quantity, limit: float, *, better_above: float | None = None) -> Check:
    """No less than `limit`; `better_above`: the whole interval above this is better than published."""
    low, high = quantity.interval
    if high < limit:
        return Check(Verdict.FAILS, f"{quantity.statement()}, less than {quantity.text(limit)}")
    if low < limit:
        return _crosses(quantity, limit)
    return Check(Verdict.HOLDS, quantity.statement(), better=better_above is not None and low > better_above)


def within(quantity: Quantity, limit: float) -> Check:
    """No farther from 0 than `limit`, in either direction."""
    low, high = quantity.interval
    if -limit <= low and high <= limit:
        return Check(Verdict.HOLDS, quantity.statement())
    if low > limit or high < -limit:
        return Check(Verdict.FAILS, f"{quantity.statement()}, beyond {quantity.text(limit)}")
    return _crosses(quantity, limit)


def _crosses(quantity: Quantity, limit: float) -> Check:
    return Check(
        Verdict.NOT_JUDGED, f"inconclusive: {quantity.statement()}, across the threshold of {quantity.text(limit)}"
    )
