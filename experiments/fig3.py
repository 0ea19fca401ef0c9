"""Figure 3 (claim C1): which packets arrive around a swap, for each strategy.

Four flows of one packet per second to the protected service: h1 may always send, h2 and h3 knock at about 8 s, h4
knocks during the reconfiguration. chained.p4 is changed to chained_v2.p4 at about 19 s of 30 s, with HULA probes
throughout.

"During the reconfiguration" means the same for every strategy: when the control plane has read the knocking stages
(pk_reg), or, for a strategy that does not read them, when it begins to install the new program. Either way the knock is
over before the swap; otherwise the trial shows nothing and is repeated. (A strategy outside the paper that does
everything within the swap gets its knock then.) How survival depends on the time is shown at h5's port: throughout the
reconfiguration hundreds of sources per second knock there one after the other, and the knocking stages after the trial
show whose knocks survived.

Exit code: 0: claim C1 holds, or was not asked for because strategies were left out; 1: it does not hold; 2: wrong usage
or failed runs; 3: it could not be judged.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.claims import c1_flows_survive
from experiments.claims.base import Claim, not_asked
from experiments.claims.c1_flows_survive import PUBLISHED_FATES, FlowCount, KnockSeries, judge_flows_survive
from experiments.harness.ending import conclude
from experiments.harness.lab import NFS, Lab, Plan, open_lab
from experiments.harness.main import run_main
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.phases import Interval, Phases, knock_moment
from experiments.harness.progress import Display
from experiments.harness.strategies import available_strategies
from experiments.harness.sweep import SETUP_S, Sweep, Trial, TrialResult, run_sweep
from experiments.harness.validity import MachineBounds, disturbed, outside_flow
from experiments.measure.machine import MachineWatch
from experiments.tables.fig3 import fig3_table
from experiments.traffic.armed import ArmedProcess, wait_all
from experiments.traffic.flow import Flow
from experiments.traffic.knock import ProbeSender, knocker_at
from experiments.traffic.knock_series import FIRST_CELL
from experiments.traffic.knock_series import PORTS as KNOCKS
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from topologies.paper import HOSTS, PORTS, SERVER, ip_of, mac_of

PROGRAM = "fig3"
SERVICE_PORT = 5000
EARLY = ("early1", "early2")
FLOWS = {"open": "h1", "early1": "h2", "early2": "h3", "late": "h4"}
FLOOD_GROUP = 1  # left out: with it, a switch without any state would flood and look as if it forwarded

OPEN_STAGE = 3  # nfs/include/knocking_stage.p4: all knocks were made
SERIES_HOST = "h5"
SERIES_PER_S = 200.0  # sources
_SERIES_LEAD_S = 0.4
# Above the time-out of a flowlet in hula.p4 (0.1 s): each packet then chooses its hop again. Within a flowlet its hop
# is not written again, so Swing State, which sees new writes only, would lose the hop of a flow that is open.
_MIN_INTERVAL_S = 0.15
_QUICK_S = 56.0  # for all strategies together, if each gets enough of it
_SHORTEST_QUICK_S = 4.0
_KNOCKED_S = 0.1  # after the moment for it, a knock is over
_MARGIN_S = 0.02  # a packet that is sent this close to a knock or to the swap is not judged


@dataclass(frozen=True)
class Schedule:
    """Seconds of a trial. With `reconfigure` the swap of a 1.8 s reconfiguration comes at about 19 of 30 s."""

    duration: float = 30.0
    interval: float = 1.0
    early_knocks: float = 8.0
    reconfigure: float = 17.2

    @staticmethod
    def of(options: CommonOptions) -> Schedule:
        quick = max(_SHORTEST_QUICK_S, min(8.4, _QUICK_S / max(1, len(options.strategies)) - SETUP_S))
        duration = options.duration_s or (quick if options.quick else 30.0)
        share = duration / 30.0
        # A compressed trial has a reconfiguration of the same length; its middle is where it was.
        begin = 18.1 * share - 0.9 if options.profile == "paper" else 19.0 * share
        return Schedule(duration, max(share, _MIN_INTERVAL_S), 8.0 * share, begin)

    @property
    def second_knock(self) -> float:
        """The time of the early knocks."""
        return self.early_knocks + 0.25 * self.interval

    @property
    def is_too_short(self) -> bool:
        """Whether the early knocks would not be over when the reconfiguration begins."""
        return self.second_knock + _KNOCKED_S > self.reconfigure


def plan_for(strategy: str, profile: str, target: str = "softswitch") -> Plan:
    return Plan(
        program=NFS / "chained.p4",
        entries=NFS / "chained.entries.toml",
        new_program=NFS / "chained_v2.p4",
        new_entries=NFS / "chained_v2.entries.toml",
        strategy=strategy,
        profile=profile,
        left_out_groups=(FLOOD_GROUP,),
        target=target,
    )


class KnockSeriesSender:
    """Knocks of one source after the other from one host, until it is stopped."""

    def __init__(self, lab: Lab) -> None:
        self._file = lab.network.directory.path / "knock-series.times"
        argv = [sys.executable, "-m", "experiments.traffic.knock_series", "--interface", f"{SERIES_HOST}-eth0"]
        argv += ["--per-second", f"{SERIES_PER_S * len(KNOCKS):g}", "--whole", "--times", str(self._file)]
        self._process = ArmedProcess(lab.network, SERIES_HOST, "knock-series", argv)

    def wait_ready(self) -> None:
        self._process.wait_ready()

    def go(self) -> None:
        self._process.command("go")

    def finish(self) -> npt.NDArray[np.float64]:
        """When each source's knock was complete, in s of the monotonic clock. Shape: (sources,)."""
        self._process.finish()
        return np.fromfile(self._file) if self._file.exists() else np.zeros(0)


def run_trial(strategy: str, options: CommonOptions, schedule: Schedule, show: Display) -> TrialResult:
    """One run of one strategy. Sample kind `arrivals`: flow, sequence, sent_s, received_s of each packet."""
    with open_lab(plan_for(strategy, options.profile, options.target)) as lab:
        knockers = {flow: knocker_at(lab.network, FLOWS[flow], KNOCKS) for flow in ("early1", "early2", "late")}
        probes = [
            ProbeSender(lab.network, name, mac=mac_of(name), interface=f"{name}-eth0", tor=PORTS[name])
            for name in (*HOSTS, SERVER)
        ]
        receiver = Receiver(lab.network, SERVER, [SERVICE_PORT])
        flows = {
            name: Flow(number, host, ip_of(SERVER), SERVICE_PORT, round(schedule.interval * 1e9), payload=100)
            for number, (name, host) in enumerate(FLOWS.items(), start=1)
        }
        senders = {name: Sender(lab.network, flow, record=True) for name, flow in flows.items()}
        series = KnockSeriesSender(lab)
        lab.arm()
        wait_all(*knockers.values(), *probes, receiver, *senders.values(), series)

        lab.control.on_event = knock_moment("pk_reg", knockers["late"].knock)
        timeline = lab.timeline(lead_s=0.3)
        offsets = {name: schedule.interval * (0.1 + 0.2 * number) for number, name in enumerate(flows)}
        for name, sender in senders.items():
            sender.go(timeline.start + offsets[name], timeline.start + schedule.duration)
        timeline.at(schedule.early_knocks, knockers["early1"].knock)
        timeline.at(schedule.second_knock, knockers["early2"].knock)
        timeline.at(max(0.0, schedule.reconfigure - _SERIES_LEAD_S), series.go)
        timeline.at(schedule.reconfigure, lab.begin_reconfiguration)
        watch = MachineWatch(lab, receiver=receiver)
        timeline.run(schedule.duration, lambda second: show.state(_describe(strategy, lab), second))
        outcome = lab.end_reconfiguration()
        machine = watch.read()
        late_ns = [sender.finish().worst_late_ns for sender in senders.values()]
        sent = {name: sender.sent() - timeline.start for name, sender in senders.items()}
        timeline.run(schedule.duration + 0.3)  # lets the last packets arrive
        _, packets = receiver.finish()
        knocks = {name: knocker.sent() for name, knocker in knockers.items()}
        sent_probes = sum(probe.finish() for probe in probes)
        moments = series.finish()
        stages = lab.control.call("read_cells", {"register": "pk_reg", "start": FIRST_CELL, "count": len(moments)})
        stats = lab.control.call("stats")
        start = timeline.start
        events = lab.events(start)

    names = {flow.number: name for name, flow in flows.items()}
    arrivals = pd.DataFrame(
        {
            "flow": packets["flow"].map(names),
            "sequence": packets["sequence"],
            "sent_s": packets["sent_s"] - start,
            "received_s": packets["received_s"] - start,
        }
    )
    phases = Phases.of(events)
    knock_times = {name: (first - start, last - start) for name, (first, last) in knocks.items()}
    machine = replace(machine, late_ms=max(late_ns) / 1e6)
    survival = knock_series(moments - start, np.array(stages), phases)
    counts = {
        name: count_flow(
            sent=sent[name],
            arrived=arrivals.loc[arrivals["flow"] == name, "sequence"].to_numpy(),
            knock=knock_times.get(name),
            swap=(phases.swap.begin, phases.swap.end),
        )
        for name in flows
    }
    measured = {
        "duration": schedule.duration,
        "flows": {
            name: {"sent": len(sent[name]), "arrived": int((arrivals["flow"] == name).sum()), **vars(count)}
            for name, count in counts.items()
        },
        "knocks": {name: last for name, (_, last) in knock_times.items()},
        **phases.numbers(),
        "knock_series": vars(survival),
        "probes_sent": sent_probes,
        "machine": machine.as_dict(),
        "outcome": outcome,
        "switch": stats,
    }
    invalid = [
        *knock_too_late(strategy, knock_times["late"][1], phases),
        *knock_not_early([knock_times[name][1] for name in EARLY], phases),
        *outside_flow(phases, Interval(0.0, schedule.duration)),
        *disturbed(machine, MachineBounds(late_ms=500 * schedule.interval), accept_busy=options.accept_busy),
    ]
    return TrialResult(measured, {"arrivals": arrivals}, events, tuple(invalid), machine.disturbance)


def knock_too_late(strategy: str, knock_end: float, phases: Phases) -> list[str]:
    """The late knock must be over before the swap; for a strategy outside the paper that does everything within the
    swap, before the swap's end."""
    limit = phases.swap.begin if strategy in PUBLISHED_FATES else phases.swap.end
    return [] if knock_end < limit else ["the late knock came after the swap had begun"]


def knock_not_early(knock_ends: Sequence[float], phases: Phases) -> list[str]:
    """The early knocks must be over before the reconfiguration begins, or they are late ones as well."""
    return ["an early knock came after the reconfiguration had begun"] if max(knock_ends) >= phases.window.begin else []


def knock_series(complete: npt.NDArray[np.float64], stages: npt.NDArray[np.int64], phases: Phases) -> KnockSeries:
    """Which knocks survived, of those that were complete before the swap began. Times in s of the trial."""
    before = complete < phases.swap.begin
    return KnockSeries(
        before_swap_s=tuple((phases.swap.begin - complete[before]).round(6).tolist()),
        survived=tuple((stages[before] == OPEN_STAGE).tolist()),
        window_s=phases.swap.begin - phases.window.begin,
    )


def count_flow(
    *,
    sent: npt.NDArray[np.float64],
    arrived: npt.NDArray[np.int64],
    knock: tuple[float, float] | None,
    swap: tuple[float, float],
) -> FlowCount:
    """Classifies a flow's packets by the time they were sent; times in s.

    sent: when packet k left; arrived: sequence numbers; knock: its first and last frame, None for a flow that is open
    from the start; swap: begin and end. Packets within the margin of a knock or the swap are not counted.
    """
    got = np.zeros(len(sent), dtype=bool)
    got[arrived] = True
    before = sent < swap[0] - _MARGIN_S
    after = sent > swap[1] + _MARGIN_S
    permitted: npt.NDArray[np.bool_] = np.ones(len(sent), dtype=bool)
    forbidden: npt.NDArray[np.bool_] = np.zeros(len(sent), dtype=bool)
    if knock is not None:
        permitted = sent > knock[1] + _MARGIN_S
        forbidden = sent < knock[0] - _MARGIN_S
    return FlowCount(
        permitted_before=int((permitted & before).sum()),
        arrived_before=int((permitted & before & got).sum()),
        permitted_after=int((permitted & after).sum()),
        arrived_after=int((permitted & after & got).sum()),
        wrongly_arrived=int((forbidden & got).sum()),
    )


def judge(sweep: Sweep, strategies: tuple[str, ...]) -> Claim:
    """C1 over all repeats."""
    if missing := [name for name in PUBLISHED_FATES if name not in strategies]:
        return not_asked(c1_flows_survive.PUBLISHED, f"{' and '.join(missing)} left out")
    fields = FlowCount.__dataclass_fields__
    repeats = sorted({trial["repeat"] for trial in sweep.trials.values()})
    counts = [
        {
            trial["strategy"]: {
                name: FlowCount(**{field: flow[field] for field in fields}) for name, flow in trial["flows"].items()
            }
            for trial in sweep.trials.values()
            if trial["repeat"] == repeat
        }
        for repeat in repeats
    ]
    return judge_flows_survive(counts, sweep.unusable, knocks_of(sweep.trials))


def knocks_of(trials: Mapping[str, Mapping[str, Any]]) -> dict[str, list[KnockSeries]]:
    """The series of knocks by strategy."""
    found: dict[str, list[KnockSeries]] = {}
    for trial in trials.values():
        series = trial["knock_series"]
        one = KnockSeries(tuple(series["before_swap_s"]), tuple(series["survived"]), series["window_s"])
        found.setdefault(trial["strategy"], []).append(one)
    return found


def _describe(strategy: str, lab: Lab) -> str:
    return f"{strategy}: {'reconfiguring' if lab.control.busy() else 'traffic'}"


def run(options: CommonOptions) -> int:
    """All trials, the summary, the figure, the table."""
    from plots import fig3 as plot  # importing matplotlib takes a while

    schedule = Schedule.of(options)
    trials = [Trial(name, repeat) for repeat in range(1, options.repeats + 1) for name in options.strategies]
    sweep = run_sweep(
        PROGRAM,
        options,
        trials,
        lambda trial, show: run_trial(trial.strategy, options, schedule, show),
        trial_s=schedule.duration,
    )
    flows = {name: numbers["flows"] for name, numbers in sweep.trials.items()}
    return conclude(
        sweep,
        options,
        flows,
        [judge(sweep, options.strategies)],
        draw=plot.main,
        table=lambda _, claims, path: fig3_table(sweep.trials, claims, path),
    )


def main(arguments: list[str] | None = None) -> int:
    parser: argparse.ArgumentParser = common_parser(__doc__)
    options = common_options(
        parser.parse_args(arguments), parser, default=available_strategies(), available=available_strategies()
    )
    if Schedule.of(options).is_too_short:
        parser.error(
            f"--duration {options.duration_s:g}: too short for knocks that are over before the reconfiguration"
        )
    return run_main(lambda: run(options))


if __name__ == "__main__":
    sys.exit(main())
