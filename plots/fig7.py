"""Figure 7: throughput while every packet writes state, and what is lost while it is cloned.

python -m plots.fig7 results/cloning_cost/latest
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from plots.load import ResultMissingError, Run, draw_from_command_line
from plots.style import PAGE_INCHES, LineStyle, mark_phase, note_profile, save, strategy_style, styled

_COARSE = 5  # bins of the samples in one step of a line
_ALONE = LineStyle("no reconfiguration", "#aaaaaa", (0, (1, 1)), "")
_PUBLISHED_SHARE = 0.5  # of the throughput at full load, while everything is cloned


def draw(run: Run) -> Figure:
    """A column per load: throughput over time (first repeat), below it the loss while cloning and over the trial."""
    trials = {name: trial for name, trial in run.trials().items() if "load" in trial}
    loads = sorted({trial["load"] for trial in trials.values()}, reverse=True)
    order = [n for n in run.description()["options"]["strategies"] if any(t["strategy"] == n for t in trials.values())]
    if not order:
        raise ResultMissingError(f"{run.path} holds no trial of a strategy of this run")
    styles = {name: strategy_style(name, order) for name in order}
    with styled():
        figure: Figure
        figure, grid = plt.subplots(
            2,
            len(loads),
            figsize=(max(PAGE_INCHES / 2, PAGE_INCHES * len(loads) / 3), 4.2),
            sharey="row",
            squeeze=False,
            height_ratios=(3, 2),
        )
        for column, load in enumerate(loads):
            mine = {name: trial for name, trial in trials.items() if trial["load"] == load}
            _throughput(grid[0][column], run, mine, styles)
            _losses(grid[1][column], mine, styles)
            grid[0][column].set_title(f"{load:g} % of the highest steady rate")
        grid[0][0].set_ylabel("received (Mbit/s)")
        grid[0][0].set_ylim(bottom=0)
        grid[1][0].set_ylabel("packets lost (%)")
        handles = [Line2D([], [], **{**style.kwargs(), "marker": ""}) for style in (*styles.values(), _ALONE)]
        figure.legend(handles=handles, loc="upper center", ncols=5, handlelength=2.6, columnspacing=1.2)
        bars = [
            Patch(facecolor="#888888", label="lost during the reconfiguration"),
            Patch(facecolor="white", edgecolor="#888888", hatch="//////", label="lost in the whole trial"),
        ]
        figure.legend(handles=bars, loc="lower center", ncols=2, bbox_to_anchor=(0.5, 0.02))
        note_profile(figure, run.small_print())
        figure.tight_layout(rect=(0, 0.06, 1, 0.93))
    return figure


def _throughput(axes: Axes, run: Run, trials: dict[str, dict[str, Any]], styles: dict[str, LineStyle]) -> None:
    offered = np.median([trial["offered_mbit"] for trial in trials.values()])
    if any(trial["load"] == 100 for trial in trials.values()):
        axes.axhline(offered * _PUBLISHED_SHARE, color="#888888", linewidth=0.8, linestyle=(0, (6, 3)))
        axes.annotate(
            "published while cloning: half",
            (1.0, offered * _PUBLISHED_SHARE),
            xycoords=("axes fraction", "data"),
            xytext=(-2, -2),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=6,
            color="#555555",
            zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
        )
    for name, trial in trials.items():
        if trial["repeat"] != 1:
            continue
        style = styles.get(trial["strategy"], _ALONE)
        samples = run.samples("bins", name)
        count = len(samples) // _COARSE * _COARSE
        width = float(samples["t"].iloc[1] - samples["t"].iloc[0])
        bits = samples["received"].to_numpy()[:count] * trial["frame_bytes"] * 8.0
        rates = bits.reshape(-1, _COARSE).sum(axis=1) / (width * _COARSE) / 1e6
        times = samples["t"].to_numpy()[:count].reshape(-1, _COARSE).mean(axis=1)
        axes.plot(times, rates, **{**style.kwargs(), "marker": ""})
        if trial["strategy"] == "state4" and "window" in trial:
            mark_phase(axes, trial["window"]["begin"], trial["window"]["end"])
            axes.annotate(
                "State4 clones",
                (trial["window"]["begin"], 0.02),
                xycoords=("data", "axes fraction"),
                xytext=(2, 1),
                textcoords="offset points",
                fontsize=6,
            )
    axes.set_xlabel("time (s)")
    axes.set_xlim(left=0)


def _losses(axes: Axes, trials: dict[str, dict[str, Any]], styles: dict[str, LineStyle]) -> None:
    """Two bars per strategy: during the reconfiguration (full) and over the whole trial (hatched); median and range."""
    for place, (name, style) in enumerate(styles.items()):
        members = [trial["parts"] for trial in trials.values() if trial["strategy"] == name]
        looks: tuple[tuple[float, str, dict[str, Any]], ...] = (
            (-0.2, "during", {"color": style.color}),
            (0.2, "whole", {"facecolor": "white", "edgecolor": style.color, "hatch": "//////"}),
        )
        for offset, part, look in looks:
            values = [100 * parts[part]["loss"] for parts in members if part in parts]
            if not values:
                continue
            median = float(np.median(values))
            axes.bar(place + offset, median, 0.36, linewidth=0.8, **look)
            axes.errorbar(
                place + offset,
                median,
                yerr=[[median - min(values)], [max(values) - median]],
                color="#000000",
                elinewidth=0.7,
                capsize=2,
            )
            axes.annotate(
                f"{median:.1f}" if median >= 0.05 else f"{median:.2g}",
                (place + offset, max(values)),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                fontsize=6,
            )
    axes.set_xticks(range(len(styles)), [style.label for style in styles.values()])
    axes.grid(axis="x", visible=False)
    axes.margins(y=0.18)


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "fig7")


if __name__ == "__main__":
    draw_from_command_line(main)
