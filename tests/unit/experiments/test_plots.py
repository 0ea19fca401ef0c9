"""What is drawn is what is in the files: Figure 5's percents, Figure 7's bars, the trials that count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from experiments.harness.results import ResultFolder
from plots import fig4, fig5, fig7
from plots.load import ResultMissingError, Run
from plots.style import strategy_style

STRATEGIES = ["controller", "state4"]


def folder_of(out: Path, trials: dict[str, dict[str, Any]], samples: dict[str, pd.DataFrame] | None = None) -> Run:
    record = {"target": "softswitch", "profile": "paper", "strategies": STRATEGIES}
    folder = ResultFolder.create(out, "x", record, seed=1)
    for name, numbers in trials.items():
        kinds = {"bins": samples[name]} if samples else {}
        folder.add_trial(name, numbers, samples=kinds)
    return Run(folder.path)


def losses(strategy: str, rate: float, loss: float, **more: Any) -> dict[str, Any]:
    return {"strategy": strategy, "repeat": 1, "rate": rate, "delta_loss": loss, "profile": "paper", **more}


def test_figure_5_draws_the_median_in_percent(tmp_path: Path) -> None:
    run = folder_of(
        tmp_path,
        {
            "a": losses("state4", 10, 0.001),
            "b": losses("state4", 10, 0.003),
            "c": losses("state4", 120, 0.004),
            "d": losses("controller", 10, 0.2, formula=0.19),
            "e": losses("controller", 120, 0.21, formula=0.19),
            "f": losses("state4", 120, 0.9, profile="native"),  # another profile
            "g": losses("state4", 120, 0.8, state=65536),  # another amount of state
            "h": losses("state4", 120, 0.7, invalid=["no core"]),  # does not count
        },
    )
    (axes,) = fig5.draw(run).axes
    drawn = {
        to_hex(container.lines[0].get_color()): np.asarray(container.lines[0].get_ydata())
        for container in axes.containers
    }
    assert drawn[strategy_style("state4").color] == pytest.approx([0.2, 0.4])
    assert drawn[strategy_style("controller").color] == pytest.approx([20, 21])
    formula = next(line for line in axes.lines if line.get_label() == "(reading + writing) / trial")
    assert np.asarray(formula.get_ydata()) == pytest.approx([19, 19])
    limit = next(line for line in axes.lines if np.allclose(np.asarray(line.get_ydata(), float), 1.0))
    assert limit is not None  # the published 1 %


def test_figure_7_draws_the_loss_while_reconfiguring_full_and_that_of_the_trial_hatched(tmp_path: Path) -> None:
    parts = {"during": {"loss": 0.4}, "whole": {"loss": 0.1}}
    trials = {
        f"{name}-load100-1": {
            "strategy": name,
            "repeat": 1,
            "load": 100,
            "parts": parts if name == "state4" else {"during": {"loss": 0.3}, "whole": {"loss": 0.25}},
            "offered_mbit": 600.0,
            "frame_bytes": 1514,
            "window": {"begin": 0.3, "end": 0.5},
        }
        for name in STRATEGIES
    }
    bins = pd.DataFrame({"t": np.arange(50) * 0.02 + 0.01, "sent": 1000, "received": 900})
    run = folder_of(tmp_path, trials, dict.fromkeys(trials, bins))
    axes = fig7.draw(run).axes[1]
    heights = {
        (round(patch.get_x() + patch.get_width() / 2), bool(patch.get_hatch())): patch.get_height()
        for patch in axes.patches
    }
    place = STRATEGIES.index("state4")
    assert heights[(place, False)] == pytest.approx(40)
    assert heights[(place, True)] == pytest.approx(10)
    assert heights[(1 - place, False)] == pytest.approx(30)


def test_a_run_of_which_nothing_counts_has_no_figure(tmp_path: Path) -> None:
    run = folder_of(tmp_path, {"a": {"strategy": "state4", "failed": "x"}, "b": losses("state4", 1, 0, invalid=["y"])})
    with pytest.raises(ResultMissingError, match="no complete trial that counts"):
        run.trials()


def test_a_flow_that_does_not_return_is_said_to() -> None:
    trial = {"swap": {"begin": 1.0, "end": 1.01}, "duration": 6.0, "gap_at_swap_ms": 12.3}
    gone = pd.DataFrame({"received_s": [0.9, 0.99]})
    back = pd.DataFrame({"received_s": [0.9, 0.99, 1.05]})
    assert fig4.gap_in_words(trial, gone) == "> 100 ms without a packet, does not return"
    assert fig4.gap_in_words(trial, back) == "12.3 ms without a packet"
