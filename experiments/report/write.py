"""Writes the report of a run into its folder, in all forms. `python -m experiments.report RUN` repeats it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments.registry import EXPERIMENTS, Experiment
from experiments.report import html, markdown
from experiments.report.model import Report, build_report
from experiments.report.state import ReportRun


def write_report(run: ReportRun, experiments: Sequence[Experiment] = EXPERIMENTS) -> tuple[Report, Path]:
    """Returns the report and its HTML file."""
    report = build_report(run, experiments)
    run.folder.write_json("report.json", report.as_dict())
    run.folder.write_text("report.md", markdown.render(report))
    return report, run.folder.write_text("report.html", html.render(report))
