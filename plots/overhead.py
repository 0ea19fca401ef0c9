"""Overhead: the cost of instrumentation, against the number and the size of a program's components.

python -m plots.overhead results/overhead/latest
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from experiments.claims.stats import spread
from plots.load import ResultMissingError, Run, draw_from_command_line
from plots.style import NOTE_POINTS, PAGE_INCHES, LineStyle, note, note_profile, save, styled

Floats = npt.NDArray[np.float64]

_BITS = {
    "added_register_bits": LineStyle("registers", "#000000", "-", "o"),
    "header_bits": LineStyle("header of a clone", "#0072b2", "--", "s"),
    "metadata_bits": LineStyle("metadata of a packet", "#d55e00", "-.", "^"),
}
_TIMES = {
    "original": LineStyle("original program", "#7f7f7f", ":", "x"),
    "flag off": LineStyle("instrumented, flag off", "#009e73", "-", "o"),
    "flag on": LineStyle("flag on: every packet is cloned", "#cc79a7", "--", "D"),
}
_SERIES = (
    ("components", "components", "components\n(a packet writes one)"),
    ("all components", "components", "components\n(a packet writes all)"),
    ("cells", "cells", "cells of 64 bits\n(one component)"),
)
_SHIFT = 0.03  # share of the width: series with the same value are drawn side by side
_INTERVAL_KNOWN = 1.0  # an interval wider than this share of its median is uninformative
_HEIGHT = 5.1


def draw(run: Run) -> Figure:
    """Above, the added bits; below, the time per packet; one column per series."""
    trials = [trial for trial in run.trials().values() if "cells" in trial]
    if not trials:
        raise ResultMissingError(f"{run.path} holds no generated program")
    with styled():
        figure: Figure
        figure, grid = plt.subplots(2, 3, figsize=(PAGE_INCHES, _HEIGHT), sharex="col", sharey="row")
        unknown = False
        for column, (series, key, label) in enumerate(_SERIES):
            mine = sorted((trial for trial in trials if trial["series"] == series), key=lambda trial: trial[key])
            _bits(grid[0][column], mine, key)
            unknown |= _times(grid[1][column], mine, key)
            grid[1][column].set_xlabel(label)
        grid[0][0].set_ylabel("bits added")
        grid[1][0].set_ylabel("time per packet (µs)")
        grid[0][0].set_ylim(bottom=10)
        for row, styles in enumerate((_BITS, _TIMES)):
            handles = [Line2D([], [], **style.kwargs()) for style in styles.values()]
            place = (0.55, (0.995, 0.535)[row])
            figure.legend(handles=handles, loc="upper center", bbox_to_anchor=place, ncols=3, handlelength=2.2)
        if unknown:
            note(grid[1][0], "hollow: interval wider\nthan the median", (0.03, 0.97), va="top")
        note_profile(figure, run.small_print())
        figure.subplots_adjust(left=0.12, right=0.98, top=0.925, bottom=0.155, hspace=0.33, wspace=0.12)
    return figure


def _bits(axes: Axes, trials: list[dict[str, Any]], key: str) -> None:
    for place, (name, style) in enumerate(_BITS.items()):
        shifted = _shifted([trial[key] for trial in trials], place)
        axes.plot(shifted, [trial[name] for trial in trials], **style.kwargs())
    axes.set_yscale("log")
    _counts(axes, sorted({trial[key] for trial in trials}))


def _shifted(places: Sequence[int], number: int) -> Floats:
    """Positions of series `number` of three, shifted so that they do not overlap on a logarithmic axis."""
    width = np.log2(max(places) / min(places)) if places else 0.0
    return np.asarray(np.array(places) * 2.0 ** ((number - 1) * _SHIFT * width))


def _counts(axes: Axes, places: Sequence[int]) -> None:
    """A logarithmic axis with powers of two, labelled with the numbers themselves."""
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_major_formatter(FuncFormatter(_in_units))
    axes.tick_params(axis="x", labelsize=NOTE_POINTS)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))


def _in_units(value: float, _position: int | None) -> str:
    for unit, size in (("M", 2**20), ("K", 2**10)):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _times(axes: Axes, trials: list[dict[str, Any]], key: str) -> bool:
    """Median of the rounds with its 95 % interval, in microseconds. If the interval is wider than the median it is not
    drawn, and the point is hollow; returns whether there is such a point."""
    unknown = False
    for number, (name, style) in enumerate(_TIMES.items()):
        places = sorted({trial[key] for trial in trials})
        rounds = [np.concatenate([t["nanoseconds"][name] for t in trials if t[key] == place]) for place in places]
        found = [spread(one.tolist()).scaled(1e-3) for one in rounds]
        known = [one.high - one.low <= _INTERVAL_KNOWN * one.median for one in found]
        shifted = _shifted(places, number)
        middle = np.array([one.median for one in found])
        down = [one.median - one.low if sure else 0.0 for one, sure in zip(found, known, strict=True)]
        up = [one.high - one.median if sure else 0.0 for one, sure in zip(found, known, strict=True)]
        axes.errorbar(shifted, middle, yerr=[down, up], capsize=2, elinewidth=0.7, **style.kwargs())
        hollow = ~np.array(known, dtype=bool)
        if hollow.any():
            unknown = True
            look = {**style.kwargs(), "linestyle": "", "label": "", "markerfacecolor": "white", "zorder": 4}
            axes.plot(shifted[hollow], middle[hollow], **look)
    axes.set_yscale("log")
    _counts(axes, sorted({trial[key] for trial in trials}))
    return unknown


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "overhead")


if __name__ == "__main__":
    draw_from_command_line(main)
