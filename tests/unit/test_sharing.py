"""How several processes share the tests: what stays together, and what begins first."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import conftest

TESTS = Path(conftest.__file__).parent


def item(path: str, *marks: str) -> Any:
    """What the hooks look at in a test; the group that it is given is its `group`."""

    def add_marker(mark: pytest.MarkDecorator) -> None:
        (made.group,) = mark.args

    def get_closest_marker(name: str) -> object:
        return name if name in marks else None

    made = SimpleNamespace(path=TESTS / path, add_marker=add_marker, get_closest_marker=get_closest_marker, group="")
    return made


def test_the_groups_are_those_that_the_processes_go_by(request: pytest.FixtureRequest) -> None:
    """pytest-xdist adds the group to the name of a test, if it has one when pytest-xdist looks."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("the tests run in one process")
    assert request.node.nodeid.endswith(f"@{Path(__file__)}")


def test_files_stay_together_networks_take_turns_and_the_longest_begins_first() -> None:
    given = [
        item("bmv2/test_in_mininet.py", "root", "bmv2"),
        item("net/experiments/test_fig6.py", "root"),
        item("net/test_ports.py"),
        item("switch/test_cli.py"),
        item("switch/state4/test_rule.py", "long"),
        item("switch/test_cli.py"),
        item("unit/test_docs.py"),
    ]
    items = list(given)
    conftest.pytest_collection_modifyitems(items)
    assert [made.path.name for made in items] == [
        "test_fig6.py",
        "test_in_mininet.py",
        "test_ports.py",
        "test_rule.py",
        "test_cli.py",
        "test_cli.py",
        "test_docs.py",
    ]
    files = [str(TESTS / "switch" / name) for name in ("state4/test_rule.py", "test_cli.py", "test_cli.py")]
    groups = [conftest.EXPERIMENTS, conftest.NETWORKS, conftest.NETWORKS, *files, str(TESTS / "unit/test_docs.py")]
    assert [made.group for made in items] == groups


def test_what_is_compiled_is_kept_for_the_processes_that_the_tests_start() -> None:
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ
