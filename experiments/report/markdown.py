"""The report as Markdown: reads as text, and shows the figures where a viewer follows links."""

from __future__ import annotations

import os

from experiments.report.model import FAILS, Report, Section
from experiments.report.text import (
    SIGNS,
    STATISTICS,
    TITLE,
    facts,
    headline,
    measured_text,
    name_of,
    principal,
    repeat_commands,
    section_facts,
)


def render(report: Report) -> str:
    lines = [f"# {TITLE}", "", f"**{headline(report)}.**", ""]
    if len(report.commits) > 1:
        lines += ["The results come from different versions of the source; see below.", ""]
    lines += ["| claim | published | measured | verdict |", "|---|---|---|---|"]
    for result in report.claims:
        lead = (f"{name_of(number, report)}: {measured_text(number)}" for number in principal(result))
        numbers = "<br>".join(lead) or "–"
        name = f"**{result.claim.id}** {result.claim.title} ({result.claim.figure})"
        verdict = f"{SIGNS[result.verdict]} {result.verdict}"
        lines.append(f"| {_cell(name)} | {_cell(result.claim.published)} | {_cell(numbers)} | {verdict} |")
    lines += ["", STATISTICS, ""]
    for section in report.sections:
        lines += _section(report, section)
    lines += ["## Environment", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {_cell(value)} |" for name, value in facts(report)]
    lines += ["", "## How to repeat", "", "```sh"]
    commands = list(repeat_commands(report))
    width = max(len(command) for _, command in commands)
    lines += [f"{command:<{width}}   # {text}" for text, command in commands]
    return "\n".join([*lines, "```", ""])


def _section(report: Report, section: Section) -> list[str]:
    lines = [f"## {section.experiment.title}", "", f"{_cell(section_facts(section))}.", ""]
    for result in section.claims:
        lines += [f"**{result.claim.id} {result.verdict}**: {_cell(result.why)}.", ""]
        if result.numbers:
            lines += ["| | published | measured |", "|---|---|---|"]
            for number in result.numbers:
                lines.append(
                    f"| {_cell(name_of(number, report))} | {_cell(number.published) or '–'} "
                    f"| {_cell(measured_text(number))} |"
                )
            lines.append("")
        if result.claim.differs:
            lines += [
                f"{'Why it may differ' if result.verdict == FAILS else 'Known differences'}: {result.claim.differs}",
                "",
            ]
    for figure in section.figures:
        path = os.path.relpath(figure, report.path.resolve())
        lines += [f"![{section.experiment.title}]({path})", "", f"{section.experiment.shows}", ""]
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
