"""Everything at once: all experiments one after the other, and a report on all claims.

The run is kept in results/report/<run>/. The same command continues a run that was interrupted or in which something
failed: what is done is not repeated, and an experiment that was in the middle goes on after its last complete trial.
When everything is done, the next call begins a new run.

Exit code: 0 when all claims that were judged hold; 1 when one does not; 2 when an experiment failed or for wrong use;
130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table

from experiments.harness.child import Ended, Progress, run_experiment
from experiments.harness.main import EXIT_CLAIM_FAILS, EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK, run_main
from experiments.harness.options import PROFILES, TARGETS, require_target
from experiments.harness.strategies import available_strategies, lacking
from experiments.report.model import ERROR, FAILS, HOLDS, Report
from experiments.report.state import (
    DONE,
    FAILED,
    INTERRUPTED,
    RUNNING,
    ReportRun,
    earlier_durations,
    interrupted_folder,
    result_folders,
)
from experiments.report.text import SIGNS, headline, measured_text, name_of, principal
from experiments.report.write import write_report
from experiments.reproduce.registry import CLONING, EXPERIMENTS, NONE, Experiment
from experiments.reproduce.time_left import current_left, in_words, speed_factor
from state4.strategies import load_strategy
from topologies.network import require_root

_NOTHING_TO_RESUME = "no interrupted run"


@dataclass(frozen=True)
class Options:
    """How to run everything. `chosen`, `profile`: as the user said, None for what each experiment does by itself."""

    target: str
    chosen: tuple[str, ...] | None
    profile: str | None
    seed: int
    quick: bool
    out: Path
    only: tuple[str, ...]
    new: bool
    json: bool
    paper_length: bool = False

    def for_record(self) -> dict[str, Any]:
        """What decides what is measured: equal for a run and its continuation."""
        content = asdict(self)
        for name in ("out", "only", "new", "json", "chosen"):
            del content[name]
        able = [name for name in self.chosen or available_strategies() if not lacking(self.target, name)]
        return {**content, "strategies": able}  # a new one is a new run

    def strategies(self, experiment: Experiment) -> tuple[str, ...] | None:
        """The chosen ones that take part in an experiment; None for the experiment's own."""
        if self.chosen is None or experiment.strategies == NONE:
            return None
        if experiment.strategies == CLONING:
            return tuple(name for name in self.chosen if load_strategy(name).needs_cloning)
        return tuple(name for name in self.chosen if not lacking(self.target, name))

    def usual_s(self, experiment: Experiment) -> float:
        """How long an experiment takes, before a run has shown it."""
        if self.quick:
            return experiment.quick_s
        if self.paper_length and experiment.paper_s is not None:
            return experiment.paper_s
        return experiment.full_s

    def arguments(self, experiment: Experiment) -> list[str]:
        """The command line of one experiment."""
        given = ["--target", self.target, "--seed", str(self.seed), "--out", str(self.out)]
        if self.profile is not None:
            given += ["--control-plane", self.profile]
        chosen = self.strategies(experiment)
        if chosen:
            given += ["--strategy", ",".join(chosen)]
        if self.quick:
            return [*given, "--quick", *experiment.quick_arguments]
        if self.paper_length and experiment.paper_arguments is not None:
            return [*given, *experiment.paper_arguments]
        return [*given, *experiment.arguments]


class Course:
    """The display of a run: which experiment, which trial of it, how long it will still take."""

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
        )
        self._task = self._bar.add_task("", total=1.0, left="")

    @contextmanager
    def shown(self) -> Iterator[None]:
        with self._bar:
            yield

    def left_s(self, name: str, elapsed_s: float, share: float) -> float:
        """Seconds from now to the end, while experiment `name` runs."""
        factor = speed_factor(self._finished)
        later = sum(self._expected[other] for other in self._waiting if other != name)
        return current_left(self._expected[name] * factor, elapsed_s, share) + later * factor

    def begin(self, name: str) -> None:
        number = self._total - len(self._waiting) + 1
        left = in_words(self.left_s(name, 0.0, 0.0))
        self.console.print(f"[{number}/{self._total}] {self._titles[name]} ({name}); {left} left", markup=False)

    def tick(self, name: str, progress: Progress, elapsed_s: float) -> None:
        left = self.left_s(name, elapsed_s, progress.share)
        done = sum(measured for _, measured in self._finished) + elapsed_s
        text = escape(f"{self._total - len(self._waiting) + 1}/{self._total} {name}: {progress.text}")
        total = max(done + left, 1e-9)
        self._bar.update(self._task, description=text, completed=done, total=total, left=in_words(left))

    def end(self, name: str, ended: Ended) -> None:
        self._finished.append((self._expected[name], ended.seconds))
        self._waiting.remove(name)
        if ended.summary is None:
            self.console.print(f"      failed: {ended.error}", markup=False, style="red", soft_wrap=True)
            return
        for claim in ended.summary["claims"]:
            verdict = HOLDS if claim["holds"] else FAILS
            text = f"      {SIGNS[verdict]} {claim['id']} {verdict}: {claim['why']}"
            self.console.print(text, markup=False, soft_wrap=True)


Runner = Callable[[str, Sequence[str], Callable[[Progress, float], None]], Ended]


def run(options: Options, experiments: Sequence[Experiment] = EXPERIMENTS, runner: Runner = run_experiment) -> int:
    """Runs what is not done yet, and writes the report after each experiment."""
    console = Console(file=sys.stderr, quiet=options.json, highlight=False)
    state = _open(options, experiments, console)
    todo = [
        experiment
        for experiment in experiments
        if (not options.only or experiment.name in options.only)
        and options.strategies(experiment) != ()
        and not _is_done(state, experiment.name)
    ]
    known = earlier_durations(options.out, options.for_record())
    expected = {e.name: known.get(e.name, options.usual_s(e)) for e in todo}
    course = Course(todo, expected, console)
    console.print(f"{len(todo)} of {len(experiments)} experiments to run, {in_words(sum(expected.values()))}.")
    report, page = write_report(state, experiments)
    try:
        with course.shown():
            for experiment in todo:
                course.begin(experiment.name)
                course.end(experiment.name, _attempt(state, experiment, options, course, runner))
                report, page = write_report(state, experiments)
    except KeyboardInterrupt:
        _, page = write_report(state, experiments)
        print(f"interrupted; the same command continues here. So far: {page}", file=sys.stderr)
        return EXIT_INTERRUPTED
    if report.complete:
        state.folder.complete({"experiment": "report", "run": state.folder.run, **report.as_dict()})
    if options.json:
        print(json.dumps(report.as_dict(), indent=1))
    else:
        _print_report(report, page)
    return _exit_code(report)


def _open(options: Options, experiments: Sequence[Experiment], console: Console) -> ReportRun:
    record, names = options.for_record(), [experiment.name for experiment in experiments]
    state = None if options.new else ReportRun.unfinished(options.out, record, names)
    if state is None:
        return ReportRun.create(options.out, record, names, seed=options.seed)
    done = [name for name in names if _is_done(state, name)]
    console.print(f"Continuing {state.path} (done: {', '.join(done) or 'nothing yet'}); --new begins a new run.")
    return state


def _is_done(state: ReportRun, name: str) -> bool:
    """Done, and its result is still there."""
    folder = state.result_folder(name)
    return state.experiments[name].status == DONE and folder is not None and (folder / "summary.json").exists()


def _attempt(state: ReportRun, experiment: Experiment, options: Options, course: Course, runner: Runner) -> Ended:
    """One experiment to its end, noted in the state. Goes on with trials of an attempt before."""
    name, parent = experiment.name, options.out / experiment.name
    before = state.experiments[name]
    if before.status not in (RUNNING, INTERRUPTED, FAILED):
        state.update(name, seen=result_folders(parent), seconds=0.0)
    begun = time.monotonic()
    state.update(name, status=RUNNING, folder=None, error=None)
    arguments = options.arguments(experiment)
    resumed = interrupted_folder(parent, state.experiments[name].seen) is not None
    earlier_s = state.experiments[name].seconds

    def tick(progress: Progress, elapsed_s: float) -> None:
        course.tick(name, progress, elapsed_s)

    module = f"experiments.{name}" if "." not in name else name
    try:
        ended = runner(module, [*arguments, *(["--resume"] if resumed else [])], tick)
        if resumed and ended.summary is None and ended.error and ended.error.startswith(_NOTHING_TO_RESUME):
            ended = runner(module, arguments, tick)
    except KeyboardInterrupt:
        state.update(name, status=INTERRUPTED, seconds=earlier_s + time.monotonic() - begun)
        raise
    seconds = earlier_s + ended.seconds
    if ended.summary is None:
        state.update(name, status=FAILED, error=ended.error, seconds=seconds)
    else:
        folder = state.relative(parent / ended.summary["run"])
        state.update(name, status=DONE, folder=folder, seconds=seconds)
    return ended


def _exit_code(report: Report) -> int:
    if report.count(ERROR) or any(section.status == FAILED for section in report.sections):
        return EXIT_ERROR
    return EXIT_CLAIM_FAILS if report.count(FAILS) else EXIT_OK


def _print_report(report: Report, page: Path) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    table = Table(title=headline(report))
    for column in ("claim", "measured", "verdict"):
        table.add_column(column)
    for result in report.claims:
        lead = (f"{name_of(number, report)}: {measured_text(number)}" for number in principal(result))
        numbers = "\n".join(lead)
        text = f"{result.claim.id} {result.claim.title}"
        table.add_row(escape(text), escape(numbers), f"{SIGNS[result.verdict]} {result.verdict}")
    console.print(table)
    console.print(f"Report: {page}", soft_wrap=True)


@contextmanager
def _signals_as_ctrl_c() -> Iterator[None]:
    """SIGTERM and SIGHUP end a run as orderly as Ctrl-C does."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def parse(arguments: Sequence[str] | None, experiments: Sequence[Experiment] = EXPERIMENTS) -> Options:
    """Leaves with exit code 2 and one line for what does not exist."""
    names = [experiment.name for experiment in experiments]
    parser = argparse.ArgumentParser(
        prog="python -m experiments.reproduce",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="the same checks, compressed: within 10 minutes")
    parser.add_argument(
        "--paper-length", action="store_true", help="trials as long as the published ones: over two hours"
    )
    parser.add_argument("--only", default="", metavar="NAME[,NAME]", help=f"now only these of {', '.join(names)}")
    parser.add_argument("--new", action="store_true", help="begin a new run even when one can be continued")
    parser.add_argument("--target", choices=TARGETS, default="softswitch", help="the switch (default: %(default)s)")
    parser.add_argument("--strategy", metavar="NAME[,NAME]", help="only these strategies (default: all)")
    parser.add_argument("--control-plane", dest="profile", choices=PROFILES, help="default: each experiment's own")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the results (default: results)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON and nothing else")
    given = parser.parse_args(arguments)
    require_target(given.target, parser)
    only = tuple(name for name in given.only.split(",") if name)
    chosen = tuple(name for name in (given.strategy or "").split(",") if name) or None
    for kind, wanted, known in (
        ("experiment", only, tuple(names)),
        ("strategy", chosen or (), available_strategies()),
    ):
        for name in wanted:
            if name not in known:
                parser.error(f"no {kind} named {name!r}; there are {', '.join(known)}")
    if given.quick and given.paper_length:
        parser.error("--quick and --paper-length exclude each other")
    return Options(
        given.target,
        chosen,
        given.profile,
        given.seed,
        given.quick,
        given.out,
        only,
        given.new,
        given.json,
        given.paper_length,
    )


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)

    def start() -> int:
        require_root()
        with _signals_as_ctrl_c():
            return run(options)

    return run_main(start)
