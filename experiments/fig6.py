"""Figure 6 (claim C4): the time line of one real run of each strategy, and the updates that were lost.

A flow from h1 to the server writes state with every packet: four registers in turn, each packet into a cell of its own
(harness/sized_programs.py). The program is changed to itself while the flow is on. An update is lost when its packet
arrived at the server, so went through the switch, but its cell is empty after the swap: the wire's truth against the
state. What the control plane did when comes from the events of the run. A trial called `no-reconfiguration` shows the
harness's own error.

Exit code: 0 when claim C4 holds, or was not judged because strategies were left out; 1 when it does not hold; 2 for
wrong use and for failed runs.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from experiments.claims.base import Claim
from experiments.claims.c4_loss_windows import PUBLISHED_FIG6, Lost, judge_fig6
from experiments.harness.ending import conclude
from experiments.harness.lab import Plan, open_lab
from experiments.harness.main import run_main
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.phases import Phases
from experiments.harness.progress import Display
from experiments.harness.sized_programs import PORT, StateProgram, missing_updates, payload_for
from experiments.harness.strategies import available_strategies
from experiments.harness.sweep import Trial, TrialResult, run_sweep
from experiments.measure.counters import interface_counters
from experiments.tables.fig6 import fig6_table
from experiments.traffic.armed import TrafficError, wait_all
from experiments.traffic.flow import Flow
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from topologies.paper import SERVER, ip_of

EXPERIMENT = "fig6"
CONTROL_TRIAL = "no-reconfiguration"
PROGRAM = StateProgram(components=4, cells=65536)
FRAME_BYTES = 150
LISTENER_S = 0.02
"""How long a clone may take from the switch to where a strategy takes it; one that is under way is not taken."""


@dataclass(frozen=True)
class Schedule:
    """Seconds of a trial, and packets per second."""

    duration: float
    reconfigure: float
    packets_per_s: float


def run_trial(trial: Trial, options: CommonOptions, schedule: Schedule, show: Display) -> TrialResult:
    """One run. Sample kind `updates`: sequence, component, sent_s, received_s (NaN: never), lost of each packet."""
    reconfigures = trial.strategy != CONTROL_TRIAL
    strategy = trial.strategy if reconfigures else "none"
    plan = Plan.to_itself(*PROGRAM.files(), strategy, options.profile, options.target)
    with open_lab(plan) as lab:
        receiver = Receiver(lab.network, SERVER, [PORT])
        interval = round(1e9 / schedule.packets_per_s)
        sender = Sender(
            lab.network, Flow(1, "h1", ip_of(SERVER), PORT, interval, payload_for(FRAME_BYTES)), record=True
        )
        lab.arm()
        wait_all(receiver, sender)
        before = interface_counters(lab.network, "h1", "h1-eth0")
        timeline = lab.timeline(lead_s=0.2)
        sender.go(timeline.start, timeline.start + schedule.duration)
        if reconfigures:
            timeline.at(schedule.reconfigure, lab.begin_reconfiguration)
        timeline.run(schedule.duration + 0.2, lambda second: show.state(trial.name, second))
        outcome = lab.end_reconfiguration() if reconfigures else {}
        totals = sender.finish()
        sent = sender.sent() - timeline.start
        _, packets = receiver.finish()
        wire = interface_counters(lab.network, "h1", "h1-eth0").since(before)
        snapshot = lab.network.directory.path / "after.npz"
        lab.control.call("snapshot", {"path": str(snapshot)})
        contents = dict(np.load(snapshot))
        stats = lab.control.call("stats")
        events = lab.events(timeline.start)

    if wire.tx_packets != totals.sent or totals.refused:
        raise TrafficError(f"{totals.sent} packets were sent, but {wire.tx_packets} were on the wire")
    updates = updates_of(PROGRAM, sent, packets, timeline.start, contents)
    measured: dict[str, Any] = {
        "duration": schedule.duration,
        "sent_packets": totals.sent,
        "received_packets": len(packets),
        "updates": int(updates["received_s"].notna().sum()),
        "lost_updates": int(updates["lost"].sum()),
        "outcome": outcome,
        "switch": stats,
    }
    if reconfigures:
        phases = Phases.of(events)
        measured |= {
            "window": vars(phases.window),
            "swap": vars(phases.swap),
            "phases": phases.durations(),
            "lost_by_window": vars(lost_by_window(updates, phases)),
        }
    return TrialResult(measured, {"updates": updates}, events)


def updates_of(
    program: StateProgram, sent: Any, packets: pd.DataFrame, start: float, contents: dict[str, Any]
) -> pd.DataFrame:
    """One row per packet that was sent; `lost`: it arrived, but is not in the state. Times in s after `start`."""
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
    last_write = phases.by_name.get("apply_updates", ())
    reads = sorted(phases.by_name.get("read_register", ()), key=lambda interval: interval.begin)
    reads = reads[-PROGRAM.components :]  # where clones were lost, all components are read again
    inside = outside = survived = 0
    if len(reads) == PROGRAM.components:
        for component, read in enumerate(reads, start=1):
            mine = arrived[arrived["component"] == component]
            sure = mine[(mine["sent_s"] > read.end) & (mine["received_s"] < swap.begin)]
            inside += len(sure)
            survived += int((~sure["lost"]).sum())
            gone = mine[mine["lost"]]
            outside += int(((gone["received_s"] < read.begin) | (gone["sent_s"] > swap.end)).sum())
    since = last_write[-1].begin if last_write else None
    early = 0 if since is None else int((lost["received_s"] < since - LISTENER_S).sum())
    late = int((lost["sent_s"] > swap.end).sum())
    return Lost(
        total=len(lost),
        updates=len(arrived),
        between_read_and_swap=inside,
        survived_between=survived,
        outside_read_and_swap=outside,
        before_last_write=early,
        after_swap=late,
        window_updates=int(arrived["sent_s"].between(phases.window.begin, phases.window.end).sum()),
    )


def summarise(trials: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By strategy: updates made and lost, over all repeats together; the worst repeat decides nothing here."""
    result: dict[str, dict[str, Any]] = {}
    for strategy in dict.fromkeys(trial["strategy"] for trial in trials.values()):
        members = [trial for trial in trials.values() if trial["strategy"] == strategy]
        result[strategy] = {
            "updates": [member["updates"] for member in members],
            "lost_updates": [member["lost_updates"] for member in members],
            "lost_packets": [member["sent_packets"] - member["received_packets"] for member in members],
            "windows": [member["lost_by_window"] for member in members if "lost_by_window" in member],
        }
    return result


def run(options: CommonOptions, schedule: Schedule) -> int:
    from plots import fig6 as plot

    strategies = (CONTROL_TRIAL, *options.strategies)
    trials = [Trial(name, repeat) for repeat in range(1, options.repeats + 1) for name in strategies]
    folder, numbers = run_sweep(
        EXPERIMENT,
        options,
        trials,
        lambda trial, show: run_trial(trial, options, schedule, show),
        trial_s=schedule.duration,
        record={"rate": schedule.packets_per_s},
    )
    PROGRAM.store(folder.path)
    measured = summarise(numbers)
    claims: list[Claim] = [judge_fig6(measured)] if measured.keys() >= PUBLISHED_FIG6.keys() else []
    return conclude(folder, options, measured, claims, draw=plot.main, table=fig6_table)


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
