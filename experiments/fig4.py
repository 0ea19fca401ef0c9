"""Figure 4 (claim C2): five hosts at 20 Mbit/s each through one reconfiguration, seen at a resolution of 1 ms.

h1, h2 and h3 send flows that only read state (their knocking stage), h4 and h5 flows that write it (the time of their
flowlet) with every packet. chained.p4 is changed to chained_v2.p4 at 13.5 s of 30 s. Measured are the time of the whole
reconfiguration and of its phases, the longest gap between two packets at the receiver beside that of a run without a
reconfiguration, the packets lost, and whether the state is the same before and after.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.claims.c2_disruption import judge_fig4
from experiments.claims.stats import longest_gap, spread
from experiments.harness.ending import conclude
from experiments.harness.lab import NFS, Lab, Plan, open_lab
from experiments.harness.main import run_main
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.phases import Phases
from experiments.harness.progress import Display
from experiments.harness.strategies import available_strategies
from experiments.harness.sweep import Trial, TrialResult, run_sweep
from experiments.tables.fig4 import fig4_table
from experiments.traffic.armed import TrafficError, wait_all
from experiments.traffic.flow import HEADER_BYTES, Flow
from experiments.traffic.knock import ProbeSender, knocker_at
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from topologies.paper import HOSTS, PORTS, SERVER, ip_of, mac_of

EXPERIMENT = "fig4"
CONTROL_TRIAL = "no-reconfiguration"
WRITERS = ("h4", "h5")
ENTRIES = Path(__file__).with_name("fig4.entries.toml")
SERVICE_PORT = 5000
KNOCKS = (10000, 20000, 30000)
RATE_MBIT = 20.0
FRAME_BYTES = 1250  # two frames of each flow per millisecond, so that a bin of 1 ms means something

# What packets do not write here must be equal before and after; what they write must not have been lost.
_STATIC = ("pk_reg", "link_load", "link_time", "flowlet_hop")


@dataclass(frozen=True)
class Schedule:
    duration: float
    reconfigure: float


def run_trial(trial: Trial, options: CommonOptions, schedule: Schedule, show: Display) -> TrialResult:
    """One run. Sample kind `arrivals`: flow (host), bytes (of the frame), received_s of each packet."""
    reconfigures = trial.strategy != CONTROL_TRIAL
    plan = Plan(
        program=NFS / "chained.p4",
        entries=ENTRIES,
        new_program=NFS / "chained_v2.p4",
        new_entries=ENTRIES,
        strategy=trial.strategy if reconfigures else "none",
        profile=options.profile,
        target=options.target,
    )
    with open_lab(plan) as lab:
        knockers = [knocker_at(lab.network, host, KNOCKS) for host in HOSTS]
        probes = ProbeSender(lab.network, SERVER, mac=mac_of(SERVER), interface=f"{SERVER}-eth0", tor=PORTS[SERVER])
        receiver = Receiver(lab.network, SERVER, [SERVICE_PORT])
        payload = FRAME_BYTES - HEADER_BYTES
        interval = Flow.interval_for(RATE_MBIT, payload)
        senders = [
            Sender(lab.network, Flow(number, host, ip_of(SERVER), SERVICE_PORT, interval, payload))
            for number, host in enumerate(HOSTS, start=1)
        ]
        lab.arm()
        wait_all(*knockers, probes, receiver, *senders)
        for knocker in knockers:
            knocker.knock()
            knocker.sent()
        timeline = lab.timeline(lead_s=0.2)
        for number, sender in enumerate(senders):
            sender.go(timeline.start + number * interval / 1e9 / len(senders), timeline.start + schedule.duration)
        snapshots: dict[str, Path] = {}
        timeline.at(schedule.reconfigure - 0.2, lambda: _snapshot(lab, snapshots, "before"))
        if reconfigures:
            timeline.at(schedule.reconfigure, lab.begin_reconfiguration)
        timeline.run(schedule.duration + 0.2, lambda second: show.state(trial.name, second))
        outcome = lab.end_reconfiguration() if reconfigures else {}
        totals = [sender.finish() for sender in senders]
        _, packets = receiver.finish()
        _snapshot(lab, snapshots, "after")
        kept = compare_state(dict(np.load(snapshots["before"])), dict(np.load(snapshots["after"])))
        stats = lab.control.call("stats")
        events = lab.events(timeline.start)
        probes.finish()

    arrivals = pd.DataFrame(
        {
            "flow": packets["flow"].map(dict(enumerate(HOSTS, start=1))),
            "bytes": packets["bytes"] + HEADER_BYTES,
            "received_s": packets["received_s"] - timeline.start,
        }
    )
    if arrivals.empty:
        raise TrafficError("no packet arrived at the server")
    measured: dict[str, Any] = {
        "duration": schedule.duration,
        "sent_packets": sum(total.sent for total in totals),
        "received_packets": len(arrivals),
        "worst_sender_delay_ms": max(total.worst_late_ns for total in totals) / 1e6,
        "longest_gap_ms": longest_gap(arrivals["received_s"].to_numpy()) * 1e3,
        "longest_gap_ms_by_flow": {
            host: longest_gap(group["received_s"].to_numpy()) * 1e3 for host, group in arrivals.groupby("flow")
        },
        "state_kept": kept,
        "outcome": outcome,
        "switch": stats,
    }
    if reconfigures:
        phases = Phases.of(events)
        around = arrivals["received_s"].between(phases.swap.begin - 0.1, phases.swap.end + 0.1)
        measured |= {
            "window": vars(phases.window),
            "swap": vars(phases.swap),
            "phases": phases.durations(),
            "reconfiguration_s": phases.window.length,
            "swap_ms": phases.swap.length * 1e3,
            "gap_at_swap_ms": longest_gap(
                arrivals.loc[around, "received_s"].to_numpy(),
                start=phases.swap.begin - 0.1,
                end=min(phases.swap.end + 0.1, schedule.duration),
            )
            * 1e3,
        }
    return TrialResult(measured, {"arrivals": arrivals}, events)


def compare_state(before: dict[str, Any], after: dict[str, Any]) -> dict[str, bool]:
    """For each register of the old program: is what it held still there?

    Cells that the traffic does not write must be equal. Of the others only those that held something are looked at, and
    they must still hold something, and nothing smaller where it is a time.
    """
    kept = {}
    for name, old in before.items():
        short = name.rsplit(".", 1)[-1]
        new = after.get(name)
        if new is None or len(new) != len(old):
            kept[short] = False
        elif short in _STATIC:
            kept[short] = bool((old == new).all())
        elif short.endswith("_time"):
            kept[short] = bool((new >= old).all())
        else:
            kept[short] = bool(((old == 0) | (new != 0)).all())
    return kept


def _snapshot(lab: Lab, snapshots: dict[str, Path], name: str) -> None:
    path = lab.network.directory.path / f"{name}.npz"
    lab.control.call("snapshot", {"path": str(path)})
    snapshots[name] = path


def summarise(trials: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By strategy: spread of the times and gaps over the repeats, packets lost, state kept in all."""
    result: dict[str, dict[str, Any]] = {}
    for strategy in dict.fromkeys(trial["strategy"] for trial in trials.values()):
        members = [trial for trial in trials.values() if trial["strategy"] == strategy]
        numbers: dict[str, Any] = {
            name: spread([member[name] for member in members]).as_dict()
            for name in ("reconfiguration_s", "gap_at_swap_ms", "swap_ms", "longest_gap_ms")
            if all(name in member for member in members)
        }
        numbers["lost_packets"] = max(member["sent_packets"] - member["received_packets"] for member in members)
        numbers["state_kept"] = all(all(member["state_kept"].values()) for member in members)
        result[strategy] = numbers
    return result


def run(options: CommonOptions, schedule: Schedule) -> int:
    from plots import fig4 as plot

    strategies = (CONTROL_TRIAL, *options.strategies)
    trials = [Trial(name, repeat) for repeat in range(1, options.repeats + 1) for name in strategies]
    folder, numbers = run_sweep(
        EXPERIMENT,
        options,
        trials,
        lambda trial, show: run_trial(trial, options, schedule, show),
        trial_s=schedule.duration,
    )
    measured = summarise(numbers)
    claims = [judge_fig4(measured, options.profile)] if "state4" in measured else []
    return conclude(folder, options, measured, claims, draw=plot.main, table=fig4_table)


def main(arguments: list[str] | None = None) -> int:
    parser = common_parser(__doc__)
    options = common_options(
        parser.parse_args(arguments), parser, default=available_strategies(), available=available_strategies()
    )
    duration = options.duration_s or (6.0 if options.quick else 30.0)
    return run_main(lambda: run(options, Schedule(duration, duration * (0.45 if not options.quick else 0.3))))


if __name__ == "__main__":
    sys.exit(main())
