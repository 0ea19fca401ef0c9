"""The scenario: each strategy's effect on traffic and state, and its cost, on one time axis around the swap.

python -m plots.scenario results/scenario/latest
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plots.load import ResultMissingError, Run, draw_from_command_line
from plots.style import LineStyle, mark_phase, mark_swap, note_profile, save, strategy_label, strategy_style, styled

Floats = npt.NDArray[np.float64]

_WIDTH, _HEIGHT = 4.9, 6.5  # inches: narrow, so that the text is legible on a phone
_BIN_S = 0.05
_BEFORE_S, _AFTER_S = 0.6, 2.5
_SMOOTH = 4  # samples of CPU time
_PARTS = {"data_plane": "data plane", "listener": "listener", "control_plane": "control plane"}
_REFERENCE = "state4"  # its reconfiguration is shaded and its CPU time labelled; if not measured, the longest one's


@dataclass(frozen=True)
class Shown:
    """The trial of a strategy that is drawn, and the loss of all its valid trials. Times in s after the swap's end.

    rate: middle of each bin and Mbit/s in it; missing: time of each sample and MB missing; cpu: by part, time and
    cores; flows: how many continue, out of how many; ended: the end of the flow that ends before the change.
    """

    strategy: str
    style: LineStyle
    window: tuple[float, float]
    end: float
    knock: float | None
    flows: tuple[int, int]
    losses: tuple[float, ...]
    rate: tuple[Floats, Floats]
    missing: tuple[Floats, Floats]
    cpu: dict[str, tuple[Floats, Floats]]
    ended: float

    @property
    def loss(self) -> float:
        return float(np.median(self.losses))


def load(run: Run) -> tuple[list[Shown], list[str]]:
    """What to draw, in the order of the run; and the strategies without a trial that counts."""
    trials = run.trials()
    names: list[str] = run.description()["options"]["strategies"]
    shown, missing = [], []
    for strategy in names:
        mine = {name: trial for name, trial in trials.items() if trial["strategy"] == strategy}
        if not mine:
            missing.append(strategy)
            continue
        name = next(iter(mine))
        losses = tuple(trial["delta_loss"] for trial in mine.values())
        shown.append(_shown(run, strategy, strategy_style(strategy, names), name, mine[name], losses))
    if not shown:
        raise ResultMissingError(f"{run.path} holds no trial of a strategy that counts")
    return shown, missing


def _shown(
    run: Run, strategy: str, style: LineStyle, name: str, trial: dict[str, Any], losses: tuple[float, ...]
) -> Shown:
    frames, samples = run.samples("frames", name), run.samples("state", name)
    origin = trial["swap"]["end"]
    unreadable = _unreadable(run, name, trial)
    fates = trial["goes_on"]
    return Shown(
        strategy=strategy,
        style=style,
        window=(trial["window"]["begin"] - origin, trial["window"]["end"] - origin),
        end=trial["duration"] - origin,
        knock=trial["knocks"]["late"] - origin if "late" in trial["knocks"] else None,
        flows=(sum(fates.values()), len(fates)),
        losses=losses,
        rate=throughput(frames, origin, trial["duration"]),
        missing=missing_megabytes(frames, samples, origin, unreadable),
        cpu={part: cores(samples, part, origin) for part in _PARTS},
        ended=trial["ended"] - origin,
    )


def _unreadable(run: Run, name: str, trial: dict[str, Any]) -> tuple[float, float] | None:
    """On bmv2, reads return the new program's registers from saving on, so the old one's are unknown."""
    if run.description()["options"]["target"] != "bmv2":
        return None
    saves = [event["t"] for event in run.events(name) if event["phase"] == "save" and event["what"] == "begin"]
    return (saves[0], trial["swap"]["end"]) if saves else None


def throughput(frames: pd.DataFrame, origin: float, duration: float) -> tuple[Floats, Floats]:
    """Bins that begin and end at the origin, so that none includes both sides of it."""
    first = -int(origin / _BIN_S)
    edges = np.arange(first, int((duration - origin) / _BIN_S) + 1) * _BIN_S
    totals, _ = np.histogram(frames["received_s"] - origin, bins=edges, weights=frames["bytes"])
    return (edges[:-1] + edges[1:]) / 2, totals * 8 / _BIN_S / 1e6


def missing_megabytes(
    frames: pd.DataFrame, samples: pd.DataFrame, origin: float, unreadable: tuple[float, float] | None
) -> tuple[Floats, Floats]:
    """For each sample of the state: bytes that had arrived minus bytes in the state, in MB."""
    kept = samples[samples["state_bytes"].notna()]
    if unreadable is not None:
        kept = kept[~kept["t"].between(*unreadable)]
    times = kept["t"].to_numpy()
    total = np.concatenate([[0.0], np.cumsum(frames["bytes"].to_numpy(), dtype=np.float64)])
    wire = total[np.searchsorted(frames["received_s"].to_numpy(), times, side="right")]
    return times - origin, (wire - kept["state_bytes"].to_numpy()) / 1e6


def cores(samples: pd.DataFrame, part: str, origin: float) -> tuple[Floats, Floats]:
    """Cores used by a part over `_SMOOTH` samples; empty if it never existed."""
    known = samples[samples[f"{part}_s"].notna()]
    times, used = known["t"].to_numpy(), known[f"{part}_s"].to_numpy()
    if len(times) <= _SMOOTH:
        return np.empty(0), np.empty(0)
    middle = (times[_SMOOTH:] + times[:-_SMOOTH]) / 2 - origin
    return middle, (used[_SMOOTH:] - used[:-_SMOOTH]) / (times[_SMOOTH:] - times[:-_SMOOTH])


def draw(run: Run) -> Figure:
    """Three rows: throughput, missing state, and a strip of CPU time for each part of the switch."""
    shown, missing = load(run)
    with styled():
        figure: Figure = plt.figure(figsize=(_WIDTH, _HEIGHT))
        outer = figure.add_gridspec(
            3, 1, height_ratios=[2.3, 2.3, 1.9], hspace=0.24, left=0.135, right=0.755, top=0.89, bottom=0.085
        )
        strips = outer[2].subgridspec(3, 1, hspace=0.3)
        rows: list[Axes] = [figure.add_subplot(outer[0])]
        places = (outer[1], *(strips[number] for number in range(3)))
        rows += [figure.add_subplot(place, sharex=rows[0]) for place in places]
        reference = _reference(shown)
        for number, axes in enumerate(rows):
            mark_phase(axes, *reference.window, shade="#f0f0f0")
            mark_swap(axes, 0.0, 0.0, label="swap" if number == 0 else None)
            axes.tick_params(labelbottom=number == len(rows) - 1)
        limits = _limits(shown)
        rows[0].set_xlim(*limits)
        _throughput_row(rows[0], shown, reference, limits, paced=run.description()["options"]["profile"] == "paper")
        _state_row(rows[1], shown, limits)
        for axes, (part, name) in zip(rows[2:], _PARTS.items(), strict=True):
            _cpu_row(axes, shown, reference, limits, part, name)
        _head(rows[2], "CPU time")
        rows[3].set_ylabel("CPU (% of one core)")
        rows[-1].set_xlabel("time from the swap (s)")
        figure.align_ylabels(rows)
        handles, labels = rows[1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.04, 1.0), ncols=3, handlelength=3.4)
        note_profile(figure, _small_print(run, shown, missing))
    return figure


def _reference(shown: Sequence[Shown]) -> Shown:
    named = [item for item in shown if item.strategy == _REFERENCE]
    return named[0] if named else max(shown, key=lambda item: item.window[1] - item.window[0])


def _limits(shown: Sequence[Shown]) -> tuple[float, float]:
    """The time range: room before the longest reconfiguration and after the swap."""
    begin = min(max(item.window[0] - _BEFORE_S, item.ended + _BIN_S) for item in shown)
    return begin, min(_AFTER_S, *(item.end for item in shown))


def _visible(item: Shown, series: tuple[Floats, Floats], limits: tuple[float, float]) -> tuple[Floats, Floats]:
    """The part of a line within the figure, from the end of the flow that ends before the change."""
    times, values = series
    inside = (times >= max(limits[0], item.ended + _BIN_S)) & (times <= limits[1])
    return times[inside], values[inside]


def _head(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontweight="bold", pad=4)


def _note(axes: Axes, x: float, y: float, text: str, **more: Any) -> None:
    """Small text at a time and a share of the height."""
    axes.text(x, y, text, transform=axes.get_xaxis_transform(), fontsize=6.5, color="#444444", **more)


def _throughput_row(
    axes: Axes, shown: Sequence[Shown], reference: Shown, limits: tuple[float, float], *, paced: bool
) -> None:
    for item in shown:
        axes.plot(*_visible(item, item.rate, limits), **_line(item))
    _head(axes, "Throughput")
    axes.set_ylabel("throughput at\nthe server (Mbit/s)")
    axes.set_ylim(0, 1.25 * axes.dataLim.y1)
    length = reference.window[1] - reference.window[0]
    if length > _BEFORE_S:
        pace = ",\nat the configured pace" if paced else ""
        text = f"{reference.style.label} works for {length:.1f} s{pace}"
        _note(axes, sum(reference.window) / 2, 0.98, text, ha="center", va="top")
    if reference.knock is not None and reference.knock - _BEFORE_S > limits[0]:
        _note(axes, reference.knock - 0.06, 0.05, "a fourth flow\nis admitted", ha="right", va="bottom")
        axes.axvline(reference.knock, ymax=0.25, color="#444444", linewidth=0.6, linestyle=":")
    groups: dict[tuple[int, int], list[Shown]] = {}
    for item in shown:
        groups.setdefault(item.flows, []).append(item)
    places, texts = [], []
    for (alive, flows), members in groups.items():
        names = ", ".join(item.style.label for item in members)
        places.append(float(np.median([_settled(item) for item in members])))
        texts.append("\n".join([*textwrap.wrap(names, 20), f"{alive} of {flows} flows continue"]))
    _labels_at_right(axes, places, texts, ["#000000"] * len(texts))


def _settled(item: Shown) -> float:
    """The rate in Mbit/s above which a line leaves the figure."""
    times, rate = item.rate
    after = rate[(times > 0.3) & (times < _AFTER_S)]
    return float(np.median(after)) if len(after) else float(rate[-1])


def _state_row(axes: Axes, shown: Sequence[Shown], limits: tuple[float, float]) -> None:
    for item in shown:
        axes.plot(*_visible(item, item.missing, limits), **_line(item))
    _head(axes, "Lost state")
    axes.set_ylabel("on the wire, but\nnot in the state (MB)")
    places = [float(item.missing[1][-1]) for item in shown]
    texts = [f"{item.style.label} {_percent(item.loss)}" for item in shown]
    _labels_at_right(axes, places, texts, [item.style.color for item in shown])
    _right(axes, 1.01, "delta-loss:\nshare of bytes lost", va="bottom", fontweight="bold")


def _cpu_row(
    axes: Axes, shown: Sequence[Shown], reference: Shown, limits: tuple[float, float], part: str, name: str
) -> None:
    for item in shown:
        times, used = _visible(item, item.cpu[part], limits)
        axes.plot(times, used * 100, **{**_line(item), "linewidth": 0.9})
    axes.set_ylim(0, max(100.0, axes.get_ylim()[1]))
    axes.set_yticks([0, 100])
    times, used = reference.cpu[part]
    during = used[(times > reference.window[0]) & (times < reference.window[1])]
    text = f"{name}\n{reference.style.label}: {during.mean():.0%}" if len(during) else name
    _right(axes, 0.5, text)


def _line(item: Shown) -> dict[str, Any]:
    return {**item.style.kwargs(), "marker": "", "zorder": 3 if item.strategy == _REFERENCE else 2}


def _right(axes: Axes, height: float, text: str, **more: Any) -> None:
    """Text to the right of the axes, at a share of their height."""
    axes.text(1.02, height, text, transform=axes.transAxes, fontsize=7, **{"va": "center", **more})


def _labels_at_right(axes: Axes, places: Sequence[float], texts: Sequence[str], colors: Sequence[str]) -> None:
    """Texts to the right of the axes at these heights, moved apart where they would overlap."""
    low, high = axes.get_ylim()
    inches = axes.get_position().height * _HEIGHT
    line = 7 * 1.25 / 72 / inches  # the height of a line as a share of the axes
    wanted = [(place - low) / (high - low) for place in places]
    heights = [line * (text.count("\n") + 1) for text in texts]
    for middle, text, color in zip(spread_apart(wanted, heights), texts, colors, strict=True):
        axes.annotate(
            text,
            (1.0, middle),
            xycoords="axes fraction",
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
            color=color,
            linespacing=1.1,
        )


def spread_apart(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Middles of labels, in the order of `wanted`, that do not overlap and are as near to it as one pass makes them:
    from the lowest upwards, and then down again from the top of the axes (1.0)."""
    order = sorted(range(len(wanted)), key=lambda number: wanted[number])
    middles = list(wanted)
    floor = -0.02
    for number in order:
        middles[number] = max(middles[number], floor + heights[number] / 2)
        floor = middles[number] + heights[number] / 2
    ceiling = 1.02
    for number in reversed(order):
        middles[number] = min(middles[number], ceiling - heights[number] / 2)
        ceiling = middles[number] - heights[number] / 2
    return middles


def _percent(loss: float) -> str:
    value = loss * 100
    return "0 %" if value == 0 else f"{value:.2g} %" if abs(value) < 10 else f"{value:.0f} %"


def _small_print(run: Run, shown: Sequence[Shown], missing: Sequence[str]) -> str:
    runs = max(len(item.losses) for item in shown)
    parts = [f"delta-loss: median of {runs} runs" if runs > 1 else "one run"]
    parts += [f"{strategy_label(name)} was not measured" for name in missing]
    return " · ".join((*parts, run.small_print()))


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "scenario")


if __name__ == "__main__":
    draw_from_command_line(main)
