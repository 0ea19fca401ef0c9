"""The commands in docs/reproducing.md exist, and its examples are what they claim to be."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.harness.results import ResultError
from experiments.registry import EXPERIMENTS
from experiments.report.readme import BEGIN, END, README, claims_table, write_claims_table
from experiments.report.state import REFERENCE
from p4front.load import load_program
from state4.cam import analyse
from tests.doc_examples import PAGE, ROOT, example, write_example

TEXT = PAGE.read_text()


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z0-9-]+)", "\n".join(re.findall(r"`make [^`]*`|^make .*", TEXT, re.MULTILINE))))
    assert named and named <= targets


def test_every_place_in_the_architecture_exists() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    rooms = "p4front|softswitch|state4|experiments|plots|topologies|nfs|conformance|docs"
    places = set(re.findall(rf"`((?:{rooms})/[\w./-]*)`", page))
    assert len(places) > 50
    assert not [place for place in places if not (ROOT / place).exists()]


def test_every_module_exists() -> None:
    for name in set(re.findall(r"python -m ([\w.]+)", TEXT)):
        assert importlib.util.find_spec(name) is not None, name


def test_the_readme_shows_the_reference_runs() -> None:
    assert f"{BEGIN}\n\n{claims_table(REFERENCE)}\n\n{END}" in README.read_text()


def test_the_readmes_table_is_written_between_its_marks(tmp_path: Path) -> None:
    readme, reference = tmp_path / "README.md", tmp_path / "reference"
    claim = {
        "id": "C2",
        "title": "Time",
        "verdict": "holds",
        "numbers": [
            {"what": "state4: time", "published": "1.82 s", "unit": "s", "spread": {"median": 1.8149}, "text": ""},
            {"what": "state4: more", "published": "", "unit": "s", "spread": {"median": 1.0}, "text": ""},
        ],
    }
    (reference / "bmv2").mkdir(parents=True)
    (reference / "report.json").write_text(json.dumps({"claims": [claim]}))
    other = {**claim, "verdict": "does not hold", "numbers": []}
    (reference / "bmv2" / "report.json").write_text(json.dumps({"claims": [other]}))
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_claims_table(readme, reference)
    assert readme.read_text().splitlines() == [
        "before",
        BEGIN,
        "",
        "|  | published | softswitch | bmv2 |",
        "|---|---|---|---|",
        "| **C2** Time |  | ✓ holds | ✗ does not hold |",
        "| State4: time | 1.82 s | 1.81 s | – |",
        "",
        END,
        "after",
    ]
    readme.write_text("no place")
    with pytest.raises(ResultError, match="no place"):
        write_claims_table(readme, reference)
    with pytest.raises(ResultError, match="no report"):
        claims_table(tmp_path / "nothing")


def test_every_link_leads_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / link).exists(), link


def test_every_experiment_of_a_claim_has_its_command_in_the_table() -> None:
    for experiment in EXPERIMENTS:
        if experiment.claims:
            assert f"`make {experiment.make}`" in TEXT


@pytest.mark.parametrize("name", ["strategies/state4_twice.py", "pair.py"])
def test_python_examples_parse_and_are_documented(name: str) -> None:
    assert ast.get_docstring(ast.parse(example(name)))


def test_the_network_function_has_one_register_that_is_written(tmp_path: Path) -> None:
    program = write_example("nfs/port_bytes.p4", tmp_path)
    (program.parent / "include").symlink_to(ROOT / "nfs" / "include")
    analysis = analyse(load_program(program))
    registers = [component for component in analysis.components if component.kind == "register"]
    assert [(register.name.rsplit(".", 1)[-1], register.cells) for register in registers] == [("port_bytes", 65536)]
    assert len(analysis.writes) == 1


CHECK = """
import json, sys
from experiments.harness.strategies import available_strategies
from state4.strategies import load_strategy
from plots.style import strategy_style
names = available_strategies()
print(json.dumps({"names": names, "summary": load_strategy("state4_twice").summary,
                  "label": strategy_style("state4_twice").label}))
"""


def test_a_strategy_in_a_folder_of_ones_own_is_found(tmp_path: Path) -> None:
    folder = write_example("strategies/state4_twice.py", tmp_path).parent
    argv = [sys.executable, "-c", CHECK]
    found = subprocess.run(
        argv, env={**os.environ, "STATE4_STRATEGIES": str(folder)}, capture_output=True, text=True, check=True
    )
    content = json.loads(found.stdout)
    assert content["names"][:4] == ["none", "controller", "swing_state", "state4"]
    assert "state4_twice" in content["names"]
    assert content["label"] == "state4 twice"
    without = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "no strategy named 'state4_twice'" in without.stderr


def test_the_tests_that_contributing_names_exist() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (ROOT / "CONTRIBUTING.md").read_text())
    files = {
        file: [path for path in (ROOT / "tests" / "unit").rglob("*.py") if str(path).endswith(f"/{file}")]
        for file, _ in named
    }
    assert len(named) > 10
    for file, name in named:
        assert len(files[file]) == 1, file
        assert f"def {name}(" in files[file][0].read_text(), name
