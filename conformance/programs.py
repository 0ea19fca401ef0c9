"""`python -m conformance.programs FOLDER...`: checks State4 with a folder of P4 programs.

Each program is loaded, analysed and instrumented. If packets write registers, generated packets are sent through the
original and the instrumented form, and through strategies that must be exact. A file is a program if it instantiates
`main`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from conformance.isolate import Result, run_isolated
from conformance.program_check import CheckOptions, Verdict, check_program
from state4.strategies import strategy_names

_MAIN = re.compile(r"\)\s*main\s*;")
_OTHER_MODEL = re.compile(r'#\s*include\s*[<"](?:\w+/)*(?:psa|pna|tna|t2na|tofino\w*|[eu]bpf_model|xdp_model)\.p4[>"]')
_EXACT = ("state4_exact", "precopy")
"""Strategies that promise the state of a switch that was never changed; those that exist are used."""
_WIDTH = 200
"""Columns of a table that goes to a file."""
COLUMNS = ("program", "accepted", "stateful", "instrumented", "mapped", "equal", "updates", "why not")


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: every program that was accepted is instrumented in both ways and equal; 1: some are not, or a crash;
    2: wrong use."""
    parser = argparse.ArgumentParser(prog="python -m conformance.programs", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="+", help="folders of P4 programs, or programs")
    parser.add_argument("-I", "--include", type=Path, action="append", default=[], metavar="DIR", help="as for p4c")
    parser.add_argument("-D", "--define", action="append", default=[], metavar="NAME[=VALUE]", help="as for p4c")
    parser.add_argument("--packets", type=int, default=300, help="generated for each program (default %(default)s)")
    parser.add_argument("--strategy", action="append", metavar="NAME", help=f"exact ones (default {', '.join(_EXACT)})")
    parser.add_argument("--no-strategies", action="store_true", help="only original and instrumented form")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes at once (default %(default)s)")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for one program (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("results/programs"), help="folder of the runs")
    options = parser.parse_args(argv)
    missing = [str(folder) for folder in options.folder if not folder.exists()]
    unknown = [name for name in options.strategy or () if name not in strategy_names()]
    if missing or unknown:
        print(f"conformance.programs: not found: {', '.join([*missing, *unknown])}", file=sys.stderr)
        return 2
    todo = list(programs(options.folder))
    if not todo:
        print("conformance.programs: no file instantiates main", file=sys.stderr)
        return 2
    wanted = options.strategy or [name for name in _EXACT if name in strategy_names()]
    check = CheckOptions(
        tuple(options.include),
        tuple(options.define),
        options.packets,
        () if options.no_strategies else tuple(wanted),
        options.seed,
    )
    started = time.time()
    found = _run(todo, check, options)
    path = _write(options.out, started, check, found)
    _print(found)
    print(f"Report: {path}")
    return 0 if all(_good(verdict) for verdict in found.values()) else 1


def programs(folders: Sequence[Path]) -> Iterator[Path]:
    """Files that instantiate `main`, in order, without those for architectures other than v1model."""
    for folder in folders:
        for path in sorted(folder.rglob("*.p4")) if folder.is_dir() else [folder]:
            text = path.read_text(errors="replace") if path.is_file() else ""
            if _MAIN.search(text) and not _OTHER_MODEL.search(text):
                yield path


def _run(todo: Sequence[Path], check: CheckOptions, options: argparse.Namespace) -> dict[Path, Verdict]:
    def run(path: Path) -> Result:
        verdict = check_program(path, check)
        return Result("passed", json.dumps(verdict.as_dict()))

    found: dict[Path, Verdict] = {}
    for path, result in run_isolated(todo, run, jobs=options.jobs, timeout_s=options.timeout):
        if result.status == "passed":
            found[path] = Verdict(**json.loads(result.detail))
        else:
            last = result.detail.strip().splitlines()[-1] if result.detail.strip() else "died"
            found[path] = Verdict(reason=f"crashed: {last}")
    return dict(sorted(found.items()))


def _good(verdict: Verdict) -> bool:
    crashed = verdict.accepted is None
    return not crashed and False not in (verdict.instrumented, verdict.mapped, verdict.equal)


def totals(found: dict[Path, Verdict]) -> dict[str, int]:
    """Number of programs of each kind."""
    verdicts = list(found.values())
    return {
        "programs": len(verdicts),
        "accepted": sum(v.accepted is True for v in verdicts),
        "stateful": sum(v.stateful is True for v in verdicts),
        "instrumented": sum(v.instrumented is True for v in verdicts),
        "mapped": sum(v.mapped is True for v in verdicts),
        "equal": sum(v.equal is True for v in verdicts),
        "crashed": sum(v.accepted is None for v in verdicts),
    }


def _write(out: Path, started: float, check: CheckOptions, found: dict[Path, Verdict]) -> Path:
    run = time.strftime("%Y%m%d-%H%M%S", time.localtime(started))
    folder = out / run
    folder.mkdir(parents=True, exist_ok=True)
    summary = {
        "experiment": "programs",
        "run": run,
        "schema": 1,
        "duration_s": round(time.time() - started, 1),
        "python": platform.python_version(),
        "packets": check.packets,
        "seed": check.seed,
        "strategies": check.strategies,
        "totals": totals(found),
        "programs": {str(path): verdict.as_dict() for path, verdict in found.items()},
    }
    path = folder / "summary.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(summary, indent=1))
    part.replace(path)
    return path


def _print(found: dict[Path, Verdict]) -> None:
    """Prints programs with state, and rejected programs; paths without their common prefix."""
    common = os.path.commonpath([path.parent for path in found])
    table = Table(*COLUMNS)
    for path, verdict in found.items():
        if verdict.stateful or not verdict.accepted:
            flags = (verdict.accepted, verdict.stateful, verdict.instrumented, verdict.mapped, verdict.equal)
            answers = ["" if flag is None else "yes" if flag else "no" for flag in flags]
            reason = verdict.reason.replace(f"{path.parent}/", "")
            table.add_row(os.path.relpath(path, common), *answers, str(verdict.writes or ""), reason)
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    console.print(table)
    console.print(", ".join(f"{count} {name}" for name, count in totals(found).items()), highlight=False)


if __name__ == "__main__":
    sys.exit(main())
