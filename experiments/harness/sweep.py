"""Running the trials of an experiment one after the other, each on disk before the next begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from experiments.harness.options import CommonOptions
from experiments.harness.progress import Display, display
from experiments.harness.results import ResultFolder
from topologies.network import require_root
from topologies.priority import measuring

SETUP_S = 4.0  # of a trial, for the progress display only


@dataclass(frozen=True)
class Trial:
    """One run of one strategy. `parameters` are the experiment's own, e.g. a rate; they are part of the name."""

    strategy: str
    repeat: int
    parameters: Mapping[str, int | float | str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Unique within the run and good for a file name."""
        middle = "".join(
            f"-{key}{value:g}" if not isinstance(value, str) else f"-{value}" for key, value in self.parameters.items()
        )
        return f"{self.strategy}{middle}-{self.repeat}"


@dataclass(frozen=True)
class TrialResult:
    """What a trial leaves: numbers, raw samples by kind, its events, and documents of other programs by kind."""

    measured: Mapping[str, Any]
    samples: Mapping[str, pd.DataFrame]
    events: Sequence[Mapping[str, Any]]
    documents: Mapping[str, Any] = field(default_factory=dict)


def run_sweep(
    experiment: str,
    options: CommonOptions,
    trials: Sequence[Trial],
    run_trial: Callable[[Trial, Display], TrialResult],
    *,
    trial_s: float,
    record: Mapping[str, Any] | None = None,
    needs_root: bool = True,
    open_display: Callable[[float], AbstractContextManager[Display]] | None = None,
) -> tuple[ResultFolder, dict[str, dict[str, Any]]]:
    """Runs the trials that are not yet complete. Returns the folder and the numbers of all of `trials` by name.

    `record` is what the experiment adds to the options in `run.json`; `trial_s` the length of a trial, for the display.
    Each trial's numbers get `strategy`, `repeat` and the trial's parameters. `needs_root`: the trials build networks.
    `open_display(seconds in all)`: another progress display than the usual one.
    """
    if needs_root:
        require_root()
    options_record = {**options.for_record(), **(record or {})}
    if options.resume:
        folder = ResultFolder.resume(options.out, experiment, options_record)
    else:
        folder = ResultFolder.create(options.out, experiment, options_record, seed=options.seed)
    complete = folder.trials()
    waiting = [trial for trial in trials if trial.name not in complete]
    total_s = len(waiting) * (trial_s + SETUP_S)
    progress = display(total_s, quiet=options.json) if open_display is None else open_display(total_s)
    with measuring(), progress as show:
        for trial in waiting:
            show.begin_trial(f"{trial.name}: setting up", trial_s + SETUP_S)
            result = run_trial(trial, show)
            own = {"strategy": trial.strategy, "repeat": trial.repeat, **trial.parameters}
            folder.add_trial(
                trial.name,
                {**own, **result.measured},
                samples=result.samples,
                events=result.events,
                documents=result.documents,
            )
            show.end_trial()
    complete = folder.trials()
    return folder, {trial.name: complete[trial.name] for trial in trials}
