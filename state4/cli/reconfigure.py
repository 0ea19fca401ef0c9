"""`state4 reconfigure`: changes the program of a running switch."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from p4front.load import load_program
from p4front.p4info import build_p4info
from state4.cancel import cancellable
from state4.cli.options import (
    Commands,
    counts_option,
    json_option,
    new_command,
    plan_options,
    preprocessor_options,
    state_map,
)
from state4.entries_file import load_entries, updates
from state4.events import Event, EventLog
from state4.instrumentation.programs import prepare_program
from state4.pacing import PROFILES
from state4.reconfigure import Outcome, prepare, reconfigure
from state4.strategies import load_strategy, strategy_names
from state4.targets import addresses
from state4.targets.base import CPU_PORT

ADDRESS_HELP = (
    "unix:/path/of/socket or host:port of P4Runtime; bmv2 or bmv2://host:port of simple_switch's Thrift server"
)


def add_command(commands: Commands) -> None:
    parser = new_command(commands, "reconfigure", _run, "Change the program of a running switch, with its state.")
    parser.add_argument("new", type=Path, metavar="NEW.p4")
    parser.add_argument("--target", required=True, metavar="ADDRESS", help=ADDRESS_HELP)
    parser.add_argument("--running", type=Path, metavar="OLD.p4", help="what bmv2 runs, if State4 did not install it")
    parser.add_argument("--cpu-interface", default="", metavar="IF", help="where clones arrive")
    parser.add_argument("--cpu-port", type=int, default=CPU_PORT, help="port of the switch (default %(default)s)")
    parser.add_argument("--device-id", type=int, default=1)
    parser.add_argument("--election-id", type=int, default=None, help="default: the time, so that the newest wins")
    parser.add_argument("--strategy", choices=strategy_names(), default="state4")
    parser.add_argument("--control-plane", choices=sorted(PROFILES), default="native")
    parser.add_argument("--entries", type=Path, metavar="FILE", help="entries that the new program gets besides")
    parser.add_argument("--events", type=Path, metavar="FILE", help="append events as JSON lines")
    counts_option(parser)
    plan_options(parser)
    json_option(parser)
    preprocessor_options(parser)


def _run(args: argparse.Namespace) -> None:
    strategy = load_strategy(args.strategy)
    program = prepare_program(args.new, include_dirs=args.include, defines=args.define, counts=args.clone_counts)
    entries = updates(load_entries(args.entries, program.p4info)) if args.entries is not None else []
    running = None
    if args.running is not None:
        running = build_p4info(load_program(args.running, include_dirs=args.include, defines=args.define))
    events = EventLog(path=args.events)
    with (
        cancellable(events),
        addresses.connect(
            args.target,
            cpu_interface=args.cpu_interface,
            cpu_port=args.cpu_port,
            device_id=args.device_id,
            election_id=args.election_id,
            running=running,
        ) as target,
    ):
        context = prepare(
            target,
            program,
            profile=PROFILES[args.control_plane],
            only=args.only,
            entries=entries,
            state_map=state_map(args.map),
            allow_loss=args.allow_loss,
            events=events,
        )
        with _progress(events, context.plan.cells, quiet=args.json):
            outcome = reconfigure(strategy, context)
    durations = _durations(events)
    if args.json:
        print(json.dumps({**outcome.as_dict(), "seconds": durations}, indent=2))
    else:
        print(f"{program.name} is running ({strategy.name}, {durations['reconfigure']:.3f} s in all)")
        _print(outcome)


@contextmanager
def _progress(events: EventLog, cells: int, *, quiet: bool) -> Iterator[None]:
    """Shows on stderr what happens, until the end of the context."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True, quiet=quiet), transient=True) as progress:
        task = progress.add_task("reconfiguring", total=max(1, 2 * cells))

        def show(event: Event) -> None:
            if event.what == "begin":
                progress.update(task, description=f"{event.phase} {event.data.get('component', '')}".strip())
            elif event.phase in ("read_register", "write_register"):
                progress.advance(task, event.data["cells"])

        events.on_event = show
        try:
            yield
        finally:
            events.on_event = None


def _print(outcome: Outcome) -> None:
    print(f"  registers: {outcome.cells:,} cells   entries: {outcome.entries:,}")
    print(f"  clones: {outcome.clones:,} with {outcome.updates:,} updates, {outcome.written:,} cells written")
    if outcome.lost_clones or outcome.dropped_frames:
        print(f"  lost clones: {outcome.lost_clones:,} (the listener's ring dropped {outcome.dropped_frames:,} frames)")
    if outcome.late:
        print(
            f"  written after the last look: {outcome.late:,} cells, {outcome.merged:,} brought into the new program, "
            f"{outcome.conflicts:,} left as it had written them meanwhile"
        )
    for line in outcome.inexact:
        print(f"  the state may not be exact: {line}")
    if outcome.left_behind:
        print(f"  left behind, as --only does not name it: {', '.join(outcome.left_behind)}")
    for line in outcome.warnings:
        print(f"  warning: {line}")
    for line in outcome.skipped:
        print(f"  not carried over: {line}")


def _durations(events: EventLog) -> dict[str, float]:
    """Seconds from the first begin to the last end of each phase."""
    spans = {event.phase: events.span(event.phase) for event in events.events}
    return {phase: round(span[1] - span[0], 6) for phase, span in spans.items() if span is not None}
