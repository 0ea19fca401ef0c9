"""The same claims on another switch: the numbers in another target's report, for comparison with a run's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.claims.stats import Spread
from experiments.harness.options import TARGETS
from experiments.report.measured import in_words


@dataclass(frozen=True)
class OtherTarget:
    """The report of another target. `verdicts` by claim; `numbers`: text by claim and name of the number; `better`: the
    claims with something better than published."""

    target: str
    run: str
    quick: bool
    path: Path
    verdicts: Mapping[str, str]
    numbers: Mapping[tuple[str, str], str]
    better: frozenset[str] = frozenset()


def find_other_targets(path: Path, options: Mapping[str, Any]) -> tuple[OtherTarget, ...]:
    """For each other target the most suitable report: equally quick, complete, and the newest.

    Reports are searched for next to the run, and in the reference's folder, which has one folder per target."""
    found: dict[str, tuple[tuple[bool, bool, str], OtherTarget]] = {}
    for folder in _folders(path):
        content = read_report(folder)
        theirs = content.get("options", {})
        target = theirs.get("target")
        if target not in TARGETS or target == options.get("target"):
            continue
        quick = bool(theirs.get("quick"))
        rank = quick == bool(options.get("quick")), bool(content["complete"]), str(content["run"])
        if target not in found or rank > found[target][0]:
            found[target] = rank, _other_target(target, folder, content, quick)
    return tuple(found[target][1] for target in TARGETS if target in found)


def _folders(path: Path) -> Iterator[Path]:
    own = path.resolve()
    near = [*own.parent.iterdir(), *(own / target for target in TARGETS), own.parent]
    for folder in near:
        if folder.is_dir() and not folder.is_symlink() and folder.resolve() != own:
            yield folder


def read_report(folder: Path) -> dict[str, Any]:
    """The content of a folder's `report.json`; empty if there is none or it cannot be read."""
    try:
        content: dict[str, Any] = json.loads((folder / "report.json").read_text())
    except (OSError, ValueError):
        return {}
    return content


def _other_target(target: str, folder: Path, content: Mapping[str, Any], quick: bool) -> OtherTarget:
    numbers = {}
    for claim in content["claims"]:
        for number in claim["numbers"]:
            spread = number["spread"]
            text = number["text"] if spread is None else in_words(Spread(**spread), number["unit"])
            numbers[claim["id"], number["what"]] = text
    verdicts = {claim["id"]: claim["verdict"] for claim in content["claims"]}
    better = frozenset(claim["id"] for claim in content["claims"] if claim.get("better"))
    return OtherTarget(target, str(content["run"]), quick, folder, verdicts, numbers, better)
