"""Figure 7 (claim C5): the cost of cloning when every packet writes state.

First the highest rate that the switch forwards steadily without cloning (loss below 0.1 %; the method is in
measure/steady_rate.py) and the throughput of a flood without and with cloning (full_load.py), then flows of 100, 75 and
50 % of that rate through nfs/byte_counter.p4, which is changed to itself during the flows. The data plane has a core of
its own if there are two or more (measure/cores.py). A strategy clones during its reconfiguration; Swing State, whose
switches always clone, from the first packet to the last (`clones_always` of a strategy). Measured are the throughput at
the receiver over time, and the share of packets lost before, during and after the reconfiguration. `no-reconfiguration`
is the same flow without a change. Only strategies that clone take part.

Exit code: 0: the three parts of claim C5 hold, or were not asked for because strategies or loads were left out; 1: one
does not hold; 2: wrong usage or failed runs; 3: one could not be judged.
"""

from __future__ import annotations

import argparse
import math
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

import nfs
from experiments.claims.base import CONTROL_TRIAL, reasons_of
from experiments.claims.c5_cloning_cost import full_load_not_found, judge_cloning_cost
from experiments.claims.stats import spread
from experiments.harness.ending import conclude
from experiments.harness.lab import Lab, Plan
from experiments.harness.main import run_main
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.phases import Interval, Phases
from experiments.harness.progress import Display
from experiments.harness.shared_lab import SharedLab
from experiments.harness.strategies import available_strategies, is_instrumented
from experiments.harness.sweep import Trial, TrialResult, run_sweep
from experiments.harness.validity import MachineBounds, disturbed, missed_frames, outside_flow, slow_sender, unsteady
from experiments.measure.cores import divided_cores
from experiments.measure.counters import interface_counters
from experiments.measure.full_load import (
    FRAME_BYTES,
    SearchPlan,
    megabits,
    run_search,
    summarise_searches,
)
from experiments.measure.machine import MachineWatch
from experiments.measure.steady_rate import HOST_NICE, SEGMENTS, NoSteadyRateError
from experiments.tables.fig7 import cloning_table
from experiments.traffic.armed import wait_all
from experiments.traffic.flow import Flow
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from state4.strategies import load_strategy
from topologies.paper import SERVER, ip_of

EXPERIMENT = "cloning_cost"
SEARCH = "search"
PROGRAM = nfs.program_path("byte_counter")
BIN_S = 0.02
MIN_PART_S = 0.5  # packets leave in bursts: in shorter parts of a trial their number says little about the rate
_PORT = 5000
BOUNDS = MachineBounds(waited=0.08, host_waited=None)
"""At full load the switch loses as much of its throughput as it lacks of its core; alone on the machine that is one or
two hundredths. The hosts share the other cores with the control plane, and wait for one half of the time while the
sender keeps to its rate: what they sent and received is what a trial needs."""


@dataclass(frozen=True)
class Schedule:
    """Seconds of a trial; how often and how the highest rate is searched for; loads in percent of that rate."""

    duration: float
    reconfigure: float
    loads: tuple[int, ...]
    searches: int
    search: SearchPlan


class Bench:
    """One network for all trials, the data plane on its own core."""

    def __init__(self, stack: ExitStack) -> None:
        self._cores = stack.enter_context(divided_cores())
        self._shared = SharedLab(stack)

    def lab(self, plan: Plan) -> Lab:
        return self._shared.lab(plan)

    def drop(self) -> None:
        """Gives the next trial a new network."""
        self._shared.drop()

    def arm(self, lab: Lab) -> None:
        lab.arm()
        if lab.switch.process is not None:
            self._cores.place(lab.switch.process.pid)


def plan_for(strategy: str, options: CommonOptions) -> Plan:
    entries = nfs.entries_path(PROGRAM)
    return Plan.to_itself(PROGRAM, entries, strategy, options.profile, options.target)


def run_trial(
    trial: Trial, options: CommonOptions, schedule: Schedule, full: float, bench: Bench, show: Display
) -> TrialResult:
    """A flow of `load` percent of `full` frames per second. Sample kind `bins`: t, sent, received in bins of 20 ms."""
    reconfigures = trial.strategy != CONTROL_TRIAL
    always = reconfigures and bool(getattr(load_strategy(trial.strategy), "clones_always", False))
    rate = full * float(trial.parameters["load"]) / 100
    lab = bench.lab(plan_for(trial.strategy if reconfigures else "none", options))
    receiver = Receiver(lab.network, SERVER, [_PORT], nice=HOST_NICE)
    flow = Flow(1, "h1", ip_of(SERVER), _PORT, round(1e9 / rate), segments=SEGMENTS)
    sender = Sender(lab.network, flow, record=True, nice=HOST_NICE)
    bench.arm(lab)
    wait_all(receiver, sender)
    lab.control.call("stats", {"reset": True})
    if always:
        lab.control.call("start_cloning")
    target = (SERVER, f"{SERVER}-eth0")
    before = interface_counters(lab.network, *target)
    timeline = lab.timeline(lead_s=0.2)
    watch = MachineWatch(lab, sender=sender, receiver=receiver)
    sender.go(timeline.start, timeline.start + schedule.duration)
    run = _Reconfiguring(lab, always)
    if reconfigures:
        timeline.at(schedule.reconfigure, run.begin)

    def tick(second: float) -> None:
        show.state(trial.name, second)
        run.look()

    timeline.run(schedule.duration + 0.3, tick)
    if reconfigures:
        run.finish()
    machine = watch.read()
    totals = sender.finish()
    sent = sender.sent() - timeline.start
    _, packets = receiver.finish()
    wire = interface_counters(lab.network, *target).since(before).rx_packets
    stats = lab.control.call("stats")
    if always:
        lab.control.call("stop_cloning")
    events = lab.events(timeline.start)

    got = packets["sequence"].to_numpy()
    times = (packets["received_s"] - timeline.start).to_numpy()
    window = (schedule.reconfigure, schedule.reconfigure)
    measured: dict[str, Any] = {
        "frames_per_s": rate,
        "frame_bytes": FRAME_BYTES,
        "offered_mbit": megabits(totals.sent / schedule.duration),
        "sent_packets": totals.sent,
        "refused_packets": totals.refused,
        "received_packets": wire,
        "clones_always": always,
        "machine": machine.as_dict(),
        "outcome": run.outcome,
        "switch": stats,
    }
    invalid = disturbed(machine, BOUNDS, accept_busy=options.accept_busy)
    if reconfigures:
        phases = Phases.of(events)
        window = (phases.window.begin, phases.window.end)
        measured |= phases.numbers()
        invalid += outside_flow(phases, Interval(0.0, schedule.duration))
    measured["parts"] = parts(sent, got, times, window, schedule.duration)
    if not options.accept_busy:
        for name, part in measured["parts"].items():
            if name == "whole" or part["seconds"] >= MIN_PART_S:
                invalid += slow_sender(part["sent"], rate * part["seconds"], PART_NAMES[name])
        invalid += missed_frames(wire, len(got))
        if reconfigures and not always and "before" in measured["parts"]:
            invalid += unsteady(measured["parts"]["before"]["loss"])
    bins = bin_counts(sent, times, schedule.duration)
    return TrialResult(measured, {"bins": bins}, events, tuple(invalid), machine.disturbance)


class _Reconfiguring:
    """The reconfiguration of a trial; if cloning is always on, it is switched on again after the swap."""

    def __init__(self, lab: Lab, always: bool) -> None:
        self._lab = lab
        self._always = always
        self._begun = self._ended = False
        self.outcome: dict[str, Any] = {}

    def begin(self) -> None:
        self._begun = True
        self._lab.begin_reconfiguration()

    def look(self) -> None:
        """Continues after the reconfiguration, without waiting for it."""
        if self._begun and not self._ended and not self._lab.control.busy():
            self.finish()

    def finish(self) -> None:
        if self._ended:
            return
        self._ended = True
        self.outcome = self._lab.end_reconfiguration()
        if self._always:
            self._lab.control.call("start_cloning")


def bin_counts(sent: npt.NDArray[np.float64], received: npt.NDArray[np.float64], duration: float) -> pd.DataFrame:
    """Packets sent and received in bins of 20 ms; times in s."""
    count = round(duration / BIN_S)
    edges = np.arange(count + 1) * BIN_S
    counts = {name: np.histogram(times, edges)[0] for name, times in (("sent", sent), ("received", received))}
    frame: pd.DataFrame = pd.DataFrame({"t": edges[:-1] + BIN_S / 2, **counts})
    return frame


PART_NAMES = {
    "whole": "in the whole trial",
    "before": "before the reconfiguration",
    "during": "during the reconfiguration",
    "after": "after the reconfiguration",
}


def parts(
    sent: npt.NDArray[np.float64],
    arrived: npt.NDArray[np.int64],
    received: npt.NDArray[np.float64],
    window: tuple[float, float],
    duration: float,
) -> dict[str, dict[str, float]]:
    """Loss and throughput before, during and after a window, and of the whole trial.

    sent: when packet k left; arrived: sequence numbers that arrived; received: when. Times in s. A packet is counted in
    the part in which it was sent. `mbit`: Mbit/s of frames at the receiver; `loss`: share of the packets. Empty parts
    are left out.
    """
    got = np.zeros(len(sent), dtype=bool)
    got[arrived] = True
    spans = {"whole": (0.0, duration), "before": (0.0, window[0]), "during": window, "after": (window[1], duration)}
    result = {}
    for name, (begin, end) in spans.items():
        inside = (sent >= begin) & (sent < end)
        if end - begin < BIN_S or not inside.any():
            continue
        arriving = int(((received >= begin) & (received < end)).sum())
        result[name] = {
            "seconds": end - begin,
            "sent": int(inside.sum()),
            "lost": int((inside & ~got).sum()),
            "loss": float(1 - got[inside].mean()),
            "mbit": megabits(arriving / (end - begin)),
        }
    return result


def search_trial(trial: Trial, options: CommonOptions, schedule: Schedule, bench: Bench, show: Display) -> TrialResult:
    """One search for the highest rate; for the samples see full_load.py."""
    lab = bench.lab(plan_for("none", options))
    bench.arm(lab)
    try:
        return run_search(lab, schedule.search, name=trial.name, port=_PORT, show=show)
    except NoSteadyRateError as error:
        return TrialResult({}, {}, (), (str(error),), math.inf)


def summarise(trials: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """By strategy and load: throughput and loss of each part of a trial, as spreads over the repeats."""
    result: dict[str, Any] = {}
    for trial in trials.values():
        result.setdefault(trial["strategy"], {}).setdefault(f"{trial['load']:g}", []).append(trial)
    for by_load in result.values():
        for load, members in by_load.items():
            by_load[load] = {
                "offered_mbit": spread([member["offered_mbit"] for member in members]).as_dict(),
                "parts": {
                    part: {
                        kind: spread([member["parts"][part][kind] for member in members]).as_dict()
                        for kind in ("mbit", "loss")
                    }
                    for part in ("whole", "before", "during", "after")
                    if all(part in member["parts"] for member in members)
                },
            }
    return result


def lead(trials: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """By load: by how much State4 keeps more of the whole trial than Swing State in the same repeat, as a share."""
    losses: dict[str, dict[str, dict[int, float]]] = {}
    for trial in trials.values():
        by_repeat = losses.setdefault(f"{trial['load']:g}", {}).setdefault(trial["strategy"], {})
        by_repeat[int(trial["repeat"])] = float(trial["parts"]["whole"]["loss"])
    result = {}
    for load, by_strategy in losses.items():
        state4, swing = by_strategy.get("state4", {}), by_strategy.get("swing_state", {})
        if both := sorted(state4.keys() & swing.keys()):
            result[load] = spread([swing[repeat] - state4[repeat] for repeat in both]).as_dict()
    return result


def run(options: CommonOptions, schedule: Schedule) -> int:
    from plots import fig7 as plot

    record = {"loads": schedule.loads, "searches": schedule.searches}
    trials = [
        Trial(strategy, repeat, {"load": load})
        for repeat in range(1, options.repeats + 1)
        for load in schedule.loads
        for strategy in (CONTROL_TRIAL, *options.strategies)
    ]
    with ExitStack() as stack:
        bench = Bench(stack)
        searches = run_sweep(
            EXPERIMENT,
            options,
            [Trial(SEARCH, number) for number in options.only_repeats or range(1, schedule.searches + 1)],
            lambda trial, show: search_trial(trial, options, schedule, bench, show),
            trial_s=schedule.search.seconds,
            record=record,
            after_failure=bench.drop,
        )
        if not searches.trials:
            claims = full_load_not_found(reasons_of(searches.unusable, SEARCH))
            return conclude(searches, options, {"steady": None}, claims, draw=plot.main, table=cloning_table)
        steady = summarise_searches(searches.trials)
        full = float(steady["frames_per_s"])
        sweep = run_sweep(
            EXPERIMENT,
            replace(options, resume=True),  # the run that the search started
            trials,
            lambda trial, show: run_trial(trial, options, schedule, full, bench, show),
            trial_s=schedule.duration,
            record=record,
            after_failure=bench.drop,
        )
    measured = {
        "steady": steady,
        "strategies": summarise(sweep.trials),
        "lead": lead(sweep.trials),
        "loads": [f"{load:g}" for load in schedule.loads],
        "asked": list(options.strategies),
    }
    claims = judge_cloning_cost(measured, sweep.unusable)
    both = replace(
        sweep,
        unusable={**searches.unusable, **sweep.unusable},
        repeated={**searches.repeated, **sweep.repeated},
    )
    return conclude(both, options, measured, claims, draw=plot.main, table=cloning_table)


def cloning_strategies() -> tuple[str, ...]:
    """All strategies that need the data plane: for clones, or for marks in a dirty map."""
    return tuple(name for name in available_strategies() if is_instrumented(name))


def parse_loads(text: str) -> tuple[int, ...]:
    """`100,75,50`, in percent of the highest steady rate."""
    try:
        loads = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected PERCENT,PERCENT: {text}") from None
    if not all(0 < load <= 200 for load in loads):
        raise argparse.ArgumentTypeError(f"a load must be above 0 and at most 200 percent: {text}")
    return loads


def main(arguments: list[str] | None = None) -> int:
    parser = common_parser(__doc__)
    parser.add_argument(
        "--loads", type=parse_loads, metavar="PERCENT,...", help="of the highest steady rate (default: 100,75,50)"
    )
    namespace = parser.parse_args(arguments)
    names = cloning_strategies()
    options = common_options(namespace, parser, default=names, available=names)
    duration = options.duration_s or (4.0 if options.quick else 12.0)
    schedule = Schedule(
        duration=duration,
        reconfigure=duration * 0.3,
        loads=namespace.loads or ((100, 50) if options.quick else (100, 75, 50)),
        searches=2 if options.quick else 3,
        search=SearchPlan(
            pairs=min(5, math.ceil(duration)), flood_s=duration / 10, step_s=duration / 8, confirm_s=duration / 2
        )
        if options.quick
        else SearchPlan(pairs=5, flood_s=0.5, step_s=1.0, confirm_s=duration),
    )
    return run_main(lambda: run(options, schedule))


if __name__ == "__main__":
    sys.exit(main())
