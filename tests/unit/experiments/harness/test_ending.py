"""Measurements are kept, whatever fails afterwards: drawing, printing, removing the network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiments import cloning_cost
from experiments.claims.base import Claim, Verdict
from experiments.claims.c5_cloning_cost import full_load_not_found
from experiments.control.errors import ControlError
from experiments.harness import shared_lab
from experiments.harness.ending import conclude
from experiments.harness.options import CommonOptions
from experiments.harness.results import ResultFolder
from experiments.harness.sweep import Sweep, Trial
from experiments.measure.steady_rate import NoSteadyRateError
from experiments.report.measured import number_tables
from experiments.tables.fig7 import cloning_table
from plots.load import ResultMissingError

HOLDS = Claim("C1", "x", 1, "", Verdict.HOLDS, "as it was told")


def concluded(out: Path, error: Exception | None, *, json_: bool = True) -> tuple[int, list[Any]]:
    """The exit code, and the arguments of the table."""
    options = CommonOptions("softswitch", (), "paper", None, 1, 1, False, out, json_, False)
    folder = ResultFolder.create(out, "x", options.for_record(), seed=1)
    printed: list[Any] = []

    def draw(path: Path) -> None:
        (path / "x.png").touch()
        if error is not None:
            raise error

    code = conclude(
        Sweep(folder, {}, {"a-1": "no core"}),
        options,
        {"loss": 0.5},
        [HOLDS],
        draw=draw,
        table=lambda *arguments: printed.append(arguments),
    )
    return code, printed


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (None, ""),
        (ResultMissingError("no complete trial that counts"), "no figure: no complete trial that counts"),
        (KeyError("swap"), "no figure: drawing it failed: KeyError: 'swap'"),
    ],
)
def test_a_figure_that_cannot_be_drawn_takes_no_number_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception | None, said: str
) -> None:
    code, printed = concluded(tmp_path, error)
    output = capsys.readouterr()
    summary = json.loads((tmp_path / "x" / "latest" / "summary.json").read_text())
    assert json.loads(output.out) == summary and said in output.err and (code, printed) == (0, [])
    assert summary["measured"] == {"loss": 0.5} and summary["claims"][0]["verdict"] == "holds"
    assert summary["trials"]["unusable"] == {"a-1": "no core"}


def test_the_table_shows_what_the_summary_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, [(measured, claims, path)] = concluded(tmp_path, None, json_=False)
    assert (measured, list(claims)) == ({"loss": 0.5}, [HOLDS])
    assert path == (tmp_path / "x" / "latest").resolve() and not capsys.readouterr().out


def test_full_load_that_was_not_found_is_not_judged_and_has_no_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figure 7 on a machine on which no search counts."""
    claims = full_load_not_found("search-1: no rate down to 30 frames per second could be confirmed")
    cloning_table({"steady": None}, claims, tmp_path)
    printed = capsys.readouterr().out
    assert printed.count("not judged") == 3 and "Figure:" not in printed and f"Data:   {tmp_path}" in printed
    (tmp_path / "fig7.png").touch()
    cloning_table({"steady": None}, claims, tmp_path)
    assert f"Figure: {tmp_path}/fig7.png" in capsys.readouterr().out
    assert list(number_tables({"steady": None})) == []


def test_a_search_without_a_result_is_a_trial_that_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it is not a failure of the experiment."""

    def nothing(*_: Any, **__: Any) -> Any:
        raise NoSteadyRateError("no rate down to 30 frames per second could be confirmed")

    monkeypatch.setattr(cloning_cost, "run_search", nothing)
    monkeypatch.setattr(cloning_cost, "plan_for", lambda *_: None)
    bench: Any = SimpleNamespace(lab=lambda plan: None, arm=lambda lab: None)
    anything: Any = SimpleNamespace(search=None)
    result = cloning_cost.search_trial(Trial("search", 1), anything, anything, bench, anything)
    assert result.invalid == ("no rate down to 30 frames per second could be confirmed",) and result.measured == {}


# ---------------------------------------------------------------- a network for many trials


class FakeNetwork:
    """Stands in for a lab's network: counts `opened` and `closed`; ends with an error if requested."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = self.closed = 0
        self.left_by: list[type[BaseException] | None] = []
        self.error: Exception | None = None
        monkeypatch.setattr(shared_lab, "open_lab", self._open)
        monkeypatch.setattr(shared_lab, "Lab", lambda network, control, plan: self)
        self.network = self.control = self
        self.events: list[Any] = []

    @contextmanager
    def _open(self, plan: Any) -> Iterator[FakeNetwork]:
        self.opened += 1
        try:
            yield self
        except BaseException as error:
            self.left_by.append(type(error))
            raise
        finally:
            self.closed += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> FakeNetwork:
    return FakeNetwork(monkeypatch)


def test_one_network_for_all_trials_and_a_new_one_after_a_failure(network: FakeNetwork) -> None:
    plan: Any = None
    with ExitStack() as stack:
        shared = shared_lab.SharedLab(stack)
        shared.lab(plan).events.append("old")  # type: ignore[attr-defined]
        assert network.events == ["old"]
        shared.lab(plan)
        assert (network.opened, network.events) == (1, [])  # the next trial has its own events
        shared.drop()
        shared.lab(plan)
        assert (network.opened, network.closed) == (2, 1)
    assert network.closed == 2


def test_a_network_that_ends_with_an_error_takes_no_trial_back(
    network: FakeNetwork, capsys: pytest.CaptureFixture[str]
) -> None:
    network.error = ControlError("control-s1 ended with code 1")
    with ExitStack() as stack:
        shared_lab.SharedLab(stack).lab(None)  # type: ignore[arg-type]
    assert "did not close properly: control-s1 ended with code 1" in capsys.readouterr().err


def test_an_interruption_reaches_the_network(network: FakeNetwork) -> None:
    with pytest.raises(KeyboardInterrupt), ExitStack() as stack:
        shared_lab.SharedLab(stack).lab(None)  # type: ignore[arg-type]
        raise KeyboardInterrupt
    assert network.left_by == [KeyboardInterrupt] and network.closed == 1
