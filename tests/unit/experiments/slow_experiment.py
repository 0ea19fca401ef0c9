"""An experiment of simulated trials, as a program: each takes a while and records its place. Needs no network."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pandas as pd

from experiments.claims.base import Claim, Verdict
from experiments.harness.ending import conclude
from experiments.harness.main import run_main
from experiments.harness.options import common_options, common_parser
from experiments.harness.progress import Display
from experiments.harness.sweep import Trial, TrialResult, run_sweep

NAMES = ("none", "state4")


def main() -> int:
    parser = common_parser(__doc__, repeats=2)
    parser.add_argument("--trial-s", type=float, default=0.1)
    parser.add_argument("--started", type=Path, help="a file for each trial that began is made in this folder")
    parser.add_argument("--fails-on", default="", help="trials fail where WORKER has this value")
    given = parser.parse_args()
    options = common_options(given, parser, default=NAMES, available=NAMES)
    where = os.environ.get("WORKER", "here")

    def run_trial(trial: Trial, show: Display) -> TrialResult:
        if given.started:
            (given.started / f"{where}-{trial.name}").touch()
        time.sleep(given.trial_s)
        if where == given.fails_on:
            raise ValueError("nothing works here")
        return TrialResult(
            {"where": where}, {"rows": pd.DataFrame({"x": [1, 2]})}, [{"t": 0.0, "phase": "x", "what": "point"}]
        )

    def run() -> int:
        trials = [Trial(name, repeat) for repeat in range(1, options.repeats + 1) for name in options.strategies]
        sweep = run_sweep("slow", options, trials, run_trial, trial_s=given.trial_s, needs_root=False)
        places = sorted({str(trial["where"]) for trial in sweep.trials.values()})
        verdict = Verdict.HOLDS if len(places) == 1 else Verdict.FAILS  # what is judged was measured in one place
        claim = Claim("X1", "one place", places, "", verdict, f"measured on {', '.join(places)}")
        return conclude(
            sweep,
            options,
            {"places": places},
            [claim],
            draw=lambda folder: (folder / "slow.png").write_bytes(b"figure"),
            table=lambda measured, claims, folder: print(measured, folder),
        )

    return run_main(run)


if __name__ == "__main__":
    sys.exit(main())
