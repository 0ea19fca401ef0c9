"""Texts used by both forms of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from experiments.harness.options import TARGETS
from experiments.report.measured import in_words
from experiments.report.model import ERROR, FAILS, HOLDS, MISSING, OPEN, ClaimResult, Number, Report, Section

TITLE = "State4: reproduction report"

# Verdicts are shown by sign and word, never by colour alone.
SIGNS = {HOLDS: "✓", FAILS: "✗", ERROR: "!", OPEN: "?", MISSING: "–"}

STATISTICS = (
    "Numbers are medians over the repeats with a 95 % confidence interval in brackets (percentile bootstrap, 2000 "
    "resamples, fixed seed); n is the number of repeats. With few repeats the interval is close to the smallest and "
    "the largest value. One run has no spread, and is marked so. A threshold counts against the interval: where it "
    "lies inside, the claim is not judged; of a single run the value is taken to be known to a quarter. Trials that "
    "were disturbed are repeated, at most twice each, and do not count when they stay so."
)


def headline(report: Report) -> str:
    """`5 of 6 claims hold (1 better than published), 1 does not`; with several targets, for each of them."""
    own = _count_in_words([(result.verdict, bool(result.better)) for result in report.claims])
    if not report.others:
        return own
    parts = [f"{report.options.get('target', 'measured')}: {own}"]
    for other in report.others:
        verdicts = [(verdict, claim in other.better) for claim, verdict in other.verdicts.items()]
        parts.append(f"{other.target}: {_count_in_words(verdicts)}")
    return "; ".join(parts)


def _count_in_words(verdicts: Sequence[tuple[str, bool]]) -> str:
    """From (verdict, better than published) of each claim."""
    count = Counter(verdict for verdict, _ in verdicts)
    better = sum(is_better for _, is_better in verdicts)
    parts = [
        f"{count[HOLDS]} of {len(verdicts)} claims hold" + (f" ({better} better than published)" if better else "")
    ]
    if failing := count[FAILS]:
        parts.append(f"{failing} {'does' if failing == 1 else 'do'} not")
    if left := count[OPEN]:
        parts.append(f"{left} could not be judged")
    if errors := count[ERROR]:
        parts.append(f"{errors} not judged because of an error")
    if missing := count[MISSING]:
        parts.append(f"{missing} not run yet")
    return ", ".join(parts)


def verdict_in_words(verdict: str, better: str) -> str:
    """`holds, better than published`."""
    return f"{verdict}, better than published" if better else verdict


def mode(report: Report) -> str:
    if report.quick:
        return "quick run: the same checks on compressed time lines, fewer points and repeats"
    return "full run"


def strategy_labels(report: Report) -> dict[str, str]:
    """The figures' names of a run's strategies."""
    from plots.style import strategy_label  # importing matplotlib takes a while

    return {name: strategy_label(name) for name in report.options.get("strategies") or ()}


def name_of(number: Number, report: Report) -> str:
    """The description of a number, with the figures' names of strategies."""
    strategy, colon, rest = number.what.partition(": ")
    label = strategy_labels(report).get(strategy)
    return f"{label}{colon}{rest}" if colon and label else number.what


def principal(result: ClaimResult) -> tuple[Number, ...]:
    """The numbers for an overview: those that the paper also has, or else the first few."""
    return tuple(number for number in result.numbers if number.published) or result.numbers[:4]


def measured_text(number: Number) -> str:
    return number.text if number.spread is None else in_words(number.spread, number.unit)


def target_names(report: Report) -> tuple[str, ...]:
    """Headings of the columns of measured values: one column per target, the run's own first."""
    if not report.others:
        return ("measured",)
    others = (f"{other.target}{' (quick)' if other.quick != report.quick else ''}" for other in report.others)
    return (str(report.options.get("target", "measured")), *others)


def texts_by_target(result: ClaimResult, number: Number, report: Report) -> tuple[str, ...]:
    """A number as measured on each target; empty if a target has none."""
    others = (other.numbers.get((result.claim.id, number.what), "") for other in report.others)
    return (measured_text(number), *others)


def verdicts_by_target(result: ClaimResult, report: Report) -> tuple[str, ...]:
    return (result.verdict, *(other.verdicts.get(result.claim.id, MISSING) for other in report.others))


def facts(report: Report) -> Iterator[tuple[str, str]]:
    """What the results depend on, as names and values."""
    host = report.environment["host"]
    options = report.options
    yield "Run", f"{report.run} ({mode(report)})"
    yield "Started", report.started
    yield "Measuring time", duration_in_words(report.seconds)
    yield "Command", report.command
    yield "Source", ", ".join(report.commits) or "not a git checkout"
    yield "Switch", str(options.get("target", ""))
    for other in report.others:
        yield f"Beside it, {other.target}", f"run {other.run}{', quick' if other.quick else ''}"
    yield "Control plane", _PROFILES[options.get("profile")]
    yield "Strategies", ", ".join(options.get("strategies") or ())
    yield "Machine", f"{host['cpu'] or host['architecture']}, {host['cores']} cores, {host['memory_gib']} GiB"
    yield "System", f"{host['distribution']}, {host['kernel']}"
    yield "Compiler", report.environment.get("compiler") or "none found"
    yield "bmv2", report.environment.get("bmv2") or "not installed"
    packages = report.environment["packages"]
    versions = ", ".join(f"{name} {version}" for name, version in packages.items() if version)
    yield "Python", f"{report.environment['python']}; {versions}"


_PROFILES: dict[str | None, str] = {
    None: "paper (register access paced so that the chained program takes the published 1.82 s) unless a result says "
    "otherwise",
    "paper": "paper: register access paced so that the chained program takes the published 1.82 s",
    "native": "native: register access as fast as ours is",
}


def repeat_commands(report: Report) -> Iterator[tuple[str, str]]:
    """How to get these results again: explanation and command."""
    target = str(report.options.get("target", TARGETS[0]))
    common = [] if target == TARGETS[0] else ["--target", target]
    if report.quick:
        common.append("--quick")
    yield "Everything; an interrupted run continues where it stopped", _make("reproduce", common)
    for section in report.sections:
        experiment = section.experiment
        arguments = experiment.quick_arguments if report.quick else experiment.arguments
        yield f"{experiment.title} only", _make(experiment.make, [*common, *arguments])
    yield "Compare this run with the reference in this repository", "make compare"


def _make(target: str, arguments: list[str]) -> str:
    return f'make {target} ARGS="{" ".join(arguments)}"' if arguments else f"make {target}"


def section_facts(section: Section) -> str:
    """One line on how an experiment went."""
    if section.status != "done":
        return f"{section.status}{f': {section.error}' if section.error else ''}"
    below = "/".join(part for part in PurePosixPath(section.folder or "").parts if part != "..")
    folder = f"; data in {below}" if below else ""
    return f"{section.target}, control plane {section.profile}, {duration_in_words(section.seconds)}{folder}"


def duration_in_words(seconds: float) -> str:
    """`about 2 h 10 min`, `about 7 min`, `less than a minute`."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    hours, rest = divmod(minutes, 60)
    if hours == 0:
        return f"about {minutes} min"
    return f"about {hours} h {rest} min" if rest else f"about {hours} h"
