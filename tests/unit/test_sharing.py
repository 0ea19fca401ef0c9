"""How several processes share the tests: what stays together, and what begins first."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

from tests import conftest
from tests.doc_examples import ROOT


def item(nodeid: str, *marks: str) -> Any:
    """What the hooks look at in a test."""
    return SimpleNamespace(nodeid=nodeid, get_closest_marker=lambda name: name if name in marks else None)


def test_files_stay_together_networks_take_turns_and_the_longest_begins_first() -> None:
    items = [
        item("tests/bmv2/test_in_mininet.py::a", "root", "bmv2"),
        item("tests/net/experiments/test_fig6.py::a"),
        item("tests/net/test_ports.py::a[x]"),
        item("tests/switch/test_cli.py::a"),
        item("tests/switch/state4/test_rule.py::a", "long"),
        item("tests/switch/test_cli.py::b[y::z]"),
    ]
    conftest.pytest_collection_modifyitems(items)
    assert [conftest.group_of(made.nodeid) for made in items] == [
        conftest.EXPERIMENTS,
        conftest.NETWORKS,
        conftest.NETWORKS,
        "tests/switch/state4/test_rule.py",
        "tests/switch/test_cli.py",
        "tests/switch/test_cli.py",
    ]


def test_the_processes_go_by_the_groups() -> None:
    """As `make test` starts them, with two files of several tests."""
    (options,) = re.findall(r"^TEST_PROCESSES \?= (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    files = ("tests/unit/state4/test_cancel.py", "tests/unit/state4/test_events.py")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    argv = [sys.executable, "-m", "pytest", *options.split(), "-n", "2", "-vv", *files]
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    ran = set(re.findall(r"\[(gw\d)\].* PASSED (\S+\.py)::", done.stdout))
    assert len(ran) == 2 and {file for _, file in ran} == set(files), done.stdout


def test_what_is_compiled_is_kept_for_the_processes_that_the_tests_start() -> None:
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ
