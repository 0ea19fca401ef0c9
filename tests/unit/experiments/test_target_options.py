"""--target bmv2: the message if it is not installed, and what is left out because bmv2 cannot do it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments import bench, cloning_cost, delta_loss, exact, fig3, fig4, fig6, overhead, scaling, soak
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.results import ResultFolder
from experiments.harness.strategies import available_strategies, lacking
from experiments.reproduce import runner as reproduce
from plots.load import Run
from topologies.bmv2 import Bmv2MissingError, require_bmv2

EXPERIMENTS = (bench, cloning_cost, delta_loss, exact, fig3, fig4, fig6, overhead, reproduce, scaling, soak)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _install(tools: Path, *names: str) -> None:
    for name in names:
        (tools / name).write_text("#!/bin/sh\n")
        (tools / name).chmod(0o755)


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda module: module.__name__.rsplit(".", 1)[-1])
def test_what_is_missing_is_one_line(experiment: object, tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        experiment.main(["--target", "bmv2"])  # type: ignore[attr-defined]
    assert left.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "simple_switch and p4c-bm2-ss" in line and "softswitch" in line


def test_only_what_is_missing_is_named(tools: Path) -> None:
    _install(tools, "simple_switch")
    with pytest.raises(Bmv2MissingError) as error:
        require_bmv2()
    assert "p4c-bm2-ss" in str(error.value) and "simple_switch" not in str(error.value)
    _install(tools, "p4c-bm2-ss")
    require_bmv2()


def _options(*arguments: str) -> CommonOptions:
    parser = common_parser("")
    names = available_strategies()
    return common_options(parser.parse_args([*arguments, "--json"]), parser, default=names, available=names)


def test_strategies_that_bmv2_cannot_do_are_left_out(tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _install(tools, "simple_switch", "p4c-bm2-ss")
    options = _options("--target", "bmv2")
    assert "reconcile" not in options.strategies and list(options.left_out) == ["reconcile"]
    assert set(options.strategies) | {"reconcile"} == set(available_strategies())
    assert "left out: reconcile (bmv2 has no RECONCILE_AND_COMMIT" in capsys.readouterr().err
    assert not _options().left_out and "reconcile" in _options().strategies
    with pytest.raises(SystemExit) as left:
        _options("--target", "bmv2", "--strategy", "reconcile")
    assert left.value.code == 2
    assert "strategy reconcile cannot run: bmv2 has no" in capsys.readouterr().err


def test_the_run_of_everything_knows_it_too(tools: Path) -> None:
    _install(tools, "simple_switch", "p4c-bm2-ss")
    options = reproduce.parse(["--target", "bmv2"])
    assert "reconcile" not in options.for_record()["strategies"]
    assert options.strategies(reproduce.EXPERIMENTS[0]) is None  # each experiment leaves out what it has to
    chosen = reproduce.parse(["--target", "bmv2", "--strategy", "state4,reconcile"])
    assert chosen.strategies(reproduce.EXPERIMENTS[0]) == ("state4",)


def test_the_summary_and_the_figure_say_it(tmp_path: Path) -> None:
    left_out = {"reconcile": lacking("bmv2", "reconcile")}
    record = {"target": "bmv2", "profile": "paper", "left_out": left_out}
    folder = ResultFolder.create(tmp_path, "fig3", record, seed=1)
    summary = json.loads(folder.finish(target="bmv2", profile="paper", measured={}, claims=[]).read_text())
    assert summary["left_out"] == left_out
    assert Run(folder.path).small_print().startswith("without reconcile · bmv2 · ")
    plain = ResultFolder.create(tmp_path, "fig3", {"target": "softswitch", "profile": "paper"}, seed=1)
    summary = json.loads(plain.finish(target="softswitch", profile="paper", measured={}, claims=[]).read_text())
    assert "left_out" not in summary and "without" not in Run(plain.path).small_print()
