"""Scaling: time, held time and delta-loss of each strategy against the amount of state and the number of registers.

python -m plots.scaling results/scaling/latest
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from plots.load import ResultMissingError, Run, draw_from_command_line
from plots.style import NOTE_POINTS, PAGE_INCHES, LineStyle, note_profile, save, strategy_style, styled

_ROWS = (
    ("reconfiguration_s", 1.0, "time (s)"),
    ("held_ms", 1.0, "held (ms)"),
    ("delta_loss", 100.0, "delta-loss (%)"),
)
_SERIES = (("size", "state_bytes", "state in one register"), ("components", "components", "registers, 1 MB in all"))
_LINEAR_BELOW = {"held_ms": 0.1, "delta_loss": 0.01}  # linear below, so that the axis includes zero


def draw(run: Run) -> Figure:
    """One row per number and profile; columns: against size and against components. Median and range. Numbers that the
    switch does not report have no row."""
    trials = [trial for trial in run.trials().values() if "load" not in trial["series"]]
    order = [n for n in run.description()["options"]["strategies"] if any(t["strategy"] == n for t in trials)]
    if not order:
        raise ResultMissingError(f"{run.path} holds no trial of a strategy of this run")
    profiles = sorted({trial["profile"] for trial in trials}, reverse=True)  # the paper's first
    shown = [one for one in _ROWS if any(trial.get(one[0]) is not None for trial in trials)]
    rows = [(profile, *one) for one in shown for profile in profiles]
    height = 1.05 * len(rows) + 1.2
    with styled():
        figure: Figure
        figure, grid = plt.subplots(
            len(rows), len(_SERIES), figsize=(PAGE_INCHES, height), sharex="col", sharey="row", squeeze=False
        )
        for row, (profile, name, factor, label) in enumerate(rows):
            for column, (series, key, _) in enumerate(_SERIES):
                mine = [trial for trial in trials if trial["profile"] == profile and series in trial["series"]]
                _panel(grid[row][column], mine, order, key, name, factor)
            grid[row][0].set_ylabel(f"{label}\n{profile}", fontsize=NOTE_POINTS)
        for column, (_, _, label) in enumerate(_SERIES):
            grid[-1][column].set_xlabel(label)
        figure.align_ylabels(grid[:, 0])
        handles = [Line2D([], [], **strategy_style(name, order).kwargs()) for name in order]
        figure.legend(handles=handles, loc="upper center", ncols=3, handlelength=2.8, columnspacing=1.2)
        note_profile(figure, run.small_print())
        figure.subplots_adjust(
            left=0.14, right=0.98, top=1 - 0.45 / height, bottom=0.75 / height, hspace=0.16, wspace=0.06
        )
    return figure


def _panel(axes: Axes, trials: list[dict[str, Any]], order: list[str], key: str, name: str, factor: float) -> None:
    for strategy in order:
        mine = [trial for trial in trials if trial["strategy"] == strategy]
        if mine:
            _line(axes, mine, strategy_style(strategy, order), key, name, factor)
    axes.set_xscale("log", base=2)
    if name in _LINEAR_BELOW:
        axes.set_yscale("symlog", linthresh=_LINEAR_BELOW[name])
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    else:
        axes.set_yscale("log")
    if key == "state_bytes":
        axes.xaxis.set_major_formatter(FuncFormatter(_bytes))
        axes.tick_params(axis="x", labelrotation=35)
    else:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _line(axes: Axes, trials: list[dict[str, Any]], style: LineStyle, key: str, name: str, factor: float) -> None:
    trials = [trial for trial in trials if trial[name] is not None]  # only what the switch reports is drawn
    places = sorted({trial[key] for trial in trials})
    values = [np.array([trial[name] * factor for trial in trials if trial[key] == place]) for place in places]
    middle = np.array([np.median(value) for value in values])
    low, high = np.array([value.min() for value in values]), np.array([value.max() for value in values])
    axes.errorbar(places, middle, yerr=[middle - low, high - middle], capsize=1.5, elinewidth=0.6, **style.kwargs())


def _bytes(value: float, _: int) -> str:
    return f"{value / 2**20:g} MB" if value >= 2**20 else f"{value / 2**10:g} KB"


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "scaling")


if __name__ == "__main__":
    draw_from_command_line(main)
