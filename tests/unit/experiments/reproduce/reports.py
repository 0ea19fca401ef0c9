"""A small run of all experiments on disk, for tests of the report and of what uses it."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from experiments.claims.base import Claim, Finding, Verdict
from experiments.claims.stats import spread
from experiments.harness.results import ResultFolder
from experiments.registry import Experiment
from experiments.report.state import DONE, FAILED, ReportRun

EXPERIMENTS = (
    Experiment("first", "fig3", "The first <figure>", "What it shows.", ("C1",), 20.0, 2.0),
    Experiment("second", "fig4", "The second", "What it shows, too.", ("C2",), 20.0, 2.0, ("--repeats", "3")),
    Experiment("third", "fig5", "The third", "What it would show.", ("C3",), 20.0, 2.0),
)
OPTIONS = {"quick": False, "target": "softswitch", "profile": "paper", "strategies": ["state4", "my_own"], "seed": 1}


def make_run(
    out: Path,
    *,
    loss: tuple[float, ...] = (0.5, 0.7, 0.6),
    second: Verdict = Verdict.HOLDS,
    third: str = "",
    target: str = "softswitch",
) -> ReportRun:
    """`first` holds, `second` as given, `third` failed with that message, or is done if it is empty."""
    options = {**OPTIONS, "target": target}
    run = ReportRun.create(out, options, [experiment.name for experiment in EXPERIMENTS], seed=1)
    numbers = (
        Finding("state4: loss", "< 1 %", spread(loss), "%"),
        Finding("my_own: loss", "", spread([2.0]), "%"),
    )
    _result(run, out, "first", Claim("C1", "< 1 %", loss[0], "%", Verdict.HOLDS, "State4 & co. lose little", numbers))
    why = "the gap is 20.5 ms; the time is 1.9 s"
    _result(run, out, "second", Claim("C2", {"gap_ms": 20.0}, {"gap_ms": 20.5}, "ms", second, why))
    if third:
        run.update("third", status=FAILED, error=third, seconds=3.0)
    else:
        _result(run, out, "third", Claim("C3", "x", "x", "", Verdict.HOLDS, "as published"))
    return run


@cache
def _pictures() -> dict[str, bytes]:
    """A figure as PNG and PDF, the same for all experiments of all runs."""
    figure, axes = plt.subplots()
    axes.plot([1, 2, 3])
    found = {}
    for kind in ("png", "pdf"):
        figure.savefig(file := io.BytesIO(), format=kind, dpi=60)
        found[kind] = file.getvalue()
    plt.close(figure)
    return found


def _result(run: ReportRun, out: Path, name: str, claim: Claim) -> None:
    folder = ResultFolder.create(out, name, {"target": "softswitch", "profile": "paper"}, seed=1)
    measured: dict[str, Any] = {
        "state4": {"10": {"loss": spread([0.001, 0.002]).as_dict(), "lost": [1, 2]}},
        "my_own": {"10": {"loss": spread([0.02]).as_dict(), "lost": [3, 3]}},
    }
    folder.add_trial("state4-1", {"loss": 0.001})
    for kind, picture in _pictures().items():
        (folder.path / f"{name}.{kind}").write_bytes(picture)
    folder.finish(target="softswitch", profile="paper", measured=measured, claims=[claim])
    run.update(name, status=DONE, folder=run.relative(folder.path), seconds=12.0)
