"""The look of all figures: one colour, line style and marker per strategy, legible in black and white."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

PAGE_INCHES = 5.4  # room for panels side by side; on a phone (390 pixels) the smallest text is still 6 pixels high
NOTE_POINTS = 6.5  # text inside a figure: nothing is smaller
_PAPER_COLOR = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}


@dataclass(frozen=True)
class LineStyle:
    """How one series is drawn. Colours from the Okabe-Ito palette, which colour-blind readers can tell apart."""

    label: str
    color: str
    line: str | tuple[int, tuple[int, ...]]
    marker: str

    def kwargs(self) -> dict[str, Any]:
        return {"label": self.label, "color": self.color, "linestyle": self.line, "marker": self.marker}


_STRATEGIES = {
    "none": LineStyle("no preservation", "#7f7f7f", ":", "x"),
    "drain": LineStyle("drain", "#56b4e9", (0, (1, 1)), "*"),
    "controller": LineStyle("controller", "#d55e00", "--", "s"),
    "swing_state": LineStyle("Swing State", "#0072b2", "-.", "^"),
    "swing_links": LineStyle("Swing State", "#0072b2", "-.", "^"),
    "state4": LineStyle("State4", "#009e73", "-", "o"),
    "state4_exact": LineStyle("State4 exact", "#000000", (0, (5, 1)), "D"),
    "precopy": LineStyle("precopy", "#e69f00", (0, (5, 2, 1, 2)), "P"),
    "reconcile": LineStyle("reconcile", "#cc79a7", (0, (3, 1, 1, 1)), "v"),
}
# For strategies unknown to this file: a new file in state4/strategies needs no edit here.
_SPARE = (
    ("#56b4e9", (0, (1, 1)), "*"),
    ("#f0e442", (0, (8, 2)), "h"),
    ("#882255", (0, (2, 2)), "<"),
)


def strategy_style(name: str, among: list[str] | None = None) -> LineStyle:
    """The style of a strategy. Unknown ones get the spare styles in the order of their names in `among`."""
    known = _STRATEGIES.get(name)
    if known is not None:
        return known
    unknown = sorted({*(among or []), name} - _STRATEGIES.keys())
    color, line, marker = _SPARE[unknown.index(name) % len(_SPARE)]
    return LineStyle(name.replace("_", " "), color, line, marker)


def strategy_label(name: str) -> str:
    return strategy_style(name).label


_SETTINGS: dict[Any, Any] = {  # matplotlib names each key in a Literal
    "font.size": 8,
    "font.family": "DejaVu Sans",
    "axes.labelsize": 8,
    "axes.titlesize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,  # TrueType outlines inside the file, not bitmaps
    "ps.fonttype": 42,
}


@contextmanager
def styled() -> Iterator[None]:
    """Figures created inside have our look; the caller's settings are restored."""
    with plt.rc_context(_SETTINGS):
        yield


_SWAP: dict[str, Any] = {"facecolor": "#000000", "edgecolor": "none", "alpha": 0.25, "linewidth": 0}


def swap_patch(label: str = "swap, call to end") -> Patch:
    """What `mark_swap` shades, for a legend."""
    return Patch(**_SWAP, label=label)


def mark_swap(
    axes: Axes, begin: float, end: float, *, label: str | None = "swap", view_end: float | None = None
) -> None:
    """A vertical line at the swap (from commit's begin to its end).

    view_end: where the axes end. The label of a swap that extends beyond it is placed inside.
    """
    beyond = view_end is not None and end > view_end
    axes.axvspan(begin, max(end, begin), **_SWAP)
    axes.axvline(end, color="#000000", linewidth=0.8)
    if label:
        axes.annotate(
            label,
            (view_end if beyond else end, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-2 if beyond else 2, -2),
            textcoords="offset points",
            ha="right" if beyond else "left",
            va="top",
            fontsize=NOTE_POINTS,
            bbox=_PAPER_COLOR,
            zorder=5,
        )


def mark_phase(axes: Axes, begin: float, end: float, *, shade: str = "#e8e8e8", hatch: str | None = None) -> None:
    """A shaded interval of time."""
    axes.axvspan(begin, end, facecolor=shade, edgecolor="#bbbbbb", hatch=hatch, linewidth=0, zorder=0.5)


def note(axes: Axes, text: str, place: tuple[float, float], **more: Any) -> None:
    """Small text on a light background, so that lines behind it do not obscure it. `place` is a share of the axes, or
    as given by `xycoords` in `more`."""
    axes.annotate(
        text,
        place,
        **{"xycoords": "axes fraction", "fontsize": NOTE_POINTS, "color": "#444444", "zorder": 5, **more},
        bbox=_PAPER_COLOR,
    )


def note_profile(figure: Figure, text: str) -> None:
    """The small print of a figure: target, control-plane profile, run."""
    figure.text(0.995, 0.005, text, ha="right", va="bottom", fontsize=6, color="#555555")


def save(figure: Figure, folder: Path, name: str) -> tuple[Path, Path]:
    """Writes `name`.png and `name`.pdf (fonts embedded) and closes the figure."""
    paths = folder / f"{name}.png", folder / f"{name}.pdf"
    with styled():  # font embedding is decided when the file is written
        for path in paths:
            metadata = {"CreationDate": None} if path.suffix == ".pdf" else None
            figure.savefig(path, metadata=metadata)
    plt.close(figure)
    return paths
