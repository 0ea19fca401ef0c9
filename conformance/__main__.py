"""`python -m conformance --p4c CHECKOUT`: runs p4c's test data and reports."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from conformance.cases import run_case
from conformance.corpus import Case, cases
from conformance.isolate import Result, run_isolated
from conformance.report import GOALS, Report

KINDS = ("packets", "accept", "refuse", "p4info", "agree")


def main(argv: list[str] | None = None) -> int:
    """Exit code 0: every goal met; 1: some not; 2: wrong use."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("--p4c", type=Path, required=True, help="a checkout of p4c (only its testdata is used)")
    parser.add_argument("--kind", action="append", choices=KINDS, help="run only this kind of test (repeatable)")
    parser.add_argument("--only", default="", metavar="REGEX", help="run only tests whose kind/suite/name matches")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once (default %(default)s)")
    parser.add_argument("--timeout", type=float, default=60, help="seconds for one test (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("results/conformance"), help="folder of the runs")
    options = parser.parse_args(argv)
    console = Console()
    try:
        todo = cases(options.p4c, tuple(options.kind or KINDS), options.only)
    except FileNotFoundError as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    if not todo:
        print(f"conformance: no test matches {options.only!r}", file=sys.stderr)
        return 2
    report = Report(options.p4c)
    for case, result in _with_progress(console, todo, options):
        report.add(case, result)
    path = report.write(options.out)
    _print(console, report)
    console.print(f"Report: {path}")
    return 0 if report.goals_met() else 1


def _with_progress(console: Console, todo: list[Case], options: argparse.Namespace) -> list[tuple[Case, Result]]:
    done = []
    columns = (TextColumn("conformance"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(todo))
        for case, result in run_isolated(todo, run_case, jobs=options.jobs, timeout_s=options.timeout):
            done.append((case, result))
            progress.advance(task)
    return sorted(done, key=lambda pair: pair[0].key)


def _print(console: Console, report: Report) -> None:
    for case, result in report.results:
        if result.status not in GOALS[case.kind].good:
            console.print(f"[red]{result.status}[/red] {case.key}", highlight=False)
            print(textwrap.indent(result.detail.strip()[-800:], "    "))
    table = Table("tests", "passed", "failed", "refused", "crashed", "goal", "met")
    for kind, totals in report.totals().items():
        counts = [str(totals.get(status, 0)) for status in ("passed", "failed", "refused", "crashed")]
        table.add_row(kind, *counts, GOALS[kind].text, "yes" if report.goal_met(kind) else "[red]no[/red]")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
