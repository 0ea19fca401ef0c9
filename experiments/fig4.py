"""Figure 4 (claim C2): five hosts at 20 Mbit/s each through one reconfiguration, seen at a resolution of 1 ms.

h1, h2 and h3 send flows that only read state (their knocking stage), h4 and h5 flows that write it (the time of their
flowlet) with every packet. chained.p4 is changed to chained_v2.p4 at 13.5 s of 30 s. Measured are the longest gap
between two packets at the receiver, with and without a reconfiguration, the packets lost, whether the state is the same
before and after, what look-ahead saves, and the control plane's CPU time and memory. The time of the whole
reconfiguration is measured with an unpaced control plane; with profile `paper` it is configured, and labelled so.

Exit code: 0: claim C2 holds, or was not asked for because State4 was left out; 1: it does not hold; 2: wrong usage or
failed runs; 3: it could not be judged.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.claims import c2_disruption
from experiments.claims.base import CONTROL_TRIAL, not_asked
from experiments.claims.c2_disruption import judge_disruption
from experiments.claims.stats import longest_gap, spread
from experiments.harness.ending import conclude
from experiments.harness.lab import NFS, Lab, Plan, open_lab
from experiments.harness.main import run_main
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.phases import Interval, Phases
from experiments.harness.progress import Display
from experiments.harness.strategies import available_strategies
from experiments.harness.sweep import Trial, TrialResult, run_sweep
from experiments.harness.validity import MachineBounds, disturbed, disturbed_alone, outside_flow
from experiments.measure.machine import MachineWatch
from experiments.tables.fig4 import fig4_table
from experiments.traffic.armed import TrafficError, wait_all
from experiments.traffic.flow import HEADER_BYTES, Flow
from experiments.traffic.knock import ProbeSender, knocker_at
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from topologies.paper import HOSTS, PORTS, SERVER, ip_of, mac_of

EXPERIMENT = "fig4"
ENTRIES = Path(__file__).with_name("fig4.entries.toml")
SERVICE_PORT = 5000
KNOCKS = (10000, 20000, 30000)
RATE_MBIT = 20.0
NATIVE = "native"
"""The profile in which the time of a reconfiguration is measured."""
MAX_SENDER_GAP_MS = 5.0
"""Longest pause of all senders together around the swap: a gap at the receiver must be the switch's."""
BOUNDS = MachineBounds(late_ms=100.0)
_AROUND_S = 0.1  # before and after the swap
FRAME_BYTES = 1250  # two frames of each flow per millisecond, so that bins of 1 ms are meaningful

# What packets do not write here must be equal before and after; what they write must not have been lost.
_STATIC = ("pk_reg", "link_load", "link_time", "flowlet_hop")


@dataclass(frozen=True)
class Schedule:
    duration: float
    reconfigure: float


def run_trial(trial: Trial, options: CommonOptions, schedule: Schedule, show: Display) -> TrialResult:
    """One run. Sample kind `arrivals`: flow (host), bytes (of the frame), received_s of each packet."""
    reconfigures = trial.strategy != CONTROL_TRIAL
    profile = str(trial.parameters.get("profile", options.profile))
    plan = Plan(
        program=NFS / "chained.p4",
        entries=ENTRIES,
        new_program=NFS / "chained_v2.p4",
        new_entries=ENTRIES,
        strategy=trial.strategy if reconfigures else "none",
        profile=profile,
        target=options.target,
        record_takes=True,
    )
    with open_lab(plan) as lab:
        knockers = [knocker_at(lab.network, host, KNOCKS) for host in HOSTS]
        probes = ProbeSender(lab.network, SERVER, mac=mac_of(SERVER), interface=f"{SERVER}-eth0", tor=PORTS[SERVER])
        receiver = Receiver(lab.network, SERVER, [SERVICE_PORT])
        payload = FRAME_BYTES - HEADER_BYTES
        interval = Flow.interval_for(RATE_MBIT, payload)
        senders = [
            Sender(lab.network, Flow(number, host, ip_of(SERVER), SERVICE_PORT, interval, payload), record=True)
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
        watch = MachineWatch(lab, receiver=receiver, **dict(zip(HOSTS, senders, strict=True)))
        timeline.run(schedule.duration + 0.2, lambda second: show.state(trial.name, second))
        outcome = lab.end_reconfiguration() if reconfigures else {}
        machine = watch.read()
        totals = [sender.finish() for sender in senders]
        sent = np.sort(np.concatenate([sender.sent() for sender in senders])) - timeline.start
        _, packets = receiver.finish()
        _snapshot(lab, snapshots, "after")
        kept = compare_state(dict(np.load(snapshots["before"])), dict(np.load(snapshots["after"])))
        stats = lab.control.call("stats")
        saved = lab.control.call("takes", {"path": str(lab.network.directory.path / "takes.npz")})
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
        "longest_gap_ms": longest_gap(arrivals["received_s"].to_numpy()) * 1e3,
        "longest_gap_ms_by_flow": {
            host: longest_gap(group["received_s"].to_numpy()) * 1e3 for host, group in arrivals.groupby("flow")
        },
        "state_kept": kept,
        "outcome": outcome,
        "switch": stats,
    }
    machine = replace(machine, late_ms=max(total.worst_late_ns for total in totals) / 1e6)
    measured["machine"] = machine.as_dict()
    invalid = disturbed(machine, BOUNDS, accept_busy=options.accept_busy)
    times = arrivals["received_s"].to_numpy()
    if reconfigures:
        phases = Phases.of(events)
        sender_gap_ms = gap_around(sent, phases.swap, schedule.duration) * 1e3
        measured |= {
            **phases.numbers(),
            "profile": profile,
            "reconfiguration_s": phases.window.length,
            "swap_ms": phases.swap.length * 1e3,
            "gap_at_swap_ms": gap_around(times, phases.swap, schedule.duration) * 1e3,
            "sender_gap_at_swap_ms": sender_gap_ms,
            "look_ahead": saved,
        }
        invalid += outside_flow(phases, Interval(0.0, schedule.duration))
        if sender_gap_ms > MAX_SENDER_GAP_MS:
            invalid.append(
                f"the senders paused for {sender_gap_ms:.1f} ms at the swap (bound {MAX_SENDER_GAP_MS:g} ms)"
            )
    else:
        measured["quiet_gap_ms"] = quiet_gap(times, schedule.duration) * 1e3
        invalid += disturbed_alone(lost=measured["sent_packets"] - measured["received_packets"])
    return TrialResult(measured, {"arrivals": arrivals}, events, tuple(invalid), machine.disturbance)


def gap_around(times: npt.NDArray[np.float64], swap: Interval, duration: float) -> float:
    """The longest time in s without a packet, from 0.1 s before a swap to 0.1 s after it. `times` is ascending."""
    begin, end = swap.begin - _AROUND_S, min(swap.end + _AROUND_S, duration)
    return longest_gap(times[(times >= begin) & (times <= end)], start=begin, end=end)


def quiet_gap(times: npt.NDArray[np.float64], duration: float) -> float:
    """In s: the longest time without a packet in an interval as long as that around a swap; one such interval in twenty
    has a longer one."""
    edges = np.arange(0.0, duration + 1e-9, 2 * _AROUND_S)
    gaps = [
        longest_gap(times[(times >= begin) & (times <= end)], start=begin, end=end)
        for begin, end in itertools.pairwise(edges)
    ]
    return float(np.percentile(gaps, 95))


def compare_state(before: dict[str, Any], after: dict[str, Any]) -> dict[str, bool]:
    """For each register of the old program: are its contents still there?

    Cells that the traffic does not write must be equal. Of the others only non-zero ones are checked: they must still
    be non-zero, and not smaller if they are times.
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


def summarise(trials: Mapping[str, Mapping[str, Any]], profile: str) -> dict[str, dict[str, Any]]:
    """By strategy: gaps and times as spreads over the repeats, packets lost, whether state was kept in all of them.
    State4 with an unpaced control plane is `native`, if that is not the profile of all trials."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for trial in trials.values():
        own = trial.get("profile", profile)
        groups.setdefault(trial["strategy"] if own == profile else NATIVE, []).append(trial)
    result: dict[str, dict[str, Any]] = {}
    for name, members in groups.items():
        numbers: dict[str, Any] = {
            key: spread([member[key] for member in members]).as_dict()
            for key in ("reconfiguration_s", "gap_at_swap_ms", "swap_ms", "longest_gap_ms", "quiet_gap_ms", "cloned_s")
            if all(member.get(key) is not None for member in members)
        }
        numbers["lost_packets"] = max(member["sent_packets"] - member["received_packets"] for member in members)
        numbers["state_kept"] = all(all(member["state_kept"].values()) for member in members)
        numbers["time_is_configured"] = (NATIVE if name == NATIVE else profile) != NATIVE
        numbers |= _look_ahead(members) | _control_plane(members)
        result[name] = numbers
    return result


def _look_ahead(members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Percent of the writes that look-ahead saves, by the paper's rule and by ours; empty if nothing was taken."""
    counts = [found for member in members if (found := member.get("look_ahead")) and found["updates"]]
    return {
        f"saved_by_{rule}": spread([100 * (1 - c[f"written_by_{rule}"] / c["updates"]) for c in counts]).as_dict()
        for rule in ("next", "last")
        if counts
    }


def _control_plane(members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    used = [found for member in members if (found := member["outcome"].get("control"))]
    if not used:
        return {}
    return {
        "control_cpu_s": spread([one["cpu_s"] for one in used]).as_dict(),
        "control_rss_mb": spread([one["rss_bytes"] / 1e6 for one in used]).as_dict(),
    }


def run(options: CommonOptions, schedule: Schedule) -> int:
    from plots import fig4 as plot

    native = "state4" in options.strategies and options.profile != NATIVE
    trials = [
        trial
        for repeat in range(1, options.repeats + 1)
        for trial in (
            *(Trial(name, repeat) for name in (CONTROL_TRIAL, *options.strategies)),
            *([Trial("state4", repeat, {"profile": NATIVE})] if native else []),
        )
    ]
    sweep = run_sweep(
        EXPERIMENT,
        options,
        trials,
        lambda trial, show: run_trial(trial, options, schedule, show),
        trial_s=schedule.duration,
    )
    measured = summarise(sweep.trials, options.profile)
    claim = (
        judge_disruption(measured, sweep.unusable)
        if "state4" in options.strategies
        else not_asked(c2_disruption.PUBLISHED, "State4 was left out")
    )
    return conclude(sweep, options, measured, [claim], draw=plot.main, table=fig4_table)


def main(arguments: list[str] | None = None) -> int:
    parser = common_parser(__doc__)
    options = common_options(
        parser.parse_args(arguments), parser, default=available_strategies(), available=available_strategies()
    )
    duration = options.duration_s or (6.0 if options.quick else 30.0)
    return run_main(lambda: run(options, Schedule(duration, duration * (0.45 if not options.quick else 0.3))))


if __name__ == "__main__":
    sys.exit(main())
