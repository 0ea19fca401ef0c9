"""The report as Markdown: readable as text, and with figures in viewers that follow links."""

from __future__ import annotations

import os

from experiments.report.model import FAILS, Report, Section
from experiments.report.text import (
    SIGNS,
    STATISTICS,
    TITLE,
    facts,
    headline,
    name_of,
    principal,
    repeat_commands,
    section_facts,
    target_names,
    texts_by_target,
    verdict_in_words,
    verdicts_by_target,
)


def render(report: Report) -> str:
    lines = [f"# {TITLE}", "", f"**{headline(report)}.**", ""]
    if len(report.commits) > 1:
        lines += ["The results come from different versions of the source; see below.", ""]
    targets = target_names(report)
    lines += row("claim", "published", *targets, "verdict"), "|---" * (len(targets) + 3) + "|"
    for result in report.claims:
        measured = []
        for column, verdict in enumerate(verdicts_by_target(result, report)):
            texts = ((number, texts_by_target(result, number, report)[column]) for number in principal(result))
            lead = [f"{name_of(number, report)}: {text}" for number, text in texts if text]
            if len(targets) > 1:
                lead.append(verdict_text(verdict))
            measured.append("<br>".join(lead) or "–")
        name = f"**{result.claim.id}** {result.claim.title} ({result.claim.figure})"
        verdict = verdict_text(verdict_in_words(result.verdict, result.better), result.verdict)
        lines.append(row(name, result.claim.published, *measured, verdict))
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
        if result.better:
            lines += [f"Better than published: {_cell(result.better)}.", ""]
        if result.numbers:
            targets = target_names(report)
            lines += row("", "published", *targets), "|---" * (len(targets) + 2) + "|"
            for number in result.numbers:
                texts = (text or "–" for text in texts_by_target(result, number, report))
                lines.append(row(name_of(number, report), number.published or "–", *texts))
            lines.append("")
        if result.claim.differs:
            lines += [
                f"{'Why it may differ' if result.verdict == FAILS else 'Known differences'}: {result.claim.differs}",
                "",
            ]
    lines += [f"- {_cell(note)}" for note in section.trials]
    lines += [""] if section.trials else []
    for figure in section.figures:
        path = os.path.relpath(figure, report.path.resolve())
        lines += [f"![{section.experiment.title}]({path})", "", f"{section.experiment.shows}", ""]
    return lines


def verdict_text(text: str, verdict: str = "") -> str:
    """A verdict with its sign, or with more detailed text."""
    return f"{SIGNS.get(verdict or text, '–')} {text}"


def row(*cells: str) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
