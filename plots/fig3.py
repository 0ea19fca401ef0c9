"""Figure 3: the packets that arrive of each flow around a swap, one panel per strategy.

python -m plots.fig3 results/fig3/latest
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.claims.c1_flows_survive import ALL, PUBLISHED_FATES
from plots.load import ResultMissingError, Run, draw_from_command_line
from plots.style import PAGE_INCHES, LineStyle, mark_phase, mark_swap, note_profile, save, strategy_label, styled

# Flows are not strategies, so they have colours and markers of their own.
_FLOWS = {
    "open": LineStyle("open from the start", "#000000", "-", "o"),
    "early1": LineStyle("knocks early", "#0072b2", "--", "s"),
    "early2": LineStyle("knocks early, too", "#56b4e9", "-.", "^"),
    "late": LineStyle("knocks during the reconfiguration", "#d55e00", ":", "D"),
}


def draw(run: Run) -> Figure:
    """The figure of one run: its first trial of each strategy."""
    first: dict[str, tuple[str, dict[str, Any]]] = {}
    for name, trial in run.trials().items():
        first.setdefault(trial["strategy"], (name, trial))
    order = [name for name in run.description()["options"]["strategies"] if name in first]
    if not order:
        raise ResultMissingError(f"{run.path} holds no trial of a strategy of this run")
    columns = len(order) if len(order) <= 4 else 3
    rows = math.ceil(len(order) / columns)
    wide = 4 if columns > 2 else 2  # entries of the legend in a row
    legend_inches = 0.18 * math.ceil((len(_FLOWS) + 3) / wide)
    with styled():
        figure: Figure
        figure, grid = plt.subplots(
            rows,
            columns,
            figsize=(PAGE_INCHES * (0.5 if columns < 3 else 1.0) + 0.2, 2.1 * rows + 0.35 + legend_inches),
            sharex=True,
            sharey=True,
            squeeze=False,
        )
        for axes in grid.flat[len(order) :]:
            axes.set_visible(False)
        for axes, strategy in zip(grid.flat, order, strict=False):
            name, trial = first[strategy]
            _panel(axes, strategy, trial, run.samples("arrivals", name))
        grid[0, 0].set_ylim(0, 1.15 * max(line.get_ydata()[-1] for axes in grid.flat for line in axes.lines[1:]))
        for axes in grid[:, 0]:
            axes.set_ylabel("packets received")
        for axes in grid[-1, :]:
            axes.set_xlabel("time (s)")
        handles: list[Any] = [Line2D([], [], **style.kwargs()) for style in _FLOWS.values()]
        handles += [
            Patch(facecolor="#e8e8e8", edgecolor="#bbbbbb", label="reconfiguration"),
            Line2D([], [], color="#000000", linewidth=0.8, label="swap"),
            Line2D([], [], color="#777777", marker=6, linestyle="", label="knock"),
        ]
        figure.legend(handles=handles, loc="upper center", ncols=wide, handlelength=2.6, columnspacing=1.2)
        note_profile(figure, run.small_print())
        figure.tight_layout(rect=(0, 0.02, 1, 1 - legend_inches / figure.get_figheight()))
    return figure


def _panel(axes: Axes, strategy: str, trial: dict[str, Any], arrivals: pd.DataFrame) -> None:
    window, swap = trial["window"], trial["swap"]
    mark_phase(axes, window["begin"], window["end"])
    mark_swap(axes, swap["begin"], swap["end"])
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
    axes.set_title(strategy_label(strategy))
    fates = PUBLISHED_FATES.get(strategy)
    if fates is not None:
        lasting = sum(fate == ALL for fate in fates.values())
        axes.annotate(
            f"published: {lasting} of {len(fates)} go on",
            (0.03, 0.97),
            xycoords="axes fraction",
            va="top",
            fontsize=6,
            color="#555555",
            zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
        )
    axes.set_xlim(0, trial["duration"])


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "fig3")


if __name__ == "__main__":
    draw_from_command_line(main)
