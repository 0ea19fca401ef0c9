"""Results of several machines: separate, combined, and with each verdict formed on one machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.harness import cluster
from experiments.harness.cluster_unit import UnitError, UnitResult, run_unit
from experiments.harness.environment import git_state
from experiments.harness.machines import add_unit, combined, safe_name, together, units_of
from experiments.harness.results import ResultError, ResultFolder

SLOW = "tests.unit.experiments.slow_experiment"


def claim(verdict: str, **more: Any) -> dict[str, Any]:
    return {"id": "C1", "verdict": verdict, "why": verdict, "covered": True, **more}


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["holds", "holds"], "holds"),
        (["not judged", "holds"], "holds"),
        (["holds", "does not hold"], "does not hold"),
        (["not judged", "does not hold"], "does not hold"),
        (["not judged", "not judged"], "not judged"),
    ],
)
def test_a_claim_fails_where_it_fails_on_one_machine(verdicts: list[str], expected: str) -> None:
    (found,) = combined({f"m{number}": {"claims": [claim(verdict)]} for number, verdict in enumerate(verdicts)})
    assert found["verdict"] == expected
    assert all(f"m{number}: {verdict}" in found["why"] for number, verdict in enumerate(verdicts))


def test_one_machine_says_what_it_says() -> None:
    assert combined({"m": {"claims": [claim("holds")]}}) == [claim("holds")]


@pytest.fixture
def unit(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(repeat: int, where: str = "a", *arguments: str) -> UnitResult:
        monkeypatch.setenv("WORKER", where)
        return run_unit(SLOW, ["--trial-s", "0.01", "--repeats", "3", *arguments], repeat, None)

    return run


def test_repeats_of_two_machines_become_one_folder(tmp_path: Path, unit: Any) -> None:
    folder = ResultFolder.create(tmp_path, "slow", {}, seed=1)
    for repeat, where in ((1, "a"), (2, "b"), (3, "a")):
        add_unit(folder, repeat, where, unit(repeat, where))
    assert units_of(folder) == {1: "a", 2: "b", 3: "a"}
    trials = folder.trials()
    assert list(trials) == [f"{name}-{repeat}" for name in ("none", "state4") for repeat in (1, 2, 3)]
    assert {name: trial["worker"]["name"] for name, trial in trials.items()} == {
        name: {1: "a", 2: "b", 3: "a"}[trial["repeat"]] for name, trial in trials.items()
    }
    assert all(trial["worker"]["host"]["cores"] == os.cpu_count() for trial in trials.values())
    assert list(folder.read_samples("rows", "none-2")["x"]) == [1, 2]
    assert [event["trial"] for event in folder.events()].count("none-2") == 1
    machine = ResultFolder(folder.path / "machines" / "a", "slow")
    assert {trial["repeat"] for trial in machine.trials().values()} == {1, 3}

    argv = [
        sys.executable,
        "-m",
        SLOW,
        "--judge",
        str(machine.path),
        "--only-repeats",
        "1,3",
        "--json",
        "--repeats",
        "3",
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env={**os.environ, "WORKER": "nowhere"})
    assert json.loads(done.stdout)["trials"]["counted"] == 4
    summaries = {"a": json.loads(done.stdout), "b": json.loads(done.stdout)}
    content = json.loads(together(folder, summaries, {4: "every worker died"}).read_text())
    assert content["claims"][0]["verdict"] == "holds" and content["measured_on"] == "a"
    assert content["trials"]["unusable"] == {"repeat 4": "every worker died"}
    assert (folder.path / "slow.png").read_bytes() == b"figure"
    assert (tmp_path / "slow" / "latest").resolve() == folder.path.resolve()


def test_a_unit_that_fails_says_why(unit: Any) -> None:
    with pytest.raises(UnitError, match="nothing works here"):
        unit(1, "a", "--fails-on", "a")


def test_another_version_is_not_mixed_in() -> None:
    if git_state() is not None:
        with pytest.raises(UnitError, match="000000000000"):
            run_unit(SLOW, [], 1, "0" * 40)


def test_a_unit_ends_on_request() -> None:
    with pytest.raises(UnitError, match="stopped"):
        run_unit(SLOW, ["--trial-s", "30"], 1, None, lambda: True)


@given(st.text())
def test_a_workers_name_is_no_path(name: str) -> None:
    assert "/" not in safe_name(name) and safe_name(name) not in ("", ".", "..")


def test_the_command_goes_on_without_what_is_about_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    line = ["x", "--quick", "--cluster", "tcp://a:1", "--out=y", "--json", "--strategy", "none", "--resume"]
    monkeypatch.setattr(sys, "argv", line)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", type("Spec", (), {"name": "experiments.fig3"}))
    assert cluster.own_command() == ("experiments.fig3", ["--quick", "--strategy", "none"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    with pytest.raises(ResultError, match="--cluster requires"):
        cluster.own_command()


def test_a_repeat_goes_to_another_machine_first_and_not_for_ever() -> None:
    repeats = cluster._Repeats([1, 2])
    assert repeats.for_worker("a", ["a", "b"]) == 1 and repeats.for_worker("b", ["a", "b"]) == 2
    assert repeats.failed(1, "died") and repeats.for_worker("a", ["a", "b"]) is None
    assert repeats.for_worker("b", ["a", "b"]) == 1
    assert repeats.failed(1, "died") and repeats.for_worker("a", ["a", "b"]) == 1  # nobody else is left
    assert not repeats.failed(1, "died") and repeats.waiting == []


def test_only_workers_with_a_testbed_are_used() -> None:
    workers = {"tcp://a": {"name": "a", "resources": {"testbed": 1}}, "tcp://b": {"name": "b", "resources": {}}}
    assert cluster.testbeds(workers) == {"tcp://a": "a"}


def test_without_a_cluster_dask_is_not_imported() -> None:
    code = (
        "import sys; import experiments.scaling, experiments.reproduce.runner; sys.exit('distributed' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
