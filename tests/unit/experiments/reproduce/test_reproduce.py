"""All experiments in one run: what is repeated and what is not, and how the report shows failures."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import experiments
from experiments.claims.base import Claim, Finding, Verdict
from experiments.claims.catalogue import CLAIMS
from experiments.claims.stats import spread
from experiments.harness.child import Ended, Progress
from experiments.harness.main import code_of
from experiments.harness.results import ResultFolder
from experiments.registry import EXPERIMENTS, Experiment
from experiments.reproduce import runner as reproduce
from experiments.reproduce.options import Options, parse

FIRST = Experiment("first", "first", "The first", "It shows nothing.", ("C1",), full_s=20.0, quick_s=2.0)
SECOND = Experiment(
    "second", "second", "The second", "It shows less.", ("C2",), 20.0, 2.0, arguments=("--repeats", "3")
)
BOTH = (FIRST, SECOND)


class Runner:
    """Stands in for the experiments: `outcomes` says by name how each ends, one after the other; default: it holds."""

    def __init__(self, out: Path, **outcomes: list[str]) -> None:
        self.out = out
        self.outcomes = outcomes
        self.calls: list[tuple[str, list[str]]] = []

    def __call__(self, module: str, arguments: Sequence[str], on_progress: Callable[[Progress, float], None]) -> Ended:
        name = module.removeprefix("experiments.")
        self.calls.append((name, list(arguments)))
        on_progress(Progress("traffic", 0.5), 1.0)
        outcome = (self.outcomes.get(name) or ["holds"]).pop(0) if self.outcomes.get(name) else "holds"
        if outcome == "no resume":
            return Ended(0.1, 2, None, "no interrupted run of it with these options")
        if "--resume" in arguments:
            folder = ResultFolder.resume(self.out, name, {})
        else:
            folder = ResultFolder.create(self.out, name, {}, seed=1)
        folder.add_trial("a-1", {"loss": 1.0})
        if outcome == "fails":
            return Ended(3.0, 2, None, "the switch did not start")
        if outcome == "interrupted":
            raise KeyboardInterrupt
        claim_id = "C1" if name == "first" else "C2"
        finding = Finding("state4: loss", "< 1 %", spread([0.5, 0.7, 0.6]), "%")
        claim = Claim(claim_id, 1, 0.6, "%", Verdict(outcome), f"{name} was measured", (finding,))
        folder.finish(target="softswitch", profile="paper", measured={"state4": {"loss": 0.6}}, claims=[claim])
        summary: dict[str, Any] = json.loads((folder.path / "summary.json").read_text())
        return Ended(3.0, code_of([claim]), summary, None)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


def options(out: Path, **changes: Any) -> Options:
    return replace(parse(["--out", str(out), "--json"]), **changes)


def report_of(out: Path) -> dict[str, Any]:
    (run,) = (path for path in (out / "report").iterdir() if not path.is_symlink())
    content: dict[str, Any] = json.loads((run / "report.json").read_text())
    return content


def verdicts(out: Path) -> dict[str, str]:
    return {claim["id"]: claim["verdict"] for claim in report_of(out)["claims"]}


def test_all_done_is_a_complete_run_with_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runner = Runner(tmp_path)
    assert reproduce.run(options(tmp_path), BOTH, runner) == 0
    assert runner.names == ["first", "second"]
    assert runner.calls[1][1][-2:] == ["--repeats", "3"]
    assert json.loads(capsys.readouterr().out)["complete"] is True
    latest = tmp_path / "report" / "latest"
    assert latest.is_symlink()
    assert {"report.html", "report.md", "report.json", "state.json", "summary.json", "run.json"} == {
        path.name for path in latest.iterdir()
    }
    page = (latest / "report.html").read_text()
    assert "2 of 2 claims hold" in page and "0.6 % [0.5, 0.7], n = 3" in page
    assert reproduce.run(options(tmp_path), BOTH, runner) == 0  # a new run
    assert runner.names == ["first", "second"] * 2


def test_a_claim_that_does_not_hold_gives_code_1(tmp_path: Path) -> None:
    assert reproduce.run(options(tmp_path), BOTH, Runner(tmp_path, second=["does not hold"])) == 1
    assert verdicts(tmp_path) == {"C1": "holds", "C2": "does not hold"}


def test_a_claim_that_can_not_be_judged_gives_code_3_and_a_failure_counts_more(tmp_path: Path) -> None:
    assert reproduce.run(options(tmp_path), BOTH, Runner(tmp_path, second=["not judged"])) == 3
    assert verdicts(tmp_path) == {"C1": "holds", "C2": "not judged"}
    both = Runner(tmp_path / "b", first=["does not hold"], second=["not judged"])
    assert reproduce.run(options(tmp_path / "b"), BOTH, both) == 1
    error = Runner(tmp_path / "c", first=["does not hold"], second=["fails"])
    assert reproduce.run(options(tmp_path / "c"), BOTH, error) == 2


def test_a_failure_is_an_error_in_the_report_and_only_it_is_repeated(tmp_path: Path) -> None:
    runner = Runner(tmp_path, first=["fails"])
    assert reproduce.run(options(tmp_path), BOTH, runner) == 2
    report = report_of(tmp_path)
    failed = next(claim for claim in report["claims"] if claim["id"] == "C1")
    assert failed["verdict"] == "error" and failed["why"] == "the switch did not start"
    assert failed["numbers"] == []
    assert verdicts(tmp_path)["C2"] == "holds"
    latest = tmp_path / "report" / "latest"  # is there after an error, too
    assert json.loads((latest / "report.json").read_text()) == report

    assert reproduce.run(options(tmp_path), BOTH, runner) == 0
    assert runner.names == ["first", "second", "first"]
    assert runner.calls[-1][1][-1] == "--resume"  # its complete trials are kept
    assert verdicts(tmp_path) == {"C1": "holds", "C2": "holds"}


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runner = Runner(tmp_path, second=["interrupted"])
    assert reproduce.run(options(tmp_path), BOTH, runner) == 130
    assert "the same command continues" in capsys.readouterr().err
    assert verdicts(tmp_path) == {"C1": "holds", "C2": "not run"}
    assert reproduce.run(options(tmp_path), BOTH, runner) == 0
    assert runner.names == ["first", "second", "second"]
    assert "--resume" in runner.calls[-1][1]
    assert len([path for path in (tmp_path / "second").iterdir() if not path.is_symlink()]) == 1


def test_what_can_not_be_resumed_begins_a_new_run(tmp_path: Path) -> None:
    runner = Runner(tmp_path, second=["interrupted", "no resume"])
    reproduce.run(options(tmp_path), BOTH, runner)
    assert reproduce.run(options(tmp_path), BOTH, runner) == 0
    assert ["--resume" in arguments for _, arguments in runner.calls] == [False, False, True, False]


def test_an_older_interrupted_run_of_somebody_is_not_taken(tmp_path: Path) -> None:
    ResultFolder.create(tmp_path, "first", {}, seed=1)
    runner = Runner(tmp_path)
    reproduce.run(options(tmp_path), BOTH, runner)
    assert "--resume" not in runner.calls[0][1]


def test_a_result_that_was_deleted_is_measured_again(tmp_path: Path) -> None:
    runner = Runner(tmp_path, second=["fails"])
    reproduce.run(options(tmp_path), BOTH, runner)
    next(path for path in (tmp_path / "first").iterdir() if not path.is_symlink()).joinpath("summary.json").unlink()
    reproduce.run(options(tmp_path), BOTH, runner)
    assert runner.names == ["first", "second", "first", "second"]


def test_other_options_are_another_run(tmp_path: Path) -> None:
    runner = Runner(tmp_path, second=["interrupted"])
    reproduce.run(options(tmp_path), BOTH, runner)
    reproduce.run(options(tmp_path, quick=True), BOTH, runner)
    assert runner.names == ["first", "second"] * 2
    assert "--quick" in runner.calls[-1][1] and "--repeats" not in runner.calls[-1][1]


def test_new_leaves_the_interrupted_run_alone(tmp_path: Path) -> None:
    runner = Runner(tmp_path, second=["interrupted"])
    reproduce.run(options(tmp_path), BOTH, runner)
    reproduce.run(options(tmp_path, new=True), BOTH, runner)
    assert runner.names == ["first", "second"] * 2


def test_only_some_experiments(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    assert reproduce.run(options(tmp_path, only=("second",)), BOTH, runner) == 0
    assert verdicts(tmp_path) == {"C1": "not run", "C2": "holds"}
    assert reproduce.run(options(tmp_path), BOTH, runner) == 0
    assert runner.names == ["second", "first"]


@pytest.mark.parametrize(("argument", "message"), [("--only", "no experiment named"), ("--strategy", "no strategy")])
def test_what_does_not_exist_is_refused(argument: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse([argument, "nope"])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_every_claim_has_an_experiment_and_every_experiment_a_module() -> None:
    for experiment in EXPERIMENTS:
        assert (Path(experiments.__file__).parent / f"{experiment.name}.py").exists()
    names = [experiment.name for experiment in EXPERIMENTS]
    assert len(set(names)) == len(names)
    makefile = (Path(experiments.__file__).parents[1] / "Makefile").read_text()
    for experiment in EXPERIMENTS:
        assert f"\n{experiment.make}: " in makefile


def test_quick_is_expected_to_end_within_ten_minutes() -> None:
    assert sum(experiment.quick_s for experiment in EXPERIMENTS) <= 600


@pytest.mark.parametrize(
    "name", [*(e.name for e in EXPERIMENTS), "bench", "reproduce", "compare", "reference", "report"]
)
def test_every_command_prints_json_for_machines(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    package = name in ("reproduce", "report")
    module = importlib.import_module(f"experiments.{name}.__main__" if package else f"experiments.{name}")
    with pytest.raises(SystemExit) as stop:
        module.main(["--help"])
    assert stop.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_every_claim_is_judged_by_one_experiment() -> None:
    promised = [claim for experiment in EXPERIMENTS for claim in experiment.claims]
    assert sorted(promised) == sorted(claim.id for claim in CLAIMS)
    assert len(set(promised)) == len(promised)


def test_trials_are_as_long_as_published_when_asked_for() -> None:
    fig4, delta_loss = (next(e for e in EXPERIMENTS if e.name == name) for name in ("fig4", "delta_loss"))
    usual, published, quick = (parse(line) for line in ([], ["--paper-length"], ["--quick"]))
    assert "--duration" in usual.arguments(fig4)
    assert "--duration" not in published.arguments(fig4)  # 30 s by itself
    assert published.arguments(delta_loss)[-1] == "--paper-length"
    assert published.usual_s(delta_loss) > 3 * usual.usual_s(delta_loss) > usual.usual_s(delta_loss)
    assert quick.usual_s(delta_loss) < usual.usual_s(delta_loss)
    assert sum(usual.usual_s(experiment) for experiment in EXPERIMENTS) <= 95 * 60  # as the docs say
    with pytest.raises(SystemExit):
        parse(["--quick", "--paper-length"])
