"""Runs the trials of an experiment one after the other; each is on disk before the next begins.

A trial that fails, or that was disturbed so much that it shows nothing, is reported and repeated, a bounded number of
times; its file says what was repeated and why. It never ends the experiment: what is missing is left out of the
verdicts, and reported.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from experiments.claims.catalogue import drawn_values
from experiments.harness.options import CommonOptions
from experiments.harness.progress import Display, display
from experiments.harness.results import ResultFolder
from experiments.registry import claims_of
from topologies.network import require_root
from topologies.priority import measuring

SETUP_S = 4.0  # set-up of a trial, for the progress display only
MAX_ATTEMPTS = 3
"""Attempts at one trial."""
MIN_REPEATS, REPEATED_SHARE = 3, 0.5
"""All trials of a sweep together are repeated at most this often, or by this share of their number if that is more."""
_HOPELESS = 2
"""Trials that fail in every attempt, with no successful one before: then none is expected to succeed."""


@dataclass(frozen=True)
class Trial:
    """One run of one strategy. `parameters` are the experiment's own, e.g. a rate; they are part of the name."""

    strategy: str
    repeat: int
    parameters: Mapping[str, int | float | str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Unique within the run, and usable as a file name."""
        middle = "".join(
            f"-{key}{value:.12g}" if not isinstance(value, str) else f"-{value}"
            for key, value in self.parameters.items()
        )
        return f"{self.strategy}{middle}-{self.repeat}"


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial: numbers, raw samples by kind, its events, and documents of other programs by kind.

    invalid: why it shows nothing (see `validity.py`); () if it counts. disturbance: how much the machine interfered, in
    any measure; of several invalid attempts the least disturbed is kept.
    """

    measured: Mapping[str, Any]
    samples: Mapping[str, pd.DataFrame]
    events: Sequence[Mapping[str, Any]]
    invalid: tuple[str, ...] = ()
    disturbance: float = 0.0
    documents: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sweep:
    """A finished sweep. `trials`: the numbers of those that count, by name and in order; `unusable`: why the others do
    not count; `repeated`: why attempts were repeated, by trial."""

    folder: ResultFolder
    trials: dict[str, dict[str, Any]]
    unusable: dict[str, str] = field(default_factory=dict)
    repeated: dict[str, list[str]] = field(default_factory=dict)

    def for_summary(self) -> dict[str, Any]:
        return {"counted": len(self.trials), "unusable": self.unusable, "repeated": self.repeated}


def run_sweep(
    experiment: str,
    options: CommonOptions,
    trials: Sequence[Trial],
    run_trial: Callable[[Trial, Display], TrialResult],
    *,
    trial_s: float,
    record: Mapping[str, Any] | None = None,
    needs_root: bool = True,
    after_failure: Callable[[], None] = lambda: None,
    open_display: Callable[[float], AbstractContextManager[Display]] | None = None,
) -> Sweep:
    """Runs the incomplete trials, and returns the numbers of all of `trials`.

    `record`: what the experiment adds to the options in `run.json`; `trial_s`: length of a trial, for the display. Each
    trial's numbers get `strategy`, `repeat` and the trial's parameters. `needs_root`: the trials build networks.
    `after_failure`: called after a failed attempt, e.g. to give the next one a new network. `open_display(total
    seconds)`: a display other than the usual one. With `--cluster` other machines do all the work, and this ends with
    ClusterDone. Raises what the first trials raise if none works at all.
    """
    trials = taking_part(trials, options)
    if options.judge is not None:
        folder = ResultFolder(options.judge, experiment)
        there = folder.trials()
        return sweep_of(folder, [trial.name for trial in trials if trial.name in there])
    if needs_root and options.cluster is None:
        require_root()
    options_record = {**options.for_record(), **(record or {})}
    if options.resume:
        folder = ResultFolder.resume(options.out, experiment, options_record)
    else:
        published = drawn_values(claims_of(experiment))
        folder = ResultFolder.create(options.out, experiment, options_record, seed=options.seed, published=published)
    if options.cluster is not None:
        from experiments.harness.cluster import spread_over  # Dask is needed only with a cluster

        repeat_s = len(trials) / options.repeats * (trial_s + SETUP_S)
        with display(options.repeats * repeat_s, quiet=options.json) as show:
            spread_over(options.cluster, options, folder, show, repeat_s)
    complete = {name for name, numbers in folder.trials().items() if not why_unusable(numbers)}
    waiting = [trial for trial in trials if trial.name not in complete]
    attempts = _Attempts(run_trial, after_failure, budget=max(MIN_REPEATS, math.ceil(REPEATED_SHARE * len(trials))))
    failed_so_far = 0 if not complete else -len(trials)
    total_s = len(waiting) * (trial_s + SETUP_S)
    progress = display(total_s, quiet=options.json) if open_display is None else open_display(total_s)
    with measuring(), progress as show:
        for trial in waiting:
            show.begin_trial(f"{trial.name}: setting up", trial_s + SETUP_S)
            own = {"strategy": trial.strategy, "repeat": trial.repeat, **trial.parameters}
            result, history, error = attempts.run(trial, show)
            if result is None:
                failed_so_far += 1
                if error is not None and failed_so_far == _HOPELESS:
                    raise error
                folder.add_trial(trial.name, {**own, "failed": history[-1], "attempts": history})
            else:
                failed_so_far = -len(trials)
                notes = {"invalid": list(result.invalid)} if result.invalid else {}
                notes |= {"attempts": history} if history else {}
                numbers = {**own, **result.measured, **notes}
                folder.add_trial(
                    trial.name, numbers, samples=result.samples, events=result.events, documents=result.documents
                )
            show.end_trial()
    return sweep_of(folder, [trial.name for trial in trials])


def taking_part(trials: Sequence[Trial], options: CommonOptions) -> list[Trial]:
    """The trials of the requested repeats."""
    return [trial for trial in trials if not options.only_repeats or trial.repeat in options.only_repeats]


class _Attempts:
    """Runs one trial after the other, each until it counts, as long as repeats are left."""

    def __init__(
        self, run_trial: Callable[[Trial, Display], TrialResult], after_failure: Callable[[], None], *, budget: int
    ) -> None:
        self._run_trial = run_trial
        self._after_failure = after_failure
        self._budget = budget

    def run(self, trial: Trial, show: Display) -> tuple[TrialResult | None, list[str], Exception | None]:
        """The attempt that counts, or the least disturbed, or None; why there were others; the last error."""
        history: list[str] = []
        invalid: list[TrialResult] = []
        error: Exception | None = None
        for number in range(MAX_ATTEMPTS):
            if number:
                if not self._budget:
                    show.log(
                        f"{trial.name}: not repeated: {MIN_REPEATS} or half of all trials have already been repeated"
                    )
                    break
                self._budget -= 1
            try:
                result = self._run_trial(trial, show)
            except Exception as problem:  # whatever the error is, continue with the other trials
                error = problem
                history.append(f"failed: {describe(problem)}")
                show.log(f"{trial.name} failed: {describe(problem)}")
                self._clear_up(trial, show)
                continue
            if not result.invalid:
                return result, history, None
            invalid.append(result)
            history.append(f"not valid: {'; '.join(result.invalid)}")
            show.log(f"{trial.name} shows nothing: {'; '.join(result.invalid)}")
        least_disturbed = min(invalid, key=lambda result: (len(result.invalid), result.disturbance), default=None)
        return least_disturbed, history, error

    def _clear_up(self, trial: Trial, show: Display) -> None:
        """Closing a broken network may also fail; the next attempt creates its own."""
        try:
            self._after_failure()
        except Exception as problem:
            show.log(f"{trial.name}: cleaning up after it failed: {describe(problem)}")


def describe(error: Exception) -> str:
    """An error in one line, with its type unless it is one of ours."""
    text = " ".join(str(error).split()) or "no message"
    return text if type(error).__module__.partition(".")[0] in _OURS else f"{type(error).__name__}: {text}"


_OURS = {"experiments", "topologies", "plots", "softswitch", "state4", "p4front", "nfs"}


def why_unusable(numbers: Mapping[str, Any]) -> str:
    """Why a trial on disk does not count; "" if it does."""
    if "failed" in numbers:
        return str(numbers["failed"]).removeprefix("failed: ")
    return "; ".join(numbers.get("invalid", ()))


def sweep_of(folder: ResultFolder, names: Sequence[str]) -> Sweep:
    """The sweep of these trials as stored in a folder."""
    found = folder.trials()
    unusable = {name: why for name in names if (why := why_unusable(found[name]))}
    repeated = {name: found[name]["attempts"] for name in names if found[name].get("attempts")}
    return Sweep(folder, {name: found[name] for name in names if name not in unusable}, unusable, repeated)
