"""Figure 7: throughput while every packet writes state, and losses while it is cloned.

python -m plots.fig7 results/cloning_cost/latest
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from plots.load import CONTROL_TRIAL, ResultMissingError, Run, draw_from_command_line
from plots.style import (
    NOTE_POINTS,
    PAGE_INCHES,
    LineStyle,
    mark_phase,
    note_profile,
    save,
    strategy_style,
    styled,
)

Floats = npt.NDArray[np.float64]

_COARSE = 5  # bins of the samples per step of a line
_ALONE = LineStyle("no reconfiguration", "#999999", ":", "")
_PUBLISHED_FIRST = ("state4", "swing_state")  # in the paper's order; others follow
_SHADE = "#e8e8e8"
_HATCH = "//////"
_ROW_INCHES, _BARS_INCHES, _HEAD_INCHES, _FOOT_INCHES = 0.95, 1.35, 0.95, 0.5


def draw(run: Run) -> Figure:
    """One column per load. One row per strategy with the throughput of all its repeats over time, and one with the
    losses: during the reconfiguration, and in the whole trial."""
    trials = {name: trial for name, trial in run.trials().items() if "load" in trial}
    loads = sorted({trial["load"] for trial in trials.values()}, reverse=True)
    names: list[str] = run.description()["options"]["strategies"]
    order = paper_order(name for name in names if any(t["strategy"] == name for t in trials.values()))
    if not order:
        raise ResultMissingError(f"{run.path} holds no trial of a strategy of this run")
    styles = {name: strategy_style(name, order) for name in order}
    rows = len(order)
    height = _HEAD_INCHES + _ROW_INCHES * rows + 0.45 + _BARS_INCHES + _FOOT_INCHES
    with styled():
        figure: Figure = plt.figure(figsize=(PAGE_INCHES, height))
        outer = figure.add_gridspec(
            2,
            1,
            height_ratios=(_ROW_INCHES * rows, _BARS_INCHES),
            left=0.125,
            right=0.985,
            top=1 - _HEAD_INCHES / height,
            bottom=_FOOT_INCHES / height,
            hspace=0.45 / ((_ROW_INCHES * rows + _BARS_INCHES) / 2),
        )
        lines = outer[0].subgridspec(rows, len(loads), hspace=0.16, wspace=0.12).subplots(sharex=True, sharey=True)
        lines = np.asarray(lines).reshape(rows, len(loads))
        bars = outer[1].subgridspec(1, len(loads), wspace=0.12).subplots(sharey=True)
        bars = np.asarray(bars).reshape(len(loads))
        highest = 0.0
        for column, load in enumerate(loads):
            mine = {name: trial for name, trial in trials.items() if trial["load"] == load}
            for row, strategy in enumerate(order):
                axes = lines[row][column]
                highest = max(highest, _throughput(axes, run, mine, strategy, styles[strategy]))
            lines[0][column].set_title(_title(load, mine))
            lines[-1][column].set_xlabel("time (s)")
            _losses(bars[column], mine, styles)
        lines[0][0].set_ylim(0, 1.08 * highest)
        for row, strategy in enumerate(order):
            lines[row][0].set_ylabel(f"{styles[strategy].label}\n(Gbit/s)", fontsize=7)
        bars[0].set_ylabel("packets lost (%)", fontsize=7)
        bars[0].set_ylim(0, max(1.0, 1.2 * bars[0].dataLim.y1, *(1.2 * axes.dataLim.y1 for axes in bars)))
        figure.legend(handles=_handles(), loc="upper center", ncols=2, handlelength=2.6, columnspacing=1.2)
        note_profile(figure, run.small_print())
    return figure


def paper_order(names: Iterable[str]) -> list[str]:
    """State4 and Swing State, as compared in the paper; then the others in order."""
    given = list(names)
    first = [name for name in _PUBLISHED_FIRST if name in given]
    return [*first, *(name for name in given if name not in first)]


def _handles() -> list[Any]:
    return [
        Line2D([], [], color="#333333", linewidth=0.8, label="with a reconfiguration, each repeat"),
        Line2D([], [], color=_ALONE.color, linestyle=":", linewidth=0.8, label="without any, each repeat"),
        Patch(facecolor=_SHADE, edgecolor="#bbbbbb", label="reconfiguration (Swing State clones always)"),
        Line2D([], [], **_HALF, label="published at full load, while cloning: half"),
        Patch(facecolor="#888888", label="lost during the reconfiguration"),
        Patch(facecolor="white", edgecolor="#888888", hatch=_HATCH, label="lost in the whole trial"),
    ]


_HALF: dict[str, Any] = {"color": "#000000", "linewidth": 0.7, "linestyle": (0, (6, 3))}


def _title(load: float, trials: dict[str, dict[str, Any]]) -> str:
    offered = np.median([trial["offered_mbit"] for trial in trials.values()]) / 1e3
    return f"{load:g} %: {offered:.3g} Gbit/s"


def _throughput(axes: Axes, run: Run, trials: dict[str, dict[str, Any]], strategy: str, style: LineStyle) -> float:
    """All repeats of a strategy over those of the flow alone. Returns the highest throughput in Gbit/s."""
    offered = float(np.median([trial["offered_mbit"] for trial in trials.values()])) / 1e3
    highest = offered
    kept = run.published("C5 cost").get("keeps_while_cloning")
    if kept is not None and any(trial["load"] == 100 for trial in trials.values()):
        axes.axhline(offered * kept, **_HALF)
    shaded = False
    for name, trial in trials.items():
        mine = trial["strategy"] == strategy
        if not mine and trial["strategy"] != CONTROL_TRIAL:
            continue
        look = style if mine else _ALONE
        times, rates = rates_of(run, name, trial)
        axes.plot(times, rates, color=look.color, linestyle="-" if mine else ":", linewidth=0.8)
        highest = max(highest, float(rates.max(initial=0.0)))
        if mine and not shaded and "window" in trial:
            mark_phase(axes, trial["window"]["begin"], trial["window"]["end"], shade=_SHADE)
            shaded = True
    axes.set_xlim(left=0)
    return highest


def rates_of(run: Run, name: str, trial: dict[str, Any]) -> tuple[Floats, Floats]:
    """Middle of each step in s, and Gbit/s received in it."""
    samples = run.samples("bins", name)
    count = len(samples) // _COARSE * _COARSE
    width = float(samples["t"].iloc[1] - samples["t"].iloc[0])
    bits = samples["received"].to_numpy()[:count] * trial["frame_bytes"] * 8.0
    rates = bits.reshape(-1, _COARSE).sum(axis=1) / (width * _COARSE) / 1e9
    times = samples["t"].to_numpy()[:count].reshape(-1, _COARSE).mean(axis=1)
    return times, rates


def _losses(axes: Axes, trials: dict[str, dict[str, Any]], styles: dict[str, LineStyle]) -> None:
    """Two bars per strategy with the medians as heights: during the reconfiguration (filled) and over the whole trial
    (hatched). A dot is a repeat."""
    for place, (name, style) in enumerate(styles.items()):
        members = [trial["parts"] for trial in trials.values() if trial["strategy"] == name]
        looks: tuple[tuple[float, str, dict[str, Any]], ...] = (
            (-0.21, "during", {"color": style.color}),
            (0.21, "whole", {"facecolor": "white", "edgecolor": style.color, "hatch": _HATCH}),
        )
        for offset, part, look in looks:
            values = [100 * parts[part]["loss"] for parts in members if part in parts]
            if not values:
                continue
            median = float(np.median(values))
            axes.bar(place + offset, median, 0.38, linewidth=0.8, **look)
            if len(values) > 1:
                shifted = place + offset + np.linspace(-0.08, 0.08, len(values))
                axes.plot(shifted, values, **_REPEAT, clip_on=False)
            axes.annotate(
                f"{median:.0f}" if median >= 9.95 else f"{median:.1f}" if median >= 0.05 else f"{median:.1g}",
                (place + offset, max(values)),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=NOTE_POINTS,
            )
    labels = [style.label.replace(" ", "\n", 1) for style in styles.values()]
    axes.set_xticks(range(len(styles)), labels, fontsize=NOTE_POINTS)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="x", visible=False)


_REPEAT: dict[str, Any] = {
    "marker": "o",
    "markersize": 2.2,
    "markerfacecolor": "white",
    "markeredgecolor": "#000000",
    "markeredgewidth": 0.6,
    "linestyle": "",
    "zorder": 4,
}


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "fig7")


if __name__ == "__main__":
    draw_from_command_line(main)
