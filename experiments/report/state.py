"""The folder of a run of all experiments, `results/report/<run>/`.

run.json       options, environment and command, as in every result folder
state.json     each experiment: its status, its result folder, its duration, the reason of a failure
report.html, report.md, report.json
summary.json   written when every experiment is done; from then on the run is complete
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from experiments.harness.results import ResultError, ResultFolder

REPORT = "report"
REFERENCE = Path("results/reference")
"""The complete run that is kept in git: the baseline of `make compare`."""
WAITING, RUNNING, DONE, FAILED, INTERRUPTED = "waiting", "running", "done", "failed", "interrupted"


@dataclass(frozen=True)
class Progress:
    """One experiment of a run. `folder` is relative to the report's folder; `seconds`: sum over its attempts."""

    status: str = WAITING
    folder: str | None = None
    seconds: float = 0.0
    error: str | None = None
    seen: tuple[str, ...] = ()  # result folders that existed before it began


class ReportRun:
    """A run of all experiments on disk."""

    def __init__(self, folder: ResultFolder, experiments: dict[str, Progress]) -> None:
        self.folder = folder
        self._experiments = experiments

    @property
    def path(self) -> Path:
        return self.folder.path

    @classmethod
    def create(cls, out: Path, options: Mapping[str, Any], names: Iterable[str], *, seed: int) -> ReportRun:
        run = cls(ResultFolder.create(out, REPORT, options, seed=seed), {name: Progress() for name in names})
        run._write()
        return run

    @classmethod
    def unfinished(cls, out: Path, options: Mapping[str, Any], names: Iterable[str]) -> ReportRun | None:
        """The newest incomplete run with these options; None if there is none."""
        try:
            folder = ResultFolder.resume(out, REPORT, options)
        except ResultError:
            return None
        known = _read(folder.path) if (folder.path / "state.json").exists() else {}
        return cls(folder, {name: known.get(name, Progress()) for name in names})

    @classmethod
    def open(cls, path: Path) -> ReportRun:
        """An existing run. Raises ResultError if the folder is not one."""
        path = path.resolve()
        if not (path / "state.json").exists():
            raise ResultError(f"{path} is no run of all experiments: it has no state.json")
        return cls(ResultFolder(path, REPORT), _read(path))

    @property
    def experiments(self) -> dict[str, Progress]:
        return dict(self._experiments)

    def description(self) -> dict[str, Any]:
        """The content of `run.json`."""
        content: dict[str, Any] = json.loads((self.path / "run.json").read_text())
        return content

    def result_folder(self, name: str) -> Path | None:
        """The result folder of an experiment; None before it is done."""
        folder = self._experiments[name].folder
        return None if folder is None else (self.path / folder).resolve()

    def update(self, name: str, **changes: Any) -> None:
        """Changes the record of one experiment, on disk as well."""
        self._experiments[name] = replace(self._experiments[name], **changes)
        self._write()

    def relative(self, folder: Path) -> str:
        """A result folder as recorded: relative, so that `results` can be moved as a whole."""
        return os.path.relpath(folder.resolve(), self.path.resolve())

    def _write(self) -> None:
        self.folder.write_json("state.json", {name: asdict(progress) for name, progress in self._experiments.items()})


def _read(path: Path) -> dict[str, Progress]:
    content: dict[str, dict[str, Any]] = json.loads((path / "state.json").read_text())
    return {name: Progress(**{**item, "seen": tuple(item["seen"])}) for name, item in content.items()}


def result_folders(parent: Path) -> tuple[str, ...]:
    """Names of the runs below `results/<experiment>`, oldest first."""
    if not parent.is_dir():
        return ()
    return tuple(sorted(path.name for path in parent.iterdir() if path.is_dir() and not path.is_symlink()))


def interrupted_folder(parent: Path, seen: Iterable[str]) -> Path | None:
    """The newest incomplete run that began after `seen` was recorded; it can be resumed."""
    names = [name for name in result_folders(parent) if name not in set(seen)]
    for name in reversed(names):
        path = parent / name
        if (path / "run.json").exists() and not (path / "summary.json").exists():
            return path
    return None


def earlier_durations(out: Path, options: Mapping[str, Any]) -> dict[str, float]:
    """The duration of each experiment in the newest run with the same options, in s."""
    found: dict[str, float] = {}
    wanted = json.loads(json.dumps(options, default=str))
    for name in result_folders(out / REPORT):
        path = out / REPORT / name
        if not (path / "state.json").exists() or not (path / "run.json").exists():
            continue
        if json.loads((path / "run.json").read_text())["options"] == wanted:
            done = {name: item.seconds for name, item in _read(path).items() if item.status == DONE}
            found |= done
    return found
