"""Result folders: `results/<experiment>/<run>/`.

    run.json                     what was run, with which options, on which machine (schema version 1)
    trials/<trial>.json          the numbers of one trial; written last, so it marks the trial as complete
    <kind>/<trial>.json          another program's report on a trial, unchanged, e.g. iperf3's
    samples/<kind>/<trial>.parquet   raw samples, e.g. one row per packet; a folder can be read as one data set
    events.jsonl                 every phase of every reconfiguration: {"trial", "t", "phase", "what", ...}
    summary.json                 {"experiment", "run", "target", "profile", "trials", "measured", "claims"}, and
                                 "left_out": the strategies that the target cannot run, each with the reason
    <experiment>.png, .pdf       the figure

`results/<experiment>/latest` links to the newest complete run. Files are written atomically, and each trial is on disk
before the next begins, so an interrupted run can be resumed.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.claims.base import Claim
from experiments.harness.environment import command_line, environment

SCHEMA_VERSION = 1


class ResultError(Exception):
    """A result folder cannot be used."""


class ResultFolder:
    """One run's folder. `path` exists; only the methods write files in it."""

    def __init__(self, path: Path, experiment: str) -> None:
        self.path = path
        self.experiment = experiment
        self.run = path.name

    @classmethod
    def create(
        cls,
        out: Path,
        experiment: str,
        options: Mapping[str, Any],
        *,
        seed: int,
        published: Mapping[str, Any] | None = None,
    ) -> ResultFolder:
        """A new folder below `out/<experiment>`, with its `run.json`. `published`: values for the figure, by claim."""
        parent = out / experiment
        try:
            parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResultError(
                f"cannot create the result folder {parent}: {error.strerror}; choose another with --out"
            ) from error
        stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H-%M-%SZ")
        for number in range(1, 1000):
            path = parent / (stamp if number == 1 else f"{stamp}-{number}")
            try:
                path.mkdir()
                break
            except FileExistsError:
                continue
            except OSError as error:
                raise ResultError(
                    f"cannot write to {parent}: {error.strerror}; choose another folder with --out"
                ) from error
        else:
            raise ResultError(f"no free name for a run in {parent}")
        folder = cls(path, experiment)
        folder.write_json(
            "run.json",
            {
                "schema": SCHEMA_VERSION,
                "experiment": experiment,
                "run": folder.run,
                "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                "command": command_line(),
                "seed": seed,
                "options": options,
                "published": published or {},
                "environment": environment(),
            },
        )
        return folder

    @classmethod
    def resume(cls, out: Path, experiment: str, options: Mapping[str, Any]) -> ResultFolder:
        """The newest incomplete run with the same options. Raises ResultError if there is none."""
        parent = out / experiment
        wanted = json.loads(_encode(options))
        runs = (path for path in parent.iterdir() if not path.is_symlink()) if parent.is_dir() else iter(())
        for path in sorted(runs, reverse=True):
            if (path / "summary.json").exists() or not (path / "run.json").exists():
                continue
            if json.loads((path / "run.json").read_text())["options"] == wanted:
                return cls(path, experiment)
        raise ResultError(
            f"no interrupted run of {experiment} with these options in {parent}: start it without --resume"
        )

    # -- trials --------------------------------------------------------------------------------------------------------

    def trials(self) -> dict[str, dict[str, Any]]:
        """The complete trials by name."""
        folder = self.path / "trials"
        files = sorted(folder.glob("*.json")) if folder.is_dir() else []
        return {file.stem: json.loads(file.read_text()) for file in files}

    def add_trial(
        self,
        name: str,
        measured: Mapping[str, Any],
        *,
        samples: Mapping[str, pd.DataFrame] | None = None,
        events: Iterable[Mapping[str, Any]] = (),
        documents: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes everything of one trial; `measured` last, which marks it as complete. `documents`: JSON by kind."""
        for kind, frame in (samples or {}).items():
            target = self.path / "samples" / kind / f"{name}.parquet"
            with _replacing(target) as temporary:
                frame.to_parquet(temporary, index=False)
        for kind, document in (documents or {}).items():
            self.write_json(f"{kind}/{name}.json", document)
        self._write_events(name, list(events))
        self.write_json(f"trials/{name}.json", measured)

    def read_samples(self, kind: str, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.path / "samples" / kind / f"{name}.parquet")

    def events(self, trial: str | None = None) -> list[dict[str, Any]]:
        """The events of all trials or of one."""
        path = self.path / "events.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        events = [json.loads(line) for line in lines]
        return [event for event in events if trial is None or event["trial"] == trial]

    def _write_events(self, name: str, events: list[Mapping[str, Any]]) -> None:
        kept = [event for event in self.events() if event["trial"] != name]
        lines = [_encode(event, indent=None) for event in [*kept, *({"trial": name, **event} for event in events)]]
        with _replacing(self.path / "events.jsonl") as temporary:
            temporary.write_text("".join(line + "\n" for line in lines))

    # -- the end -------------------------------------------------------------------------------------------------------

    def finish(
        self,
        *,
        target: str,
        profile: str,
        measured: Any,
        claims: Iterable[Claim],
        trials: Mapping[str, Any] | None = None,
    ) -> Path:
        """Writes `summary.json` and points `latest` at this run. Returns the summary's path.

        `trials`: those that do not count and those that were repeated, each with the reason.
        """
        left_out = json.loads((self.path / "run.json").read_text())["options"].get("left_out", {})
        content = {
            "schema": SCHEMA_VERSION,
            "experiment": self.experiment,
            "run": self.run,
            "target": target,
            "profile": profile,
            **({"left_out": left_out} if left_out else {}),
            **({"trials": trials} if trials is not None else {}),
            "measured": measured,
            "claims": [claim.as_dict() for claim in claims],
        }
        return self.complete(content)

    def complete(self, summary: Mapping[str, Any]) -> Path:
        """Writes this as `summary.json` and points `latest` at this run. Returns the summary's path."""
        path = self.write_json("summary.json", summary)
        self.point_latest()
        return path

    def point_latest(self) -> None:
        """Makes `latest` a link to this run."""
        link = self.path.parent / f".latest-{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(self.run)
        link.replace(self.path.parent / "latest")

    def write_json(self, name: str, content: Any) -> Path:
        return self.write_text(name, _encode(content) + "\n")

    def write_text(self, name: str, text: str) -> Path:
        target = self.path / name
        with _replacing(target) as temporary:
            temporary.write_text(text)
        return target


class _replacing:
    """A temporary file next to `target` that replaces it if the block ends without an error."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __enter__(self) -> Path:
        self._target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{self._target.name}.", dir=self._target.parent)
        os.close(handle)
        self._temporary = Path(name)
        return self._temporary

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._temporary.chmod(0o644)
            self._temporary.replace(self._target)
        else:
            self._temporary.unlink(missing_ok=True)


def _encode(content: Any, *, indent: int | None = 1) -> str:
    return json.dumps(_plain(content), indent=indent, allow_nan=False)


def _plain(value: Any) -> Any:
    """Converts numpy values and paths to JSON types; a number that is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value
