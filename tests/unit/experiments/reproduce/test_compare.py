"""Comparison of two runs, and the reference that is kept in git."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments import reference
from experiments.claims.base import Verdict
from experiments.compare import ABSENT, compare, main, newest_report, read_report
from experiments.harness.results import ResultError
from experiments.reference import default_target, make_reference
from experiments.report.write import write_report
from tests.unit.experiments.reproduce.reports import EXPERIMENTS, make_run


def run_in(out: Path, **kwargs: object) -> Path:
    run = make_run(out, **kwargs)  # type: ignore[arg-type]
    write_report(run, EXPERIMENTS)
    return run.path


def test_equal_runs_agree(tmp_path: Path) -> None:
    result = compare(read_report(run_in(tmp_path / "a")), read_report(run_in(tmp_path / "b")))
    assert result.agree and result.notes == ()
    assert {row.ratio for row in result.rows} == {1.0}
    assert [verdicts.claim for verdicts in result.verdicts] == ["C1", "C2", "C3"]


def test_numbers_are_shown_with_them_each_other_and_verdicts_decide(tmp_path: Path) -> None:
    old, new = run_in(tmp_path / "a"), run_in(tmp_path / "b", loss=(1.2,), second=Verdict.FAILS)
    result = compare(read_report(old), read_report(new))
    row = next(row for row in result.rows if row.what == "state4: loss")
    assert row.ratio == pytest.approx(2.0)
    assert not result.agree
    assert [verdicts.claim for verdicts in result.verdicts if not verdicts.agree] == ["C2"]


def test_what_one_side_lacks_is_no_number(tmp_path: Path) -> None:
    one, other = read_report(run_in(tmp_path / "a")), read_report(run_in(tmp_path / "b", third="no switch"))
    other["claims"] = [claim for claim in other["claims"] if claim["id"] != "C1"]
    result = compare(one, other)
    assert next(v for v in result.verdicts if v.claim == "C1").fresh == ABSENT
    row = next(row for row in result.rows if row.what == "state4: loss")
    assert row.fresh is None and row.ratio is None
    assert "the fresh run is not complete" in result.notes


def test_a_ratio_to_zero_is_left_out(tmp_path: Path) -> None:
    result = compare(read_report(run_in(tmp_path / "a", loss=(0.0,))), read_report(run_in(tmp_path / "b", loss=(0.1,))))
    assert next(row for row in result.rows if row.what == "state4: loss").ratio is None


def test_comparing_quick_with_full_is_reported(tmp_path: Path) -> None:
    one, other = read_report(run_in(tmp_path / "a")), read_report(run_in(tmp_path / "b"))
    other["options"]["quick"] = True
    assert any("--quick differs" in note for note in compare(one, other).notes)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "results"
    published = tmp_path / "published"
    command = ["--out", str(out), "--reference", str(published)]
    assert main(command) == 2
    assert "begin with `make reproduce`" in capsys.readouterr().err
    first = run_in(out)
    assert main(command) == 2
    assert "no reference run in" in capsys.readouterr().err
    make_reference(first, published, EXPERIMENTS)
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "All verdicts are the same." in text and "0.6 % [0.5, 0.7], n = 3" in text
    run_in(out, second=Verdict.FAILS)
    assert main([*command, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["agree"] is False


def test_the_newest_run_is_taken(tmp_path: Path) -> None:
    run_in(tmp_path)
    newest = run_in(tmp_path)
    assert newest_report(tmp_path).resolve() == newest.resolve()


def test_the_reference_is_small_and_complete(tmp_path: Path) -> None:
    target = tmp_path / "reference"
    source = run_in(tmp_path / "results")
    size = make_reference(source, target, EXPERIMENTS)
    files = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert {"report.html", "report.md", "report.json", "state.json", "run.json"} <= files
    for name in ("first", "second", "third"):
        assert {f"{name}/run.json", f"{name}/summary.json", f"{name}/{name}.png", f"{name}/{name}.pdf"} <= files
    assert not [name for name in files if "samples" in name or "trials" in name]
    assert size < 1_000_000
    assert compare(read_report(source), read_report(target)).agree
    assert "](first/first.png)" in (target / "report.md").read_text()
    assert read_report(target)["run"] == source.name
    make_reference(run_in(tmp_path / "results", second=Verdict.FAILS), target, EXPERIMENTS)  # takes its place
    assert not compare(read_report(source), read_report(target)).agree
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reference", "results"]


def test_each_target_has_a_reference_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, out = tmp_path / "reference", tmp_path / "results"
    soft, bmv2 = run_in(out), run_in(out, target="bmv2", second=Verdict.FAILS)
    assert default_target(soft) == Path("results/reference")
    assert default_target(bmv2) == Path("results/reference/bmv2")
    make_reference(soft, target, EXPERIMENTS)
    make_reference(bmv2, target / "bmv2", EXPERIMENTS)
    make_reference(soft, target, EXPERIMENTS)  # anew: the other one stays
    for folder in (target, target / "bmv2"):
        assert "| softswitch |" in (folder / "report.md").read_text() and read_report(folder)["others"]
    assert main([str(bmv2), "--reference", str(target), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reference"] == str(target / "bmv2")


def test_an_unfinished_or_too_large_run_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "reference"
    with pytest.raises(ResultError, match="is not complete: third"):
        make_reference(run_in(tmp_path / "a", third="no switch"), target, EXPERIMENTS)
    monkeypatch.setattr(reference, "LIMIT_BYTES", 1000)
    with pytest.raises(ResultError, match=r"too much for git \(limit 1,000\); the largest: report.html"):
        make_reference(run_in(tmp_path / "b"), target, EXPERIMENTS)
    assert not target.exists()
