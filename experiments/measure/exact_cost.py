"""What `state4_exact` costs a switch at its highest rate: throughput during a reconfiguration, as a share of before.

A flood of full frames, each of which writes state, through a program that is changed to itself at the published pace.
The data plane has a core of its own where there are two or more (cores.py), as in Figure 7.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from experiments.control.client import ControlProcess
from experiments.harness.phases import Phases
from experiments.measure.cores import Cores
from experiments.measure.steady_rate import HOST_NICE, SEGMENTS
from experiments.traffic.armed import TrafficError, wait_all
from experiments.traffic.flow import MAX_PAYLOAD, Flow
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from topologies.network import RunningNetwork
from topologies.paper import SERVER, SWITCH, ip_of

PROFILE = "paper"
BEFORE_S, FLOOD_S = 0.6, 8.0
"""Of the flood, before the reconfiguration and in all."""
_SETTLE_S = 0.1
_PORT = 5000


@dataclass(frozen=True)
class Kept:
    """`share`: of the throughput before that is left during the reconfiguration, which takes `seconds`; `updates`: that
    arrived; `lost`: clones that did not; `ring`: whether updates came by shared memory."""

    share: float
    before_per_s: float
    seconds: float
    updates: int
    lost: int
    ring: bool


def throughput_kept(
    network: RunningNetwork, control: ControlProcess, program: Path, entries: Path, cores: Cores, *, ring: bool
) -> Kept:
    """One reconfiguration under a flood. `program`: prepared (`store_prepared`), and running. Raises TrafficError;
    ControlError if the reconfiguration fails, and then the old program goes on."""
    process = network.node(SWITCH).process
    if process is not None:
        cores.place(process.pid)
    arguments = {"profile": PROFILE, "program": str(program), "entries": str(entries), "components": None}
    control.call("prepare", {"strategy": "state4_exact", "update_ring": ring, **arguments})
    receiver = Receiver(network, SERVER, [_PORT], nice=HOST_NICE)
    sender = Sender(network, Flow(1, "h1", ip_of(SERVER), _PORT, 0, MAX_PAYLOAD, segments=SEGMENTS), nice=HOST_NICE)
    wait_all(receiver, sender)
    control.events.clear()
    begin = time.monotonic() + 0.02
    sender.go(begin, begin + FLOOD_S)
    time.sleep(begin + BEFORE_S - time.monotonic())
    try:
        outcome = control.call("reconfigure")
    finally:
        time.sleep(max(0.0, begin + FLOOD_S + _SETTLE_S - time.monotonic()))
        sender.finish()
        _, packets = receiver.finish()
    window = Phases.of(control.events).window
    if window.end > begin + FLOOD_S:
        raise TrafficError(f"the reconfiguration took longer than the flood of {FLOOD_S:g} s")
    arrived = packets["received_s"].to_numpy()
    before = _rate(arrived, begin + _SETTLE_S, window.begin)
    ways = [event["ring"] for event in control.events if (event["phase"], event["what"]) == ("listen", "end")]
    return Kept(
        share=_rate(arrived, window.begin, window.end) / before,
        before_per_s=before,
        seconds=window.length,
        updates=outcome["updates"],
        lost=outcome["lost_clones"],
        ring=any(ways),
    )


def _rate(arrived: npt.NDArray[np.float64], begin: float, end: float) -> float:
    """Packets per second."""
    return float(((arrived >= begin) & (arrived < end)).sum() / (end - begin))
