"""Results of several machines in one result folder: measured separately, with verdicts for each machine.

machines/<name>/          a result folder like a local one, with only that machine's repeats and its own verdicts
trials/, samples/, ...    everything that was measured; each trial has `worker`, the machine that ran it
units.json                which machine measured which repeat
summary.json              `machines`: verdicts by machine; `claims`: these combined; `measured` and the figure are
                          those of the machine with the most trials that count (`measured_on`)
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.claims.base import Verdict
from experiments.harness.cluster_unit import UnitResult
from experiments.harness.results import ResultFolder

_OWN = ("run.json", "summary.json", "events.jsonl")


def safe_name(worker: str) -> str:
    """A worker's name as the name of a folder."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", worker).strip("._") or "worker"


def units_of(folder: ResultFolder) -> dict[int, str]:
    """The machine that measured each repeat."""
    path = folder.path / "units.json"
    content = json.loads(path.read_text()) if path.exists() else {}
    return {int(repeat): name for repeat, name in content.items()}


def add_unit(folder: ResultFolder, repeat: int, worker: str, result: UnitResult) -> ResultFolder:
    """Adds a repeat to the folder of its machine and to the combined one; returns the former."""
    name = safe_name(worker)
    machine = ResultFolder(folder.path / "machines" / name, folder.experiment)
    machine.path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.path, prefix=".unit-") as place:
        unit = Path(place)
        with zipfile.ZipFile(io.BytesIO(result.archive)) as archive:
            archive.extractall(unit)
        if not (machine.path / "run.json").exists():
            shutil.copyfile(unit / "run.json", machine.path / "run.json")
        measured = ResultFolder(unit, folder.experiment)
        for trial, numbers in measured.trials().items():
            for target in (machine, folder):
                target.add_trial(
                    trial, {**numbers, "worker": {"name": worker, "host": result.host}}, events=_events(measured, trial)
                )
        for path in sorted(path for path in unit.rglob("*") if path.is_file()):
            inside = path.relative_to(unit)
            if inside.parts[0] != "trials" and len(inside.parts) > 1:
                for target in (machine, folder):
                    _link(path, target.path / inside)
    folder.write_json("units.json", {**units_of(folder), repeat: name})
    return machine


def _events(measured: ResultFolder, trial: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in event.items() if key != "trial"} for event in measured.events(trial)]


def _link(path: Path, target: Path) -> None:
    """The same file under a second path, by a hard link if possible."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)


def together(folder: ResultFolder, summaries: Mapping[str, Mapping[str, Any]], missing: Mapping[int, str]) -> Path:
    """Completes the folder from the summaries of its machines, by name. `missing`: repeats that no machine could
    run."""
    best = max(summaries, key=lambda name: int(summaries[name].get("trials", {}).get("counted", 0)))
    main = summaries[best]
    for figure in sorted((folder.path / "machines" / best).glob("*.p[nd][gf]")):
        shutil.copyfile(figure, folder.path / figure.name)
    trials: dict[str, Any] = {"counted": 0, "unusable": {}, "repeated": {}}
    for summary in summaries.values():
        own = summary.get("trials", {})
        trials["counted"] += own.get("counted", 0)
        trials["unusable"] |= own.get("unusable", {})
        trials["repeated"] |= own.get("repeated", {})
    trials["unusable"] |= {f"repeat {repeat}": why for repeat, why in missing.items()}
    return folder.complete(
        {
            **{key: main[key] for key in ("schema", "experiment", "target", "profile", "left_out") if key in main},
            "run": folder.run,
            "trials": trials,
            "measured": main["measured"],
            "measured_on": best,
            "claims": combined(summaries),
            "machines": {
                name: {"counted": summary.get("trials", {}).get("counted", 0), "claims": summary["claims"]}
                for name, summary in summaries.items()
            },
        }
    )


def combined(summaries: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each claim once: it fails if it fails on a machine, and holds if it holds on one and fails on none. The numbers
    are those of the deciding machine; nothing is computed across machines."""
    by_claim: dict[str, dict[str, Mapping[str, Any]]] = {}
    for name, summary in summaries.items():
        for claim in summary["claims"]:
            by_claim.setdefault(claim["id"], {})[name] = claim
    return [_decided(claims) for claims in by_claim.values()]


def _decided(claims: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    order: Sequence[str] = (Verdict.FAILS.value, Verdict.HOLDS.value, Verdict.NOT_JUDGED.value)
    name = min(claims, key=lambda one: order.index(claims[one]["verdict"]))
    if len(claims) == 1:
        return dict(claims[name])
    verdicts = ", ".join(f"{one}: {claim['verdict']}" for one, claim in claims.items())
    return {**claims[name], "why": f"on {name}: {claims[name]['why']} ({verdicts})"}
