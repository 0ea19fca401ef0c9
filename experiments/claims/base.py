"""What the claims share: a claim as published, a verdict on it, and the numbers behind the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from experiments.claims.stats import Spread


@dataclass(frozen=True)
class PublishedClaim:
    """A claim of the paper in our words. `differs`: what is known to be different here, and why."""

    id: str
    figure: str
    title: str
    published: str
    differs: str


@dataclass(frozen=True)
class Finding:
    """A number behind a verdict, with its spread over the repeats; `published` is what the paper has for it, in words.

    The report shows these first, and `make compare` compares them: `what` names the same thing in every run.
    """

    what: str
    published: str
    spread: Spread
    unit: str

    @staticmethod
    def of(what: str, published: str, numbers: Mapping[str, Any], unit: str, *, factor: float = 1.0) -> Finding:
        """From a spread as it is in a summary, multiplied by `factor` for the unit."""
        return Finding(what, published, Spread(**numbers).scaled(factor), unit)


@dataclass(frozen=True)
class Claim:
    """One verdict. `why` says in a sentence what decided it; `findings` are the numbers to show with it."""

    id: str
    published: Any
    measured: Any
    unit: str
    holds: bool
    why: str
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
