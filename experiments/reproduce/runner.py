"""Everything at once: all experiments one after the other, and a report on all claims.

The run is stored in results/report/<run>/. The same command continues a run that was interrupted or in which something
failed: finished experiments are not repeated, and an interrupted one continues after its last complete trial. When
everything is done, the next call begins a new run.

Exit code: 0: all claims hold; 1: one does not; 2: an experiment failed, or wrong usage; 3: none fails, but one could
not be judged; 130: after Ctrl-C. (`make` itself ends with 2 whenever this is not 0, and prints the code.)
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.harness.child import Ended, Progress, run_experiment
from experiments.harness.main import EXIT_CLAIM_FAILS, EXIT_ERROR, EXIT_INTERRUPTED, EXIT_NOT_JUDGED, EXIT_OK, run_main
from experiments.registry import EXPERIMENTS, Experiment
from experiments.report.model import ERROR, FAILS, OPEN, Report
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
from experiments.report.text import (
    SIGNS,
    duration_in_words,
    headline,
    measured_text,
    name_of,
    principal,
    verdict_in_words,
)
from experiments.report.write import write_report
from experiments.reproduce.display import RunDisplay
from experiments.reproduce.options import Options, parse
from topologies.network import require_root

_NOTHING_TO_RESUME = "no interrupted run"

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
    shown = RunDisplay(todo, expected, console)
    console.print(f"{len(todo)} of {len(experiments)} experiments to run, {duration_in_words(sum(expected.values()))}.")
    report, page = write_report(state, experiments)
    state.folder.point_latest()  # also if the run ends with an error
    try:
        with shown.shown():
            for experiment in todo:
                shown.begin(experiment.name)
                shown.end(experiment.name, _attempt(state, experiment, options, shown, runner))
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
    """Whether it is done and its result still exists."""
    folder = state.result_folder(name)
    return state.experiments[name].status == DONE and folder is not None and (folder / "summary.json").exists()


def _attempt(state: ReportRun, experiment: Experiment, options: Options, shown: RunDisplay, runner: Runner) -> Ended:
    """Runs one experiment to its end and records it. Continues with the trials of an earlier attempt."""
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
        shown.tick(name, progress, elapsed_s)

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
    if report.count(FAILS):
        return EXIT_CLAIM_FAILS
    open_ = any(result.verdict == OPEN and result.covered for result in report.claims)
    return EXIT_NOT_JUDGED if open_ else EXIT_OK


def _print_report(report: Report, page: Path) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    table = Table(title=headline(report))
    for column in ("claim", "measured", "verdict"):
        table.add_column(column)
    for result in report.claims:
        lead = (f"{name_of(number, report)}: {measured_text(number)}" for number in principal(result))
        numbers = "\n".join(lead)
        text = f"{result.claim.id} {result.claim.title}"
        verdict = verdict_in_words(result.verdict, result.better)
        table.add_row(escape(text), escape(numbers), f"{SIGNS[result.verdict]} {verdict}")
    console.print(table)
    console.print(f"Report: {page}", soft_wrap=True)


@contextmanager
def _signals_as_ctrl_c() -> Iterator[None]:
    """SIGTERM and SIGHUP end a run in the same orderly way as Ctrl-C, unless they are ignored (nohup)."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments, description=__doc__)

    def start() -> int:
        if options.cluster is None:
            require_root()
        with _signals_as_ctrl_c():
            return run(options)

    return run_main(start)
