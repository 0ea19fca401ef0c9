"""Writes the report of a run again from its results: `python -m experiments.report results/report/latest`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from experiments.main import EXIT_OK, run_main
from experiments.report.state import ReportRun
from experiments.report.write import write_report


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m experiments.report", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a run of all experiments")
    path = parser.parse_args(arguments).run

    def run() -> int:
        _, page = write_report(ReportRun.open(path))
        print(page)
        return EXIT_OK

    return run_main(run)


if __name__ == "__main__":
    sys.exit(main())
