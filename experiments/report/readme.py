"""The table of the README: every claim as published, and as measured by the reference runs on each target.

python -m experiments.report.readme writes it between its markers; so does `experiments.reference`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments.harness.main import EXIT_OK, run_main
from experiments.harness.options import TARGETS
from experiments.harness.results import ResultError
from experiments.report.markdown import row, verdict_text
from experiments.report.measured import number
from experiments.report.other_targets import read_report
from experiments.report.state import REFERENCE

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- claims: begin (experiments/report/readme.py) -->", "<!-- claims: end -->"


def claims_table(reference: Path) -> str:
    """Markdown: a row with the verdicts for each claim, and one for each of its numbers that the paper also has.

    Raises ResultError if there is no reference run on the default target.
    """
    reports = {target: read_report(reference / target if place else reference) for place, target in enumerate(TARGETS)}
    if not reports[TARGETS[0]]:
        raise ResultError(f"there is no report in {reference}")
    there = {target: report for target, report in reports.items() if report}
    lines = [row("", "published", *there), "|---" * (len(there) + 2) + "|"]
    for claim in there[TARGETS[0]]["claims"]:
        same = [next((c for c in report["claims"] if c["id"] == claim["id"]), None) for report in there.values()]
        verdicts = (verdict_text(c["verdict"]) if c else "–" for c in same)
        lines.append(row(f"**{claim['id']}** {claim['title']}", "", *verdicts))
        for what, published in _shown(claim):
            lines.append(row(_name(what), published, *(_median(c, what) for c in same)))
    return "\n".join(lines)


def _shown(claim: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for measured in claim["numbers"]:
        if measured["published"]:
            yield measured["what"], measured["published"]


def _median(claim: Mapping[str, Any] | None, what: str) -> str:
    found = next((n for n in claim["numbers"] if n["what"] == what), None) if claim else None
    if found is None:
        return "–"
    return str(found["text"] or f"{number(found['spread']['median'])} {found['unit']}")


def _name(what: str) -> str:
    from plots.style import strategy_label  # importing matplotlib takes a while

    strategy, colon, rest = what.partition(": ")
    return f"{strategy_label(strategy)}{colon}{rest}" if colon else what


def write_claims_table(readme: Path = README, reference: Path = REFERENCE) -> None:
    """Raises ResultError if the file has no markers for the table."""
    before, begin, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ResultError(f"{readme} has no place for the table: {BEGIN} ... {END}")
    readme.write_text(f"{before}{begin}\n\n{claims_table(reference)}\n\n{end}{after}", encoding="utf-8")


def main() -> int:
    def run() -> int:
        write_claims_table()
        return EXIT_OK

    return run_main(run)


if __name__ == "__main__":
    sys.exit(main())
