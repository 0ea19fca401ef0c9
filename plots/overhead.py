"""Overhead: what instrumentation adds, against the number and the size of a program's components.

python -m plots.overhead results/overhead/latest
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plots.load import ResultMissingError, Run, draw_from_command_line
from plots.style import PAGE_INCHES, LineStyle, note_profile, save, styled

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


def draw(run: Run) -> Figure:
    """Above the bits that are added, below the time per packet; a column per series."""
    trials = [trial for trial in run.trials().values() if "cells" in trial]
    if not trials:
        raise ResultMissingError(f"{run.path} holds no generated program")
    with styled():
        figure: Figure
        figure, grid = plt.subplots(2, 3, figsize=(PAGE_INCHES, 4.3), sharex="col", sharey="row")
        for column, (series, key, label) in enumerate(_SERIES):
            mine = sorted((trial for trial in trials if trial["series"] == series), key=lambda trial: trial[key])
            _bits(grid[0][column], mine, key)
            _times(grid[1][column], mine, key)
            grid[1][column].set_xlabel(label)
        grid[0][0].set_ylabel("bits added")
        grid[1][0].set_ylabel("time per packet (ns)")
        grid[0][0].set_ylim(bottom=10)
        grid[1][0].set_ylim(bottom=0)
        grid[0][0].legend(loc="upper left")
        figure.legend(*grid[1][0].get_legend_handles_labels(), loc="upper center", ncols=3, handlelength=2.6)
        note_profile(figure, run.small_print())
        figure.tight_layout(rect=(0, 0.02, 1, 0.94))
    return figure


def _bits(axes: Axes, trials: list[dict[str, Any]], key: str) -> None:
    for name, style in _BITS.items():
        axes.plot([trial[key] for trial in trials], [trial[name] for trial in trials], **style.kwargs())
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")


def _times(axes: Axes, trials: list[dict[str, Any]], key: str) -> None:
    """Median of the rounds with the middle half of them."""
    for name, style in _TIMES.items():
        places = sorted({trial[key] for trial in trials})
        values = [
            np.concatenate([trial["nanoseconds"][name] for trial in trials if trial[key] == place]) for place in places
        ]
        low, middle, high = (np.array([np.percentile(v, q) for v in values]) for q in (25, 50, 75))
        axes.errorbar(places, middle, yerr=[middle - low, high - middle], capsize=2, elinewidth=0.7, **style.kwargs())


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "overhead")


if __name__ == "__main__":
    draw_from_command_line(main)
