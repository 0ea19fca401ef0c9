"""The report as one self-contained HTML file: can be opened offline, read on a phone, and printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from experiments.report.images import data_uri, size_of
from experiments.report.measured import Numbers
from experiments.report.model import ERROR, FAILS, HOLDS, ClaimResult, Report, Section
from experiments.report.text import (
    SIGNS,
    STATISTICS,
    TITLE,
    facts,
    headline,
    mode,
    name_of,
    principal,
    repeat_commands,
    section_facts,
    strategy_labels,
    target_names,
    texts_by_target,
    verdicts_by_target,
)

_STYLE = Path(__file__).with_name("style.css")
_CLASSES = {HOLDS: "holds", FAILS: "fails", ERROR: "error"}


def render(report: Report) -> str:
    """The whole document."""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(TITLE)}, {escape(report.run)}</title>",
        f"<style>\n{_STYLE.read_text()}</style></head><body>",
        _header(report),
        "<main>",
        _overview(report),
        *(_section(section, report) for section in report.sections),
        _environment(report),
        _repeat(report),
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _header(report: Report) -> str:
    links = [("claims", "Claims"), *((s.experiment.name, s.experiment.title) for s in report.sections)]
    links += [("environment", "Environment"), ("repeat", "How to repeat")]
    items = "".join(f'<li><a href="#{escape(name)}">{escape(text)}</a></li>' for name, text in links)
    return (
        f"<header><h1>{escape(TITLE)}</h1>"
        f'<p class="sub">State-preserving Reconfiguration of P4-programmable Switches (IEEE NetSoft 2023). '
        f"Run {escape(report.run)}, {escape(mode(report))}.</p>"
        f'<p class="headline">{escape(headline(report))}.</p>'
        f'<nav aria-label="Contents"><ul>{items}</ul></nav></header>'
    )


def _overview(report: Report) -> str:
    rows = []
    targets = target_names(report) if report.others else ("Measured",)
    for result in report.claims:
        measured = "".join(
            f'<td data-label="{escape(target)}">{_leading(result, report, column)}</td>'
            for column, target in enumerate(targets)
        )
        rows.append(
            f'<tr><th scope="row"><a href="#{escape(result.experiment.name)}">{escape(result.claim.id)}</a> '
            f'{escape(result.claim.title)} <span class="where">{escape(result.claim.figure)}</span></th>'
            f'<td data-label="Published">{escape(result.claim.published)}</td>'
            f"{measured}"
            f'<td data-label="Verdict">{_badge(result.verdict, result.better)}</td></tr>'
        )
    mixed = (
        '<p class="notice">The results come from different versions of the source: '
        f"{escape(', '.join(report.commits))}.</p>"
        if len(report.commits) > 1
        else ""
    )
    return (
        '<section id="claims"><h2>Claims</h2>'
        f"{mixed}"
        '<table class="claims"><thead><tr><th scope="col">Claim</th><th scope="col">Published</th>'
        f"{_heads(targets)}"
        '<th scope="col">Verdict</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
        f'<p class="note">{escape(STATISTICS)}</p></section>'
    )


def _leading(result: ClaimResult, report: Report, column: int) -> str:
    """The leading numbers of a claim on one target; with its verdict where there are several."""
    texts = [(number, texts_by_target(result, number, report)[column]) for number in principal(result)]
    items = [f"<li>{escape(name_of(number, report))}: <b>{escape(text)}</b></li>" for number, text in texts if text]
    badge = _badge(verdicts_by_target(result, report)[column]) if report.others else ""
    return f"<ul>{''.join(items)}</ul>{badge}" if items else badge or "–"


def _heads(texts: Sequence[str]) -> str:
    return "".join(f'<th scope="col">{escape(text)}</th>' for text in texts)


def _data(texts: Sequence[str]) -> str:
    return "".join(f"<td>{escape(text) or '–'}</td>" for text in texts)


def _badge(verdict: str, better: str = "") -> str:
    more = '<span class="where">better than published</span>' if better else ""
    return (
        f'<span class="badge {_CLASSES.get(verdict, "open")}">'
        f'<span aria-hidden="true">{SIGNS.get(verdict, "–")}</span> {escape(verdict)}</span>{more}'
    )


def _section(section: Section, report: Report) -> str:
    parts = [
        f'<section id="{escape(section.experiment.name)}"><h2>{escape(section.experiment.title)}</h2>',
        f'<p class="note">{escape(section_facts(section))}.</p>',
        *(_claim(result, report) for result in section.claims),
        *(_figure(path, section.experiment.title, section.experiment.shows) for path in section.figures),
    ]
    if section.trials:
        items = "".join(f"<li>{escape(note)}</li>" for note in section.trials)
        parts.append(f"<details><summary>Trials that were repeated or do not count</summary><ul>{items}</ul></details>")
    if section.tables:
        labels = strategy_labels(report)
        tables = "".join(_table(table, labels) for table in section.tables)
        parts.append(f"<details><summary>All numbers of this experiment</summary>{tables}</details>")
    return "".join([*parts, "</section>"])


def _claim(result: ClaimResult, report: Report) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name_of(number, report))}</th>'
        f"{_data((number.published, *texts_by_target(result, number, report)))}</tr>"
        for number in result.numbers
    )
    table = (
        '<div class="wide"><table class="numbers"><thead><tr><td></td><th scope="col">published</th>'
        f"{_heads(target_names(report))}</tr></thead><tbody>{rows}</tbody></table></div>"
        if rows
        else ""
    )
    better = f"<p><b>Better than published:</b> {_lines(result.better)}</p>" if result.better else ""
    differs = ""
    if result.claim.differs:
        lead = "Why it may differ" if result.verdict == FAILS else "Known differences"
        differs = f'<p class="differs"><b>{lead}.</b> {_code(result.claim.differs)}</p>'
    return (
        f'<div class="claim {_CLASSES.get(result.verdict, "open")}"><h3>{escape(result.claim.id)} '
        f"{_badge(result.verdict)}</h3>"
        f"<p>{_lines(result.why)}</p>{better}{table}{differs}</div>"
    )


def _lines(text: str) -> str:
    """A reason with several parts, or the end of a log, one line for each part."""
    parts = [part for line in text.splitlines() for part in line.split("; ")]
    return "<br>".join(escape(part) for part in parts)


def _code(text: str) -> str:
    """Text in which words between backticks become code."""
    parts = text.split("`")
    return "".join(f"<code>{escape(part)}</code>" if number % 2 else escape(part) for number, part in enumerate(parts))


def _figure(path: Path, title: str, shows: str) -> str:
    width, height = size_of(path)
    return (
        f'<figure><div class="wide"><img src="{data_uri(path)}" width="{width}" height="{height}" '
        f'alt="{escape(f"{title}: {shows}")}"></div>'
        f"<figcaption>{escape(shows)}</figcaption></figure>"
    )


def _table(table: Numbers, labels: Mapping[str, str]) -> str:
    """`labels`: the figures' names of the strategies, used where a strategy's name stands alone."""

    def called(text: str) -> str:
        return escape(labels.get(text, text).replace("_", " "))

    def data(cell: str) -> str:
        return f"<td>{called(cell) or '–'}</td>"

    caption = f"<caption>{called(table.title)}</caption>" if table.title else ""
    head = "".join(f'<th scope="col">{called(column)}</th>' for column in table.columns)
    rows = "".join(
        f'<tr><th scope="row">{called(name)}</th>{"".join(data(cell) for cell in cells)}</tr>'
        for name, cells in zip(table.rows, table.cells, strict=True)
    )
    return (
        f'<div class="wide"><table class="numbers">{caption}<thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _environment(report: Report) -> str:
    return f'<section id="environment"><h2>Environment</h2>{_pairs(list(facts(report)))}</section>'


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in pairs)}</dl>"


def _repeat(report: Report) -> str:
    rows = "".join(
        f"<dt>{escape(text)}</dt><dd><code>{escape(command)}</code></dd>" for text, command in repeat_commands(report)
    )
    return f'<section id="repeat"><h2>How to repeat</h2><dl class="commands">{rows}</dl></section>'
