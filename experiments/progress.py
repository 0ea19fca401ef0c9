"""What a person sees while an experiment runs: one bar for all trials, what happens now, the time left."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


class Display:
    """Progress in seconds of experiment. Nothing is shown when `quiet` (with --json)."""

    def __init__(self, progress: Progress, total_s: float, console: Console) -> None:
        self._progress = progress
        self._task = progress.add_task("starting", total=total_s)
        self._done = 0.0
        self._trial_s = 0.0
        self.console = console

    def begin_trial(self, text: str, seconds: float) -> None:
        self._trial_s = seconds
        self._progress.update(self._task, description=text)

    def state(self, text: str, elapsed_s: float | None = None) -> None:
        """What happens now, and how far into the trial it is."""
        completed = None if elapsed_s is None else self._done + min(max(elapsed_s, 0.0), self._trial_s)
        self._progress.update(self._task, description=text, completed=completed)

    def end_trial(self) -> None:
        self._done += self._trial_s
        self._progress.update(self._task, completed=self._done)

    def log(self, text: str) -> None:
        self._progress.console.print(text)


@contextmanager
def display(total_s: float, *, quiet: bool = False) -> Iterator[Display]:
    """Shows progress on stderr for the length of the block."""
    console = Console(file=sys.stderr, quiet=quiet)
    columns = (
        TextColumn("{task.description}", justify="left"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Display(progress, total_s, console)
