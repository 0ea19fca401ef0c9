"""Reading a result folder (results/README.md describes its files)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

CONTROL_TRIAL = "no-reconfiguration"
"""Stands for a strategy in trials of the same traffic without a reconfiguration."""


class ResultMissingError(Exception):
    """A file needed by a figure is missing in the result folder."""


@dataclass(frozen=True)
class Run:
    """One run's folder, read on demand."""

    path: Path

    def summary(self) -> dict[str, Any]:
        return self._json("summary.json")

    def description(self) -> dict[str, Any]:
        return self._json("run.json")

    def published(self, claim: str) -> dict[str, Any]:
        """The published values that figures show for a claim ("C1"); none if the run was not meant to judge it."""
        values: dict[str, Any] = self.description().get("published", {}).get(claim, {})
        return values

    def trials(self) -> dict[str, dict[str, Any]]:
        """The measured numbers of each trial that counts, by name, in the order of names.

        Trials that failed or were disturbed are not drawn. Raises ResultMissingError if none is left.
        """
        files = sorted((self.path / "trials").glob("*.json"))
        trials = {file.stem: json.loads(file.read_text()) for file in files}
        counted = {name: trial for name, trial in trials.items() if not ("failed" in trial or "invalid" in trial)}
        if not counted:
            raise ResultMissingError(f"{self.path} holds no complete trial that counts")
        return counted

    def reconfigurations(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Name and numbers of each strategy's first trial with a reconfiguration, in the order of the run.

        Raises ResultMissingError if there is none.
        """
        first: dict[str, tuple[str, dict[str, Any]]] = {}
        for name, trial in self.trials().items():
            if "swap" in trial:
                first.setdefault(trial["strategy"], (name, trial))
        found = {name: first[name] for name in self.description()["options"]["strategies"] if name in first}
        if not found:
            raise ResultMissingError(f"{self.path} holds no trial of a strategy of this run")
        return found

    def samples(self, kind: str, trial: str) -> pd.DataFrame:
        path = self.path / "samples" / kind / f"{trial}.parquet"
        if not path.exists():
            raise ResultMissingError(f"{path} is missing")
        return pd.read_parquet(path)

    def events(self, trial: str) -> list[dict[str, Any]]:
        """Events of one trial; `t` in s since the trial's start."""
        path = self.path / "events.jsonl"
        if not path.exists():
            raise ResultMissingError(f"{path} is missing")
        events = (json.loads(line) for line in path.read_text().splitlines())
        return [event for event in events if event["trial"] == trial]

    def small_print(self) -> str:
        """Target, profile and run name, as shown in every figure, and what the target cannot do (`run.json`: why)."""
        options = self.description()["options"]
        left_out = [f"without {name}" for name in options.get("left_out", {})]
        parts = (*left_out, options["target"], f"control plane: {options['profile']}", self.path.name)
        return " · ".join(parts)

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        if not path.exists():
            raise ResultMissingError(f"{path} is missing")
        content: dict[str, Any] = json.loads(path.read_text())
        return content


def draw_from_command_line(draw: Callable[[Path], Iterable[Path]]) -> None:
    """`python -m plots.<figure> RESULT_FOLDER`: redraws a figure from the files of a run and prints the files
    written."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: python -m plots.{Path(sys.argv[0]).stem} RESULT_FOLDER")
    try:
        for written in draw(Path(sys.argv[1]).resolve()):
            print(written)
    except ResultMissingError as error:
        sys.exit(f"error: {error}")
