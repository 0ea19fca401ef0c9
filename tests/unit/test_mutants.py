"""What `make mutants` reports about the mistakes that it has made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import mutants
from tests.mutants import Change, Mutant, equivalents, report

CHANGES = {
    "a": Change("state4/pacing.py", "if wait > 0:", "if wait >= 0:"),
    "b": Change("state4/pacing.py", "wait = 1", "wait = None"),
    "c": Change("state4/cam.py", "return 1", "return 2"),
}


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Mutant]:
    monkeypatch.setattr(Mutant, "change", lambda self: CHANGES[self.name])
    statuses = {"a": "survived", "b": "killed", "c": "no tests", "d": "timeout", "e": "not checked"}
    return [
        Mutant(name, "state4/cam.py" if name in "cd" else "state4/pacing.py", status)
        for name, status in statuses.items()
    ]


def test_what_survives_is_printed_and_what_did_not_run_does_not_count(
    found: list[Mutant], capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(found, {}) == 0.5
    printed = capsys.readouterr().out
    assert "a (survived)\n  - if wait > 0:\n  + if wait >= 0:" in printed and "c (no tests)" in printed
    assert "50.0%      1 of     2  state4/pacing.py" in printed and "wait = 1" not in printed


def test_what_nobody_could_see_does_not_count(found: list[Mutant], capsys: pytest.CaptureFixture[str]) -> None:
    assert report(found, {CHANGES["a"]: "waiting for 0 s is no waiting"}) == pytest.approx(2 / 3)
    assert "without 1 that change nothing to see" in capsys.readouterr().out


def test_a_diff_becomes_what_was_there_and_what_is_now() -> None:
    diff = ["--- a", "+++ b", "     x = [", "-        1,", "-    ]", "+    x = None"]
    assert (mutants._lines_of(diff, "-"), mutants._lines_of(diff, "+")) == ("1, ]", "x = None")


def test_every_known_one_has_a_reason_and_a_line_that_is_there() -> None:
    root = Path(mutants.__file__).parents[1]
    for change, why in equivalents().items():
        lines = [line.strip() for line in (root / change.file).read_text().splitlines()]
        assert why and change.old != change.new
        assert change.old in lines or change.old in " ".join(lines), f"{change.file} has no longer: {change.old}"
