"""`state4 reconfigure`: changes the program of a running switch."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from finsy.proto import p4r
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from p4front.text.source import P4Error
from state4.cancel import cancellable
from state4.cim import Track
from state4.cli.options import (
    Commands,
    chosen,
    connect,
    console,
    counts_option,
    json_option,
    new_command,
    plan_options,
    prepare_options,
    preprocessor_options,
    ring_option,
    session_option,
    state_map,
    target_options,
    track_option,
)
from state4.cli.plan import plan_as_dict, print_plan
from state4.cli.verify import DIFFERS, print_comparison
from state4.entries_file import load_entries, updates
from state4.errors import SessionInUse
from state4.events import Event, EventLog
from state4.pacing import PROFILES
from state4.programs import InstalledProgram, prepare_program
from state4.reconfigure import (
    Outcome,
    Reconfiguration,
    Strategy,
    check_instrumented,
    needs_map,
    prepare,
    reconfigure,
    runs,
    track_for,
)
from state4.replication import sessions_in
from state4.rsrm import is_free
from state4.strategies import load_strategies, load_strategy, strategy_names
from state4.targets.base import Target
from state4.targets.p4runtime.target import P4RuntimeTarget


def add_command(commands: Commands) -> None:
    parser = new_command(commands, "reconfigure", _run, "Change the program of a running switch, with its state.")
    parser.add_argument("new", type=Path, metavar="NEW.p4")
    target_options(parser)
    ring_option(parser)
    parser.add_argument("--strategy", choices=strategy_names(), default="state4")
    parser.add_argument("--list", action=_List, help="describe the strategies and exit")
    parser.add_argument("--control-plane", choices=sorted(PROFILES), default="native")
    text = (
        "compare the new program's registers and entries with the old one's in the swap step, before packets resume "
        "(if the switch can hold them); exit code 1 if there are differences"
    )
    parser.add_argument("--verify", action="store_true", help=text)
    text = (
        "change nothing: check the program on the switch, show what would happen to its state and whether it is running"
    )
    parser.add_argument("--dry-run", action="store_true", help=text)
    text = "additional entries, multicast groups and clone sessions for the new program (docs/entries.md)"
    parser.add_argument("--entries", type=Path, metavar="FILE", help=text)
    parser.add_argument("--events", type=Path, metavar="FILE", help="append events as JSON lines")
    track_option(parser, None)
    session_option(parser)
    counts_option(parser)
    plan_options(parser)
    json_option(parser)
    preprocessor_options(parser)


class _List(argparse.Action):
    """Like --help: nothing else needs to be given."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        for name, strategy in load_strategies().items():
            needs = "clones" if strategy.needs_cloning else "a dirty map" if needs_map(strategy) else ""
            print(f"{name:14}{strategy.summary}" + (f" [needs {needs}]" if needs else ""))
        parser.exit()


def _run(args: argparse.Namespace) -> int:
    strategy = load_strategy(args.strategy)
    args.track = args.track or (None if needs_map(strategy) else Track.CLONES)
    program = _prepare(args) if args.track is not None else None
    entries = _entries(args, program) if program is not None else []
    only, needless = chosen(args, args.new)
    events = EventLog(path=args.events)
    with cancellable(events), connect(args) as target:
        if program is None:
            program = _prepare_for(args, strategy, target)
            entries = _entries(args, program)
        context = prepare(
            target,
            _with_free_session(args, program, target, entries),
            profile=PROFILES[args.control_plane],
            only=only,
            needless=needless,
            entries=entries,
            state_map=state_map(args.map),
            allow_loss=args.allow_loss,
            events=events,
            verify=args.verify,
        )
        if args.dry_run:
            return _dry_run(args, strategy, context)
        with _progress(events, context.plan.cells, quiet=args.json):
            outcome = reconfigure(strategy, context)
    durations = _durations(events)
    mastership = target.mastership if isinstance(target, P4RuntimeTarget) else None
    if args.json:
        client = {} if mastership is None else {"role": mastership.role, "election_id": mastership.election_id}
        print(json.dumps({**outcome.as_dict(), **client, "seconds": durations}, indent=2))
    else:
        but = ", but its state may not be complete" if outcome.inexact else ""
        print(f"{program.name} is running ({strategy.name}, {durations['reconfigure']:.3f} s in all){but}")
        _print(outcome)
        if mastership is not None:
            print(f"  as {mastership}")
    return DIFFERS if outcome.verified is not None and outcome.verified.total else 0


def _dry_run(args: argparse.Namespace, strategy: Strategy, context: Reconfiguration) -> int:
    """All that can fail before the switch is touched does so here."""
    check_instrumented(strategy, context.old)
    verifies = context.target.abilities.verifies
    if verifies is not None:
        verifies.verify(context.new)
    running = runs(context.target, context.new)
    if args.json:
        header = {"program": context.new.name, "strategy": strategy.name, "running": running}
        print(json.dumps({**header, "cells": context.plan.cells, **plan_as_dict(context.plan)}, indent=2))
    else:
        print(f"{context.new.name} {'runs already' if running else 'can be installed'}; nothing was changed")
        print_plan(context.plan, console())
    return 0


def _prepare(args: argparse.Namespace, avoid: Collection[int] = ()) -> InstalledProgram:
    return prepare_program(args.new, prepare_options(args, avoid))


def _prepare_for(args: argparse.Namespace, strategy: Strategy, target: Target) -> InstalledProgram:
    """As the strategy needs it on that switch; with a map only if the program's updates cannot be cloned."""
    args.track = track_for(strategy, target.abilities)
    try:
        return _prepare(args)
    except P4Error:
        if args.track is not Track.BOTH:
            raise
        args.track = Track.MAP
        return _prepare(args)


def _entries(args: argparse.Namespace, program: InstalledProgram) -> list[p4r.Update]:
    return updates(load_entries(args.entries, program.p4info)) if args.entries is not None else []


def _with_free_session(
    args: argparse.Namespace, program: InstalledProgram, target: Target, entries: list[p4r.Update]
) -> InstalledProgram:
    """The program with a clone session that neither the switch nor the operator's file uses. Raises SessionInUse if the
    operator wants one that is used."""
    own = sessions_in(entries)
    avoid: set[int] = set(own)
    while program.layout.session in own or not is_free(target, program.layout.session):
        if args.session is not None:
            where = f"in {args.entries}" if args.session in own else "on the switch"
            raise SessionInUse(f"clone session {args.session} is in use {where}; choose another one for --session")
        avoid.add(program.layout.session)
        program = _prepare(args, avoid)
    return program


@contextmanager
def _progress(events: EventLog, cells: int, *, quiet: bool) -> Iterator[None]:
    """Shows on stderr what happens, until the end of the context."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True, quiet=quiet)
    # Elsewhere than in a terminal rich would leave a blank line in place of the bar.
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
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
    own = f" carried over, {outcome.own_entries:,} of the file" if outcome.own_entries else ""
    print(f"  registers: {outcome.cells:,} cells   entries: {outcome.entries:,}{own}")
    if outcome.rounds:
        shares = ", ".join(f"{share:.2%}" for share in outcome.rounds)
        print(f"  blocks read again, by round: {shares}; {outcome.written:,} cells written again")
        if outcome.remainder is not None:
            print(f"  left for the hold: {outcome.remainder:,} cells{_expected(outcome)}")
    if outcome.clones or not outcome.rounds:
        print(f"  clones: {outcome.clones:,} with {outcome.updates:,} updates, {outcome.written:,} cells written")
    if outcome.ring is not None and outcome.clones:
        print(f"  updates came {'by shared memory' if outcome.ring else 'as clones, not by shared memory'}")
    if outcome.lost_clones or outcome.dropped_frames:
        print(f"  lost clones: {outcome.lost_clones:,} (the listener's ring dropped {outcome.dropped_frames:,})")
    if outcome.late:
        print(
            f"  written after the last read: {outcome.late:,} cells, {outcome.merged:,} merged into the new program, "
            f"{outcome.conflicts:,} left as the new program had written them"
        )
    for line in outcome.declined:
        print(f"  a try to swap was declined: {line}")
    for line in outcome.inexact:
        print(f"  the state may not be exact: {line}")
    if outcome.verified is not None:
        print_comparison("the old program's state", outcome.verified)
    if outcome.left_behind:
        print(f"  left behind by --only: {', '.join(outcome.left_behind)}")
    for line in outcome.warnings:
        print(f"  warning: {line}")
    for line in outcome.skipped:
        print(f"  not carried over: {line}")


def _expected(outcome: Outcome) -> str:
    if outcome.predicted_remainder is None:
        return ""
    rounds = len(outcome.predicted_rounds)
    return f" (expected: {outcome.predicted_remainder:,.0f} after {rounds} round{'s' if rounds != 1 else ''})"


def _durations(events: EventLog) -> dict[str, float]:
    """Seconds from the first begin to the last end of each phase."""
    spans = {event.phase: events.span(event.phase) for event in events.events}
    return {phase: round(span[1] - span[0], 6) for phase, span in spans.items() if span is not None}
