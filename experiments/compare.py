"""Compares a fresh run of all experiments with the reference: every number of every claim, and the verdicts.

Compares results/report/latest with results/reference (for a run on bmv2 with results/reference/bmv2), or two given
runs. Numbers depend on the machine; the verdicts should be the same. A claim that one of the runs could not judge, or
did not run, is not a contradiction but open.

Exit code: 0: all verdicts are the same; 1: two contradict each other; 2: there is nothing to compare; 3: none
contradict, but one is open.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.claims.stats import Spread
from experiments.harness.main import EXIT_CLAIM_FAILS, EXIT_NOT_JUDGED, EXIT_OK, run_main
from experiments.harness.results import ResultError
from experiments.report.measured import in_words, number
from experiments.report.model import FAILS, HOLDS
from experiments.report.state import REFERENCE, REPORT, result_folders


@dataclass(frozen=True)
class Row:
    """One number of a claim in both runs; None on a side that lacks it. `ratio`: fresh to reference, if both exist."""

    claim: str
    what: str
    unit: str
    reference: Spread | None
    fresh: Spread | None
    ratio: float | None


@dataclass(frozen=True)
class Verdicts:
    """A claim's verdict in both runs; `not in this run` if one lacks it."""

    claim: str
    title: str
    reference: str
    fresh: str

    @property
    def agree(self) -> bool:
        return self.reference == self.fresh

    @property
    def contradict(self) -> bool:
        """Whether one says that the claim holds, and the other that it does not."""
        return {self.reference, self.fresh} == {HOLDS, FAILS}


@dataclass(frozen=True)
class Comparison:
    """Two reports compared. `notes` say why numbers may not be comparable."""

    verdicts: tuple[Verdicts, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    @property
    def agree(self) -> bool:
        return all(verdicts.agree for verdicts in self.verdicts)

    @property
    def exit_code(self) -> int:
        if any(verdicts.contradict for verdicts in self.verdicts):
            return EXIT_CLAIM_FAILS
        return EXIT_OK if self.agree else EXIT_NOT_JUDGED

    def as_dict(self) -> dict[str, Any]:
        return {
            "agree": self.agree,
            "notes": list(self.notes),
            "verdicts": [{**vars(verdicts), "agree": verdicts.agree} for verdicts in self.verdicts],
            "numbers": [
                {
                    **vars(row),
                    "reference": None if row.reference is None else row.reference.as_dict(),
                    "fresh": None if row.fresh is None else row.fresh.as_dict(),
                }
                for row in self.rows
            ],
        }


ABSENT = "not in this run"
_PLAIN_WIDTH = 160  # if the output is not a terminal


def compare(reference: Mapping[str, Any], fresh: Mapping[str, Any]) -> Comparison:
    """Compares two reports in the form of `report.json`, claim by claim and number by number."""
    old = {claim["id"]: claim for claim in reference["claims"]}
    new = {claim["id"]: claim for claim in fresh["claims"]}
    verdicts, rows = [], []
    for name in dict.fromkeys([*old, *new]):
        one, other = old.get(name, {}), new.get(name, {})
        title = (one or other)["title"]
        verdicts.append(Verdicts(name, title, one.get("verdict", ABSENT), other.get("verdict", ABSENT)))
        rows += _rows(name, one, other)
    return Comparison(tuple(verdicts), tuple(rows), tuple(_notes(reference, fresh)))


def _rows(claim: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Row]:
    left = {item["what"]: item for item in one.get("numbers", ()) if item["spread"] is not None}
    right = {item["what"]: item for item in other.get("numbers", ()) if item["spread"] is not None}
    rows = []
    for what in dict.fromkeys([*left, *right]):
        unit = (left.get(what) or right[what])["unit"]
        reference = Spread(**left[what]["spread"]) if what in left else None
        fresh = Spread(**right[what]["spread"]) if what in right else None
        rows.append(Row(claim, what, unit, reference, fresh, _ratio(reference, fresh)))
    return rows


def _ratio(reference: Spread | None, fresh: Spread | None) -> float | None:
    """None if one is missing, or if the reference is 0 and the fresh value is not."""
    if reference is None or fresh is None:
        return None
    if reference.median == fresh.median:
        return 1.0
    return fresh.median / reference.median if reference.median != 0 else None


def _notes(reference: Mapping[str, Any], fresh: Mapping[str, Any]) -> list[str]:
    notes = []
    for name, what in (("quick", "--quick"), ("profile", "the control-plane profile"), ("target", "the switch")):
        one, other = reference["options"].get(name), fresh["options"].get(name)
        if one != other:
            notes.append(f"{what} differs: reference {one}, fresh {other}; numbers are not comparable one to one")
    for side, report in (("reference", reference), ("fresh run", fresh)):
        if not report["complete"]:
            notes.append(f"the {side} is not complete")
    return notes


def read_report(folder: Path) -> dict[str, Any]:
    """The report of a run. Raises ResultError if there is none."""
    path = folder / "report.json"
    if not path.exists():
        raise ResultError(f"{folder} holds no report: make one with `make reproduce`")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def newest_report(out: Path) -> Path:
    """The newest run of all experiments below `out`, complete or not. Raises ResultError if there is none."""
    runs = [name for name in result_folders(out / REPORT) if (out / REPORT / name / "report.json").exists()]
    if not runs:
        raise ResultError(f"no run of all experiments in {out / REPORT}: begin with `make reproduce`")
    return out / REPORT / runs[-1]


def reference_for(fresh: Path, reference: Path) -> Path:
    """The reference of a run's own target: `reference` itself, or its folder for that target."""
    target = read_report(fresh)["options"].get("target")
    own = reference / str(target)
    return own if target and (own / "report.json").exists() else reference


def run(fresh: Path | None, reference: Path, out: Path, as_json: bool) -> int:
    fresh = fresh or newest_report(out)
    reference = reference_for(fresh, reference)
    if not (reference / "report.json").exists():
        raise ResultError(
            f"no reference run in {reference}. Name another run to compare with (--reference results/report/<run>), or "
            f"make this one the reference: python -m experiments.reference --from {fresh}"
        )
    result = compare(read_report(reference), read_report(fresh))
    if as_json:
        print(json.dumps({"reference": str(reference), "fresh": str(fresh), **result.as_dict()}, indent=1))
    else:
        _print(result, reference, fresh)
    return result.exit_code


def _print(result: Comparison, reference: Path, fresh: Path) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
    console.print(f"{fresh} compared with {reference}", markup=False)
    table = Table()
    for column in ("claim", "number", "reference", "fresh", "ratio"):
        table.add_column(column, justify="right" if column == "ratio" else "left")
    for verdicts in result.verdicts:
        same = "same" if verdicts.agree else "[red]contradicts[/]" if verdicts.contradict else "[yellow]open[/]"
        name = f"[b]{verdicts.claim}[/]"
        table.add_row(name, f"[b]{escape(verdicts.title)}[/]", verdicts.reference, verdicts.fresh, same)
        for row in (row for row in result.rows if row.claim == verdicts.claim):
            table.add_row("", escape(row.what), _text(row.reference, row.unit), _text(row.fresh, row.unit), _times(row))
        table.add_section()
    console.print(table)
    for note in result.notes:
        console.print(f"Note: {note}", markup=False)
    console.print(_ENDS[result.exit_code])


_ENDS = {
    EXIT_OK: "All verdicts are the same.",
    EXIT_CLAIM_FAILS: "Not all verdicts are the same.",
    EXIT_NOT_JUDGED: "No verdicts contradict each other, but not every claim was judged in both runs.",
}


def _text(value: Spread | None, unit: str) -> str:
    return "–" if value is None else escape(in_words(value, unit))


def _times(row: Row) -> str:
    return "–" if row.ratio is None or not math.isfinite(row.ratio) else f"{number(row.ratio)}×"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("fresh", type=Path, nargs="?", help="default: the newest run in results/report")
    parser.add_argument("--reference", type=Path, default=REFERENCE, help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the results (default: results)")
    parser.add_argument("--json", action="store_true", help="print only the comparison, as JSON")
    given = parser.parse_args(arguments)
    return run_main(lambda: run(given.fresh, given.reference, given.out, given.json))


if __name__ == "__main__":
    sys.exit(main())
