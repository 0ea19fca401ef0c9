"""Figure 3: the packets of each flow that arrive around a swap, and which knocks survive it, by strategy.

python -m plots.fig3 results/fig3/latest
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
from matplotlib.ticker import FuncFormatter

from plots.load import ResultMissingError, Run, draw_from_command_line
from plots.style import (
    NOTE_POINTS,
    PAGE_INCHES,
    LineStyle,
    mark_phase,
    mark_swap,
    note_profile,
    save,
    strategy_label,
    strategy_style,
    styled,
)

# Flows are not strategies, so they have colours and markers of their own.
_FLOWS = {
    "open": LineStyle("open from the start", "#000000", "-", "o"),
    "early1": LineStyle("knocks early", "#0072b2", "--", "s"),
    "early2": LineStyle("knocks early, too", "#56b4e9", "-.", "^"),
    "late": LineStyle("knocks while reconfiguring", "#d55e00", ":", "D"),
}
_SHADE = "#e8e8e8"
_COLUMNS = {1: 1, 2: 2, 4: 2, 7: 4, 8: 4}  # columns by number of panels; 3 for any other
_BIN_S = 0.03  # bin of knocks in the survival panel
_BEFORE_S = 0.15  # time before the reconfiguration that is shown there
_ROW_INCHES, _LANE_INCHES, _LEGEND_ROW_INCHES = 1.55, 0.24, 0.15


def draw(run: Run) -> Figure:
    """Packets of the first trial of each strategy; below, the knocks of all of its trials."""
    trials = run.trials()
    first: dict[str, tuple[str, dict[str, Any]]] = {}
    for name, trial in trials.items():
        first.setdefault(trial["strategy"], (name, trial))
    order = [name for name in run.description()["options"]["strategies"] if name in first]
    if not order:
        raise ResultMissingError(f"{run.path} holds no trial of a strategy of this run")
    series = {
        name: [t["knock_series"] for t in trials.values() if t["strategy"] == name and "knock_series" in t]
        for name in order
    }
    columns = _COLUMNS.get(len(order), 3)
    rows = math.ceil(len(order) / columns)
    legend = 0.1 + _LEGEND_ROW_INCHES * 3
    knocks = 0.85 + _LANE_INCHES * len(order) if any(series.values()) else 0.0
    height = legend + _ROW_INCHES * rows + 0.45 + knocks
    with styled():
        figure: Figure = plt.figure(figsize=(PAGE_INCHES, height))
        parts = np.asarray(figure.subfigures(2, 1, height_ratios=(height - knocks, max(knocks, 1e-3))))
        packets, lower = parts.flat
        grid = packets.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat[len(order) :]:
            axes.set_visible(False)
        for axes, strategy in zip(grid.flat, order, strict=False):
            name, trial = first[strategy]
            _panel(axes, strategy, trial, run.samples("arrivals", name), run.published("C1").get(strategy, {}))
        grid[0, 0].set_ylim(0, 1.15 * max(np.max(line.get_ydata()) for axes in grid.flat for line in axes.lines[1:]))
        for axes in grid[:, 0]:
            axes.set_ylabel("packets received")
        for axes in grid.flat[max(0, len(order) - columns) : len(order)]:
            axes.set_xlabel("time (s)")
            axes.tick_params(labelbottom=True)
        handles: list[Any] = [Line2D([], [], **style.kwargs()) for style in _FLOWS.values()]
        handles += [
            Line2D([], [], color="#777777", marker=6, linestyle="", label="its knock"),
            Patch(facecolor=_SHADE, edgecolor="#bbbbbb", label="reconfiguration"),
            Line2D([], [], color="#000000", linewidth=0.8, label="swap"),
        ]
        if run.published("C1"):
            handles.append(Line2D([], [], **_PUBLISHED, label="published outcome"))
        packets.legend(handles=handles, loc="upper center", ncols=3, handlelength=2.6, columnspacing=1.2)
        inches = height - knocks
        packets.subplots_adjust(
            left=0.085, right=0.975, bottom=0.42 / inches, top=1 - (legend + 0.2) / inches, hspace=0.3, wspace=0.12
        )
        if knocks:
            axes = lower.subplots()
            _survival(axes, series)
            lower.subplots_adjust(left=0.205, right=0.8, bottom=0.52 / knocks, top=1 - 0.2 / knocks)
        note_profile(figure, run.small_print())
    return figure


_PUBLISHED: dict[str, Any] = {
    "marker": "o",
    "markersize": 8,
    "markerfacecolor": "none",
    "markeredgecolor": "#000000",
    "markeredgewidth": 0.8,
    "linestyle": "",
}


def _panel(axes: Axes, strategy: str, trial: dict[str, Any], arrivals: pd.DataFrame, goes_on: dict[str, bool]) -> None:
    """One strategy. `goes_on`: by flow, whether it continues after the swap according to the paper; {} for ours."""
    window, swap = trial["window"], trial["swap"]
    mark_phase(axes, window["begin"], window["end"], shade=_SHADE)
    mark_swap(axes, swap["begin"], swap["end"], label=None)
    for offset, (flow, style) in enumerate(_FLOWS.items()):
        times = np.sort(arrivals.loc[arrivals["flow"] == flow, "received_s"].to_numpy())
        steps = np.concatenate([[0.0], times, [trial["duration"]]])
        counts = np.concatenate([[0], np.arange(1, len(times) + 1), [len(times)]])
        axes.plot(
            steps,
            counts,
            color=style.color,
            linestyle=style.line,
            drawstyle="steps-post",
            marker=style.marker,
            markevery=(1 + offset, 5),
            markersize=3,
        )
        knock = trial["knocks"].get(flow)
        if knock is not None:
            axes.plot([knock], [0], marker=6, color=style.color, markersize=5, clip_on=False, zorder=5)
        if flow in goes_on:
            published = published_count(goes_on[flow], trial["flows"][flow])
            axes.plot([trial["duration"]], [published], **_PUBLISHED, clip_on=False, zorder=4)
    axes.set_title(strategy_label(strategy))
    axes.set_xlim(0, trial["duration"])


def published_count(goes_on: bool, numbers: dict[str, Any]) -> int:
    """Number of packets of a flow that arrive if those sent after the swap meet their published fate."""
    before: int = numbers["arrived"] - numbers["arrived_after"]
    after: int = numbers["permitted_after"] if goes_on else 0
    return before + after


def survival(repeats: Sequence[dict[str, Any]]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Edges of bins in s before the swap (0 is the swap; shape n + 1), and the share of knocks in each bin that survive
    (shape n), over all repeats of a strategy; nan if no knock was made."""
    moments = -np.concatenate([one["before_swap_s"] for one in repeats])
    kept = np.concatenate([np.asarray(one["survived"], dtype=float) for one in repeats])
    bins = max(1, math.ceil(-moments.min() / _BIN_S)) if len(moments) else 1
    edges = np.arange(-bins, 1) * _BIN_S
    made, _ = np.histogram(moments, edges)
    survived, _ = np.histogram(moments, edges, weights=kept)
    return edges, np.divide(survived, made, out=np.full(bins, np.nan), where=made > 0)


def _survival(axes: Axes, series: dict[str, list[dict[str, Any]]]) -> None:
    """One lane per strategy, filled to the share of knocks that survive."""
    lanes = len(series)
    longest = max(one["window_s"] for repeats in series.values() for one in repeats)
    for place, (strategy, repeats) in enumerate(series.items()):
        if not repeats:
            continue
        style = strategy_style(strategy, list(series))
        floor = lanes - 1 - place
        window = max(one["window_s"] for one in repeats)
        axes.barh(floor + 0.4, window, left=-window, height=0.8, color=_SHADE, edgecolor="#bbbbbb", linewidth=0.5)
        edges, shares = survival(repeats)
        heights = floor + 0.8 * np.nan_to_num(shares)
        axes.stairs(heights, edges, baseline=floor, fill=True, color=style.color, alpha=0.75, linewidth=0)
        made = np.where(np.isnan(shares), np.nan, float(floor))
        axes.step(edges, np.append(made, made[-1]), where="post", color=style.color, linewidth=0.8)
        axes.annotate(
            _last(repeats),
            (1.0, floor + 0.4),
            xycoords=("axes fraction", "data"),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=NOTE_POINTS,
        )
    axes.axvline(0.0, color="#000000", linewidth=0.8, zorder=3)
    axes.set_yticks([lanes - 1 - place + 0.4 for place in range(lanes)], [strategy_label(name) for name in series])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_ylim(-0.1, lanes)
    axes.set_xlim(-longest - _BEFORE_S, 0.01 * longest)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{abs(value):g}"))
    axes.set_xlabel("time from the knock to the swap (s)")
    axes.set_title("Which knocks survive: filled to their share, by moment", loc="left", x=-0.32)


def _last(repeats: Sequence[dict[str, Any]]) -> str:
    """When the last surviving knock was made, as the median of the repeats."""
    last = [min(kept) for one in repeats if (kept := _survivors(one))]
    if not last:
        return "none survives"
    before = float(np.median(last))
    if before <= np.median([min(one["before_swap_s"]) for one in repeats]):
        return "up to the swap"
    return f"until {before * 1e3:.0f} ms before" if before < 1 else f"until {before:.2f} s before"


def _survivors(one: dict[str, Any]) -> list[float]:
    return [moment for moment, kept in zip(one["before_swap_s"], one["survived"], strict=True) if kept]


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "fig3")


if __name__ == "__main__":
    draw_from_command_line(main)
