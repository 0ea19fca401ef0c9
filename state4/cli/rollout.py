"""`state4 rollout`: changes the programs of several switches, in order, a few at once."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from state4.cli.options import Commands, json_option, new_command
from state4.rollout.commands import Commands as SwitchCommands
from state4.rollout.commands import Planned
from state4.rollout.engine import RolloutRun, stopped_by_signals
from state4.rollout.file import Rollout, SwitchChange, load_rollout
from state4.rollout.record import Record, RecordError, Step, locked
from state4.strategies import load_strategy

FAILED, WRONG = 1, 2


def add_command(commands: Commands) -> None:
    text = (
        "Change the programs of several switches as a file specifies (docs/rollout.md): plans all, then changes one "
        "after the other, and stops at the first failure, leaving the rest untouched."
    )
    parser = new_command(commands, "rollout", _run, text)
    parser.add_argument("file", type=Path, metavar="FILE.toml")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="continue where the last run of this file stopped")
    again.add_argument("--restart", action="store_true", help="start over although the last run did not finish")
    parser.add_argument("--dry-run", action="store_true", help="plan all changes and make none")
    text = "file that records the progress (default: FILE.toml.record)"
    parser.add_argument("--record", type=Path, metavar="FILE", help=text)
    json_option(parser)


class _Shown:
    """A line on stderr for each step; with `quiet` none."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def planned(self, switch: SwitchChange, plan: Planned) -> None:
        output = plan.output
        already = ", which it already runs" if plan.running else ""
        self._say(f"{switch.name}: {output['program']} can be installed{already}: {output['cells']:,} cells to carry")
        for loss in output["losses"]:
            self._say(f"{switch.name}: lost, as the file allows: {loss}")
        for warning in output["warnings"]:
            self._say(f"{switch.name}: warning: {warning}")

    def begun(self, switch: SwitchChange) -> None:
        self._say(f"{switch.name}: changing to {switch.program.stem} ({switch.strategy})")

    def ended(self, switch: SwitchChange, step: Step, why: str, outcome: Mapping[str, Any]) -> None:
        seconds = outcome.get("seconds", {}).get("reconfigure")
        took = f" in {seconds:.3f} s" if seconds is not None else ""
        self._say(f"{switch.name}: {step.value}{took}{f': {why}' if why else ''}")

    def _say(self, line: str) -> None:
        if not self._quiet:
            print(line, file=sys.stderr, flush=True)


def _run(args: argparse.Namespace) -> int:
    rollout = load_rollout(args.file)
    for switch in rollout.switches:
        load_strategy(switch.strategy)
    path = args.record or args.file.with_name(f"{args.file.name}.record")
    with locked(path) as lock:
        record = _record(args, rollout, path)
        run = RolloutRun(rollout, record, SwitchCommands(lock), _Shown(quiet=args.json))
        with stopped_by_signals(run):
            problems = run.plan()
            finished = not problems and not run.stopped and not args.dry_run and run.change()
    if args.json:
        print(json.dumps({**record.as_dict(), "problems": problems, "finished": record.finished}, indent=2))
    else:
        _tell(args, record, problems, cancelled=run.stopped and not _failed(record))
    if args.dry_run:
        return WRONG if problems else 0
    return 0 if finished else FAILED


def _record(args: argparse.Namespace, rollout: Rollout, path: Path) -> Record:
    """Raises RecordError if it is unclear whether to resume or to start over."""
    found = Record.read(path)
    begun = found is not None and any(entry.step is not Step.WAITING for entry in found.entries.values())
    if args.resume:
        if found is None or not begun:
            raise RecordError(f"{path}: there is nothing to resume; start without --resume")
        if not found.is_of(rollout.fingerprint):
            raise RecordError(
                f"{rollout.path}, or a file that it names, has changed: restore it, or start over with --restart"
            )
        return found
    if found is not None and begun and not found.finished and not args.restart:
        raise RecordError(f"{path}: the last run did not finish: continue with --resume, or start over with --restart")
    return Record.new(path, rollout.fingerprint, [switch.name for switch in rollout.switches])


def _failed(record: Record) -> list[str]:
    return [name for name, entry in record.entries.items() if entry.step is Step.FAILED]


def _tell(args: argparse.Namespace, record: Record, problems: Mapping[str, str], *, cancelled: bool) -> None:
    for name, why in problems.items():
        print(f"state4: {name}: {why.removeprefix('state4: ')}", file=sys.stderr)
    names = {step: [name for name, entry in record.entries.items() if entry.step is step] for step in Step}
    if problems:
        print("no change was begun, because not all of them are possible")
    elif record.finished:
        print(f"all {len(record.entries)} switches run their new programs")
    elif args.dry_run:
        print("nothing was changed")
    else:
        parts = [f"{step.value}: {', '.join(found)}" for step, found in names.items() if found]
        print(f"{'cancelled' if cancelled else 'stopped'}; {'; '.join(parts)}")
        print(f"continue with: state4 rollout {args.file} --resume")
