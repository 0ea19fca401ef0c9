"""The fabric: the throughput of each spine's path around the change of one spine, one lane per strategy.

python -m plots.fabric results/fabric/latest
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plots.load import CONTROL_TRIAL, ResultMissingError, Run, draw_from_command_line
from plots.style import NOTE_POINTS, PAGE_INCHES, mark_phase, note_profile, save, strategy_label, styled

_LANE, _HEAD = 0.88, 0.7  # inches
_COLORS = ("#009e73", "#0072b2", "#d55e00", "#cc79a7")
_SMOOTH = 4  # bins of 0.1 s, as long as a burst with its pause
_CHANGED = 0
"""The changed spine is the first in the samples."""


def draw(run: Run) -> Figure:
    """Raises ResultMissingError if no trial counts."""
    shown = _first_trials(run)
    height = _HEAD + _LANE * len(shown)
    with styled():
        figure, lanes = plt.subplots(
            len(shown), 1, sharex=True, sharey=True, figsize=(PAGE_INCHES, height), squeeze=False
        )
        for axes, (name, trial) in zip(lanes[:, 0], shown.values(), strict=True):
            _lane(axes, trial, run.samples("paths", name))
        lanes[0, 0].set_ylim(bottom=0)  # shared by all lanes; the tops differ
        lanes[0, 0].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderpad=0)
        lanes[-1, 0].set_xlabel("time (s); grey: the change of spine1, from begin to end; line: the swap")
        figure.supylabel("Throughput of each spine (Mbit/s)", fontsize=8, x=0.01)
        figure.subplots_adjust(left=0.09, right=0.74, top=1 - 0.32 / height, bottom=0.55 / height, hspace=0.28)
        note_profile(figure, run.small_print())
    return figure


def _first_trials(run: Run) -> dict[str, tuple[str, dict[str, Any]]]:
    """For each strategy, in the order of the run: name and numbers of its first trial that counts."""
    first: dict[str, tuple[str, dict[str, Any]]] = {}
    for name, trial in run.trials().items():
        first.setdefault(trial["strategy"], (name, trial))
    order = [CONTROL_TRIAL, *run.description()["options"]["strategies"]]
    found = {strategy: first[strategy] for strategy in order if strategy in first}
    if not found:
        raise ResultMissingError(f"{run.path} holds no trial of a strategy of this run")
    return found


def _lane(axes: Axes, trial: Mapping[str, Any], paths: pd.DataFrame) -> None:
    if "change" in trial:
        mark_phase(axes, trial["change"]["begin"], trial["change"]["end"])
        axes.axvline(trial["swap"]["end"], color="#000000", linewidth=0.8)
    for number, spine in enumerate(dict.fromkeys(paths["spine"])):
        own = paths[paths["spine"] == spine]
        rate = own["mbit"].rolling(_SMOOTH, center=True, min_periods=1).mean()
        style = "-" if number == _CHANGED else "--"
        axes.plot(own["t"], rate, color=_COLORS[number % len(_COLORS)], linestyle=style, label=str(spine), linewidth=1)
    axes.set_xlim(0, trial["duration"])
    label = "left alone" if trial["strategy"] == CONTROL_TRIAL else strategy_label(trial["strategy"])
    axes.text(1.02, 0.98, label, transform=axes.transAxes, va="top", fontweight="bold", fontsize=7.5)
    axes.text(1.02, 0.78, "\n".join(_summary_lines(trial)), transform=axes.transAxes, va="top", fontsize=NOTE_POINTS)


def _summary_lines(trial: Mapping[str, Any]) -> list[str]:
    """Facts that the lines do not show."""
    dead = sum(group["dead"] for group in trial["udp"].values()) + (not trial["tcp_goes_on"])
    lines = [f"{trial['lost_packets']:,} UDP lost, {dead} flows dead"]
    frames = trial["strays"]["frames"]
    lines.append(f"{frames:,} own frames on links" if frames else "no own frame on links")
    if "change" in trial:
        again = trial["balanced_again_s"]
        lines.append("never balanced again" if again is None else f"balanced again after {again:.1f} s")
        lines.append(f"state off by {trial['missing_bytes']:,} bytes")
        lines.append(f"{trial['knocks_kept']} of {trial['knocks_made']} knocks kept")
    return lines


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "fabric")


if __name__ == "__main__":
    draw_from_command_line(main)
