"""Figure 6: what each strategy does when, and the updates lost in the meantime.

python -m plots.fig6 results/fig6/latest
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from plots.load import Run, draw_from_command_line
from plots.style import NOTE_POINTS, PAGE_INCHES, mark_swap, note_profile, save, strategy_label, styled

_ZOOM_S = 0.012  # before and after the beginning of the swap
_MARGIN_S = 0.12

# How each kind of work is drawn; anything else that a new strategy does is "other work".
_Look = dict[str, Any]
_READ: _Look = {"facecolor": "#56b4e9", "edgecolor": "#1f5f86", "hatch": "////"}
_WRITE: _Look = {"facecolor": "#f0c36d", "edgecolor": "#8a6410", "hatch": "\\\\\\\\"}
_CLONE: _Look = {"facecolor": "#b8e0cf", "edgecolor": "#2a7a5c", "hatch": "...."}
_HOLD: _Look = {"facecolor": "#777777", "edgecolor": "#333333", "hatch": "xxxx"}
_OTHER: _Look = {"facecolor": "#ffffff", "edgecolor": "#666666", "hatch": ""}
_KINDS = {
    "read_register": _READ,
    "read_tables": _READ,
    "read_dirty": _READ,
    "write_register": _WRITE,
    "write_tables": _WRITE,
    "carry_tables": _WRITE,
    "apply_updates": _WRITE,
    "write_dirty": _WRITE,
    "hold": _HOLD,
}
_LEGEND = (("reads", _READ), ("writes", _WRITE), ("clones", _CLONE), ("packets wait", _HOLD), ("other work", _OTHER))
_UNDRAWN = {"reconfigure", "commit", "listen", "clone_on", "clone_off"}  # shown in other ways
_LOST, _KEPT = "#d55e00", "#c8c8c8"


def draw(run: Run) -> Figure:
    """Two panels per strategy, from its first trial: the whole reconfiguration, and some milliseconds around the
    swap."""
    first = run.reconfigurations()
    longest = max(trial["window"]["end"] - trial["window"]["begin"] for _, trial in first.values())
    with styled():
        figure: Figure
        figure, grid = plt.subplots(
            len(first),
            2,
            figsize=(PAGE_INCHES, 1.25 * len(first) + 0.8),
            sharex="col",
            squeeze=False,
            width_ratios=(3, 2),
        )
        for (whole, zoom), strategy in zip(grid, first, strict=True):
            name, trial = first[strategy]
            events, updates = run.events(name), run.samples("updates", name)
            begin, swap = trial["window"]["begin"], trial["swap"]
            lanes = _lanes(updates)
            whole.set_xlim(-_MARGIN_S, longest + _MARGIN_S)
            zoom.set_xlim(-_ZOOM_S * 1e3, _ZOOM_S * 1e3)
            _panel(whole, events, updates, lanes, origin=begin, scale=1.0, swap=swap)
            _panel(zoom, events, updates, lanes, origin=swap["begin"], scale=1e3, swap=swap)
            zoom.set_yticklabels([])
            lost, made = trial["lost_updates"], trial["updates"]
            dropped = trial["sent_packets"] - trial["received_packets"]
            share = f"{lost} of {made} updates lost ({_percent(lost, made)})"
            whole.set_title(f"{strategy_label(strategy)}: {share}", loc="left", fontsize=7)
            if dropped:
                zoom.set_title(f"{dropped} packets not delivered", loc="right", fontsize=NOTE_POINTS)
        grid[-1][0].set_xlabel("time from the begin of the reconfiguration (s)")
        grid[-1][1].set_xlabel("time from the order to swap (ms)")
        _legend(figure)
        note_profile(figure, run.small_print())
        figure.tight_layout(rect=(0, 0.02, 1, 1 - 0.42 / figure.get_figheight()), h_pad=0.6)
    return figure


def _percent(lost: int, made: int) -> str:
    share = 100 * lost / made if made else 0.0
    return f"{share:.2f} %" if 0 < share < 10 else f"{share:.0f} %"


def _lanes(updates: pd.DataFrame) -> dict[str, int]:
    """Vertical positions: the control plane above, then the clones, then one lane per component."""
    components = sorted(updates["component"].unique())
    names = ["control plane", "clones", *(f"register {number}" for number in components)]
    return {name: len(names) - 1 - place for place, name in enumerate(names)}


def _panel(
    axes: Axes,
    events: list[dict[str, Any]],
    updates: pd.DataFrame,
    lanes: dict[str, int],
    *,
    origin: float,
    scale: float,
    swap: dict[str, float],
) -> None:
    order: dict[str, int] = {}
    for begin, end, event in _intervals(events):
        kind = _KINDS.get(event["phase"], _OTHER)
        lane = lanes["control plane"]
        if "component" in event:
            component = str(event["component"])
            number = order.setdefault(component, len(order) + 1)  # registers are read and written in order
            lane = lanes.get(f"register {number}", lane)
        _bar(axes, (begin - origin) * scale, (end - origin) * scale, lane, kind)
    cloning = [event["t"] for event in events if event["phase"] == "clone_on"]
    if cloning:
        ends = [event["t"] for event in events if event["phase"] == "clone_off"] or [swap["end"]]
        _bar(axes, (cloning[0] - origin) * scale, (ends[0] - origin) * scale, lanes["clones"], _CLONE)
    _ticks(axes, updates, lanes, origin, scale)
    begin, end = (swap["begin"] - origin) * scale, (swap["end"] - origin) * scale
    view_end = axes.get_xlim()[1]
    label = "swap" if end <= view_end else f"swap: {end - begin:.0f} {'ms' if scale > 1 else 's'}"
    mark_swap(axes, begin, end, label=label, view_end=view_end)
    axes.set_yticks(list(lanes.values()), list(lanes))
    axes.set_ylim(-0.6, len(lanes) - 0.3)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def _intervals(events: list[dict[str, Any]]) -> list[tuple[float, float, dict[str, Any]]]:
    """(begin, end, event) of the phases that are drawn as bars."""
    found = []
    begun: dict[tuple[str, str], float] = {}
    for event in events:
        key = (event["phase"], str(event.get("component", "")))
        if event["phase"] in _UNDRAWN:
            continue
        if event["what"] == "begin":
            begun[key] = event["t"]
        elif event["what"] == "end" and key in begun:
            begin = begun.pop(key)
            if "error" not in event:  # a failed attempt did nothing
                found.append((begin, event["t"], event))
    return found


def _bar(axes: Axes, begin: float, end: float, lane: int, look: _Look) -> None:
    axes.barh(lane + 0.13, end - begin, left=begin, height=0.52, linewidth=0.5, zorder=2, **look)


def _ticks(axes: Axes, updates: pd.DataFrame, lanes: dict[str, int], origin: float, scale: float) -> None:
    """One stroke below the lane for each update, at its packet's sending time: short and grey, or long and red if
    lost."""
    made = updates[updates["received_s"].notna()]
    places = np.array([lanes[f"register {number}"] for number in made["component"]], dtype=float)
    times = (made["sent_s"].to_numpy() - origin) * scale
    lost = made["lost"].to_numpy(dtype=bool)
    axes.vlines(times[~lost], places[~lost] - 0.48, places[~lost] - 0.38, color=_KEPT, linewidth=0.5, rasterized=True)
    axes.vlines(
        times[lost], places[lost] - 0.48, places[lost] - 0.16, color=_LOST, linewidth=0.7, rasterized=True, zorder=3
    )


def _legend(figure: Figure) -> None:
    handles: list[Any] = [Patch(label=label, linewidth=0.5, **look) for label, look in _LEGEND]
    handles.append(Line2D([], [], color=_LOST, marker="|", markersize=9, linestyle="", label="update lost"))
    handles.append(Line2D([], [], color="#888888", marker="|", markersize=3, linestyle="", label="update kept"))
    figure.legend(handles=handles, loc="upper center", ncols=4, handlelength=1.6, columnspacing=1.0)


def main(folder: Path) -> tuple[Path, Path]:
    """Draws the figure into the run's folder."""
    return save(draw(Run(folder)), folder, "fig6")


if __name__ == "__main__":
    draw_from_command_line(main)
