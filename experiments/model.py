"""Model: what a reconfiguration amounts to at hardware rates, computed from the durations of its steps on this machine.

Three parts. *Calibration*: unpaced reconfigurations of a slow flow with little and with much state, and separate
timings of the listener's and the look-ahead's code, give the duration of every step
(`experiments/simulation/parameters.py`); sizes of clones and queues are those of the program and the listener. *Check*:
other reconfigurations, with other rates, amounts of state, writes per packet, and at the published pace, are predicted
and measured; the error is shown (claim M1). *Extrapolation*: delta-loss, time, and the load of the CPU port, for packet
rates from 1 kpps to 6 Gpps, and at 1 Gpps against flows, writes per packet and amount of state; for the controller
approach, State4, State4 with approximation (Chen et al., 2022: a cell is cloned at most every T) and pre-copy.
Everything beyond the rates of the check is computed, not measured, and is marked so.

Exit code: 0: claim M1 holds, or was not asked for (strategies were left out); 1: it does not hold; 2: wrong usage or
failed runs; 3: it could not be judged.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from experiments import scaling
from experiments.claims.base import Claim
from experiments.claims.m1_model import MIN_COUNT, judge_model
from experiments.claims.stats import spread
from experiments.harness.ending import conclude
from experiments.harness.main import run_main
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.progress import Display
from experiments.harness.shared_lab import SharedLab
from experiments.harness.sweep import Trial, TrialResult, run_sweep
from experiments.harness.validity import MAX_WAITED
from experiments.measure.listener_cost import COSTS, layout_of_size, listener_cost
from experiments.simulation.calibration import CalibrationError, Step, calibrate, steps_of
from experiments.simulation.extrapolation import extrapolate
from experiments.simulation.fluid import predict
from experiments.simulation.load import IN_TURN, Load
from experiments.simulation.parameters import Parameters
from experiments.simulation.schedule import CONTROLLER, PRECOPY, STATE4, STRATEGIES
from experiments.tables.model import model_table
from state4.clones.store import ARRIVAL_S
from state4.dirty.layout import best_shift
from state4.pacing import PROFILES

EXPERIMENT = "model"
CALIBRATION, CHECK, LISTENER = "calibration", "check", "listener"
"""The parts: reconfigurations that give the parameters, others that are predicted, and timings of the listener's
code."""
LISTENER_FRAMES = 1 << 16
"""Frames of the listener's ring (state4/clones/listener.py)."""
CALIBRATION_POINTS = ((1 << 13, 20.0), (1 << 19, 120.0))
"""Cells and Mbit/s: few and many cells to read and write, few and many updates to apply."""
PRECOPY_RATE = 40.0
"""The rate of pre-copy's calibration: with a higher one rounds do not end."""
Place = Mapping[str, int | float | str]
CHECKS: tuple[Place, ...] = (
    {"profile": "paper", "components": 1, "cells": 1 << 15, "rate": 60.0},
    {"profile": "paper", "components": 1, "cells": 1 << 18, "rate": 150.0},
    {"profile": "paper", "components": 4, "cells": 1 << 15, "rate": 120.0, "writes": "all"},
    {"profile": "native", "components": 1, "cells": 1 << 18, "rate": 100.0},
)
QUICK_CHECKS = CHECKS[:2]
PRECOPY_CHECKS = CHECKS[:1]
"""Of pre-copy only the first point: at the published pace its rounds take long with more cells."""
_SCHEDULE = scaling.Schedule(min_s=1.0, max_s=60.0)
_TRIAL_S = 2.0


def trials_of(options: CommonOptions, checks: Sequence[Place]) -> list[Trial]:
    """All parts in each repeat, so that they run under the same conditions."""
    found = []
    for repeat in range(1, options.repeats + 1):
        found.append(Trial(LISTENER, repeat, {"part": LISTENER}))
        for cells, rate in CALIBRATION_POINTS:
            given: Place = {"part": CALIBRATION, "profile": "native", "components": 1, "cells": cells}
            found += [
                Trial(name, repeat, {**given, "rate": PRECOPY_RATE if name == PRECOPY else rate})
                for name in options.strategies
            ]
        for place in checks:
            names = [name for name in options.strategies if name != PRECOPY or place in PRECOPY_CHECKS]
            found += [Trial(name, repeat, {"part": CHECK, **place}) for name in names]
    return found


def run_trial(trial: Trial, options: CommonOptions, shared: SharedLab, show: Display) -> TrialResult:
    """A trial as in scaling, with the duration of each of its steps."""
    if trial.strategy == LISTENER:
        show.state(trial.name)
        return TrialResult(listener_cost(), {}, ())
    result = scaling.run_trial(trial, options, _SCHEDULE, shared, show)
    packets_per_s = float(trial.parameters["rate"]) * 1e6 / 8 / scaling.FRAME_BYTES
    more = {
        "steps": steps_of(result.events),
        "packets_per_s": packets_per_s,
        "lost_updates": (result.measured["wire_bytes"] - result.measured["register_bytes"]) / scaling.FRAME_BYTES,
    }
    waited_s, total_s = result.measured["outcome"]["control"]["waited_s"], result.measured["reconfiguration_s"]
    invalid = list(result.invalid)
    if waited_s is not None and waited_s > MAX_WAITED * total_s and not options.accept_busy:
        invalid.append(f"the control plane had no core for {waited_s / total_s:.0%} of the reconfiguration")
    return replace(result, measured={**result.measured, **more}, invalid=tuple(invalid))


def configured(cells: int, writes: int, profile: str) -> dict[str, float]:
    """Parameters that need no measurement: formats, limits, the pace."""
    layout = layout_of_size(writes, cells, writes)
    pace = PROFILES[profile].read_cells_per_s
    return {
        "queue_clones": LISTENER_FRAMES,
        "arrival_s": ARRIVAL_S,
        "clone_bytes": layout.header_bytes - writes * layout.slot_bytes,
        "slot_bytes": layout.slot_bytes,
        "block_cells": 1 << best_shift(cells, scaling.CELL_BYTES),
        **({} if pace is None else {"pace_cells_per_s": pace}),
    }


def load_of(trial: Mapping[str, Any]) -> Load:
    """The load of a measured trial, whose packets walk through all cells."""
    writes = trial["components"] if trial.get("writes") == "all" else 1
    cells = trial["components"] * trial["cells"]
    return Load(
        trial["packets_per_s"], cells // writes, cells, writes, trial["flow_s"], trial["window"]["begin"], IN_TURN
    )


def calibrated(
    trials: Mapping[str, Mapping[str, Any]], options: CommonOptions
) -> tuple[dict[str, tuple[Parameters, list[Step]]], list[str]]:
    """The parameters of each strategy with the unpaced profile, and why some are missing."""
    alone = [trial for trial in trials.values() if trial["part"] == LISTENER]
    if not alone:
        return {}, ["the listener was not measured"]
    known = {name: float(np.median([trial[name] for trial in alone])) for name in COSTS}
    found, missing = {}, []
    for name in options.strategies:
        mine = [t for t in trials.values() if t["strategy"] == name and t["part"] == CALIBRATION]
        try:
            found[name] = calibrate(name, mine, known, configured(CALIBRATION_POINTS[-1][0], 1, "native"))
        except CalibrationError as error:
            missing.append(f"{name} could not be calibrated: {error}")
    return found, missing


def checked(
    trials: Mapping[str, Mapping[str, Any]], parameters: Mapping[str, Parameters], checks: Sequence[Place]
) -> list[dict[str, Any]]:
    """A row for each measured strategy and point: what the model predicts of each repeat, and the errors."""
    rows = []
    for place in checks:
        for strategy, own in parameters.items():
            mine = [
                trial
                for trial in trials.values()
                if trial["strategy"] == strategy
                and trial["part"] == CHECK
                and all(trial.get(key) == value for key, value in place.items())
            ]
            if mine:
                rows.append(_row(strategy, place, own, mine))
    return rows


def _row(strategy: str, place: Place, own: Parameters, trials: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    writes = int(place["components"]) if place.get("writes") == "all" else 1
    parameters = replace(own, **configured(int(place["cells"]), writes, str(place["profile"])))  # type: ignore[arg-type]
    predicted: dict[str, list[float]] = {}
    measured: dict[str, list[float]] = {}
    for trial in trials:
        load = load_of(trial)
        outcome = predict(strategy, parameters, load)
        # The model predicts a trial's average; a packet counts once, however many cells it writes.
        lost = outcome.lost_updates / load.writes
        pairs = {"total_s": (outcome.total_s, trial["reconfiguration_s"])}
        if lost >= MIN_COUNT:
            pairs["delta_loss"] = (outcome.delta_loss, trial["delta_loss"])
        if outcome.clones >= MIN_COUNT:
            # The listener is asked for its count after the swap; the switch clones until then.
            until_swap = load.packets_per_s * (outcome.swap_s - parameters.open_s)
            pairs["clones"] = (until_swap, trial["outcome"]["clones"])
            pairs["written"] = (outcome.written, trial["outcome"]["written"])
        for name, (ours, theirs) in pairs.items():
            predicted.setdefault(name, []).append(float(ours))
            measured.setdefault(name, []).append(float(theirs))
    errors = {
        name: [ours / theirs - 1 for ours, theirs in zip(values, measured[name], strict=True) if theirs]
        for name, values in predicted.items()
    }
    cells = int(place["components"]) * int(place["cells"])
    return {
        "name": f"{strategy} at {place['rate']:g} Mbit/s, {cells} cells, {place['profile']}"
        + (f", {writes} writes a packet" if writes > 1 else ""),
        "strategy": strategy,
        "packets_per_s": trials[0]["packets_per_s"],
        "cells": cells,
        "writes": writes,
        "profile": place["profile"],
        "predicted": {name: spread(values).as_dict() for name, values in predicted.items()},
        "measured": {name: spread(values).as_dict() for name, values in measured.items()},
        "errors": {name: values for name, values in errors.items() if len(values) == len(measured[name])},
        "unmeasured": [name for name, values in errors.items() if len(values) < len(measured[name])],
    }


def judge(
    rows: Sequence[Mapping[str, Any]],
    options: CommonOptions,
    checks: Sequence[Place],
    unusable: Mapping[str, str],
    missing: Sequence[str],
) -> Claim:
    """M1. A point without valid trials is missing; so is one without any of the predicted quantities."""
    reasons = list(missing)
    for place in checks:
        for strategy in options.strategies:
            if strategy == PRECOPY and place not in PRECOPY_CHECKS:
                continue
            name = Trial(strategy, 1, {"part": CHECK, **place}).name.rpartition("-")[0]
            why = [reason for trial, reason in unusable.items() if trial.rpartition("-")[0] == name]
            if len(why) == options.repeats:
                reasons.append(f"{name}: {why[0]}")
    reasons += [f"{row['name']}: no {name} was seen" for row in rows for name in row["unmeasured"]]
    return judge_model(rows, options.strategies, reasons)


def run(options: CommonOptions, checks: Sequence[Place]) -> int:
    from plots import model as plot

    with ExitStack() as stack:
        shared = SharedLab(stack)
        sweep = run_sweep(
            EXPERIMENT,
            options,
            trials_of(options, checks),
            lambda trial, show: run_trial(trial, options, shared, show),
            trial_s=_TRIAL_S,
            record={"checks": [dict(place) for place in checks]},
            after_failure=shared.drop,
        )
    found, missing = calibrated(sweep.trials, options)
    parameters = {name: own for name, (own, _) in found.items()}
    rows = checked(sweep.trials, parameters, checks)
    measured = {
        "parameters": [{"strategy": name, **asdict(step)} for name, (_, steps) in found.items() for step in steps],
        "check": rows,
        "measured_up_to": max((row["packets_per_s"] for row in rows), default=None),
        **extrapolate(parameters),
    }
    sweep.folder.write_json("extrapolation.json", {name: measured[name] for name in ("rates", "others", "bounds")})
    claim = judge(rows, options, checks, sweep.unusable, missing)
    summary = {name: value for name, value in measured.items() if name not in ("rates", "others")}
    return conclude(
        sweep,
        options,
        summary,
        [claim],
        draw=plot.main,
        table=lambda _, claims, folder: model_table(measured, claims, folder),
    )


def main(arguments: list[str] | None = None) -> int:
    parser = common_parser(__doc__, repeats=5, quick_repeats=1)
    namespace = parser.parse_args(arguments)
    namespace.profile = scaling.BOTH  # calibrated unpaced, checked with both profiles
    options = common_options(namespace, parser, default=STRATEGIES, available=STRATEGIES)
    if options.target != "softswitch" and PRECOPY in options.strategies:
        # There it has other steps: packets wait in the new program.
        kept = tuple(name for name in options.strategies if name != PRECOPY)
        options = replace(options, strategies=kept or (CONTROLLER, STATE4))
    checks = QUICK_CHECKS if options.quick else CHECKS
    return run_main(lambda: run(options, checks))


if __name__ == "__main__":
    sys.exit(main())
