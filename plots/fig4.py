"""Figure 4: throughput of five flows through a reconfiguration, the whole run and 200 ms around the swap.

python -m plots.fig4 results/fig4/latest
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.claims.c2_disruption import PUBLISHED_GAP_MS, PUBLISHED_TIME_S
from plots.load import Run, draw_from_command_line
from plots.style import PAGE_INCHES, LineStyle, mark_phase, mark_swap, note_profile, save, strategy_label, styled

_FLOWS = {
    "h1": LineStyle("h1 (reads)", "#0072b2", "-", ""),
    "h2": LineStyle("h2 (reads)", "#56b4e9", "--", ""),
    "h3": LineStyle("h3 (reads)", "#009e73", "-.", ""),
    "h4": LineStyle("h4 (writes)", "#d55e00", ":", ""),
    "h5": LineStyle("h5 (writes)", "#cc79a7", (0, (5, 1)), ""),
}
_SUM = LineStyle("sum", "#000000", "-", "")
_COARSE_S, _FINE_S = 0.1, 0.001
_ZOOM_S = 0.1  # to each side of the swap
_HIGHEST_MBIT = 150
_EACH_MS, _WORK = "#cccccc", "#ffe9c7"


def draw(run: Run) -> Figure:
    """One row per strategy: the whole run in bins of 100 ms over those of 1 ms, and 200 ms around the swap."""
    first = run.reconfigurations()
    with styled():
        figure: Figure
        figure, grid = plt.subplots(
            len(first), 2, figsize=(PAGE_INCHES, 1.6 * len(first) + 0.6), sharey="row", squeeze=False
        )
        for (whole, zoom), strategy in zip(grid, first, strict=True):
            name, trial = first[strategy]
            arrivals = run.samples("arrivals", name)
            _whole_run(whole, trial, arrivals)
            _around_swap(zoom, trial, arrivals)
            if strategy == "state4":
                _published(whole, zoom, trial)
            whole.set_title(strategy_label(strategy))
            zoom.set_title(gap_in_words(trial, arrivals))
            whole.set_ylabel("Mbit/s")
        grid[-1][0].set_xlabel("time (s)")
        grid[-1][1].set_xlabel("time from the swap (ms)")
        handles, labels = grid[0][0].get_legend_handles_labels()
        handles += [Line2D([], [], color=_EACH_MS, linewidth=1.5), Patch(facecolor=_WORK)]
        labels += ["sum, each ms", "reconfiguration"]
        figure.legend(handles, labels, loc="upper center", ncols=8, handlelength=2.0, columnspacing=0.9, fontsize=6.5)
        note_profile(figure, run.small_print())
        figure.tight_layout(rect=(0, 0.02, 1, 1 - 0.3 / figure.get_figheight()))
    return figure


def gap_in_words(trial: dict[str, Any], arrivals: pd.DataFrame) -> str:
    """How long no packet came at the swap; where none comes back within the part that is drawn, that is said."""
    end = trial["swap"]["end"]
    last = min(end + _ZOOM_S, trial["duration"])
    if not arrivals["received_s"].between(end, last).any():
        return f"> {(last - end) * 1e3:.0f} ms without a packet, does not return"
    return f"{trial['gap_at_swap_ms']:.1f} ms without a packet"


def _rates(
    arrivals: pd.DataFrame, start: float, end: float, bin_s: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Middle of each bin in s, and Mbit/s in it."""
    bins = max(1, round((end - start) / bin_s))
    totals, edges = np.histogram(
        arrivals["received_s"], bins=bins, range=(start, start + bins * bin_s), weights=arrivals["bytes"]
    )
    return (edges[:-1] + edges[1:]) / 2, totals * 8 / bin_s / 1e6


def _whole_run(axes: Axes, trial: dict[str, Any], arrivals: pd.DataFrame) -> None:
    window, swap = trial["window"], trial["swap"]
    axes.plot(
        *_rates(arrivals, 0, trial["duration"], _FINE_S), color=_EACH_MS, linewidth=0.3, rasterized=True, zorder=0.6
    )
    mark_phase(axes, window["begin"], window["end"], shade=_WORK)
    mark_swap(axes, swap["begin"], swap["end"])
    _lines(axes, arrivals, 0.0, trial["duration"], _COARSE_S, 0.0, 1.0)
    axes.set_xlim(0, trial["duration"])
    axes.set_ylim(0, _HIGHEST_MBIT)
    axes.annotate(
        f"cut at {_HIGHEST_MBIT}: single ms go higher",
        (1.0, 1.0),
        xycoords="axes fraction",
        xytext=(-2, -2),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=5.5,
        color="#777777",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
    )


def _around_swap(axes: Axes, trial: dict[str, Any], arrivals: pd.DataFrame) -> None:
    middle = trial["swap"]["end"]
    begin, end = max(0.0, middle - _ZOOM_S), min(trial["duration"], middle + _ZOOM_S)
    mark_swap(axes, (trial["swap"]["begin"] - middle) * 1e3, 0.0)
    _lines(axes, arrivals, begin, end, _FINE_S, middle, 1e3)
    axes.set_xlim((begin - middle) * 1e3, (end - middle) * 1e3)


def _published(whole: Axes, zoom: Axes, trial: dict[str, Any]) -> None:
    """The published time of a reconfiguration and of its gap, as lengths beside ours."""
    begin = trial["window"]["begin"]
    _length(whole, begin, begin + PUBLISHED_TIME_S, f"published: {PUBLISHED_TIME_S:g} s (ours is paced to it)")
    _length(zoom, 0.0, PUBLISHED_GAP_MS, f"published gap: about {PUBLISHED_GAP_MS:g} ms")


def _length(axes: Axes, begin: float, end: float, text: str) -> None:
    ends = {"arrowstyle": "|-|,widthA=0.3,widthB=0.3", "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (begin, 62), (end, 62), arrowprops=ends)
    axes.annotate(
        text,
        (begin, 62),
        xytext=(2, -3),
        textcoords="offset points",
        va="top",
        fontsize=6.5,
        zorder=5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
    )


def _lines(
    axes: Axes, arrivals: pd.DataFrame, begin: float, end: float, bin_s: float, origin: float, scale: float
) -> None:
    for flow, style in _FLOWS.items():
        times, rates = _rates(arrivals[arrivals["flow"] == flow], begin, end, bin_s)
        axes.plot((times - origin) * scale, rates, linewidth=0.8, **style.kwargs())
    times, rates = _rates(arrivals, begin, end, bin_s)
    axes.plot((times - origin) * scale, rates, **_SUM.kwargs())


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "fig4")


if __name__ == "__main__":
    draw_from_command_line(main)
