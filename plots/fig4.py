"""Figure 4: throughput of five flows through a reconfiguration, over the whole run and in 200 ms around the swap.

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

from plots.load import Run, draw_from_command_line
from plots.style import (
    NOTE_POINTS,
    PAGE_INCHES,
    mark_phase,
    mark_swap,
    note_profile,
    save,
    strategy_label,
    styled,
    swap_patch,
)

_READS, _WRITES = "#0072b2", "#d55e00"
_FLOWS = {"h1": _READS, "h2": _READS, "h3": _READS, "h4": _WRITES, "h5": _WRITES}
_RATE_MBIT = 20.0  # of each flow
_LANE_MBIT = 50.0  # the height of a lane; higher values are cut off and marked
_FILLED = 0.85  # of a lane
_COARSE_S, _FINE_S = 0.1, 0.001
_ZOOM_S = 0.1  # before and after the swap
_WORK = "#e8e8e8"
_HEAD = 1.0  # room above the lanes, in lanes
_LANE_INCHES = 0.155


def draw(run: Run) -> Figure:
    """One row per strategy and one lane per flow: the whole run in bins of 100 ms, and 200 ms around the swap in bins
    of 1 ms."""
    first = run.reconfigurations()
    lanes = len(_FLOWS) + _HEAD
    row_inches = _LANE_INCHES * lanes + 0.3
    height = 0.6 + row_inches * len(first) + 0.35
    with styled():
        figure: Figure
        figure, grid = plt.subplots(len(first), 2, figsize=(PAGE_INCHES, height), sharex="col", squeeze=False)
        for (whole, zoom), strategy in zip(grid, first, strict=True):
            name, trial = first[strategy]
            arrivals = run.samples("arrivals", name)
            _whole_run(whole, trial, arrivals)
            _around_swap(zoom, trial, arrivals)
            if strategy == "state4":
                _published(whole, zoom, trial, run.published("C2"))
                whole.set_title(time_in_words(run), loc="right", fontsize=7)
            whole.set_title(strategy_label(strategy), loc="left", fontweight="bold")
            zoom.set_title(gap_in_words(trial, arrivals), loc="left", fontsize=7)
        grid[-1][0].set_xlabel("time (s)")
        grid[-1][1].set_xlabel("time from the swap (ms)")
        handles: list[Any] = [
            Patch(facecolor=_READS, label="h1 to h3: read state"),
            Patch(facecolor=_WRITES, label="h4, h5: write state"),
            Patch(facecolor=_WORK, edgecolor="#bbbbbb", label="reconfiguration"),
            swap_patch(),
            Line2D([], [], color="#000000", linewidth=0.6, linestyle=_SENT, label=f"sent: {_RATE_MBIT:g} Mbit/s each"),
            Line2D([], [], **_CUT, label=f"cut: more than {_LANE_MBIT:g} Mbit/s in this ms"),
        ]
        figure.legend(handles=handles, loc="upper center", ncols=3, handlelength=2.0, columnspacing=1.2)
        note_profile(figure, run.small_print())
        figure.subplots_adjust(
            left=0.06,
            right=0.98,
            bottom=0.55 / height,
            top=1 - 0.6 / height,
            wspace=0.12,
            hspace=0.3 / (row_inches - 0.3),
        )
    return figure


_SENT = (0, (1, 2))
_CUT: dict[str, Any] = {"color": "#000000", "marker": "|", "markersize": 3, "markeredgewidth": 0.8, "linestyle": ""}


def gap_in_words(trial: dict[str, Any], arrivals: pd.DataFrame) -> str:
    """How long no packet arrived at the swap, and which flows do not return; if none returns within the interval drawn,
    it says so."""
    end = trial["swap"]["end"]
    last = min(end + _ZOOM_S, trial["duration"])
    after = arrivals[arrivals["received_s"] > end]
    if not (after["received_s"] <= last).any():
        return f"> {(last - end) * 1e3:.0f} ms without a packet, does not return"
    gone = sorted(set(arrivals["flow"]) - set(after["flow"])) if "flow" in arrivals else []
    lost = f"; {', '.join(gone)} {'do' if len(gone) > 1 else 'does'} not return" if gone else ""
    return f"{trial['gap_at_swap_ms']:.1f} ms without a packet{lost}"


def _rates(
    arrivals: pd.DataFrame, start: float, end: float, bin_s: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Edges of the bins in s (shape n + 1), and Mbit/s in each (shape n)."""
    bins = max(1, round((end - start) / bin_s))
    totals, edges = np.histogram(
        arrivals["received_s"], bins=bins, range=(start, start + bins * bin_s), weights=arrivals["bytes"]
    )
    return edges, totals * 8 / bin_s / 1e6


def _whole_run(axes: Axes, trial: dict[str, Any], arrivals: pd.DataFrame) -> None:
    window, swap = trial["window"], trial["swap"]
    mark_phase(axes, window["begin"], window["end"], shade=_WORK)
    mark_swap(axes, swap["begin"], swap["end"])
    _lanes(axes, arrivals, 0.0, trial["duration"], _COARSE_S, 0.0, 1.0)
    axes.set_xlim(0, trial["duration"])


def _around_swap(axes: Axes, trial: dict[str, Any], arrivals: pd.DataFrame) -> None:
    middle = trial["swap"]["end"]
    begin, end = max(0.0, middle - _ZOOM_S), min(trial["duration"], middle + _ZOOM_S)
    mark_swap(axes, (trial["swap"]["begin"] - middle) * 1e3, 0.0, label=None)
    _lanes(axes, arrivals, begin, end, _FINE_S, middle, 1e3)
    axes.set_xlim((begin - middle) * 1e3, (end - middle) * 1e3)


def _lanes(
    axes: Axes, arrivals: pd.DataFrame, begin: float, end: float, bin_s: float, origin: float, scale: float
) -> None:
    """Each flow's throughput, filled from the bottom of its lane; higher values are cut off and marked at the top."""
    for place, (flow, color) in enumerate(_FLOWS.items()):
        floor = len(_FLOWS) - 1 - place
        edges, rates = _rates(arrivals[arrivals["flow"] == flow], begin, end, bin_s)
        edges = (edges - origin) * scale
        heights = floor + _FILLED * np.minimum(rates, _LANE_MBIT) / _LANE_MBIT
        axes.stairs(heights, edges, baseline=floor, fill=True, color=color, linewidth=0)
        axes.axhline(floor + _FILLED * _RATE_MBIT / _LANE_MBIT, color="#000000", linewidth=0.6, linestyle=_SENT)
        axes.axhline(floor, color="#999999", linewidth=0.5)
        cut = rates > _LANE_MBIT
        middles = (edges[:-1] + edges[1:]) / 2
        axes.plot(middles[cut], np.full(cut.sum(), floor + _FILLED), **_CUT)
    axes.set_yticks([len(_FLOWS) - 1 - place + 0.35 for place in range(len(_FLOWS))], list(_FLOWS))
    axes.tick_params(axis="y", length=0, labelsize=NOTE_POINTS)
    axes.grid(axis="y", visible=False)
    axes.set_ylim(0, len(_FLOWS) + _HEAD)


def time_in_words(run: Run) -> str:
    """The time of State4's reconfiguration with the configured pace and unpaced, if both were run."""
    options = run.description()["options"]
    found: dict[str, list[float]] = {}
    for trial in run.trials().values():
        if trial["strategy"] == "state4" and "window" in trial:
            took = trial["window"]["end"] - trial["window"]["begin"]
            found.setdefault(trial.get("profile", options["profile"]), []).append(took)
    words = {"paper": "s, configured", "native": "s, native"}
    return "; ".join(f"{np.median(took):.3g} {words[profile]}" for profile, took in sorted(found.items(), reverse=True))


def _published(whole: Axes, zoom: Axes, trial: dict[str, Any], published: dict[str, float]) -> None:
    """The published time of a reconfiguration and of its gap, as bars above ours."""
    begin = trial["window"]["begin"]
    if (time_s := published.get("reconfiguration_s")) is not None:
        _length(whole, begin, begin + time_s, f"published {time_s:g} s", right=False)
    if (gap_ms := published.get("gap_at_swap_ms")) is not None:
        _length(zoom, 0.0, gap_ms, f"published: {gap_ms:g} ms", right=True)


def _length(axes: Axes, begin: float, end: float, text: str, *, right: bool) -> None:
    height = len(_FLOWS) + 0.45
    ends = {"arrowstyle": "|-|,widthA=0.2,widthB=0.2", "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (begin, height), (end, height), arrowprops=ends)
    axes.annotate(
        text,
        (end if right else begin, height),
        xytext=(4 if right else -4, 0),
        textcoords="offset points",
        ha="left" if right else "right",
        va="center",
        fontsize=NOTE_POINTS,
    )


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "fig4")


if __name__ == "__main__":
    draw_from_command_line(main)
