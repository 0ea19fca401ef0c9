"""Figure 5: the share of state that a reconfiguration loses, against the rate of the traffic and the amount of state.

python -m plots.fig5 results/delta_loss/latest
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from plots.broken_axis import BrokenAxes
from plots.load import ResultMissingError, Run, draw_from_command_line
from plots.style import PAGE_INCHES, LineStyle, note, note_profile, save, strategy_style, styled

_PERCENT = 100.0
_BREAK, _HIGHEST = 0.01, 130.0  # percent
_SHIFT = 0.0115  # share of the width: points with the same loss are drawn side by side
_FORMULA = LineStyle("(reading + writing) / trial", "#000000", (0, (1, 2)), "_")
NATIVE = "native"


@dataclass(frozen=True)
class Losses:
    """Delta-loss in percent by rate or amount of state, of all repeats; `formula`: computed from the phases'
    lengths."""

    strategy: str
    profile: str
    losses: dict[float, list[float]]
    formula: dict[float, list[float]]


def series_of(trials: Iterable[dict[str, Any]], key: str, profile: str) -> list[Losses]:
    """The trials with `key` (rate or state) by strategy and profile; `profile` is the default for trials without
    one."""
    found: dict[tuple[str, str], Losses] = {}
    for trial in trials:
        named = trial.get("profile", profile)
        one = found.setdefault((trial["strategy"], named), Losses(trial["strategy"], named, {}, {}))
        one.losses.setdefault(float(trial[key]), []).append(_PERCENT * trial["delta_loss"])
        if "formula" in trial:
            one.formula.setdefault(float(trial[key]), []).append(_PERCENT * trial["formula"])
    return list(found.values())


def draw(run: Run) -> Figure:
    """Above, every strategy against the rate; below, the unpaced control plane, and the amount of state."""
    options = run.description()["options"]
    profile: str = options["profile"]
    trials = list(run.trials().values())
    rates = series_of((t for t in trials if "state" not in t), "rate", profile)
    sizes = series_of((t for t in trials if "state" in t), "state", profile)
    names: list[str] = options["strategies"]
    order = {name: place for place, name in enumerate(names)}
    main = sorted((one for one in rates if one.profile == profile and one.strategy in order), key=_by(order))
    native = sorted((one for one in rates if one.profile != profile and one.strategy in order), key=_by(order))
    if not main:
        raise ResultMissingError(f"{run.path} holds no trial of a strategy of this run")
    below = [part for part in (native, sizes) if part]
    with styled():
        height = 3.3 + (2.3 if below else 0.0)
        figure: Figure = plt.figure(figsize=(PAGE_INCHES, height))
        outer = figure.add_gridspec(
            2 if below else 1,
            1,
            height_ratios=[2.3, 1.7] if below else None,
            hspace=0.42,
            left=0.11,
            right=0.98,
            top=1 - 0.65 / height,
            bottom=0.55 / height,
        )
        limit = run.published("C3").get("state4_below")
        _against_rate(figure, outer[0], main, names, f"control plane: {_pace(profile)}", limit)
        if below:
            lower = outer[1].subgridspec(1, len(below), wspace=0.25)
            place = 0
            if native:
                _against_rate(figure, lower[0], native, names, f"control plane: {_pace(NATIVE)}")
                place = 1
            if sizes:
                rate = next(t["rate"] for t in trials if "state" in t)
                _against_state(figure, lower[place], sizes, names, profile, f"amount of state, at {rate:g} Mbit/s")
        handles = [Line2D([], [], **strategy_style(one.strategy, names).kwargs()) for one in main]
        handles.append(Line2D([], [], **_FORMULA.kwargs()))
        figure.legend(handles=handles, loc="upper center", ncols=4, handlelength=2.4, columnspacing=1.2)
        note_profile(figure, run.small_print())
    return figure


def _by(order: dict[str, int]) -> Any:
    return lambda one: order[one.strategy]


def _pace(profile: str) -> str:
    return {"paper": "paced as published", NATIVE: "native, unpaced"}.get(profile, profile)


def _against_rate(
    figure: Figure,
    place: SubplotSpec,
    series: Sequence[Losses],
    names: list[str],
    title: str,
    limit: float | None = None,
) -> None:
    """`limit`: the published limit of State4's loss, as a share."""
    axes = BrokenAxes.add(figure, place, _BREAK, _HIGHEST)
    longest = max(rate for one in series for rate in one.losses)
    if limit is not None:
        _published(axes, _PERCENT * limit)
    for number, one in enumerate(series):
        aside = (number - (len(series) - 1) / 2) * _SHIFT * longest * 1.1
        _line(axes, one.losses, strategy_style(one.strategy, names).kwargs(), lambda rate, by=aside: rate + by)
        if one.strategy == "controller":
            _line(axes, one.formula, _FORMULA.kwargs(), lambda rate, by=aside: rate + by)
    axes.upper.set_title(title, loc="left")
    axes.upper.set_ylabel("delta-loss (%)")
    axes.lower.set_xlim(0, 1.1 * longest)
    axes.lower.set_xlabel("rate (Mbit/s)")


def _against_state(
    figure: Figure, place: SubplotSpec, series: Sequence[Losses], names: list[str], profile: str, title: str
) -> None:
    """Filled markers: the run's profile; hollow ones: the native control plane."""
    axes = BrokenAxes.add(figure, place, _BREAK, _HIGHEST)
    sizes = sorted({size for one in series for size in one.losses})
    for one in series:
        style = strategy_style(one.strategy, names).kwargs()
        paced = one.profile == profile
        look = {} if paced else {"markerfacecolor": "white", "linewidth": 0.7}
        by = 1.0 if paced else 1.12
        _line(axes, one.losses, {**style, **look}, lambda size, by=by: size * by)
        if one.strategy == "controller":
            _line(axes, one.formula, _FORMULA.kwargs(), lambda size, by=by: size * by)
    axes.lower.set_xscale("log", base=2)
    axes.lower.set_xlim(sizes[0] / 1.6, sizes[-1] * 1.8)
    axes.lower.xaxis.set_major_locator(FixedLocator(sizes))
    axes.lower.xaxis.set_minor_locator(NullLocator())
    axes.lower.xaxis.set_major_formatter(FuncFormatter(_bytes))
    axes.upper.set_title(title, loc="left")
    if any(one.profile != profile for one in series):
        note(axes.upper, "hollow: native", (0.02, 0.98), va="top")
    axes.lower.set_xlabel("state in one register")


def _line(axes: BrokenAxes, points: dict[float, list[float]], style: dict[str, Any], moved: Any) -> None:
    if not points:
        return
    places = sorted(points)
    values = [points[place] for place in places]
    axes.series(
        [moved(place) for place in places],
        [float(np.median(one)) for one in values],
        [min(one) for one in values],
        [max(one) for one in values],
        **style,
    )


def _published(axes: BrokenAxes, percent: float) -> None:
    axes.upper.axhline(percent, color="#888888", linewidth=0.8, linestyle=(0, (6, 3)))
    note(
        axes.upper,
        f"published: State4 below {percent:g} %, the controller far above",
        (1.0, percent),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 2),
        textcoords="offset points",
        ha="right",
        va="bottom",
    )


def _bytes(value: float, _position: int | None) -> str:
    return f"{value / 2**20:g} MB" if value >= 2**20 else f"{value / 2**10:g} KB"


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "fig5")


if __name__ == "__main__":
    draw_from_command_line(main)
