"""The contents of a report, independent of its form: built from result folders only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.claims.base import PublishedClaim, Verdict, verdict_of
from experiments.claims.catalogue import CLAIMS
from experiments.claims.stats import Spread
from experiments.registry import EXPERIMENTS, Experiment
from experiments.report.measured import Numbers, flat_numbers, number_tables
from experiments.report.other_targets import OtherTarget, find_other_targets
from experiments.report.state import DONE, FAILED, INTERRUPTED, ReportRun

HOLDS, FAILS, OPEN = (verdict.value for verdict in (Verdict.HOLDS, Verdict.FAILS, Verdict.NOT_JUDGED))
ERROR, MISSING = "error", "not run"


@dataclass(frozen=True)
class Number:
    """A measured number of a claim. `published` is empty if the paper has none; `spread` is None for plain text."""

    what: str
    published: str
    spread: Spread | None
    text: str
    unit: str


@dataclass(frozen=True)
class ClaimResult:
    """A claim and its result. `why`: the reason of the verdict; `better`: what is better than published; covered: False
    if the run was not meant to judge the claim."""

    claim: PublishedClaim
    experiment: Experiment
    verdict: str
    why: str
    numbers: tuple[Number, ...]
    better: str = ""
    covered: bool = True


@dataclass(frozen=True)
class Section:
    """One experiment. `folder`: its result folder, as a path relative to the report; `error`: what went wrong;
    `trials`: those that do not count and those that were repeated, each with the reason."""

    experiment: Experiment
    status: str
    error: str | None
    seconds: float
    folder: str | None
    profile: str
    target: str
    command: str
    claims: tuple[ClaimResult, ...]
    figures: tuple[Path, ...]
    tables: tuple[Numbers, ...]
    trials: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """The contents of a report. `environment` and `options` are those of `run.json`; `others`: the reports of other
    targets, if there are any."""

    run: str
    path: Path
    started: str
    command: str
    options: dict[str, Any]
    environment: dict[str, Any]
    commits: tuple[str, ...]
    claims: tuple[ClaimResult, ...]
    sections: tuple[Section, ...]
    others: tuple[OtherTarget, ...] = ()

    @property
    def complete(self) -> bool:
        return all(section.status == DONE for section in self.sections)

    @property
    def quick(self) -> bool:
        return bool(self.options.get("quick"))

    @property
    def seconds(self) -> float:
        return sum(section.seconds for section in self.sections)

    def count(self, verdict: str) -> int:
        return sum(result.verdict == verdict for result in self.claims)

    def as_dict(self) -> dict[str, Any]:
        """The report as data: `report.json`."""
        return {
            "run": self.run,
            "started": self.started,
            "complete": self.complete,
            "options": self.options,
            "environment": self.environment,
            "commits": list(self.commits),
            "others": [{"target": other.target, "run": other.run, "quick": other.quick} for other in self.others],
            "claims": [_claim_dict(result) for result in self.claims],
            "experiments": [
                {
                    "name": section.experiment.name,
                    "status": section.status,
                    "error": section.error,
                    "seconds": round(section.seconds, 1),
                    "folder": section.folder,
                }
                for section in self.sections
            ],
        }


def build_report(run: ReportRun, experiments: Sequence[Experiment] = EXPERIMENTS) -> Report:
    """Reads the result folders of a run. Missing and failed results are shown as such; no number replaces them."""
    description = run.description()
    known = {experiment.name: experiment for experiment in experiments}
    sections = tuple(_section(run, known[name]) for name in run.experiments if name in known)
    claims = [result for section in sections for result in section.claims]
    order = {claim.id: place for place, claim in enumerate(CLAIMS)}
    claims.sort(key=lambda result: order.get(result.claim.id, len(order)))
    return Report(
        run=description["run"],
        path=run.path,
        started=description["started"],
        command=" ".join(description["command"]),
        options=description["options"],
        environment=description["environment"],
        commits=_commits(run, description),
        claims=tuple(claims),
        sections=sections,
        others=find_other_targets(run.path, description["options"]),
    )


def _section(run: ReportRun, experiment: Experiment) -> Section:
    progress = run.experiments[experiment.name]
    folder = run.result_folder(experiment.name)
    status, error = progress.status, progress.error
    summary: dict[str, Any] = {}
    description: dict[str, Any] = {}
    if status == DONE:
        try:
            assert folder is not None
            summary = json.loads((folder / "summary.json").read_text())
            description = json.loads((folder / "run.json").read_text())
        except (OSError, ValueError, AssertionError) as problem:
            status, error = FAILED, f"its result folder can't be read: {problem}"
    measured = summary.get("measured", {})
    return Section(
        experiment=experiment,
        status=status,
        error=error,
        seconds=progress.seconds,
        folder=progress.folder,
        profile=summary.get("profile", ""),
        target=summary.get("target", ""),
        command=" ".join(description.get("command", [])),
        claims=tuple(_claims(experiment, summary, status, error)),
        figures=tuple(sorted(folder.glob("*.png"))) if folder is not None and status == DONE else (),
        tables=tuple(number_tables(measured)),
        trials=tuple(_trial_notes(summary.get("trials", {}))),
    )


def _claims(experiment: Experiment, summary: dict[str, Any], status: str, error: str | None) -> list[ClaimResult]:
    """The claims listed in the registry, and other claims of the paper in the summary."""
    judged = {claim["id"]: claim for claim in summary.get("claims", ())}
    known = {claim.id: claim for claim in CLAIMS}
    results = []
    for claim_id in dict.fromkeys((*experiment.claims, *(found for found in judged if found in known))):
        published = known.get(claim_id) or PublishedClaim(claim_id, "", experiment.title, "", "")
        if claim_id in judged:
            content = judged[claim_id]
            verdict, why = verdict_of(content).value, content["why"]
            better, covered = content.get("better", ""), content.get("covered", True)
            results.append(ClaimResult(published, experiment, verdict, why, _numbers(content), better, covered))
            continue
        verdict, why = _without_verdict(status, error)
        results.append(ClaimResult(published, experiment, verdict, why, ()))
    return results


def _trial_notes(trials: Mapping[str, Any]) -> Iterator[str]:
    """Trials that do not count, and those that were repeated, as text."""
    for name, why in trials.get("unusable", {}).items():
        yield f"{name} does not count: {why}"
    for name, reasons in trials.get("repeated", {}).items():
        if name not in trials.get("unusable", {}):
            yield f"{name} was repeated: {'; '.join(reasons)}"


def _without_verdict(status: str, error: str | None) -> tuple[str, str]:
    if status == DONE:
        return OPEN, "the strategies that the claim is about were not all run"
    if status == FAILED:
        return ERROR, error or "the experiment failed"
    if status == INTERRUPTED:
        return MISSING, "the experiment was interrupted; the same command continues it"
    return MISSING, "the experiment was not run yet; the same command continues"


def _numbers(content: dict[str, Any]) -> tuple[Number, ...]:
    """The findings of a claim, or its measured values one by one if it has no findings."""
    findings = content.get("findings") or ()
    if findings:
        return tuple(
            Number(item["what"], item["published"], Spread(**item["spread"]), "", item["unit"]) for item in findings
        )
    published = dict(flat_numbers(content.get("published")))
    numbers = []
    for what, value in flat_numbers(content.get("measured")):
        theirs = published.get(what)
        spread = value if isinstance(value, Spread) else None
        text = "" if spread is not None else str(value)
        numbers.append(Number(what, "" if theirs is None else _plain(theirs), spread, text, ""))
    return tuple(numbers)


def _plain(value: Spread | str) -> str:
    return f"{value.median:g}" if isinstance(value, Spread) else value


def _commits(run: ReportRun, description: dict[str, Any]) -> tuple[str, ...]:
    """The commits of the source tree that the results come from, with `+` for a modified tree; normally one."""
    found = []
    for name in run.experiments:
        folder = run.result_folder(name)
        if folder is not None and (folder / "run.json").exists():
            found.append(json.loads((folder / "run.json").read_text())["environment"]["git"])
    states = found or [description["environment"]["git"]]
    return tuple(dict.fromkeys(f"{s['commit'][:12]}{'+' if s['modified'] else ''}" for s in states if s))


def _claim_dict(result: ClaimResult) -> dict[str, Any]:
    return {
        "id": result.claim.id,
        "experiment": result.experiment.name,
        "title": result.claim.title,
        "published": result.claim.published,
        "verdict": result.verdict,
        "better": result.better,
        "covered": result.covered,
        "why": result.why,
        "numbers": [
            {
                "what": number.what,
                "published": number.published,
                "unit": number.unit,
                "spread": None if number.spread is None else number.spread.as_dict(),
                "text": number.text,
            }
            for number in result.numbers
        ],
    }
