"""A logarithmic axis with a place for zero: logarithmic above the break, and a strip around zero below it.

Everything is drawn into both parts, and each shows what lies in its range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.gridspec import SubplotSpec
from matplotlib.ticker import FuncFormatter

_STRIP = 0.16  # share of the upper part's height


@dataclass(frozen=True)
class BrokenAxes:
    """The two parts. `breaks`: the value at the break, in the unit of the axis."""

    upper: Axes
    lower: Axes
    breaks: float

    @staticmethod
    def add(figure: Figure | SubFigure, place: SubplotSpec, breaks: float, highest: float) -> BrokenAxes:
        """`highest`: the upper end of the axis."""
        cells = place.subgridspec(2, 1, height_ratios=[1, _STRIP], hspace=0.07)
        upper: Axes = figure.add_subplot(cells[0])
        lower: Axes = figure.add_subplot(cells[1], sharex=upper)
        upper.set_yscale("log")
        upper.set_ylim(breaks, highest)
        upper.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
        upper.minorticks_off()
        upper.spines["bottom"].set_visible(False)
        upper.tick_params(axis="x", bottom=False, labelbottom=False)
        lower.set_ylim(-0.5 * breaks, breaks)
        lower.set_yticks([0.0])
        slash: dict[str, Any] = {
            "marker": [(-1, -0.6), (1, 0.6)],
            "markersize": 7,
            "linestyle": "",
            "color": "#000000",
            "markeredgewidth": 0.8,
            "clip_on": False,
        }
        upper.plot([0], [0], transform=upper.transAxes, label="_break", **slash)
        lower.plot([0], [1], transform=lower.transAxes, label="_break", **slash)
        return BrokenAxes(upper, lower, breaks)

    @property
    def both(self) -> tuple[Axes, Axes]:
        return self.upper, self.lower

    def series(
        self, x: Sequence[float], middle: Sequence[float], low: Sequence[float], high: Sequence[float], **style: Any
    ) -> None:
        """A line through medians with bars from the lowest to the highest value."""
        down = [m - v for m, v in zip(middle, low, strict=True)]
        up = [v - m for m, v in zip(middle, high, strict=True)]
        for axes in self.both:
            axes.errorbar(x, middle, yerr=[down, up], capsize=2, elinewidth=0.7, **style)
        floor = min(low, default=0.0)
        if floor < self.lower.get_ylim()[0]:
            self.lower.set_ylim(bottom=1.2 * floor)
