"""Makes a complete run the reference of this repository: what `make compare` compares with, small enough for git.

python -m experiments.reference --from results/report/<run>

A run on softswitch goes to results/reference, one on another target to results/reference/<target>.

Takes the report and, of every experiment, `run.json`, `summary.json` and the figures (PNGs get a palette, which makes
them a third as large). Raw samples stay behind. The reference takes the place of the one before as a whole,
and the table in the README follows it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from experiments.harness.main import EXIT_OK, run_main
from experiments.harness.options import TARGETS
from experiments.harness.progress import working
from experiments.harness.results import ResultError
from experiments.registry import EXPERIMENTS, Experiment
from experiments.report.images import small_png
from experiments.report.readme import write_claims_table
from experiments.report.state import DONE, REFERENCE, ReportRun
from experiments.report.write import write_report

LIMIT_BYTES = 5_000_000
_FILES = ("run.json", "summary.json")


def make_reference(source: Path, target: Path, experiments: Sequence[Experiment] = EXPERIMENTS) -> int:
    """Returns its size in bytes. Raises ResultError for a run that is not complete, or too large: nothing changes."""
    run = ReportRun.open(source)
    missing = [name for name, progress in run.experiments.items() if progress.status != DONE]
    if missing:
        raise ResultError(f"{source} is not complete: {', '.join(missing)}; continue it with `make reproduce`")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".reference.", dir=target.parent) as temporary:
        fresh = Path(temporary) / target.name
        fresh.mkdir()
        for name in run.experiments:
            folder = run.result_folder(name)
            assert folder is not None
            _copy(folder, fresh / name)
        for name in ("run.json", "state.json"):
            shutil.copyfile(run.path / name, fresh / name)
        copy = ReportRun.open(fresh)
        for name in copy.experiments:
            copy.update(name, folder=name, seen=())
        write_report(copy, experiments)
        size = _size(fresh)
        if size > LIMIT_BYTES:
            largest = sorted((path for path in fresh.rglob("*") if path.is_file()), key=lambda p: -p.stat().st_size)[:3]
            names = ", ".join(f"{path.relative_to(fresh)} ({path.stat().st_size:,} bytes)" for path in largest)
            raise ResultError(f"{size:,} bytes are too much for git (limit {LIMIT_BYTES:,}); the largest: {names}")
        others = [name for name in TARGETS if (target / name / "report.json").exists()]
        for name in others:
            (target / name).rename(fresh / name)
        if target.exists():
            shutil.rmtree(target)
        fresh.rename(target)
    for folder in (target, *(target / name for name in others), target.parent):
        if (folder / "state.json").exists():  # each shows the others' numbers
            write_report(ReportRun.open(folder), experiments)
    return size


def default_target(source: Path) -> Path:
    """Where the reference of a run's target belongs."""
    target = ReportRun.open(source).description()["options"].get("target", TARGETS[0])
    return REFERENCE if target == TARGETS[0] else REFERENCE / target


def _copy(folder: Path, target: Path) -> None:
    target.mkdir()
    for name in _FILES:
        if not (folder / name).exists():
            raise ResultError(f"{folder / name} is missing")
        shutil.copyfile(folder / name, target / name)
    for figure in sorted(folder.glob("*.png")):
        (target / figure.name).write_bytes(small_png(figure))
    for figure in sorted(folder.glob("*.pdf")):
        shutil.copyfile(figure, target / figure.name)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.reference",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--from", dest="source", type=Path, required=True, metavar="RUN", help="results/report/<run>")
    parser.add_argument("--to", type=Path, help=f"default: {REFERENCE}, or its folder for the run's target")
    parser.add_argument("--json", action="store_true", help="print its path and size as JSON")
    given = parser.parse_args(arguments)

    def run() -> int:
        to: Path = given.to or default_target(given.source)
        with working("copying", quiet=given.json):
            size = make_reference(given.source, to)
            if to in (REFERENCE, *(REFERENCE / target for target in TARGETS)):
                write_claims_table()
        if given.json:
            print(json.dumps({"folder": str(to), "bytes": size}))
        else:
            print(f"{to}: {size:,} bytes")
        return EXIT_OK

    return run_main(run)


if __name__ == "__main__":
    sys.exit(main())
