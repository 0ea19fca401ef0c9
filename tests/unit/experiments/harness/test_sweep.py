"""Trials that fail or show nothing are repeated a bounded number of times, reported, and do not end the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.harness.options import CommonOptions
from experiments.harness.results import ResultFolder
from experiments.harness.sweep import MAX_ATTEMPTS, Sweep, Trial, TrialResult, describe, run_sweep
from topologies.errors import NetworkError


def options(out: Path, *, resume: bool = False) -> CommonOptions:
    return CommonOptions("softswitch", (), "paper", None, 1, 1, False, out, True, resume)


Outcome = TrialResult | Exception


def good(value: int = 0) -> TrialResult:
    return TrialResult({"value": value}, {}, ())


def invalid(value: int, disturbance: float, *reasons: str) -> TrialResult:
    return TrialResult({"value": value}, {}, (), reasons or ("no core",), disturbance)


def sweep(out: Path, outcomes: dict[str, list[Outcome]], *, resume: bool = False, after: Any = None) -> Sweep:
    """Runs a trial of each name; each attempt takes the next outcome, or succeeds if none are left."""

    def run(trial: Trial, _show: Any) -> TrialResult:
        waiting = outcomes[trial.strategy]
        outcome = waiting.pop(0) if waiting else good()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    trials = [Trial(name, 1) for name in outcomes]
    failed: Callable[[], None] = after or (lambda: None)
    return run_sweep("x", options(out, resume=resume), trials, run, trial_s=1.0, needs_root=False, after_failure=failed)


def test_a_trial_that_shows_nothing_is_repeated_and_that_is_recorded(tmp_path: Path) -> None:
    found = sweep(tmp_path, {"a": [invalid(1, 0.5), good(2)], "b": []})
    assert found.trials["a-1"]["value"] == 2
    assert found.trials["a-1"]["attempts"] == ["not valid: no core"]
    assert found.repeated == {"a-1": ["not valid: no core"]} and found.unusable == {}
    assert "attempts" not in found.trials["b-1"]


def test_the_calmest_attempt_is_kept_and_does_not_count(tmp_path: Path) -> None:
    attempts: list[Outcome] = [invalid(1, 0.5), invalid(2, 0.3), invalid(3, 0.2, "no core", "late")]
    found = sweep(tmp_path, {"a": attempts, "b": []})
    assert list(found.trials) == ["b-1"]
    assert found.unusable == {"a-1": "no core"}
    kept = found.folder.trials()["a-1"]
    assert kept["value"] == 2 and len(kept["attempts"]) == MAX_ATTEMPTS
    assert found.for_summary()["counted"] == 1


def test_a_trial_that_fails_names_itself_and_the_others_go_on(tmp_path: Path) -> None:
    dropped: list[int] = []
    failures: list[Outcome] = [NetworkError("no switch"), ZeroDivisionError("on purpose"), NetworkError("no\nswitch")]
    found = sweep(tmp_path, {"a": [], "b": failures, "c": []}, after=lambda: dropped.append(1))
    assert list(found.trials) == ["a-1", "c-1"]
    assert found.unusable == {"b-1": "no switch"}
    assert found.repeated["b-1"] == [
        "failed: no switch",
        "failed: ZeroDivisionError: on purpose",
        "failed: no switch",
    ]
    assert len(dropped) == 3  # each next attempt begins with a new network


def test_what_cannot_be_taken_down_ends_nothing_either(tmp_path: Path) -> None:
    """The network of a failed trial may be as broken as the trial was."""

    def broken() -> None:
        raise NetworkError("the control process ended with code 1")

    found = sweep(tmp_path, {"a": [NetworkError("x"), good(7)], "b": [good(8)]}, after=broken)
    assert [trial["value"] for trial in found.trials.values()] == [7, 8]


def test_a_failure_in_between_is_no_loss(tmp_path: Path) -> None:
    found = sweep(tmp_path, {"a": [NetworkError("x"), good(7)]})
    assert found.trials["a-1"]["value"] == 7 and found.unusable == {}


def test_repeats_are_bounded_for_all_trials_together(tmp_path: Path) -> None:
    outcomes: dict[str, list[Outcome]] = {name: [invalid(n, 0.5) for n in range(3)] for name in "abcdef"}
    sweep(tmp_path, outcomes)
    assert sum(3 - len(left) for left in outcomes.values()) == 6 + 3


def test_where_nothing_works_the_first_error_ends_it(tmp_path: Path) -> None:
    broken: dict[str, list[Outcome]] = {name: [NetworkError(f"{name}{n}") for n in range(3)] for name in "abc"}
    with pytest.raises(NetworkError):
        sweep(tmp_path, broken)
    assert len(broken["c"]) == 3  # not tried


def test_a_late_failure_does_not_end_what_worked_before(tmp_path: Path) -> None:
    broken: dict[str, list[Outcome]] = {name: [NetworkError(name) for _ in range(3)] for name in "bcd"}
    found = sweep(tmp_path, {"a": [], **broken})
    assert list(found.trials) == ["a-1"] and len(found.unusable) == 3


def test_resuming_repeats_what_does_not_count_and_nothing_else(tmp_path: Path) -> None:
    sweep(tmp_path, {"a": [good(1)], "b": [invalid(2, 0.1) for _ in range(3)], "c": [NetworkError("x")] * 3})
    found = sweep(tmp_path, {"a": [good(9)], "b": [good(9)], "c": [good(9)]}, resume=True)
    assert [trial["value"] for trial in found.trials.values()] == [1, 9, 9]
    assert found.unusable == {}


def test_the_folder_alone_says_which_trials_count(tmp_path: Path) -> None:
    found = sweep(tmp_path, {"a": [good(1)], "b": [invalid(2, 0.1) for _ in range(3)]})
    assert "invalid" in ResultFolder(found.folder.path, "x").trials()["b-1"]


def test_an_error_in_one_line() -> None:
    assert describe(NetworkError("a\n  b")) == "a b"
    assert describe(KeyError("x")) == "KeyError: 'x'"
    assert describe(NetworkError("")) == "no message"


def test_trial_names_are_exact() -> None:
    assert Trial("state4", 1, {"state": 1 << 22}).name == "state4-state4194304-1"
