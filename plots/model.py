"""The model: delta-loss, time and CPU-port rate against the packet rate, flows, writes per packet, amount of state.

python -m plots.model results/model/latest

Everything beyond the rates at which the model was checked has a grey background: it is computed, not measured.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter

from plots.load import ResultMissingError, Run, draw_from_command_line
from plots.style import PAGE_INCHES, LineStyle, note_profile, save, strategy_style, styled

_ROWS = (
    ("delta_loss", 100.0, "delta-loss (%)", 1e-4),
    ("total_s", 1.0, "time (s)", None),
    ("port_bits_per_s", 1e-9, "CPU port (Gbit/s)", 1e-4),
)
"""Name, factor, label, and the value below which the axis is linear (so that it includes zero)."""
_FEW_PLACES = {"writes": (1, 2, 4, 8)}
_COLUMNS = (
    ("packets_per_s", "packets/s"),
    ("flows", "flows"),
    ("writes", "writes a packet"),
    ("cells", "cells of state"),
)
_SENT_EVERY = (("#56b4e9", (0, (1, 1))), ("#0072b2", (0, (4, 1))), ("#882255", (0, (2, 2))))
_BEYOND: dict[str, Any] = {"facecolor": "#eeeeee", "edgecolor": "none", "zorder": 0}


def draw(run: Run) -> Figure:
    """Rows: what is predicted; columns: against what."""
    path = run.path / "extrapolation.json"
    if not path.exists():
        raise ResultMissingError(f"{path} is missing")
    content: dict[str, Any] = json.loads(path.read_text())
    entries = [*content["rates"], *content["others"]]
    if not entries:
        raise ResultMissingError(f"{run.path} holds no prediction: nothing could be calibrated")
    styles = _styles(list(dict.fromkeys(entry["variant"] for entry in entries)), entries)
    measured = [trial for trial in run.trials().values() if trial["part"] == "check"]
    known = max((trial["packets_per_s"] for trial in measured), default=None)
    height = 5.4
    with styled():
        figure: Figure
        figure, grid = plt.subplots(
            len(_ROWS), len(_COLUMNS), figsize=(PAGE_INCHES, height), sharex="col", sharey="row", squeeze=False
        )
        for row, (name, factor, label, linear_below) in enumerate(_ROWS):
            for column, (axis, _) in enumerate(_COLUMNS):
                mine = [entry for entry in entries if entry["axis"] == axis]
                _panel(grid[row][column], mine, styles, name, factor, axis)
                _mark_beyond(grid[row][column], axis, known)
            if linear_below is None:
                grid[row][0].set_yscale("log")
                grid[row][0].yaxis.set_minor_formatter(NullFormatter())
            else:
                grid[row][0].set_yscale("symlog", linthresh=linear_below)
                grid[row][0].set_ylim(bottom=0.0)
            grid[row][0].set_ylabel(label)
        for column, (axis, label) in enumerate(_COLUMNS):
            grid[-1][column].set_xlabel(label if axis == "packets_per_s" else f"{label}\n(1 Gpps)")
        handles: list[Any] = [Line2D([], [], **style.kwargs()) for style in styles.values()]
        handles.append(Patch(label="computed: beyond what was checked", **_BEYOND))
        figure.legend(handles=handles, loc="upper center", ncols=3, handlelength=2.6, columnspacing=1.2)
        note_profile(figure, run.small_print())
        figure.subplots_adjust(
            left=0.125, right=0.985, top=1 - 0.75 / height, bottom=0.75 / height, hspace=0.1, wspace=0.1
        )
    return figure


def _styles(names: list[str], entries: list[dict[str, Any]]) -> dict[str, LineStyle]:
    strategy = {entry["variant"]: (entry["strategy"], entry["every_s"]) for entry in entries}
    found: dict[str, LineStyle] = {}
    spare = iter(_SENT_EVERY)
    for name in names:
        base = strategy_style(strategy[name][0])
        if not strategy[name][1]:
            found[name] = base
            continue
        color, line = next(spare)
        found[name] = LineStyle(f"{base.label}, a cell every {1e3 * strategy[name][1]:g} ms", color, line, base.marker)
    return found


def _panel(
    axes: Axes, entries: list[dict[str, Any]], styles: dict[str, LineStyle], name: str, factor: float, axis: str
) -> None:
    for variant, style in styles.items():
        mine = sorted((entry["value"], entry[name] * factor) for entry in entries if entry["variant"] == variant)
        if mine:
            places, values = np.array(mine).T
            axes.plot(places, values, **{**style.kwargs(), "marker": "", "label": None})
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    if places := _FEW_PLACES.get(axis):
        axes.set_xticks(places, [str(place) for place in places])


def _mark_beyond(axes: Axes, axis: str, known: float | None) -> None:
    """A grey background for what was not measured: above the highest rate, and everything at 1 Gpps."""
    low, high = axes.get_xlim()
    begin = low if axis != "packets_per_s" or known is None else known
    axes.axvspan(begin, high, **_BEYOND)
    axes.set_xlim(low, high)
    if axis == "packets_per_s" and known is not None:
        axes.axvline(known, color="#777777", linewidth=0.6)


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "model")


if __name__ == "__main__":
    draw_from_command_line(main)
