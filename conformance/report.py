"""Totals, goals and the result file of a conformance run."""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from conformance.corpus import LEFT_OUT, Case
from conformance.isolate import Result


@dataclass(frozen=True)
class Goal:
    """The smallest share of `good` statuses that a kind of test must reach, without any crash."""

    share: float
    good: tuple[str, ...]
    text: str


GOALS = {
    "packets": Goal(1.0, ("passed",), "all pass"),
    "accept": Goal(0.98, ("passed",), "98 % accepted"),
    "refuse": Goal(0.90, ("passed",), "90 % refused with a located error"),
    "p4info": Goal(0.95, ("passed",), "95 % equal"),
    "agree": Goal(1.0, ("passed", "refused"), "all accepted agree"),
}


class Report:
    """Collects results and writes `<out>/<run>/summary.json`."""

    def __init__(self, p4c: Path) -> None:
        self.p4c = p4c
        self.results: list[tuple[Case, Result]] = []
        self.started = time.time()

    def add(self, case: Case, result: Result) -> None:
        self.results.append((case, result))

    def totals(self) -> dict[str, Counter[str]]:
        """Number of tests by kind and status."""
        totals: dict[str, Counter[str]] = {}
        for case, result in self.results:
            totals.setdefault(case.kind, Counter())[result.status] += 1
        return totals

    def share(self, kind: str) -> float:
        """Share of the tests of a kind with a good status, 0 to 1."""
        counts = self.totals()[kind]
        return sum(counts[status] for status in GOALS[kind].good) / sum(counts.values())

    def goal_met(self, kind: str) -> bool:
        return self.share(kind) >= GOALS[kind].share and not self.totals()[kind]["crashed"]

    def goals_met(self) -> bool:
        return all(self.goal_met(kind) for kind in self.totals())

    def write(self, out: Path) -> Path:
        """Writes the run's folder and points `latest` at it; returns the path of summary.json."""
        run = time.strftime("%Y%m%d-%H%M%S", time.localtime(self.started))
        folder = out / run
        folder.mkdir(parents=True, exist_ok=True)
        summary = {
            "experiment": "conformance",
            "run": run,
            "schema": 1,
            "duration_s": round(time.time() - self.started, 1),
            "python": platform.python_version(),
            "left_out": LEFT_OUT,
            "totals": {kind: dict(counts) for kind, counts in self.totals().items()},
            "goals": {
                kind: {"share": self.share(kind), "goal": GOALS[kind].share, "met": self.goal_met(kind)}
                for kind in self.totals()
            },
            "tests": {
                case.key: {"status": result.status, "seconds": round(result.seconds, 3), "detail": result.detail}
                for case, result in self.results
            },
        }
        path = folder / "summary.json"
        part = path.with_suffix(".part")
        part.write_text(json.dumps(summary, indent=1))
        part.replace(path)
        link = out / "latest"
        temporary = out / f".latest-{os.getpid()}"
        temporary.symlink_to(run)
        temporary.replace(link)
        return path
