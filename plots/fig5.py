"""Figure 5: the share of state that a reconfiguration loses, against the rate of the traffic.

python -m plots.fig5 results/delta_loss/latest
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from experiments.claims.c3_delta_loss import STATE4_LIMIT
from plots.load import ResultMissingError, Run, draw_from_command_line
from plots.style import COLUMN_INCHES, note_profile, save, strategy_style, styled

_PERCENT = 100.0
_PUBLISHED_LIMIT = _PERCENT * STATE4_LIMIT
_ASIDE_MBIT = 0.7
_LINEAR_BELOW = 0.01  # percent: the axis is linear below, so that zero has a place


def draw(run: Run) -> Figure:
    """Median and range over the repeats by strategy; percent on a logarithmic axis that shows zero, too."""
    points: dict[str, dict[float, list[float]]] = {}
    formula: dict[float, list[float]] = {}
    profile = run.description()["options"]["profile"]
    for trial in run.trials().values():
        if "state" in trial or trial.get("profile", profile) != profile:
            continue
        loss = _PERCENT * trial["delta_loss"]
        points.setdefault(trial["strategy"], {}).setdefault(trial["rate"], []).append(loss)
        if trial["strategy"] == "controller" and "formula" in trial:
            formula.setdefault(trial["rate"], []).append(_PERCENT * trial["formula"])
    order = [name for name in run.description()["options"]["strategies"] if name in points]
    if not order:
        raise ResultMissingError(f"{run.path} holds no trial of a strategy of this run")
    with styled():
        figure, axes = plt.subplots(figsize=(COLUMN_INCHES + 0.4, 2.7))
        axes.axhline(_PUBLISHED_LIMIT, color="#888888", linewidth=0.8, linestyle=(0, (6, 3)))
        axes.annotate(
            "published: State4 below 1 %",
            (1.0, _PUBLISHED_LIMIT),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 2),
            textcoords="offset points",
            ha="right",
            fontsize=6,
            color="#555555",
        )
        if formula:
            rates = sorted(formula)
            medians = np.array([np.median(formula[rate]) for rate in rates])
            label = "(reading + writing) / trial"
            axes.plot(rates, medians, color="#d55e00", linewidth=0.7, linestyle=(0, (1, 2)), marker="", label=label)
        for place, name in enumerate(order):
            rates = sorted(points[name])
            aside = (place - (len(order) - 1) / 2) * _ASIDE_MBIT  # so that strategies of the same loss can all be seen
            medians = np.array([np.median(points[name][rate]) for rate in rates])
            low = medians - [min(points[name][rate]) for rate in rates]
            high = np.array([max(points[name][rate]) for rate in rates]) - medians
            style = strategy_style(name, order)
            axes.errorbar(
                [rate + aside for rate in rates], medians, yerr=[low, high], capsize=2, elinewidth=0.7, **style.kwargs()
            )
        axes.set_yscale("symlog", linthresh=_LINEAR_BELOW)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.axhline(_LINEAR_BELOW, color="#bbbbbb", linewidth=0.6, linestyle=(0, (1, 1)))
        axes.annotate(
            "linear below",
            (0.0, _LINEAR_BELOW),
            xycoords=("axes fraction", "data"),
            xytext=(2, -2),
            textcoords="offset points",
            va="top",
            fontsize=5.5,
            color="#777777",
        )
        axes.set_xlim(left=0)
        axes.set_xlabel("rate (Mbit/s)")
        axes.set_ylabel("delta-loss (% of the bytes)")
        figure.legend(loc="upper center", ncols=3, handlelength=2.4, columnspacing=1.2)
        note_profile(figure, run.small_print())
        figure.tight_layout(rect=(0, 0.02, 1, 0.88))
    assert isinstance(figure, Figure)
    return figure


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "fig5")


if __name__ == "__main__":
    draw_from_command_line(main)
