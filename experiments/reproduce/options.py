"""The options of `python -m experiments.reproduce`, and the arguments of each experiment."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.harness.options import PROFILES, TARGETS, require_target
from experiments.harness.strategies import available_strategies, is_instrumented, lacking
from experiments.registry import CLONING, EXPERIMENTS, NONE, Experiment


@dataclass(frozen=True)
class Options:
    """How to run everything. `chosen`, `profile`: as given by the user; None: each experiment's default. `cluster`: a
    Dask scheduler whose machines run the repeats."""

    target: str
    chosen: tuple[str, ...] | None
    profile: str | None
    seed: int
    quick: bool
    out: Path
    only: tuple[str, ...]
    new: bool
    json: bool
    paper_length: bool = False
    accept_busy: bool = False
    cluster: str | None = None

    def for_record(self) -> dict[str, Any]:
        """The options that determine what is measured: equal for a run and its continuation."""
        content = asdict(self)
        for name in ("out", "only", "new", "json", "chosen", "cluster"):
            del content[name]
        able = [name for name in self.chosen or available_strategies() if not lacking(self.target, name)]
        return {**content, "strategies": able}  # a new strategy requires a new run

    def strategies(self, experiment: Experiment) -> tuple[str, ...] | None:
        """The chosen strategies that take part in an experiment; None: the experiment's own."""
        if self.chosen is None or experiment.strategies == NONE:
            return None
        if experiment.strategies == CLONING:
            return tuple(name for name in self.chosen if is_instrumented(name))
        return tuple(name for name in self.chosen if not lacking(self.target, name))

    def usual_s(self, experiment: Experiment) -> float:
        """Expected duration of an experiment, before a run has measured it."""
        if self.quick:
            return experiment.quick_s
        if self.paper_length and experiment.paper_s is not None:
            return experiment.paper_s
        return experiment.full_s

    def arguments(self, experiment: Experiment) -> list[str]:
        """The command line of one experiment."""
        given = ["--target", self.target, "--seed", str(self.seed), "--out", str(self.out)]
        if self.profile is not None:
            given += ["--control-plane", self.profile]
        chosen = self.strategies(experiment)
        if chosen:
            given += ["--strategy", ",".join(chosen)]
        if self.accept_busy:
            given.append("--accept-busy")
        if self.cluster is not None:
            given += ["--cluster", self.cluster]
        if self.quick:
            return [*given, "--quick", *experiment.quick_arguments]
        if self.paper_length and experiment.paper_arguments is not None:
            return [*given, *experiment.paper_arguments]
        return [*given, *experiment.arguments]


def parse(
    arguments: Sequence[str] | None, experiments: Sequence[Experiment] = EXPERIMENTS, *, description: str | None = None
) -> Options:
    """Exits with code 2 and a one-line message for unknown names."""
    names = [experiment.name for experiment in experiments]
    parser = argparse.ArgumentParser(
        prog="python -m experiments.reproduce",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="the same checks in shorter runs: within 10 minutes")
    parser.add_argument(
        "--paper-length", action="store_true", help="trials as long as the published ones: over two hours"
    )
    parser.add_argument("--only", default="", metavar="NAME[,NAME]", help=f"now only these of {', '.join(names)}")
    parser.add_argument("--new", action="store_true", help="start a new run even if one can be continued")
    parser.add_argument("--target", choices=TARGETS, default="softswitch", help="the switch (default: %(default)s)")
    parser.add_argument("--strategy", metavar="NAME[,NAME]", help="only these strategies (default: all)")
    parser.add_argument("--control-plane", dest="profile", choices=PROFILES, help="default: each experiment's own")
    parser.add_argument("--seed", type=int, default=1, help="seed of all random numbers (default: %(default)s)")
    parser.add_argument(
        "--accept-busy", action="store_true", help="also count trials during which the machine was too busy"
    )
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the results (default: results)")
    parser.add_argument("--json", action="store_true", help="print only the report, as JSON")
    parser.add_argument("--cluster", metavar="ADDRESS", help="run the repeats on the machines of this Dask scheduler")
    given = parser.parse_args(arguments)
    require_target(given.target, parser)
    only = tuple(name for name in given.only.split(",") if name)
    chosen = tuple(name for name in (given.strategy or "").split(",") if name) or None
    for kind, wanted, known in (
        ("experiment", only, tuple(names)),
        ("strategy", chosen or (), available_strategies()),
    ):
        for name in wanted:
            if name not in known:
                parser.error(f"no {kind} named {name!r}; there are {', '.join(known)}")
    if given.quick and given.paper_length:
        parser.error("--quick and --paper-length exclude each other")
    return Options(
        given.target,
        chosen,
        given.profile,
        given.seed,
        given.quick,
        given.out,
        only,
        given.new,
        given.json,
        given.paper_length,
        given.accept_busy,
        given.cluster,
    )
