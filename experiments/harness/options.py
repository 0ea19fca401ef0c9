"""The options shared by all experiments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from experiments.harness.strategies import lacking
from state4.targets.bmv2.program import missing_line, missing_tools

PROFILES = ("paper", "native")
TARGETS = ("softswitch", "bmv2")


@dataclass(frozen=True)
class CommonOptions:
    """How to run an experiment.

    strategies: names of files in state4/strategies, in the order of the figure.
    profile: `paper` paces register access as published, `native` measures the control plane as it is.
    duration_s: None: the experiment's default.
    left_out: strategies that the target cannot run, each with the reason.
    accept_busy: trials also count if the machine kept cores from the switch or the hosts.
    cluster: address of a Dask scheduler whose machines run the repeats; None: this machine does.
    only_repeats: run only these repeats; empty: all. judge: a result folder to judge as it is, without running
    anything.
    """

    target: str
    strategies: tuple[str, ...]
    profile: str
    duration_s: float | None
    repeats: int
    seed: int
    quick: bool
    out: Path
    json: bool
    resume: bool
    left_out: dict[str, str] = field(default_factory=dict)
    accept_busy: bool = False
    cluster: str | None = None
    only_repeats: tuple[int, ...] = ()
    judge: Path | None = None

    def for_record(self) -> dict[str, Any]:
        """The part that determines what is measured: equal for a run and its continuation."""
        content = asdict(self)
        for name in ("out", "json", "resume", "cluster", "only_repeats", "judge"):
            del content[name]
        return content


def common_parser(
    description: str | None, *, repeats: int = 1, quick_repeats: int | None = None
) -> argparse.ArgumentParser:
    """A parser with the common options, to which an experiment adds its own. `repeats`: the default."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=TARGETS, default="softswitch", help="the switch (default: %(default)s)")
    parser.add_argument(
        "--strategy",
        action="append",
        metavar="NAME[,NAME]",
        help="only these strategies (default: all of the experiment)",
    )
    parser.add_argument(
        "--control-plane",
        dest="profile",
        choices=PROFILES,
        default="paper",
        help="speed of register access: as published, or as fast as our control plane can (default: %(default)s)",
    )
    parser.add_argument("--duration", type=_positive, metavar="S", help="seconds of traffic per trial")
    shorter = quick_repeats or repeats
    text = f"default: {repeats}" + (f", with --quick {shorter}" if shorter != repeats else "")
    parser.add_argument("--repeats", type=_count, metavar="N", help=text)
    parser.set_defaults(default_repeats=repeats, quick_repeats=shorter)
    parser.add_argument("--seed", type=int, default=1, help="seed of all random numbers (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="the same checks in shorter runs")
    parser.add_argument(
        "--accept-busy",
        action="store_true",
        help="also count trials during which the machine was too busy (recorded; their verdicts mean less)",
    )
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the results (default: results)")
    parser.add_argument("--resume", action="store_true", help="continue the interrupted run with the same options")
    parser.add_argument("--json", action="store_true", help="print only the summary, as JSON")
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="run the repeats on the machines of this Dask scheduler, e.g. tcp://host:8786",
    )
    # For calls by a cluster's machines, and for judging what they measured.
    parser.add_argument("--only-repeats", type=_counts, default=(), help=argparse.SUPPRESS)
    parser.add_argument("--judge", type=Path, help=argparse.SUPPRESS)
    return parser


def common_options(
    namespace: argparse.Namespace,
    parser: argparse.ArgumentParser,
    *,
    default: Sequence[str],
    available: Sequence[str],
) -> CommonOptions:
    """From parsed arguments; exits with code 2 and a one-line message for an unknown strategy, a target whose programs
    are not installed, or a target that can run none of the strategies."""
    require_target(namespace.target, parser)
    names = [name for text in namespace.strategy or [",".join(default)] for name in text.split(",") if name]
    for name in names:
        if name not in available:
            parser.error(f"no strategy named {name!r}; there are {', '.join(available)}")
    left_out = {name: reason for name in names if (reason := lacking(namespace.target, name))}
    able = tuple(dict.fromkeys(name for name in names if name not in left_out))
    for name, reason in left_out.items():
        if not able:
            parser.error(f"strategy {name} cannot run: {reason}")
        print(f"left out: {name} ({reason})", file=sys.stderr)
    return CommonOptions(
        target=namespace.target,
        strategies=able,
        profile=namespace.profile,
        duration_s=namespace.duration,
        repeats=namespace.repeats or (namespace.quick_repeats if namespace.quick else namespace.default_repeats),
        seed=namespace.seed,
        quick=namespace.quick,
        out=namespace.out,
        json=namespace.json,
        resume=namespace.resume,
        left_out=left_out,
        accept_busy=namespace.accept_busy,
        cluster=namespace.cluster,
        only_repeats=namespace.only_repeats,
        judge=namespace.judge,
    )


def require_target(target: str, parser: argparse.ArgumentParser) -> None:
    """Exits with code 2 and a one-line message if programs of the target are not on PATH."""
    if target == "bmv2" and (missing := missing_tools()):
        parser.exit(2, f"error: {missing_line(missing)}\n")


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be above 0: {text}")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1: {text}")
    return value


def _counts(text: str) -> tuple[int, ...]:
    return tuple(_count(part) for part in text.split(","))
