"""Figures show what the files contain: points, bars, lanes and marks of each figure, and the trials that count."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle, StepPatch
from matplotlib.text import Annotation

import plots.load
from experiments.claims.base import CONTROL_TRIAL
from experiments.claims.catalogue import drawn_values
from experiments.harness.results import ResultFolder
from experiments.registry import claims_of
from plots import fig3, fig4, fig5, fig7, overhead, scaling
from plots.load import ResultMissingError, Run
from plots.style import mark_swap, strategy_style

STRATEGIES = ["controller", "state4"]


def folder_of(
    out: Path,
    trials: dict[str, dict[str, Any]],
    samples: dict[str, pd.DataFrame] | None = None,
    *,
    kind: str = "bins",
    claims: Sequence[str] = (),
) -> Run:
    record = {"target": "softswitch", "profile": "paper", "strategies": STRATEGIES}
    folder = ResultFolder.create(out, "x", record, seed=1, published=drawn_values(claims))
    for name, numbers in trials.items():
        kinds = {kind: samples[name]} if samples else {}
        folder.add_trial(name, numbers, samples=kinds)
    return Run(folder.path)


def losses(strategy: str, rate: float, loss: float, **more: Any) -> dict[str, Any]:
    return {"strategy": strategy, "repeat": 1, "rate": rate, "delta_loss": loss, "profile": "paper", **more}


def places_of(line: Line2D) -> list[float]:
    return [float(x) for x in np.asarray(line.get_xdata(), dtype=float)]


def heights_of(line: Line2D) -> list[float]:
    return [float(y) for y in np.asarray(line.get_ydata(), dtype=float)]


def series_in(axes: Axes) -> list[ErrorbarContainer]:
    return [container for container in axes.containers if isinstance(container, ErrorbarContainer)]


def drawn_losses(axes: Axes) -> dict[str, list[float]]:
    """Heights of the points of each series with error bars, by colour and filling."""
    found = {}
    for container in series_in(axes):
        line = container.lines[0]
        filled = "hollow" if line.get_markerfacecolor() == "white" else "filled"
        found[f"{to_hex(line.get_color())} {line.get_marker()} {filled}"] = heights_of(line)
    return found


def named(strategy: str, filled: str = "filled") -> str:
    style = strategy_style(strategy)
    return f"{style.color} {style.marker} {filled}"


FORMULA = "#000000 _ filled"


def test_figure_5_draws_the_median_in_percent(tmp_path: Path) -> None:
    run = folder_of(
        tmp_path,
        {
            "a": losses("state4", 10, 0.001),
            "b": losses("state4", 10, 0.003),
            "c": losses("state4", 120, 0.004),
            "d": losses("controller", 10, 0.2, formula=0.19),
            "e": losses("controller", 120, 0.21, formula=0.19),
            "f": losses("state4", 120, 0.9, profile="native"),
            "g": losses("controller", 60, 0.25, state=65536, formula=0.24),
            "h": losses("controller", 60, 0.75, state=1048576, formula=0.74),
            "i": losses("controller", 60, 0.05, state=65536, formula=0.04, profile="native"),
            "j": losses("state4", 120, 0.7, invalid=["no core"]),  # does not count
        },
        claims=["C3"],
    )
    paced, _, native, _, sizes, _ = fig5.draw(run).axes
    assert drawn_losses(paced) == {
        named("state4"): pytest.approx([0.2, 0.4]),
        named("controller"): pytest.approx([20, 21]),
        FORMULA: pytest.approx([19, 19]),
    }
    limit = next(line for line in paced.lines if np.allclose(heights_of(line), 1.0))
    assert limit is not None  # the published 1 %
    assert drawn_losses(native) == {named("state4"): pytest.approx([90])}
    assert drawn_losses(sizes) == {
        named("controller"): pytest.approx([25, 75]),
        named("controller", "hollow"): pytest.approx([5]),
        FORMULA: pytest.approx([4]),  # beside the points of each profile; the last drawn is the native one
    }


def test_figure_5_shows_strategies_of_the_same_loss_side_by_side_and_marks_where_its_axis_breaks(
    tmp_path: Path,
) -> None:
    run = folder_of(tmp_path, {"a": losses("state4", 10, 0.0), "b": losses("controller", 10, 0.0)})
    upper, lower = fig5.draw(run).axes
    places = [places_of(container.lines[0])[0] for container in series_in(lower)]
    assert len(set(places)) == 2
    assert lower.get_ylim()[0] < 0 < lower.get_ylim()[1] == upper.get_ylim()[0]
    for axes in (upper, lower):
        assert any(line.get_label() == "_break" for line in axes.lines)


def bins_of(received: int) -> pd.DataFrame:
    bins: pd.DataFrame = pd.DataFrame({"t": np.arange(50) * 0.02 + 0.01, "sent": 1000, "received": received})
    return bins


def test_figure_7_draws_the_loss_while_reconfiguring_full_and_that_of_the_trial_hatched(tmp_path: Path) -> None:
    losses_of = {
        "state4": [{"during": {"loss": loss}, "whole": {"loss": 0.1}} for loss in (0.4, 0.5, 0.3)],
        "controller": [{"during": {"loss": 0.3}, "whole": {"loss": 0.25}}],
    }
    trials: dict[str, dict[str, Any]] = {
        f"{name}-load100-{repeat}": {
            "strategy": name,
            "repeat": repeat,
            "load": 100,
            "parts": parts,
            "offered_mbit": 600.0,
            "frame_bytes": 1514,
            "window": {"begin": 0.3, "end": 0.5},
        }
        for name in STRATEGIES
        for repeat, parts in enumerate(losses_of[name], 1)
    }
    samples = {name: bins_of(900 - 100 * int(trial["repeat"])) for name, trial in trials.items()}
    state4, other, bars = fig7.draw(folder_of(tmp_path, trials, samples, claims=["C5 cost"])).axes
    half = [heights_of(line) for line in state4.lines if line.get_linestyle() == "--"]
    assert [0.3, 0.3] in half  # published, of the 0.6 Gbit/s that were offered
    heights = {
        (round(patch.get_x() + patch.get_width() / 2), bool(patch.get_hatch())): patch.get_height()
        for patch in bars.patches
        if isinstance(patch, Rectangle)
    }
    labels = [label.get_text() for label in bars.get_xticklabels()]
    assert labels == ["State4", "controller"]  # as the paper names them, then the others
    assert heights == {
        (0, False): pytest.approx(40),
        (0, True): pytest.approx(10),
        (1, False): pytest.approx(30),
        (1, True): pytest.approx(25),
    }
    repeats = [sorted(heights_of(line)) for line in bars.lines]
    assert repeats == [pytest.approx([30, 40, 50]), pytest.approx([10, 10, 10])]
    curves = [heights_of(line)[0] for line in state4.lines if to_hex(line.get_color()) == "#009e73"]
    gigabits = [bins / 0.02 * 1514 * 8 / 1e9 for bins in (800, 700, 600)]
    assert sorted(curves, reverse=True) == pytest.approx(gigabits)  # every repeat
    assert len([line for line in other.lines if to_hex(line.get_color()) == "#d55e00"]) == 1


def test_a_run_of_which_nothing_counts_has_no_figure(tmp_path: Path) -> None:
    run = folder_of(tmp_path, {"a": {"strategy": "state4", "failed": "x"}, "b": losses("state4", 1, 0, invalid=["y"])})
    with pytest.raises(ResultMissingError, match="no complete trial that counts"):
        run.trials()


def test_a_flow_that_does_not_return_is_labelled() -> None:
    trial = {"swap": {"begin": 1.0, "end": 1.01}, "duration": 6.0, "gap_at_swap_ms": 12.3}
    gone = pd.DataFrame({"received_s": [0.9, 0.99], "flow": ["h1", "h2"]})
    half = pd.DataFrame({"received_s": [0.9, 0.99, 1.05], "flow": ["h1", "h2", "h2"]})
    back = pd.DataFrame({"received_s": [0.9, 0.99, 1.05, 1.2], "flow": ["h1", "h2", "h2", "h1"]})
    assert fig4.gap_in_words(trial, gone) == "> 100 ms without a packet, does not return"
    assert fig4.gap_in_words(trial, half) == "12.3 ms without a packet; h1 does not return"
    assert fig4.gap_in_words(trial, back) == "12.3 ms without a packet"


def test_figure_4_fills_each_flows_lane_to_its_throughput_and_marks_what_is_cut(tmp_path: Path) -> None:
    trial = {
        "strategy": "state4",
        "repeat": 1,
        "duration": 2.0,
        "window": {"begin": 0.8, "end": 1.0},
        "swap": {"begin": 0.999, "end": 1.0},
        "gap_at_swap_ms": 1.0,
        "profile": "paper",
    }
    # 25 Mbit/s of h1 until the swap, where one millisecond has 100 Mbit/s; h5 sends nothing.
    times = [*(np.arange(0, 1, 0.0004) + 1e-5), *np.linspace(1.0201, 1.0209, 10)]
    arrivals = pd.DataFrame({"flow": "h1", "bytes": 1250, "received_s": times})
    run = folder_of(tmp_path, {"state4-1": trial}, {"state4-1": arrivals}, kind="arrivals", claims=["C2"])
    whole, zoom = fig4.draw(run).axes
    of_h1, *_, of_h5 = [patch for patch in whole.patches if isinstance(patch, StepPatch)]
    assert of_h1.get_data()[0][0] == pytest.approx(4 + 0.85 * 25 / 50)  # half of the topmost lane
    assert of_h1.get_data()[0][-1] == pytest.approx(4)
    assert of_h5.get_data()[0] == pytest.approx(np.zeros(20))
    cut = [x for line in zoom.lines if line.get_marker() == "|" for x in places_of(line)]
    assert cut == pytest.approx([20.5])
    texts = [text.get_text() for text in (*whole.texts, *zoom.texts)]
    assert "published 1.82 s" in texts and "published: 20 ms" in texts
    (legend,) = whole.figure.legends
    assert {"reconfiguration", "swap, call to end"} <= {text.get_text() for text in legend.get_texts()}


def test_figure_4_says_what_is_configured_and_what_was_measured_by_itself(tmp_path: Path) -> None:
    trials = {
        f"state4-{name}": {"strategy": "state4", "profile": name, "window": {"begin": 1.0, "end": 1.0 + took}}
        for name, took in (("paper", 1.84), ("native", 0.0712))
    }
    assert fig4.time_in_words(folder_of(tmp_path, trials)) == "1.84 s, configured; 0.0712 s, native"


def flow_counts(arrived: int, arrived_after: int, permitted_after: int) -> dict[str, int]:
    return {"arrived": arrived, "arrived_after": arrived_after, "permitted_after": permitted_after}


def test_figure_3_draws_the_published_outcome_at_the_end_of_each_flow(tmp_path: Path) -> None:
    flows = {
        "open": flow_counts(30, 11, 11),
        "early1": flow_counts(22, 11, 11),
        "early2": flow_counts(22, 11, 11),
        "late": flow_counts(12, 10, 11),  # one too many is missing, or ten too many are there: it is published to stop
    }
    trial = {
        "strategy": "controller",
        "repeat": 1,
        "duration": 30.0,
        "window": {"begin": 17.2, "end": 19.0},
        "swap": {"begin": 18.99, "end": 19.0},
        "knocks": {"early1": 8.0, "early2": 8.2, "late": 18.0},
        "flows": flows,
        "knock_series": {
            "before_swap_s": [1.81, 1.5, 0.5, 0.01],
            "survived": [True, False, False, False],
            "window_s": 1.8,
        },
    }
    arrivals = pd.DataFrame({"flow": ["open"] * 30, "received_s": np.arange(30) + 0.5})
    run = folder_of(tmp_path, {"controller-1": trial}, {"controller-1": arrivals}, kind="arrivals", claims=["C1"])
    figure = fig3.draw(run)
    panel, knocks = figure.axes
    rings = [heights_of(line)[0] for line in panel.lines if line.get_markersize() == 8]
    assert rings == [30, 22, 22, 2]
    (filled,) = [patch for patch in knocks.patches if isinstance(patch, StepPatch)]
    assert filled.get_data()[0].max() == pytest.approx(0.8)
    assert "until 1.81 s before" in [text.get_text() for text in knocks.texts]


def test_survival_is_the_share_of_the_knocks_of_each_moment_over_all_repeats() -> None:
    one = {"before_swap_s": [0.07, 0.05, 0.01], "survived": [True, True, False], "window_s": 0.1}
    other = {"before_swap_s": [0.01], "survived": [True], "window_s": 0.1}
    edges, shares = fig3.survival([one, other])
    assert edges == pytest.approx([-0.09, -0.06, -0.03, 0.0])
    assert shares == pytest.approx([1.0, 1.0, 0.5])
    _, none = fig3.survival([{"before_swap_s": [0.07], "survived": [True], "window_s": 0.1}])
    assert np.isnan(none[1:]).all()  # nobody knocked then: neither survived nor lost


def test_overhead_draws_microseconds_and_no_interval_wider_than_its_median(tmp_path: Path) -> None:
    steady, wild = [1000.0, 1010.0, 1020.0], [1000.0, 2000.0, 9000.0]
    trials = {
        f"{series}-{size}": {
            "strategy": f"{series}-{size}",
            "series": series,
            "components": size,
            "cells": size,
            "added_register_bits": 194,
            "header_bits": 200,
            "metadata_bits": 188,
            "nanoseconds": {"original": steady, "flag off": steady, "flag on": wild if size == 4 else steady},
        }
        for series in ("components", "all components", "cells")
        for size in (1, 4)
    }
    figure = overhead.draw(folder_of(tmp_path, trials))
    times = figure.axes[3]
    _, _, cloned = series_in(times)
    assert heights_of(cloned.lines[0]) == pytest.approx([1.01, 2.0])
    (bars,) = cloned.lines[2]
    lengths = [float(segment[1][1] - segment[0][1]) for segment in bars.get_segments()]
    assert lengths == pytest.approx([0.02, 0.0])
    hollow = [line for line in times.lines if line.get_markerfacecolor() == "white"]
    assert [heights_of(line)[0] for line in hollow] == pytest.approx([2.0])


@pytest.mark.parametrize("held_ms", [None, 0.2])
def test_scaling_has_no_row_for_what_the_switch_does_not_tell(tmp_path: Path, held_ms: float | None) -> None:
    trials = {
        f"state4-{profile}-{size}": {
            "strategy": "state4",
            "profile": profile,
            "series": ["size", "components"],
            "state_bytes": size,
            "components": 1,
            "reconfiguration_s": 1.5,
            "held_ms": held_ms,
            "delta_loss": 0.25,
        }
        for profile in ("paper", "native")
        for size in (1024, 1048576)
    }
    axes = scaling.draw(folder_of(tmp_path, trials)).axes
    labels = [one.get_ylabel() for one in axes if one.get_ylabel()]
    held = [] if held_ms is None else ["held (ms)\npaper", "held (ms)\nnative"]
    assert labels == ["time (s)\npaper", "time (s)\nnative", *held, "delta-loss (%)\npaper", "delta-loss (%)\nnative"]
    assert heights_of(series_in(axes[-2])[0].lines[0]) == pytest.approx([25, 25])


def test_the_label_of_a_swap_that_goes_on_beyond_the_axes_stands_inside() -> None:
    figure = Figure()
    axes = figure.subplots()
    axes.set_xlim(-12, 12)
    mark_swap(axes, 0.0, 68.0, view_end=12.0)
    (label,) = axes.texts
    assert isinstance(label, Annotation)
    assert label.xy[0] == 12.0 and label.get_horizontalalignment() == "right"


def test_a_run_without_published_values_is_drawn_without_them(tmp_path: Path) -> None:
    upper, _ = fig5.draw(folder_of(tmp_path, {"a": losses("state4", 10, 0.001)})).axes
    assert not [text for text in upper.texts if text.get_text().startswith("published")]


def test_an_experiment_writes_down_the_published_values_of_its_figure() -> None:
    assert drawn_values(claims_of("fig4")) == {"C2": {"reconfiguration_s": 1.82, "gap_at_swap_ms": 20.0}}
    fates = drawn_values(claims_of("fig3"))["C1"]["swing_state"]
    assert fates == {"open": True, "early1": False, "early2": False, "late": True}
    assert drawn_values(claims_of("soak")) == {}


def test_figures_and_claims_name_the_trial_without_a_reconfiguration_alike() -> None:
    assert plots.load.CONTROL_TRIAL == CONTROL_TRIAL
