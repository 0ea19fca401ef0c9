"""A strategy in one new file, unknown to this tree, appears in every figure and in the report."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.text import Text

from experiments.registry import EXPERIMENTS, NONE
from experiments.reproduce import runner as reproduce
from experiments.reproduce.options import Options
from plots.load import Run
from state4 import strategies
from tests.doc_examples import write_example

NAME, LABEL = "state4_twice", "state4 twice"
SHORT = ("--repeats", "1", "--control-plane", "native")
# What makes an experiment still shorter: what is drawn and reported is the same.
SHORTER = {
    "scenario": ("--duration", "2"),
    "fig3": ("--duration", "3"),
    "fig4": ("--duration", "2"),
    "delta_loss": ("--duration", "2", "--rate", "10"),
    "fig6": ("--duration", "2"),
    "cloning_cost": ("--duration", "2", "--loads", "50"),
    "scaling": ("--duration", "1", "--sizes", "1K", "--registers", "1"),
}
COMPARING = tuple(experiment for experiment in EXPERIMENTS if experiment.strategies != NONE)

PLANNED = """
import importlib, json, sys
from experiments.registry import EXPERIMENTS, NONE

class Planned(Exception):
    pass

def sweep(name, options, trials, *_, **__):
    raise Planned(options.strategies)

found = {}
for experiment in EXPERIMENTS:
    if experiment.strategies == NONE:
        continue
    module = importlib.import_module(f"experiments.{experiment.name}")
    module.run_sweep = sweep
    try:
        module.main(["--out", sys.argv[1]])
    except Planned as planned:
        found[experiment.name] = planned.args[0]
print(json.dumps(found))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a strategy, known to the programs that are started and to this process."""
    folder = write_example(f"strategies/{NAME}.py", tmp_path).parent
    monkeypatch.setenv(strategies.SEARCH_PATH_VARIABLE, str(folder))
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(folder)])
    return folder


def test_every_experiment_plans_it(folder: Path, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", PLANNED, str(tmp_path / "results")]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=os.environ)
    planned = json.loads(done.stdout)
    assert planned.keys() == {experiment.name for experiment in COMPARING}
    for name, names in planned.items():
        assert NAME in names, name


@pytest.mark.timeout(500)
def test_it_is_in_every_figure_and_in_the_report(folder: Path, tmp_path: Path) -> None:
    experiments = [
        replace(experiment, quick_arguments=(*SHORT, *SHORTER.get(experiment.name, ()))) for experiment in COMPARING
    ]
    out = tmp_path / "results"
    options = Options("softswitch", (NAME,), None, seed=1, quick=True, out=out, only=(), new=False, json=True)
    options = replace(options, accept_busy=True)
    assert reproduce.run(options, experiments) == 0
    state = json.loads((out / "report" / "latest" / "state.json").read_text())
    for experiment in experiments:
        result = (out / "report" / "latest" / state[experiment.name]["folder"]).resolve()
        figures = list(result.glob("*.png"))
        assert figures, experiment.name
        for figure in figures:
            drawn = importlib.import_module(f"plots.{figure.stem}").draw(Run(result))
            texts = {text.get_text() for text in drawn.findobj(Text)}
            assert any(LABEL in text for text in texts), (experiment.name, sorted(texts))
    page = (out / "report" / "latest" / "report.html").read_text()
    for experiment in experiments:
        section = page.split(f'<section id="{experiment.name}">')[1].split("</section>")[0]
        assert LABEL in section, experiment.name
