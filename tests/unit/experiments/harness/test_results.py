"""Result folders: complete files, resumable runs, the `latest` link."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.claims.base import Claim, Verdict
from experiments.harness.results import ResultError, ResultFolder

OPTIONS = {"strategies": ("state4", "none"), "profile": "paper", "repeats": 2}


@pytest.fixture
def folder(tmp_path: Path) -> ResultFolder:
    return ResultFolder.create(tmp_path, "fig3", OPTIONS, seed=7)


def add(folder: ResultFolder, name: str) -> None:
    samples = {"arrivals": pd.DataFrame({"flow": ["open"], "received_s": [1.25]})}
    folder.add_trial(
        name, {"strategy": "state4", "sent": np.int64(3)}, samples=samples, events=[{"t": 1.0, "phase": "x"}]
    )


def test_run_json_says_what_was_run_and_where(folder: ResultFolder) -> None:
    run = json.loads((folder.path / "run.json").read_text())
    assert run["schema"] == 1
    assert run["options"] == {"strategies": ["state4", "none"], "profile": "paper", "repeats": 2}
    assert run["seed"] == 7
    assert run["environment"]["host"]["cores"] >= 1
    assert run["environment"]["packages"]["numpy"] == np.__version__


def test_a_trial_is_on_disk_at_once(folder: ResultFolder) -> None:
    add(folder, "state4-1")
    assert folder.trials() == {"state4-1": {"strategy": "state4", "sent": 3}}
    assert folder.read_samples("arrivals", "state4-1")["received_s"].tolist() == [1.25]
    assert folder.events() == [{"trial": "state4-1", "t": 1.0, "phase": "x"}]


def test_repeating_a_trial_replaces_its_events(folder: ResultFolder) -> None:
    add(folder, "a")
    add(folder, "b")
    add(folder, "a")
    assert [event["trial"] for event in folder.events()] == ["b", "a"]
    assert len(folder.events("a")) == 1


def test_an_interrupted_run_is_found_by_its_options(folder: ResultFolder, tmp_path: Path) -> None:
    add(folder, "state4-1")
    again = ResultFolder.resume(tmp_path, "fig3", OPTIONS)
    assert again.run == folder.run
    assert list(again.trials()) == ["state4-1"]
    with pytest.raises(ResultError, match="no interrupted run of fig3"):
        ResultFolder.resume(tmp_path, "fig3", {**OPTIONS, "repeats": 3})


def test_a_complete_run_is_not_resumed_and_is_the_latest(folder: ResultFolder, tmp_path: Path) -> None:
    claim = Claim("C1", "all", "all", "packets", Verdict.HOLDS, "all arrived")
    folder.finish(target="softswitch", profile="paper", measured={"median": 1.0}, claims=[claim])
    latest = tmp_path / "fig3" / "latest"
    assert latest.is_symlink() and latest.resolve() == folder.path
    summary = json.loads((latest / "summary.json").read_text())
    assert summary["claims"][0] == {
        "id": "C1",
        "published": "all",
        "measured": "all",
        "unit": "packets",
        "verdict": "holds",
        "better": "",
        "covered": True,
        "why": "all arrived",
        "findings": [],
    }
    with pytest.raises(ResultError):
        ResultFolder.resume(tmp_path, "fig3", OPTIONS)
    newer = ResultFolder.create(tmp_path, "fig3", OPTIONS, seed=7)
    assert newer.path != folder.path
    newer.finish(target="softswitch", profile="paper", measured={}, claims=[])
    assert latest.resolve() == newer.path


def test_a_failed_write_leaves_the_old_file_and_nothing_else(folder: ResultFolder) -> None:
    folder.write_json("x.json", {"a": 1})
    with pytest.raises(TypeError):
        folder.write_json("x.json", {"a": object()})
    assert json.loads((folder.path / "x.json").read_text()) == {"a": 1}
    assert sorted(path.name for path in folder.path.iterdir()) == ["run.json", "x.json"]


def test_infinity_is_written_as_null(folder: ResultFolder) -> None:
    folder.write_json("x.json", {"gap": float("inf"), "array": np.array([1.0, np.nan])})
    assert json.loads((folder.path / "x.json").read_text()) == {"gap": None, "array": [1.0, None]}


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultError, match=r"cannot create .*file/fig3: .*--out"):
        ResultFolder.create(tmp_path / "file", "fig3", {}, seed=0)
