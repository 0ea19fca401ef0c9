"""What the claims share: a claim as published, its verdict, the checks behind a verdict, and its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from experiments.claims.stats import Spread

CONTROL_TRIAL = "no-reconfiguration"
"""Name of the trial with the same traffic and no reconfiguration, in the place of a strategy."""


class Verdict(str, Enum):
    """The possible verdicts on a claim. NOT_JUDGED: the trials do not decide it; the reason is given."""

    HOLDS = "holds"
    FAILS = "does not hold"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class PublishedClaim:
    """A claim of the paper in our words. `differs`: known differences here, and their reasons. `drawn`: the published
    values that figures show next to ours, which they read from `run.json`."""

    id: str
    figure: str
    title: str
    published: str
    differs: str
    drawn: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """A number behind a verdict, with its spread over the repeats; `published`: the paper's value, in words.

    The report shows these first, and `make compare` compares them: `what` names the same thing in every run.
    """

    what: str
    published: str
    spread: Spread
    unit: str

    @staticmethod
    def of(what: str, published: str, numbers: Mapping[str, Any], unit: str, *, factor: float = 1.0) -> Finding:
        """From a spread in a summary, multiplied by `factor` for the unit."""
        return Finding(what, published, Spread(**numbers).scaled(factor), unit)

    def as_dict(self) -> dict[str, Any]:
        return {"what": self.what, "published": self.published, "spread": self.spread.as_dict(), "unit": self.unit}


@dataclass(frozen=True)
class Check:
    """One condition of a claim. `why`: what decided it. `better`: it holds by more than published."""

    verdict: Verdict
    why: str
    better: bool = False


@dataclass(frozen=True)
class Claim:
    """One verdict. `why`: the deciding fact, in a sentence; `findings`: the numbers to show with it.

    better: what is better than published, "" if nothing is. covered: False if the run was not meant to judge the claim,
    for example because only one rate was requested; such a claim is not judged, which is not a failure.
    """

    id: str
    published: Any
    measured: Any
    unit: str
    verdict: Verdict
    why: str
    findings: tuple[Finding, ...] = ()
    better: str = ""
    covered: bool = True

    @property
    def holds(self) -> bool:
        return self.verdict is Verdict.HOLDS

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "published": self.published,
            "measured": self.measured,
            "unit": self.unit,
            "verdict": self.verdict.value,
            "better": self.better,
            "covered": self.covered,
            "why": self.why,
            "findings": [finding.as_dict() for finding in self.findings],
        }


def verdict_of(claim: Mapping[str, Any]) -> Verdict:
    """The verdict of a claim in a summary, including summaries from when there were only two verdicts."""
    if "verdict" in claim:
        return Verdict(claim["verdict"])
    return Verdict.HOLDS if claim["holds"] else Verdict.FAILS


def decide(
    published: PublishedClaim,
    checks: Sequence[Check],
    reason: str,
    *,
    paper: Any,
    measured: Any,
    unit: str,
    findings: Sequence[Finding] = (),
) -> Claim:
    """A claim from its checks: it fails if one fails, is not judged if one can't be, and holds otherwise.

    `reason`: why the claim holds, if all checks do. A failed check is a failure, whatever else could not be judged.
    """
    failed = [check.why for check in checks if check.verdict is Verdict.FAILS]
    open_ = [check.why for check in checks if check.verdict is Verdict.NOT_JUDGED]
    better = "; ".join(check.why for check in checks if check.better)
    verdict = Verdict.FAILS if failed else Verdict.NOT_JUDGED if open_ else Verdict.HOLDS
    why = "; ".join(failed or open_) or reason
    return Claim(
        published.id,
        paper,
        measured,
        unit,
        verdict,
        why,
        tuple(findings),
        better=better if verdict is Verdict.HOLDS else "",
    )


def not_judged(published: PublishedClaim, why: str, *, covered: bool = True, findings: Sequence[Finding] = ()) -> Claim:
    """A claim that these trials do not decide."""
    return Claim(published.id, published.published, None, "", Verdict.NOT_JUDGED, why, tuple(findings), covered=covered)


def not_asked(published: PublishedClaim, why: str, *, findings: Sequence[Finding] = ()) -> Claim:
    """A claim that the run was not meant to judge: strategies, rates or loads were left out."""
    return not_judged(published, why, covered=False, findings=findings)


def undisturbed_control(
    published: PublishedClaim, trials: Iterable[str], unusable: Mapping[str, str], findings: Sequence[Finding] = ()
) -> Claim | None:
    """The verdict if every run without a reconfiguration was itself disturbed: undecided. None otherwise.

    `trials`: names of the strategies that have usable trials.
    """
    disturbed = [name for name in unusable if name.startswith(f"{CONTROL_TRIAL}-")]
    if not disturbed or CONTROL_TRIAL in trials:
        return None
    why = f"the run without a reconfiguration was itself disturbed: {unusable[disturbed[0]]}"
    return not_judged(published, why, findings=findings)


def reasons_of(unusable: Mapping[str, str], *strategies: str) -> str:
    """Why there is no usable trial of these strategies. `unusable`: the reason by the trial's name."""
    found = [f"{name}: {why}" for name, why in unusable.items() if name.startswith(tuple(f"{s}-" for s in strategies))]
    return "; ".join(found) or f"there is no trial of {' and '.join(strategies)}"
