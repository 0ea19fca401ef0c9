"""Figure 6 (claim C4): the time line of one real run of each strategy, and the updates that were lost.

A flow from h1 to the server writes state with every packet: four registers in turn, each packet into a cell of its own
(harness/sized_programs.py). The program is changed to itself while the flow is on. An update is lost when its packet
arrived at the server, so went through the switch, but its cell is empty after the swap: the wire's truth against the
state. What the control plane did when comes from the events of the run, and which clones it had in its hands by then
from what it took from its listener. A trial called `no-reconfiguration` shows the harness's own error. The counters of
all hosts' interfaces show what else was on the links (claim C7).

Exit code: 0 when claims C4 and C7 hold, or were not asked for because strategies were left out; 1 when one does not
hold; 2 for wrong use and for failed runs; 3 when one could not be judged.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.claims import c4_loss_windows, c7_network_resources
from experiments.claims.base import CONTROL_TRIAL, Claim, not_asked
from experiments.claims.c4_loss_windows import PUBLISHED_WINDOWS, Lost, judge_loss_windows
from experiments.claims.c7_network_resources import judge_network_resources
from experiments.harness.ending import conclude
from experiments.harness.lab import Lab, Plan, open_lab
from experiments.harness.main import run_main
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.phases import Interval, Phases
from experiments.harness.progress import Display
from experiments.harness.sized_programs import PORT, StateProgram, missing_updates, payload_for
from experiments.harness.strategies import available_strategies
from experiments.harness.sweep import Sweep, Trial, TrialResult, run_sweep
from experiments.harness.validity import MachineBounds, disturbed, disturbed_alone, outside_flow
from experiments.measure.counters import InterfaceCounters, interface_counters
from experiments.measure.machine import MachineWatch
from experiments.tables.fig6 import fig6_table
from experiments.traffic.armed import TrafficError, wait_all
from experiments.traffic.flow import Flow
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from topologies.paper import HOSTS, SERVER, ip_of

EXPERIMENT = "fig6"
PROGRAM = StateProgram(components=4, cells=65536)
FRAME_BYTES = 150
BOUNDS = MachineBounds(late_ms=250.0)
TAKEN, LATE, NO_CLONE = 2, 1, 0
"""What became of an update's clone: the strategy took it; it arrived, but was not taken; it did not arrive."""


@dataclass(frozen=True)
class Schedule:
    """Seconds of a trial, and packets per second."""

    duration: float
    reconfigure: float
    packets_per_s: float


def run_trial(trial: Trial, options: CommonOptions, schedule: Schedule, show: Display) -> TrialResult:
    """One run. Sample kind `updates`: sequence, component, sent_s, received_s (NaN: never), lost of each packet, and
    `taken`: what became of its clone (TAKEN, LATE, NO_CLONE)."""
    reconfigures = trial.strategy != CONTROL_TRIAL
    strategy = trial.strategy if reconfigures else "none"
    plan = replace(Plan.to_itself(*PROGRAM.files(), strategy, options.profile, options.target), record_takes=True)
    with open_lab(plan) as lab:
        receiver = Receiver(lab.network, SERVER, [PORT])
        interval = round(1e9 / schedule.packets_per_s)
        sender = Sender(
            lab.network, Flow(1, "h1", ip_of(SERVER), PORT, interval, payload_for(FRAME_BYTES)), record=True
        )
        lab.arm()
        wait_all(receiver, sender)
        before = link_counters(lab)
        timeline = lab.timeline(lead_s=0.2)
        sender.go(timeline.start, timeline.start + schedule.duration)
        if reconfigures:
            timeline.at(schedule.reconfigure, lab.begin_reconfiguration)
        watch = MachineWatch(lab, sender=sender, receiver=receiver)
        timeline.run(schedule.duration + 0.2, lambda second: show.state(trial.name, second))
        outcome = lab.end_reconfiguration() if reconfigures else {}
        machine = watch.read()
        totals = sender.finish()
        sent = sender.sent() - timeline.start
        _, packets = receiver.finish()
        links = {host: counters.since(before[host]) for host, counters in link_counters(lab).items()}
        snapshot = lab.network.directory.path / "after.npz"
        lab.control.call("snapshot", {"path": str(snapshot)})
        contents = dict(np.load(snapshot))
        takes = lab.network.directory.path / "takes.npz"
        lab.control.call("takes", {"path": str(takes)})
        clones = clone_fates(PROGRAM, dict(np.load(takes)))
        stats = lab.control.call("stats")
        events = lab.events(timeline.start)

    if packets.empty:
        raise TrafficError("no packet arrived at the server")
    if links["h1"].tx_packets < totals.sent or totals.refused:
        raise TrafficError(f"{totals.sent} packets were sent, but {links['h1'].tx_packets} were on the wire")
    updates = updates_of(PROGRAM, sent, packets, timeline.start, contents)
    updates["taken"] = clones[PROGRAM.places(updates["sequence"])]
    measured: dict[str, Any] = {
        "duration": schedule.duration,
        "sent_packets": totals.sent,
        "received_packets": len(packets),
        "updates": int(updates["received_s"].notna().sum()),
        "lost_updates": int(updates["lost"].sum()),
        "stray_frames": sum(c.rx_packets + c.tx_packets for c in links.values()) - totals.sent - len(packets),
        "outcome": outcome,
        "switch": stats,
    }
    machine = replace(machine, late_ms=totals.worst_late_ns / 1e6)
    measured["machine"] = machine.as_dict()
    invalid = disturbed(machine, BOUNDS, accept_busy=options.accept_busy)
    if reconfigures:
        phases = Phases.of(events)
        lost = lost_by_window(updates, phases)
        measured |= {**phases.numbers(), "lost_by_window": vars(lost)}
        invalid += outside_flow(phases, Interval(0.0, schedule.duration))
        if lost.uncloned:
            invalid.append(f"the clones of {lost.uncloned} updates never arrived: the CPU port was overrun")
    else:
        invalid += disturbed_alone(lost=measured["lost_updates"], what="updates")
        invalid += disturbed_alone(lost=totals.sent - len(packets))
    return TrialResult(measured, {"updates": updates}, events, tuple(invalid), machine.disturbance)


def link_counters(lab: Lab) -> dict[str, InterfaceCounters]:
    """What was on the link of every host so far."""
    return {host: interface_counters(lab.network, host, f"{host}-eth0") for host in (*HOSTS, SERVER)}


def clone_fates(program: StateProgram, takes: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.int8]:
    """What became of each update's clone, from the recorded takes (`store_takes`). Shape: (components, cells)."""
    fates = np.full((program.components, program.cells), NO_CLONE, np.int8)
    late_takes = takes["late"][takes["take"]]
    places = takes["component"].astype(np.int64) - 1, takes["index"].astype(np.int64)
    for fate, chosen in ((LATE, late_takes), (TAKEN, ~late_takes)):
        fates[places[0][chosen], places[1][chosen]] = fate
    return fates


def updates_of(
    program: StateProgram, sent: Any, packets: pd.DataFrame, start: float, contents: dict[str, Any]
) -> pd.DataFrame:
    """One row per packet sent; `lost`: it arrived, but is missing in the state. Times in s after `start`."""
    frame = pd.DataFrame({"sequence": np.arange(len(sent)), "sent_s": sent})
    components, _ = program.places(frame["sequence"])
    frame["component"] = components.astype("int16") + 1
    received = np.full(len(sent), np.nan)
    received[packets["sequence"].to_numpy()] = packets["received_s"].to_numpy() - start
    frame["received_s"] = received
    try:
        missing = missing_updates(program, frame["sequence"], FRAME_BYTES, contents)
    except ValueError as error:
        raise TrafficError(f"the state after the run makes no sense: {error}") from None
    frame["lost"] = missing & ~np.isnan(received)
    assert isinstance(frame, pd.DataFrame)
    return frame


def lost_by_window(updates: pd.DataFrame, phases: Phases) -> Lost:
    """Where the lost updates are, in the windows that a strategy's phases span.

    A packet went through the switch between its sending and its arrival. It is *inside* a window when both are, and
    *outside* when neither is and they are on the same side.
    """
    arrived = updates[updates["received_s"].notna()]
    lost = arrived[arrived["lost"]]
    swap = phases.swap
    reads = sorted(phases.by_name.get("read_register", ()), key=lambda interval: interval.begin)
    reads = reads[-PROGRAM.components :]  # if clones were lost, all components were read again
    inside = outside = survived = 0
    if len(reads) == PROGRAM.components:
        for component, read in enumerate(reads, start=1):
            own = arrived[arrived["component"] == component]
            sure = own[(own["sent_s"] > read.end) & (own["received_s"] < swap.begin)]
            inside += len(sure)
            survived += int((~sure["lost"]).sum())
            gone = own[own["lost"]]
            outside += int(((gone["received_s"] < read.begin) | (gone["sent_s"] > swap.end)).sum())
    cloning = phases.by_name.get("clone_on", ())
    uncloned = taken_and_lost = late_clones = unread = 0
    if cloning:
        sure = arrived[(arrived["sent_s"] > cloning[0].begin) & (arrived["received_s"] < swap.begin)]
        uncloned = int((sure["taken"] == NO_CLONE).sum())
        taken_and_lost = int((lost["taken"] == TAKEN).sum())
        late_clones = int((lost["taken"] == LATE).sum())
        unread = int((lost["received_s"] < cloning[0].begin).sum())
    return Lost(
        total=len(lost),
        updates=len(arrived),
        between_read_and_swap=inside,
        survived_between=survived,
        outside_read_and_swap=outside,
        taken_and_lost=taken_and_lost,
        late=late_clones,
        unread=unread,
        after_swap=int((lost["sent_s"] > swap.end).sum()),
        uncloned=uncloned,
        window_updates=int(arrived["sent_s"].between(phases.window.begin, phases.window.end).sum()),
    )


def summarise(trials: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By strategy, one number per repeat: updates made and lost, packets lost, frames on the links, clones."""
    result: dict[str, dict[str, Any]] = {}
    for strategy in dict.fromkeys(trial["strategy"] for trial in trials.values()):
        members = [trial for trial in trials.values() if trial["strategy"] == strategy]
        result[strategy] = {
            "updates": [member["updates"] for member in members],
            "lost_updates": [member["lost_updates"] for member in members],
            "lost_packets": [member["sent_packets"] - member["received_packets"] for member in members],
            "stray_frames": [member["stray_frames"] for member in members],
            "clones": [member["outcome"].get("clones", 0) for member in members],
            "windows": [member["lost_by_window"] for member in members if "lost_by_window" in member],
        }
    return result


def judge(sweep: Sweep, strategies: tuple[str, ...], measured: Mapping[str, Mapping[str, Any]]) -> list[Claim]:
    """C4 and C7, if their strategies were asked for."""
    found = []
    for published, needed, rule in (
        (c4_loss_windows.PUBLISHED, tuple(PUBLISHED_WINDOWS), judge_loss_windows),
        (c7_network_resources.PUBLISHED, ("state4",), judge_network_resources),
    ):
        missing = [name for name in needed if name not in strategies]
        if missing:
            found.append(not_asked(published, f"{' and '.join(missing)} left out"))
        else:
            found.append(rule(measured, sweep.unusable))
    return found


def run(options: CommonOptions, schedule: Schedule) -> int:
    from plots import fig6 as plot

    strategies = (CONTROL_TRIAL, *options.strategies)
    trials = [Trial(name, repeat) for repeat in range(1, options.repeats + 1) for name in strategies]
    sweep = run_sweep(
        EXPERIMENT,
        options,
        trials,
        lambda trial, show: run_trial(trial, options, schedule, show),
        trial_s=schedule.duration,
        record={"rate": schedule.packets_per_s},
    )
    PROGRAM.store(sweep.folder.path)
    measured = summarise(sweep.trials)
    claims = judge(sweep, options.strategies, measured)
    return conclude(sweep, options, measured, claims, draw=plot.main, table=fig6_table)


def main(arguments: list[str] | None = None) -> int:
    parser = common_parser(__doc__)
    parser.add_argument("--rate", type=float, default=4000.0, metavar="PPS", help="packets per second (default: 4000)")
    namespace = parser.parse_args(arguments)
    if not 0 < namespace.rate <= 50_000:
        parser.error("--rate must be above 0 and at most 50000 packets per second")
    options = common_options(namespace, parser, default=available_strategies(), available=available_strategies())
    duration = options.duration_s or (5.0 if options.quick else 10.0)
    if duration * namespace.rate > PROGRAM.components * PROGRAM.cells:
        parser.error(f"at most {PROGRAM.components * PROGRAM.cells} packets: each needs a cell of its own")
    return run_main(lambda: run(options, Schedule(duration, duration * 0.3, namespace.rate)))


if __name__ == "__main__":
    sys.exit(main())
