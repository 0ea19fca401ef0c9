"""Predictions beyond what was measured: against packet rate, flows, writes per packet and amount of state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from experiments.simulation.fluid import predict
from experiments.simulation.load import Load
from experiments.simulation.parameters import Parameters
from experiments.simulation.schedule import STATE4

RATES = tuple(float(f"{rate:.3g}") for rate in (1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9, 6e9))
"""Packets per second."""
FAST = 1e9
"""The rate of the other sweeps."""
CELLS = 463_742
"""Cells of chained.p4, the paper's program."""
FLOWS = 10_000
TRIAL_S, BEGIN_S = 30.0, 13.5
"""As published (Fig. 4)."""
EVERY_S = (0.001, 0.01, 0.1)
"""Periods of approximation."""
SWEEPS: dict[str, tuple[int, ...]] = {
    "flows": (100, 1_000, 10_000, 100_000, 400_000),
    "writes": (1, 2, 4, 8),
    "cells": (10_000, 100_000, 1_000_000, 10_000_000),
}


@dataclass(frozen=True)
class Variant:
    """A strategy, possibly with approximation."""

    strategy: str
    every_s: float = 0.0

    @property
    def name(self) -> str:
        return self.strategy if not self.every_s else f"{self.strategy}, T = {1e3 * self.every_s:g} ms"


def variants(strategies: Mapping[str, Parameters]) -> list[Variant]:
    found = [Variant(name) for name in strategies]
    return found + ([Variant(STATE4, every) for every in EVERY_S] if STATE4 in strategies else [])


def extrapolate(parameters: Mapping[str, Parameters], rates: Sequence[float] = RATES) -> dict[str, Any]:
    """`rates` against the packet rate; `others` against each of SWEEPS at the rate FAST; `bounds` of State4."""
    base = Load(FAST, FLOWS, CELLS, trial_s=TRIAL_S, begin_s=BEGIN_S)
    by_rate = [
        _entry(variant, parameters, replace(base, packets_per_s=rate), "packets_per_s", rate)
        for variant in variants(parameters)
        for rate in rates
    ]
    others = [
        _entry(variant, parameters, replace(base, **{axis: value}), axis, value)  # type: ignore[arg-type]
        for axis, values in SWEEPS.items()
        for variant in variants(parameters)
        for value in values
        if Load.fits(**{"flows": FLOWS, "cells": CELLS, "writes": 1, axis: value})
    ]
    return {"rates": by_rate, "others": others, "bounds": bounds(parameters[STATE4]) if STATE4 in parameters else {}}


def _entry(
    variant: Variant, parameters: Mapping[str, Parameters], load: Load, axis: str, value: float
) -> dict[str, Any]:
    outcome = predict(variant.strategy, parameters[variant.strategy], replace(load, send_every_s=variant.every_s))
    return {
        "variant": variant.name,
        "strategy": variant.strategy,
        "every_s": variant.every_s,
        "axis": axis,
        "value": value,
        **outcome.as_dict(),
    }


def bounds(parameters: Parameters) -> dict[str, Any]:
    """When a controller keeps up: the highest rate of packets that write one cell each, the load of the CPU port then,
    and, for FLOWS flows at the highest of RATES, the shortest period T of approximation at which it does."""
    highest = 1 / parameters.service_s(1)
    per_flow = RATES[-1] / FLOWS
    shortest = max(FLOWS / highest - 1 / per_flow, 0.0)
    return {
        "highest_packets_per_s": highest,
        "port_bits_per_s_then": 8 * parameters.frame_bytes(1) * highest,
        "port_bits_per_s_at_6_gpps": 8 * parameters.frame_bytes(1) * RATES[-1],
        "shortest_every_s_at_6_gpps": shortest if math.isfinite(shortest) else None,
    }
