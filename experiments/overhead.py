"""Overhead (claim C6): the cost of instrumentation, against the number and the size of a program's components.

For generated programs (harness/sized_programs.py) and the network functions of nfs/: the added bits of registers, of
the clone's header and of metadata; the added lines and bytes of P4 and bytes of the compiled program; the time per
packet in memory with the original program, with the instrumented one while its flag is off, and while every packet is
cloned. The three take turns, and medians of many turns are compared, so that all are measured under the same
conditions. bmv2 has no ports in memory: there the time is that of a flood through a network (measure/switch_cost.py).

Needs no root, except with --target bmv2. Exit code: 0: claim C6 holds for memory (`make scaling` measures its packet
loss); 1: it does not; 2: wrong usage or failed runs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nfs
from experiments.claims.c6_overhead import judge_memory
from experiments.claims.stats import spread
from experiments.control.errors import ControlError
from experiments.harness.ending import conclude
from experiments.harness.lab import Plan
from experiments.harness.main import run_main
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.progress import Display
from experiments.harness.shared_lab import SharedLab
from experiments.harness.sized_programs import PORT, StateProgram
from experiments.harness.sweep import Trial, TrialResult, run_sweep
from experiments.measure.pipeline import loaded_pipeline, small_frames
from experiments.measure.switch_cost import network_speeds
from experiments.tables.overhead import overhead_table
from p4front.text.includes import LIBRARY, read_source
from p4front.text.preprocess import preprocess
from p4front.text.source import P4Error, SourceFile
from softswitch.build.device_config import DeviceConfig, collect, parse
from softswitch.errors import SwitchError
from state4.instrumentation.running import all_registers
from state4.programs import InstalledProgram, prepare_program
from state4.values import RegisterSpec

EXPERIMENT = "overhead"
VARIANTS = ("original", "flag off", "flag on")
_FRAMES = 4096  # different packets, each with its own cell
_TURN_S = 1.5  # duration of one variant's turn in a network
_OTHER_PORT = 5300  # for NFs whose firewall protects port 5000


@dataclass(frozen=True)
class Subject:
    """A program to be instrumented. `series`: what is varied; `generated` is None for a program of nfs/."""

    series: str
    program: Path
    entries: Path
    port: int
    generated: StateProgram | None = None

    @property
    def name(self) -> str:
        return self.program.stem


def subjects(quick: bool, target: str = "softswitch") -> list[Subject]:
    """By number of components (each packet writes one, or all of them), by cells of one component, and NFs.

    bmv2 stores each cell as an object of some 100 bytes: the largest array is left out there."""
    counts = (1, 4, 16) if quick else (1, 2, 4, 8, 16, 32)
    sizes: tuple[int, ...] = (1 << 10, 1 << 20) if quick else (1 << 10, 1 << 13, 1 << 16, 1 << 18, 1 << 20, 1 << 23)
    if target == "bmv2":
        sizes = tuple(size for size in sizes if size <= 1 << 20)
    generated = [("components", StateProgram(count, 1024)) for count in counts]
    generated += [("all components", StateProgram(count, 1024, writes="all")) for count in counts]
    generated += [("cells", StateProgram(1, cells)) for cells in sizes]
    found = [Subject(series, *program.files(), PORT, program) for series, program in generated]
    for name in ("chained",) if quick else ("port_knocking", "hula", "byte_counter", "chained"):
        program = nfs.program_path(name)
        found.append(Subject("network functions", program, nfs.entries_path(program), _OTHER_PORT))
    return found


def run_trial(
    subject: Subject, rounds: int, packets: int, show: Display, shared: SharedLab | None = None, target: str = ""
) -> TrialResult:
    """Measures one program. Without samples: the times of the turns are among the numbers. `shared`: the network for a
    switch without ports in memory."""
    try:
        instrumented = prepare_program(subject.program)
        if shared is None:
            times = _speeds(subject, collect(subject.program), instrumented, rounds, packets, show)
        else:
            program, entries = subject.program, subject.entries
            show.state(f"{subject.name}: {rounds} rounds")
            lab = shared.lab(Plan.to_itself(program, entries, "none", "native", target))
            times = network_speeds(lab, program, entries, port=subject.port, rounds=rounds)
    except (P4Error, SwitchError) as error:
        raise ControlError(f"{subject.name}: {error}") from None
    measured: dict[str, Any] = {
        "series": subject.series,
        **added(subject.program, instrumented),
        "nanoseconds": times["nanoseconds"],
        "clones_per_packet": times["clones_per_packet"],
        "object_bytes": times["object_bytes"],
    }
    if subject.generated is not None:
        measured |= {"components": subject.generated.components, "cells": subject.generated.cells}
    return TrialResult(measured, {}, ())


def _speeds(
    subject: Subject,
    original: DeviceConfig,
    instrumented: InstalledProgram,
    rounds: int,
    packets: int,
    show: Display,
) -> dict[str, Any]:
    """ns per packet of each variant, a value per round; clones per packet with the flag on (packets that write nothing
    are not cloned); bytes of the two shared objects."""
    frames = small_frames(port=subject.port, count=_FRAMES)
    show.state(f"{subject.name}: compiling")
    nanoseconds: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    forwarded: dict[str, float] = {}
    with (
        loaded_pipeline(original, subject.entries) as plain,
        loaded_pipeline(parse(instrumented.device_config), subject.entries) as cloning,
    ):
        for number in range(-1, rounds):  # the first round warms the caches
            show.state(f"{subject.name}: round {max(number, 0) + 1} of {rounds}")
            for variant in VARIANTS:
                if variant != "original":
                    cloning.set_cloning(instrumented.layout, variant == "flag on")
                speed = (plain if variant == "original" else cloning).speed(frames, packets)
                forwarded[variant] = speed.forwarded
                if number >= 0:
                    nanoseconds[variant].append(speed.nanoseconds)
        sizes = {
            "original": plain.compiled.so_path.stat().st_size,
            "instrumented": cloning.compiled.so_path.stat().st_size,
        }
    clones = forwarded["flag on"] - forwarded["flag off"]
    return {"nanoseconds": nanoseconds, "clones_per_packet": clones, "object_bytes": sizes}


def added(original: Path, instrumented: InstalledProgram) -> dict[str, Any]:
    """The difference between the two programs: bits, and lines and bytes of code (see `code_size`)."""
    own = {spec.name for spec in instrumented.registers}
    registers = all_registers(instrumented.p4info)
    layout = instrumented.layout
    made = SourceFile(str(original), instrumented.text)
    sizes = {"original": code_size(read_source(original)), "instrumented": code_size(made)}
    return {
        "state_bits": bits_of(spec for spec in registers if spec.name in own),
        "added_register_bits": bits_of(spec for spec in registers if spec.name not in own),
        "header_bits": 8 * layout.header_bytes if layout.slots else 0,
        "metadata_bits": field_bits(instrumented.text, f"struct {layout.prefix}_meta_t"),
        "slots": layout.slots,
        "registers": len(own),
        "lines": {name: lines for name, (lines, _) in sizes.items()},
        "bytes": {name: size for name, (_, size) in sizes.items()},
    }


def bits_of(registers: Iterable[RegisterSpec]) -> int:
    return sum(spec.cells * spec.width for spec in registers)


def code_size(source: SourceFile) -> tuple[int, int]:
    """Lines and bytes of a program's code with everything it includes, after the preprocessor: without comments,
    blanks, core.p4 and v1model.p4."""
    own = [token for token in preprocess(source).tokens if token.text and LIBRARY not in Path(token.file.path).parents]
    lines = {(token.file.path, token.file.line_col(token.start)[0]) for token in own}
    return len(lines), sum(len(token.text.encode()) for token in own)


def field_bits(text: str, declaration: str) -> int:
    """Bits of all bit<> fields of a struct or header in a program's text; 0 if it does not exist."""
    found = re.search(re.escape(declaration) + r"\s*\{(.*?)\}", text, re.DOTALL)
    return sum(int(width) for width in re.findall(r"\bbit<(\d+)>", found.group(1))) if found else 0


def summarise(trials: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By program: what was added, ns per packet of each variant, and the cost of the flag off and on in percent.

    The costs are ratios within a round, so that a slow moment of the machine affects both numbers.
    """
    result = {}
    for trial in trials.values():
        times = trial["nanoseconds"]
        costs = {
            variant: spread(
                [100 * (a / b - 1) for a, b in zip(times[variant], times["original"], strict=True)]
            ).as_dict()
            for variant in VARIANTS[1:]
        }
        result[trial["strategy"]] = {
            **{key: value for key, value in trial.items() if key not in ("strategy", "repeat", "nanoseconds")},
            "nanoseconds": {variant: spread(values).as_dict() for variant, values in times.items()},
            "cost_percent": costs,
        }
    return result


def run(options: CommonOptions) -> int:
    from plots import overhead as plot

    in_memory = options.target == "softswitch"
    rounds, packets = (5, 50_000) if options.quick else (15, 200_000)
    if not in_memory:
        rounds = 2 if options.quick else 5
    wanted = {_key(subject): subject for subject in subjects(options.quick, options.target)}
    trials = [Trial(key, repeat) for repeat in range(1, options.repeats + 1) for key in wanted]
    with ExitStack() as stack:
        shared = None if in_memory else SharedLab(stack)
        sweep = run_sweep(
            EXPERIMENT,
            options,
            trials,
            lambda trial, show: run_trial(wanted[trial.strategy], rounds, packets, show, shared, options.target),
            trial_s=rounds * (packets * 1e-6 if in_memory else 3 * _TURN_S),
            record={"rounds": rounds, "packets": packets},
            needs_root=not in_memory,
            after_failure=(lambda: None) if shared is None else shared.drop,
        )
    measured = summarise(_merged(sweep.trials))
    claims = [judge_memory(measured)]
    return conclude(sweep, options, measured, claims, draw=plot.main, table=overhead_table)


def _key(subject: Subject) -> str:
    """Without duplicates: the smallest generated program is in two series."""
    return f"{subject.series.replace(' ', '-')}-{subject.name}"


def _merged(trials: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """One trial per program: the rounds of all repeats."""
    merged: dict[str, dict[str, Any]] = {}
    for trial in trials.values():
        known = merged.get(trial["strategy"])
        if known is None:
            merged[trial["strategy"]] = {**trial, "nanoseconds": {k: list(v) for k, v in trial["nanoseconds"].items()}}
        else:
            for variant, values in trial["nanoseconds"].items():
                known["nanoseconds"][variant] += values
    return merged


def main(arguments: list[str] | None = None) -> int:
    parser = common_parser(__doc__)
    options = common_options(parser.parse_args(arguments), parser, default=(), available=())
    return run_main(lambda: run(replace(options, profile="native")))  # no register is accessed


if __name__ == "__main__":
    sys.exit(main())
