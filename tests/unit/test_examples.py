"""The scripts of examples/ do what they say: each is run as a reader would run it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.doc_examples import ROOT

FOLDER = ROOT / "examples"
PRINTED = {
    "switch_in_20_lines": ["[(2, 100)]", "[(2, 100)]", "[]", "bytes of Alice: 300"],
    "network_function": [
        "register MyIngress.used: 256 cells of 32 bits",
        "written at line 48: MyIngress.used[sender] = sum",
        "a change to itself carries 256 cells and 2 tables",
    ],
    "strategy": ["second_look: 256 cells carried", "the new program has them: True"],
    "change_by_hand": ["before: [2]", "saved, and the old one forwards: [2]", "after: [1]"],
}
"""Lines that each script prints, in this order, whatever else it prints."""


@pytest.mark.parametrize("name", PRINTED)
def test_example(name: str) -> None:
    done = subprocess.run([sys.executable, str(FOLDER / f"{name}.py")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if line in PRINTED[name]] == PRINTED[name], done.stdout


def test_every_example_is_run_and_listed() -> None:
    scripts = {path.stem for path in FOLDER.glob("*.py")} - {"running_switch", "mininet_network"}
    assert scripts == set(PRINTED)
    page = (FOLDER / "README.md").read_text()
    assert all(f"`{name}.py`" in page for name in PRINTED)
