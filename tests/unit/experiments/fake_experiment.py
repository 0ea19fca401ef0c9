"""Stands in for an experiment, as a program whose behaviour is given in FAKE. Needs no network and takes no time."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from experiments.claims.base import Claim, Finding, Verdict
from experiments.claims.stats import spread
from experiments.harness.main import code_of, run_main
from experiments.harness.options import common_options, common_parser
from experiments.harness.progress import Display
from experiments.harness.sweep import Trial, TrialResult, run_sweep
from topologies.errors import NetworkError

NAMES = ("none", "state4")


def run(arguments: list[str] | None = None) -> int:
    parser = common_parser(__doc__, repeats=2)
    options = common_options(parser.parse_args(arguments), parser, default=NAMES, available=NAMES)
    what = os.environ.get("FAKE", "holds")

    def trial(trial: Trial, show: Display) -> TrialResult:
        if what == "hangs" and trial.strategy == "state4":
            Path(os.environ["FAKE_FILE"]).touch()
            time.sleep(60)
        if what == "fails":
            raise NetworkError("switch s1 did not start; the end of its log:\n    no such interface")
        if what == "crashes":
            raise ZeroDivisionError("on purpose")
        return TrialResult({"loss": 0.25 * trial.repeat}, {}, [{"t": 0.0, "phase": "x", "what": "point"}])

    trials = [Trial(name, repeat) for name in options.strategies for repeat in (1, 2)]
    sweep = run_sweep(os.environ.get("FAKE_NAME", "fake"), options, trials, trial, trial_s=1.0)
    verdict = Verdict(what) if what in {verdict.value for verdict in Verdict} else Verdict.HOLDS
    loss = spread([item["loss"] for item in sweep.trials.values()])
    finding = Finding("state4: loss", "< 1 %", loss, "%")
    claim = Claim("C1", "< 1 %", loss.median, "%", verdict, "as it was told", (finding,))
    summary = sweep.folder.finish(
        target=options.target,
        profile=options.profile,
        measured={"state4": {"loss": loss.as_dict()}},
        claims=[claim],
        trials=sweep.for_summary(),
    )
    print(summary.read_text(), end="")
    return code_of([claim])


def main() -> int:
    return run_main(run)


if __name__ == "__main__":
    sys.exit(main())
