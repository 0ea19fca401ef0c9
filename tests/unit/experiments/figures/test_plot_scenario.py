"""The scenario's figure shows what the files contain."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.measure.divergence import missing_over_time
from plots import scenario as plot
from plots.load import ResultMissingError, Run
from plots.style import strategy_style
from tests.unit.experiments.scenario_runs import DURATION, SWAP, frames, make_run, samples

LOST = {"controller": 3_120_000, "state4": 40_000, "state4_exact": 0}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(make_run(tmp_path, LOST).path)


@pytest.fixture
def figure(run: Run) -> Iterator[Figure]:
    made = plot.draw(run)
    yield made
    plt.close(made)


def line(axes: Axes, strategy: str) -> tuple[np.ndarray, np.ndarray]:
    label = strategy_style(strategy).label
    [found] = [item for item in axes.get_lines() if item.get_label() == label]
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts] + [text.get_text() for text in figure.texts]


def test_throughput_is_that_of_the_frames(figure: Figure) -> None:
    times, rates = line(figure.axes[0], "state4")
    assert rates[times < -1.1].mean() == pytest.approx(24.0, rel=0.02)  # three flows of 8 Mbit/s
    assert rates[times > 0.1].mean() == pytest.approx(32.0, rel=0.02)
    table = frames()
    inside = table["received_s"].between(SWAP, SWAP + 1.0, inclusive="left")
    assert rates[(times > 0) & (times < 1.0)].sum() * 0.05 * 1e6 / 8 == pytest.approx(table.loc[inside, "bytes"].sum())


def test_no_bin_lies_across_the_swap() -> None:
    times, _ = plot.throughput(frames(), SWAP, DURATION)
    assert not (np.abs(times) < 0.025 - 1e-9).any()


def test_what_is_missing_is_what_the_experiment_computes(figure: Figure) -> None:
    table = frames()
    expected = missing_over_time(table, samples(table, LOST["state4"]))
    times, missing = line(figure.axes[1], "state4")
    left, right = figure.axes[1].get_xlim()
    shown = expected[(expected["t"] - SWAP).between(left, right)]
    assert len(shown) > 80 and left < -1.5 and right == 2.5
    assert times == pytest.approx(shown["t"].to_numpy() - SWAP)
    assert missing * 1e6 == pytest.approx(shown["missing_bytes"].to_numpy())
    assert missing[-1] == pytest.approx(0.04) and missing[0] == 0


def test_samples_that_show_another_program_are_not_drawn() -> None:
    table = frames()
    times, missing = plot.missing_megabytes(table, samples(table, 1_000_000), SWAP, (3.0, 4.5))
    assert not ((times > -1.0) & (times < 0.5)).any()
    assert missing[times < 0].max() == 0


def test_cpu_is_that_of_the_samples(figure: Figure) -> None:
    times, used = line(figure.axes[2], "state4")
    assert used == pytest.approx(np.full(len(used), 25.0))
    assert len(line(figure.axes[3], "controller")[0]) == 0  # which has no listener
    times, used = line(figure.axes[3], "state4")
    assert used[(times > -1.2) & (times < -0.3)] == pytest.approx(40.0)
    times, used = line(figure.axes[4], "state4")
    assert used[times > 0.3] == pytest.approx(0.0)


def test_each_strategy_has_its_loss_and_its_flows_next_to_it(figure: Figure) -> None:
    found = " / ".join(texts(figure))
    for expected in (
        "State4 0.14 %",
        "State4 exact 0 %",
        "controller 13 %",
        "3 of 4 flows continue",
        "4 of 4 flows continue",
    ):
        assert expected in found, expected
    assert "at the configured pace" in found


def test_lines_begin_after_the_flow_that_ends_before(tmp_path: Path) -> None:
    folder = make_run(tmp_path, {"none": 1_000_000, "state4": 0}, changes={"none": {"ended": SWAP - 0.3}})
    figure = plot.draw(Run(folder.path))
    assert line(figure.axes[0], "none")[0].min() > -0.3
    assert line(figure.axes[0], "state4")[0].min() < -1.5
    plt.close(figure)


def test_without_state4_the_longest_reconfiguration_is_the_reference(tmp_path: Path) -> None:
    short = {"window": {"begin": SWAP - 0.01, "end": SWAP}}
    folder = make_run(tmp_path, {"none": 0, "controller": 0}, changes={"none": short})
    figure = plot.draw(Run(folder.path))
    assert any("controller works for 1.6 s" in text for text in texts(figure))
    plt.close(figure)


def test_labels_next_to_an_axis_do_not_overlap(figure: Figure) -> None:
    figure.canvas.draw()
    for axes in figure.axes[:2]:
        right = [text for text in axes.texts if text.get_position()[0] > 1]
        boxes = sorted((text.get_window_extent() for text in right), key=lambda box: box.y0)
        assert len(boxes) >= 2
        for below, above in pairwise(boxes):
            assert below.y1 <= above.y0 + 1.0
        assert all(box.x1 <= figure.bbox.x1 for box in boxes)


def test_a_strategy_that_was_not_measured_is_named_and_not_drawn(tmp_path: Path) -> None:
    folder = make_run(tmp_path, {"state4": 0}, broken={"controller": "a sender was late"})
    figure = plot.draw(Run(folder.path))
    labels = [item.get_label() for item in figure.axes[0].get_lines()]
    assert "controller" not in labels
    assert any("controller was not measured" in text for text in texts(figure))
    plt.close(figure)


def test_without_a_valid_trial_there_is_no_figure(tmp_path: Path) -> None:
    folder = make_run(tmp_path, {}, broken={"state4": "it broke"})
    with pytest.raises(ResultMissingError, match="no complete trial that counts"):
        plot.draw(Run(folder.path))


def test_main_writes_both_files(run: Run) -> None:
    for path in plot.main(run.path):
        assert path.stat().st_size > 10_000


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_labels_are_moved_apart(wanted: list[float]) -> None:
    heights = [0.1] * len(wanted)
    places = plot.spread_apart(wanted, heights)
    ordered = sorted(places)
    assert all(after - before >= 0.1 - 1e-9 for before, after in pairwise(ordered))
    for first in range(len(wanted)):
        for second in range(len(wanted)):
            if wanted[first] < wanted[second]:
                assert places[first] < places[second]  # the order of the lines is the order of the labels
