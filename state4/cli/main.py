"""The command line: `state4 analyse | instrument | plan | reconfigure`.

Exit codes: 0 done; 1 the switch or the reconfiguration failed; 2 wrong input (a program, a component, an option).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from p4front.load import load_program
from p4front.p4info import build_p4info
from p4front.text.source import P4Error
from state4.cam import Analysis, analyse
from state4.cancel import cancellable
from state4.cim import DEFAULT_SESSION
from state4.errors import ListenerError, PlanRefused, State4Error, TargetError, UnknownComponent
from state4.events import Event, EventLog
from state4.instrumentation.programs import instrument_file, prepare_program
from state4.pacing import PROFILES
from state4.plan.plan import Plan, make_plan
from state4.plan.state_map import StateMap, load_map
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy, strategy_names
from state4.targets import addresses
from state4.targets.base import CPU_PORT
from state4.targets.bmv2.program import MissingTool

EXIT_OK, EXIT_FAILED, EXIT_WRONG = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        return int(args.run(args))
    except P4Error as error:
        print(error, file=sys.stderr)
        return EXIT_WRONG
    except (UnknownComponent, PlanRefused, ListenerError, MissingTool) as error:
        print(f"state4: {error}", file=sys.stderr)
        return EXIT_WRONG
    except TargetError as error:
        print(f"state4: {error}", file=sys.stderr)
        return EXIT_FAILED
    except State4Error as error:
        print(f"state4: {error}", file=sys.stderr)
        return EXIT_WRONG
    except OSError as error:
        print(f"state4: {error.filename or ''}: {error.strerror or error}".replace(" : ", " "), file=sys.stderr)
        return EXIT_WRONG
    except KeyboardInterrupt:
        print("state4: cancelled", file=sys.stderr)
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="state4", description="State-preserving reconfiguration of P4 switches.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    def preprocessor(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("-I", dest="include", action="append", type=Path, default=[], metavar="DIR")
        sub.add_argument("-D", dest="define", action="append", default=[], metavar="NAME[=VALUE]")

    sub = command("analyse", _analyse, "List a program's stateful components and every write of them.")
    sub.add_argument("program", type=Path, metavar="PROG.p4")
    sub.add_argument("--json", action="store_true", help="machine-readable")
    preprocessor(sub)

    sub = command("instrument", _instrument, "Add the cloning of state updates to a program.")
    sub.add_argument("program", type=Path, metavar="PROG.p4")
    sub.add_argument("-o", dest="output", type=Path, required=True, metavar="OUT.p4")
    sub.add_argument("--session", type=int, default=DEFAULT_SESSION, help="clone session (default %(default)s)")
    _counts_option(sub)
    preprocessor(sub)

    sub = command("plan", _plan, "Say what a change from one program to another keeps, and what it would lose.")
    sub.add_argument("old", type=Path, metavar="OLD.p4")
    sub.add_argument("new", type=Path, metavar="NEW.p4")
    _plan_options(sub)
    sub.add_argument("--json", action="store_true", help="machine-readable")
    preprocessor(sub)

    sub = command("reconfigure", _reconfigure, "Change the program of a running switch, with its state.")
    sub.add_argument("new", type=Path, metavar="NEW.p4")
    text = "unix:/path/of/socket or host:port of P4Runtime; bmv2 or bmv2://host:port of simple_switch's Thrift server"
    sub.add_argument("--target", required=True, metavar="ADDRESS", help=text)
    sub.add_argument("--running", type=Path, metavar="OLD.p4", help="what bmv2 runs, if State4 did not install it")
    sub.add_argument("--cpu-interface", default="", metavar="IF", help="where clones arrive")
    sub.add_argument("--cpu-port", type=int, default=CPU_PORT, help="port of the switch (default %(default)s)")
    sub.add_argument("--device-id", type=int, default=1)
    sub.add_argument("--election-id", type=int, default=None, help="default: the time, so that the newest wins")
    sub.add_argument("--strategy", choices=strategy_names(), default="state4")
    sub.add_argument("--control-plane", choices=sorted(PROFILES), default="native")
    sub.add_argument("--entries", type=Path, metavar="FILE", help="entries that the new program gets besides")
    _counts_option(sub)
    sub.add_argument("--events", type=Path, metavar="FILE", help="append events as JSON lines")
    _plan_options(sub)
    sub.add_argument("--json", action="store_true", help="machine-readable")
    preprocessor(sub)
    return parser


def _counts_option(sub: argparse.ArgumentParser) -> None:
    text = "clone counts of indirect counters as well, for a switch that cannot hold packets (bmv2)"
    sub.add_argument("--clone-counts", action="store_true", help=text)


def _plan_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--only", type=_names, metavar="A,B", help="components to keep (default: all)")
    sub.add_argument("--map", type=Path, metavar="FILE", help="TOML or JSON: other names and forms in the new program")
    sub.add_argument("--allow-loss", action="store_true", help="go on although state has no place any more")


def _console() -> Console:
    """A console that shows text as it is; wide where nobody looks at it directly."""
    return Console(emoji=False, markup=False, highlight=False, width=None if sys.stdout.isatty() else 220)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


# ---------------------------------------------------------------- analyse


def _analyse(args: argparse.Namespace) -> int:
    analysis = analyse(load_program(args.program, include_dirs=args.include, defines=args.define))
    if args.json:
        print(json.dumps(analysis_as_dict(analysis), indent=2))
    else:
        _print_analysis(analysis, _console())
    return EXIT_OK


def analysis_as_dict(analysis: Analysis) -> dict[str, Any]:
    """CAM's list for machines."""
    return {
        "components": [
            {
                "number": c.number or None,
                "kind": c.kind,
                "name": c.name,
                "cells": c.cells,
                "width_bits": c.width,
                "kib": c.kib,
                "place": str(c.place),
            }
            for c in analysis.components
        ],
        "writes": [
            {
                "components": list(w.components),
                "kind": w.kind,
                "index": w.index,
                "value": w.value,
                "operation": w.operation.kind,
                "place": str(w.place),
                "blocks": list(w.blocks),
                "inside": list(w.inside),
            }
            for w in analysis.writes
        ],
        "clones": [{"place": str(c.place), "blocks": list(c.blocks)} for c in analysis.clones],
        "registers": len(analysis.registers),
        "largest_size_cells": analysis.largest_size,
        "widest_value_bits": analysis.widest_value,
        "register_kib": analysis.register_kib,
        "most_writes_of_a_packet": {block: len(analysis.longest(block).updates) for block in ("ingress", "egress")},
    }


def _print_analysis(analysis: Analysis, console: Console) -> None:
    table = Table(title="Stateful components", box=None, title_justify="left", header_style="bold")
    for name, justify in (("#", "right"), ("kind", "left"), ("name", "left"), ("cells", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("bits", justify="right")
    table.add_column("KiB", justify="right")
    table.add_column("declared at", overflow="fold")
    for c in analysis.components:
        cells = "" if c.cells is None else f"{c.cells:,}"
        kib = "" if c.kib is None else f"{c.kib:.1f}"
        table.add_row(str(c.number or ""), c.kind, c.name, cells, str(c.width or ""), kib, str(c.place))
    console.print(table)
    console.print()
    writes = Table(title="Writes", box=None, title_justify="left", header_style="bold")
    for name in ("component", "index", "value", "pass", "inside", "at"):
        writes.add_column(name, overflow="fold")
    for w in analysis.writes:
        value = f"+= {w.operation.amount}" if w.operation.kind == "add" and w.operation.amount else w.value
        row = (" or ".join(w.components), w.index, value, ", ".join(w.blocks), " > ".join(w.inside), str(w.place))
        writes.add_row(*(" ".join(cell.split()) for cell in row))
    console.print(writes if analysis.writes else "No writes.")
    console.print()
    most = ", ".join(f"{len(analysis.longest(block).updates)} in {block}" for block in ("ingress", "egress"))
    console.print(
        f"{len(analysis.registers)} registers, {analysis.register_kib:.1f} KiB packed; "
        f"largest {analysis.largest_size:,} cells, widest value {analysis.widest_value} bits; "
        f"a packet writes at most {most}."
    )


# ---------------------------------------------------------------- instrument


def _instrument(args: argparse.Namespace) -> int:
    result = instrument_file(
        args.program, include_dirs=args.include, defines=args.define, session=args.session, counts=args.clone_counts
    )
    args.output.write_text(result.text)
    layout = result.layout
    print(
        f"{args.output}: {len(layout.components)} registers, {layout.slots} updates per clone, "
        f"{layout.header_bytes} bytes per clone, session {layout.session}"
    )
    return EXIT_OK


# ---------------------------------------------------------------- plan


def _plan(args: argparse.Namespace) -> int:
    old, new = (
        build_p4info(load_program(path, include_dirs=args.include, defines=args.define))
        for path in (args.old, args.new)
    )
    plan = make_plan(old, new, only=args.only, state_map=_state_map(args.map))
    if args.json:
        print(json.dumps(plan_as_dict(plan), indent=2))
    else:
        _print_plan(plan, _console())
    plan.check(allow_loss=args.allow_loss)
    return EXIT_OK


def plan_as_dict(plan: Plan) -> dict[str, Any]:
    return {
        "carried": [{"name": c.old.name, "new_name": c.new.name, "changes": list(c.changes)} for c in plan.registers],
        "tables": list(plan.tables),
        "converted_tables": dict(plan.converted),
        "new": [*plan.new, *plan.new_tables],
        "left_out": list(plan.left_out),
        "losses": list(plan.losses),
    }


def _print_plan(plan: Plan, console: Console) -> None:
    table = Table(box=None, header_style="bold")
    for name in ("", "component", "what changes"):
        table.add_column(name)
    for c in plan.registers:
        table.add_row("carried", c.old.name, ", ".join(c.changes))
    words = dict(plan.converted)
    for name in plan.tables:
        table.add_row("carried", f"table {name}", words.get(name, ""))
    for name in plan.new:
        table.add_row("new", name, "begins empty")
    for name in plan.new_tables:
        table.add_row("new", f"table {name}", "begins empty")
    for name in plan.left_out:
        table.add_row("left out", name, "not in --only")
    for loss in plan.losses:
        table.add_row("lost", loss, "")
    console.print(table)


def _state_map(path: Path | None) -> StateMap:
    return StateMap() if path is None else load_map(path)


# ---------------------------------------------------------------- reconfigure


def _reconfigure(args: argparse.Namespace) -> int:
    strategy = load_strategy(args.strategy)
    program = prepare_program(args.new, include_dirs=args.include, defines=args.define, counts=args.clone_counts)
    entries = _entries(args.entries, program.p4info) if args.entries is not None else []
    running = None
    if args.running is not None:
        running = build_p4info(load_program(args.running, include_dirs=args.include, defines=args.define))
    console = Console(stderr=True, quiet=args.json)
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
        Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        ) as progress,
    ):
        context = prepare(
            target,
            program,
            profile=PROFILES[args.control_plane],
            only=args.only,
            entries=entries,
            state_map=_state_map(args.map),
            allow_loss=args.allow_loss,
            events=events,
        )
        task = progress.add_task("reconfiguring", total=max(1, 2 * context.plan.cells))

        def show(event: Event) -> None:
            if event.what == "begin":
                progress.update(task, description=f"{event.phase} {event.data.get('component', '')}".strip())
            elif event.phase in ("read_register", "write_register"):
                progress.advance(task, event.data["cells"])

        events.on_event = show
        outcome = reconfigure(strategy, context)
    durations = _durations(events)
    if args.json:
        print(json.dumps({**outcome.as_dict(), "seconds": durations}, indent=2))
        return EXIT_OK
    print(f"{program.name} is running ({strategy.name}, {durations['reconfigure']:.3f} s in all)")
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
    for line in outcome.skipped:
        print(f"  not carried over: {line}")
    return EXIT_OK


def _entries(path: Path, p4info: Any) -> list[Any]:
    from nfs.entries import EntryError, load_entries, updates

    try:
        return updates(load_entries(path, p4info))
    except EntryError as error:
        raise State4Error(str(error)) from None


def _durations(events: EventLog) -> dict[str, float]:
    """Seconds from the first begin to the last end of each phase."""
    spans = {event.phase: events.span(event.phase) for event in events.events}
    return {phase: round(span[1] - span[0], 6) for phase, span in spans.items() if span is not None}


if __name__ == "__main__":
    sys.exit(main())
