"""Time per packet of a program's variants on a running switch: the throughput of each in a flood.

For a switch without ports in memory, such as bmv2. All variants take turns in one network. The time per packet is that
of the whole switch, with its threads in parallel and the hosts on the same machine: good for ratios, and less precise
than softswitch's pipeline alone.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from experiments.control.programs import store_original, store_prepared
from experiments.harness.lab import Lab
from experiments.measure.steady_rate import RateTrial, rate_trial
from experiments.traffic.armed import TrafficError
from experiments.traffic.flow import SMALL_PAYLOAD

ORIGINAL, OFF, ON = "original", "flag off", "flag on"
_FLOOD_S = 0.3


def network_speeds(lab: Lab, program: Path, entries: Path, *, port: int, rounds: int) -> dict[str, Any]:
    """Time per packet in ns of each variant, one value per round; clones per packet with the flag on; size of the
    compiled configurations in bytes. Raises TrafficError, ControlError."""
    folder = lab.network.directory.path
    variants = {ORIGINAL: store_original(program, folder), OFF: store_prepared(program, folder)}
    variants[ON] = variants[OFF]
    nanoseconds: dict[str, list[float]] = {variant: [] for variant in variants}
    lab.control.wait_ready()
    cloned = 0.0
    sizes: dict[str, int] = {}
    for _ in range(rounds):
        for variant, file in variants.items():
            arguments = {"program": str(file), "entries": str(entries), "left_out_groups": []}
            lab.control.call("install", arguments)
            sizes["original" if variant == ORIGINAL else "instrumented"] = lab.control.call(
                "config_bytes", {"program": str(file)}
            )
            if variant == ON:
                lab.control.call("start_cloning")
            flood = _flood(lab, port)
            if variant == ON:
                got = lab.control.call("stop_cloning")
                cloned = (got["clones"] + got["lost"]) / (flood.received_per_s * _FLOOD_S)
            nanoseconds[variant].append(1e9 / flood.received_per_s)
    return {"nanoseconds": nanoseconds, "clones_per_packet": cloned, "object_bytes": sizes}


def _flood(lab: Lab, port: int) -> RateTrial:
    found = rate_trial(lab.network, math.inf, seconds=_FLOOD_S, port=port, payload=SMALL_PAYLOAD)
    if found.received_per_s <= 0:
        raise TrafficError("nothing of a flood arrived at the server")
    return found
