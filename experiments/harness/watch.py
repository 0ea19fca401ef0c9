"""A live view of the running trial: traffic to the server, contents of the switch's state, CPU time of each part."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from experiments.harness.progress import Display

_BLOCKS = " ▁▂▃▄▅▆▇█"
_BAR = 20  # characters for a whole core
_WIDTH = 50  # samples in the throughput sparkline
_PARTS = {"data_plane": "data plane", "listener": "listener", "control_plane": "control plane"}
_PHASES = 6


class Watch(Display):
    """Progress of all trials, and below it the current one."""

    def __init__(self, total_s: float, live: Live) -> None:
        super().__init__()
        self._live = live
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=30), TaskProgressColumn(), TimeRemainingColumn()
        )
        self._task = self._progress.add_task("starting", total=total_s)
        self._trial = ""
        self._start: float | None = None
        self._samples: list[Mapping[str, Any]] = []
        self._events: Sequence[Mapping[str, Any]] = ()

    def log(self, text: str) -> None:
        self._live.console.print(text, highlight=False)

    def news(
        self, trial: str, start: float, samples: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]]
    ) -> None:
        """Takes the samples since the last call (see `measure/sampler.py`) and all events so far; `start`: second 0 of
        the trial on the monotonic clock, which changes when the trial is repeated."""
        if (trial, start) != (self._trial, self._start):
            self._trial, self._start, self._samples = trial, start, []
        self._samples += samples
        self._events = events
        self._live.update(self.view())

    def _show(self, text: str, done_s: float | None) -> None:
        self._progress.update(self._task, description=text, completed=done_s)
        self._live.update(self.view())

    def view(self) -> RenderableType:
        """The current contents of the screen."""
        if len(self._samples) < 2:
            return self._progress
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold", no_wrap=True)
        table.add_column(no_wrap=True)
        rates = throughput_mbit(self._samples)
        table.add_row("to the server", Text(sparkline(rates[-_WIDTH:], max(rates))))
        table.add_row("", f"{rates[-1]:.0f} Mbit/s, {sent_bytes(self._samples) / 1e6:.1f} MB so far, probes included")
        held = self._samples[-1]["cells"]
        table.add_row("in the state", "cannot be read now" if held is None else f"{sum(held) / 1e6:.1f} MB")
        for part, name in _PARTS.items():
            used = cores(self._samples, part)
            table.add_row(name, "-" if used is None else f"{used:4.0%} of a core {'█' * round(used * _BAR)}")
        for line in phase_lines(self._events)[-_PHASES:]:
            table.add_row("", Text(line, style="dim"))
        return Group(self._progress, Panel(table, title=self._trial, width=100))


def throughput_mbit(samples: Sequence[Mapping[str, Any]]) -> list[float]:
    """Mbit/s between successive samples; at least one value."""
    pairs = pairwise(samples)
    return [
        (after["tx_bytes"] - before["tx_bytes"]) * 8 / 1e6 / max(after["t"] - before["t"], 1e-6)
        for before, after in pairs
    ]


def sent_bytes(samples: Sequence[Mapping[str, Any]]) -> int:
    return int(samples[-1]["tx_bytes"] - samples[0]["tx_bytes"])


def cores(samples: Sequence[Mapping[str, Any]], part: str) -> float | None:
    """Cores that a part used recently; None if it does not exist."""
    recent = [sample for sample in samples[-6:] if part in sample["cpu"]]
    if len(recent) < 2:
        return None
    first, last = recent[0], recent[-1]
    return float((last["cpu"][part] - first["cpu"][part]) / max(last["t"] - first["t"], 1e-6))


def sparkline(values: Sequence[float], highest: float) -> str:
    """One character per value, scaled from 0 to `highest`."""
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round(min(max(value / highest, 0.0), 1.0) * top) if highest > 0 else 0] for value in values)


def phase_lines(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line per phase that has begun, in order, with its duration once it has ended."""
    lines: dict[tuple[str, str], str] = {}
    begun: dict[tuple[str, str], float] = {}
    for event in events:
        component = str(event.get("component", "")).rsplit(".", 1)[-1]
        key = event["phase"], component
        name = f"{event['t']:7.2f} s  {event['phase']} {component}".rstrip()
        if event["what"] == "end" and key in begun:
            name = f"{begun[key]:7.2f} s  {event['phase']} {component}".rstrip()
            lines[key] = f"{name}: {(event['t'] - begun[key]) * 1e3:.1f} ms"
        else:
            begun[key] = event["t"]
            lines[key] = name
    return list(lines.values())


@contextmanager
def watching(total_s: float, *, console: Console | None = None) -> Iterator[Watch]:
    """The view on stderr during the block."""
    with Live(console=console or Console(file=sys.stderr), refresh_per_second=10, transient=True) as live:
        yield Watch(total_s, live)
