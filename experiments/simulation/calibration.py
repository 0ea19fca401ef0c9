"""Derives the model's parameters from measured reconfigurations: pure functions over events and numbers of trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from experiments.simulation.parameters import Parameters
from experiments.simulation.schedule import PRECOPY, STATE4

MEASURED, CONFIGURED = "measured", "configured"


class CalibrationError(Exception):
    """The trials do not determine a parameter."""


@dataclass(frozen=True)
class Step:
    """One parameter and its source."""

    name: str
    value: float
    origin: str
    how: str


def steps_of(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The duration of each step of a reconfiguration in s, by the names of `Parameters`; `cells` that were read,
    `apply_cells` that were written for `apply_updates`; `rounds` of pre-copy as (cells, s). Raises CalibrationError if
    a step is missing.

    A step ends where the next one begins, so the time between two phases belongs to the first.
    """
    found = list(events)

    def at(phase: str, what: str, last: bool = False) -> float:
        times = [event["t"] for event in found if event["phase"] == phase and event["what"] == what]
        if not times:
            raise CalibrationError(f"the reconfiguration has no {what} of {phase}")
        return float(times[-1] if last else times[0])

    begin, end = at("reconfigure", "begin"), at("reconfigure", "end")
    read, read_end = at("read_register", "begin"), at("read_register", "end", last=True)
    write, write_end = at("write_register", "begin"), at("write_register", "end", last=True)
    commit_end = at("commit", "end")
    cloned = [event["t"] for event in found if event["phase"] == "clone_on"]
    opened = float(cloned[0]) if cloned else begin
    steps: dict[str, Any] = {
        "cells": sum(int(e["cells"]) for e in found if e["phase"] == "read_register" and e["what"] == "begin"),
        "open_s": opened - begin,
        "entries_s": read - opened,
        "read_s": read_end - read,
        "save_s": write - read_end,
        "write_s": write_end - write,
        "settle_s": commit_end - write_end,
        "end_s": end - commit_end,
    }
    applied = [event for event in found if event["phase"] == "apply_updates"]
    if applied:
        apply, apply_end = at("apply_updates", "begin"), at("apply_updates", "end", last=True)
        steps |= {
            "check_s": apply - write_end,
            "apply_s": apply_end - apply,
            "settle_s": commit_end - apply_end,
            "apply_cells": sum(int(event.get("written", 0)) for event in applied if event["what"] == "begin"),
            "apply_updates": sum(int(event.get("updates", 0)) for event in applied if event["what"] == "begin"),
            "to_swap_s": commit_end - apply,
        }
    rounds = [event for event in found if event["phase"] in ("read_dirty", "write_dirty") and event["what"] == "end"]
    looks = [event for event in rounds if event["phase"] == "read_dirty"]
    if looks:
        ends = [float(event["t"]) for event in rounds if event["phase"] == "write_dirty"]
        spans = np.diff([write_end, *ends])
        steps["rounds"] = [[int(look["cells"]), float(span)] for look, span in zip(looks, spans, strict=True)]
        hold = at("hold", "begin")
        steps |= {"check_s": hold - ends[-1], "held_s": at("hold", "end") - hold, "settle_s": 0.0}
        steps["end_s"] = end - at("hold", "end")
    return steps


def line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Fixed time and time per cell, both at least 0, from (cells, s): through the medians at the smallest and at the
    largest number of cells. Raises CalibrationError for a single number of cells."""
    places = sorted({cells for cells, _ in points})
    if len(places) < 2:
        raise CalibrationError("a single amount of state does not separate fixed times from times per cell")
    low, high = (float(np.median([s for cells, s in points if cells == place])) for place in (places[0], places[-1]))
    each = max((high - low) / (places[-1] - places[0]), 0.0)
    return max(low - each * places[0], 0.0), each


def fitted(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The same by least squares, for measured numbers of cells; if they are all equal, all time is fixed."""
    cells, seconds = np.array([p[0] for p in points], float), np.array([p[1] for p in points], float)
    if len(set(cells.tolist())) < 2:
        return float(np.median(seconds)), 0.0
    each = max(float(np.polyfit(cells, seconds, 1)[0]), 0.0)
    return max(float(np.median(seconds - each * cells)), 0.0), each


def calibrate(
    strategy: str, trials: Sequence[Mapping[str, Any]], known: Mapping[str, float], configured: Mapping[str, float]
) -> tuple[Parameters, list[Step]]:
    """The parameters of a strategy from trials with `steps` (from `steps_of`) and, for State4, `lost_updates` and
    `packets_per_s`. `known`: parameters that were measured separately. Raises CalibrationError if the trials do not
    suffice.
    """
    steps = [trial["steps"] for trial in trials]
    if not steps:
        raise CalibrationError(f"no trial of {strategy} can be used")
    measured: dict[str, tuple[float, str]] = {}

    def median(name: str, source: str | None = None) -> None:
        values = [step[source or name] for step in steps if (source or name) in step]
        measured[name] = (float(np.median(values)) if values else 0.0, "median of the trials")

    for name in ("open_s", "entries_s", "check_s", "settle_s", "end_s", "held_s"):
        median(name)
    for name in ("read", "save", "write"):
        fixed, each = line([(step["cells"], step[f"{name}_s"]) for step in steps])
        measured[f"{name}_s"] = fixed, "least and most state"
        measured[f"{name}_cell_s"] = each, "least and most state"
    if strategy == STATE4:
        fixed, each = fitted([(step["apply_cells"], step["apply_s"]) for step in steps])
        measured["apply_cell_s"] = each, "a line through the trials"
        # Updates are taken slightly before they are written: the lost updates tell by how much.
        looked = known["look_ahead_update_s"]
        earlier = [
            t["lost_updates"] / t["packets_per_s"] - t["steps"]["to_swap_s"] - looked * t["steps"]["apply_updates"]
            for t in trials
        ]
        early = max(float(np.median(earlier)), 0.0)
        measured["apply_s"] = fixed + early, "a line through the trials, and the updates that they lost"
        measured["check_s"] = max(measured["check_s"][0] - early, 0.0), measured["check_s"][1]
    if strategy == PRECOPY:
        rounds = [(cells, span) for step in steps for cells, span in step["rounds"]]
        fixed, each = fitted(rounds)
        measured["map_s"] = fixed, "a line through all rounds"
        measured["dirty_cell_s"] = each, "a line through all rounds"
    values = {name: value for name, (value, _) in measured.items()}
    base = {"look_ahead_update_s": 0.0, "apply_s": 0.0, "apply_cell_s": 0.0}
    parameters = Parameters(**{**base, **known, **configured, **values})  # type: ignore[arg-type]
    parameter_steps = [Step(name, value, MEASURED, how) for name, (value, how) in measured.items()]
    parameter_steps += [Step(name, value, MEASURED, "timed separately") for name, value in known.items()]
    parameter_steps += [Step(name, value, CONFIGURED, "") for name, value in configured.items()]
    return parameters, sorted(parameter_steps, key=lambda step: list(asdict(parameters)).index(step.name))
