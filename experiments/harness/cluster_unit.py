"""The work of a cluster's worker: one repeat of an experiment, as a separate process, as if started by a user."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.harness.child import Progress, run_experiment
from experiments.harness.environment import environment, git_state


class UnitError(Exception):
    """A repeat could not be run on this machine."""


@dataclass(frozen=True)
class UnitResult:
    """One repeat. `archive`: its result folder as a zip file; `host`: the machine; `unusable`: trials, with reasons."""

    archive: bytes
    host: dict[str, Any]
    unusable: dict[str, str]


def run_unit(
    module: str,
    arguments: Sequence[str],
    repeat: int,
    commit: str | None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> UnitResult:
    """Runs one repeat of `python -m MODULE ARGUMENTS` here, in the checkout that contains this code.

    commit: the caller's; results of two versions are not mixed. is_stopped: called about twice a second; if true, the
    experiment ends in an orderly way. Raises UnitError if the experiment fails, or for another commit.
    """
    state = git_state()
    if state is not None and commit is not None and state["commit"] != commit:
        raise UnitError(f"the checkout here is at commit {state['commit'][:12]}, that of the caller at {commit[:12]}")

    def look(_: Progress, __: float) -> None:
        if is_stopped():
            raise KeyboardInterrupt

    with tempfile.TemporaryDirectory(prefix="state4-unit-") as out:
        given = [*arguments, "--only-repeats", str(repeat), "--out", out]
        try:
            ended = run_experiment(module, given, look)
        except KeyboardInterrupt:
            raise UnitError("stopped by the caller") from None
        if ended.summary is None:
            raise UnitError(ended.error or "the experiment failed")
        folder = Path(out) / str(ended.summary["experiment"]) / str(ended.summary["run"])
        unusable = dict(ended.summary.get("trials", {}).get("unusable", {}))
        return UnitResult(_packed(folder), environment()["host"], unusable)


def _packed(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(path, path.relative_to(folder))
    return content.getvalue()
