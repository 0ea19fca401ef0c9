"""What a person sees while an experiment runs: one bar for all trials, the current activity, the time left.

With STATE4_PROGRESS=lines the same is written to stderr as JSON lines, for a program that runs experiments and shows
its own bar: {"progress": text, "done_s": seconds of experiment completed, "total_s": of all, 0 if unknown}.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

PROGRESS_VARIABLE = "STATE4_PROGRESS"


class Display:
    """Progress in seconds of the experiment."""

    def __init__(self) -> None:
        self._text = "starting"
        self._done = 0.0
        self._trial_s = 0.0

    def begin_trial(self, text: str, seconds: float) -> None:
        self._trial_s = seconds
        self.state(text, 0.0)

    def state(self, text: str, elapsed_s: float | None = None) -> None:
        """Shows the current activity, and how far the trial has got."""
        self._text = text
        self._show(text, None if elapsed_s is None else self._done + min(max(elapsed_s, 0.0), self._trial_s))

    def end_trial(self) -> None:
        self._done += self._trial_s
        self._trial_s = 0.0
        self._show(self._text, self._done)

    def log(self, text: str) -> None:
        """Prints a line that remains visible."""

    def _show(self, text: str, done_s: float | None) -> None:
        """Shows nothing here; subclasses do. `done_s` None: unchanged."""


class _Bar(Display):
    def __init__(self, progress: Progress, total_s: float) -> None:
        super().__init__()
        self._progress = progress
        self._task: TaskID = progress.add_task(self._text, total=total_s)

    def log(self, text: str) -> None:
        self._progress.console.print(text)

    def _show(self, text: str, done_s: float | None) -> None:
        self._progress.update(self._task, description=text, completed=done_s)


class _Lines(Display):
    def __init__(self, stream: TextIO, total_s: float) -> None:
        super().__init__()
        self._stream = stream
        self._total_s = total_s
        self._last_s = 0.0
        self._show(self._text, 0.0)

    def log(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def _show(self, text: str, done_s: float | None) -> None:
        self._last_s = self._last_s if done_s is None else done_s
        line = {"progress": text, "done_s": round(self._last_s, 2), "total_s": round(self._total_s, 2)}
        print(json.dumps(line), file=self._stream, flush=True)


@contextmanager
def display(total_s: float, *, quiet: bool = False) -> Iterator[Display]:
    """Shows progress on stderr during the block, or nothing if `quiet` (with --json)."""
    if os.environ.get(PROGRESS_VARIABLE) == "lines":
        yield _Lines(sys.stderr, total_s)
        return
    if quiet:
        yield Display()
        return
    columns = (
        TextColumn("{task.description}", justify="left"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    console = Console(file=sys.stderr)
    # Outside a terminal rich would leave a blank line in place of the bar.
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _Bar(progress, total_s)


@contextmanager
def working(text: str, *, quiet: bool = False) -> Iterator[None]:
    """Shows an activity of unknown duration, such as drawing a figure."""
    if os.environ.get(PROGRESS_VARIABLE) == "lines":
        _Lines(sys.stderr, 0.0).state(text)
        yield
        return
    if quiet:
        yield
        return
    with Console(file=sys.stderr).status(text):
        yield
