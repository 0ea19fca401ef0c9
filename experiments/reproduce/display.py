"""The progress display of a run of all experiments: current experiment, current trial, remaining time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar

from experiments.claims.base import verdict_of
from experiments.harness.child import Ended, Progress
from experiments.registry import Experiment
from experiments.report.text import SIGNS, duration_in_words, verdict_in_words
from experiments.reproduce.remaining_time import remaining_s, speed_factor


class RunDisplay:
    """The display of a run: the current experiment and trial, and the remaining time."""

    def __init__(self, experiments: Sequence[Experiment], expected: dict[str, float], console: Console) -> None:
        self._waiting = [experiment.name for experiment in experiments]
        self._total = len(experiments)
        self._titles = {experiment.name: experiment.title for experiment in experiments}
        self._expected = expected
        self._finished: list[tuple[float, float]] = []
        self.console = console
        self._bar = Bar(
            TextColumn("{task.description}", justify="left"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]} left"),
            console=console,
            transient=True,
            disable=not console.is_terminal,  # rich would leave a blank line in its place
        )
        self._task = self._bar.add_task("", total=1.0, left="")

    @contextmanager
    def shown(self) -> Iterator[None]:
        with self._bar:
            yield

    def remaining_s(self, name: str, elapsed_s: float, share: float) -> float:
        """Seconds until the end, while experiment `name` is running."""
        factor = speed_factor(self._finished)
        later = sum(self._expected[other] for other in self._waiting if other != name)
        return remaining_s(self._expected[name] * factor, elapsed_s, share) + later * factor

    def begin(self, name: str) -> None:
        number = self._total - len(self._waiting) + 1
        left = duration_in_words(self.remaining_s(name, 0.0, 0.0))
        self.console.print(f"[{number}/{self._total}] {self._titles[name]} ({name}); {left} left", markup=False)

    def tick(self, name: str, progress: Progress, elapsed_s: float) -> None:
        left = self.remaining_s(name, elapsed_s, progress.share)
        done = sum(measured for _, measured in self._finished) + elapsed_s
        text = escape(f"{self._total - len(self._waiting) + 1}/{self._total} {name}: {progress.text}")
        total = max(done + left, 1e-9)
        self._bar.update(self._task, description=text, completed=done, total=total, left=duration_in_words(left))

    def end(self, name: str, ended: Ended) -> None:
        self._finished.append((self._expected[name], ended.seconds))
        self._waiting.remove(name)
        if ended.summary is None:
            self.console.print(f"      failed: {ended.error}", markup=False, style="red", soft_wrap=True)
            return
        for claim in ended.summary["claims"]:
            verdict = verdict_of(claim).value
            verdict_words = verdict_in_words(verdict, claim.get("better", ""))
            text = f"      {SIGNS[verdict]} {claim['id']} {verdict_words}: {claim['why']}"
            self.console.print(text, markup=False, soft_wrap=True)
