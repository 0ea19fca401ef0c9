"""Running an experiment as a separate process: its summary, its errors, and interruptions."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from experiments.harness.child import Ended, Progress, run_experiment

MODULE = "tests.unit.experiments.fake_experiment"


def start(tmp_path: Path, **kwargs: object) -> tuple[Ended, list[Progress]]:
    reports: list[Progress] = []
    ended = run_experiment(MODULE, ["--out", str(tmp_path)], lambda progress, _: reports.append(progress))
    return ended, reports


def test_a_finished_experiment_gives_its_summary(tmp_path: Path) -> None:
    ended, reports = start(tmp_path)
    assert ended.summary is not None and ended.error is None and ended.code == 0
    assert (tmp_path / "fake" / ended.summary["run"] / "summary.json").exists()
    assert ended.seconds > 0
    assert all(0 <= progress.share <= 1 for progress in reports)
    assert any("state4-" in progress.text or "none-" in progress.text for progress in reports)


@pytest.mark.parametrize(("verdict", "code"), [("does not hold", 1), ("not judged", 3)])
def test_a_verdict_is_no_error(verdict: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE", verdict)
    ended, _ = start(tmp_path)
    assert ended.code == code and ended.summary is not None and ended.error is None
    assert ended.summary["claims"][0]["verdict"] == verdict


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("fails", "switch s1 did not start; the end of its log:\n    no such interface"),
        ("crashes", "ZeroDivisionError: on purpose"),
    ],
)
def test_a_failure_is_an_error_with_its_reason(
    what: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE", what)
    ended, _ = start(tmp_path)
    assert ended.summary is None
    assert ended.error is not None and ended.error.endswith(error)


def test_a_module_that_is_missing_is_an_error(tmp_path: Path) -> None:
    ended = run_experiment("tests.unit.no_such_experiment", [], lambda *_: None)
    assert ended.summary is None and "no_such_experiment" in (ended.error or "")


@pytest.mark.parametrize("ours", [signal.default_int_handler, signal.SIG_IGN])
def test_an_interruption_reaches_the_experiment_and_waits_for_its_end(
    ours: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = tmp_path / "running"
    monkeypatch.setenv("FAKE", "hangs")
    monkeypatch.setenv("FAKE_FILE", str(flag))

    def interrupt(_progress: Progress, _elapsed: float) -> None:
        if flag.exists():
            raise KeyboardInterrupt

    begin = time.monotonic()
    before = signal.signal(signal.SIGINT, ours)  # ignored: as a shell starts a background job
    try:
        with pytest.raises(KeyboardInterrupt):
            run_experiment(MODULE, ["--out", str(tmp_path)], interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - begin < 50
    (run,) = (path for path in (tmp_path / "fake").iterdir())
    assert sorted(path.stem for path in (run / "trials").iterdir()) == ["none-1", "none-2"]
    assert not (run / "summary.json").exists()
    assert not [name for name in os.listdir(run) if name.startswith(".")]
