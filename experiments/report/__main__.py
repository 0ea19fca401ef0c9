"""Rewrites the report of a run from its results: `python -m experiments.report results/report/latest`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from experiments.harness.main import EXIT_OK, run_main
from experiments.harness.progress import working
from experiments.report.state import ReportRun
from experiments.report.write import write_report


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m experiments.report", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a run of all experiments")
    parser.add_argument("--json", action="store_true", help="print only the report, as JSON")
    given = parser.parse_args(arguments)

    def run() -> int:
        with working("writing the report", quiet=given.json):
            report, page = write_report(ReportRun.open(given.run))
        print(json.dumps(report.as_dict(), indent=1) if given.json else page)
        return EXIT_OK

    return run_main(run)


if __name__ == "__main__":
    sys.exit(main())
