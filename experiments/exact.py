"""Exact: state4_exact, precopy and reconcile lose no byte of state and no packet, whatever the rate.

One UDP flow goes from h1 to the server; byte_counter.p4 counts its bytes in a register cell, and is changed to itself
in the middle of the flow; how long packets wait is measured as well. The bytes lost are those of the packets that
arrived, by the receiver's kernel, minus those in the register. On softswitch a second controller inserts, modifies and
deletes entries throughout; entries that differ from what was acknowledged at the end count as lost, too. `highest` is
the highest rate at which the switch loses nothing while it clones every packet, searched for as in RFC 2544
(measure/steady_rate.py) before the trials; the flows use 90 % of it, unless --share says otherwise. A "strategy" called
`no-reconfiguration` is the same flow without a change: what it loses is the machine's fault. The data plane has a core
of its own if there are two or more.

Exit code: 0: nothing was lost in any trial; 1: something was; 2: wrong usage or failed runs; 3: undecided, because
flows without a change lost something as well or trials were disturbed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

import nfs
from experiments.claims.base import CONTROL_TRIAL, Verdict
from experiments.control.second_controller import start_second_controller
from experiments.harness.lab import Lab, Plan
from experiments.harness.main import EXIT_CLAIM_FAILS, EXIT_NOT_JUDGED, EXIT_OK, run_main
from experiments.harness.options import PROFILES, CommonOptions, common_options, common_parser
from experiments.harness.phases import Interval, Phases
from experiments.harness.progress import Display
from experiments.harness.shared_lab import SharedLab
from experiments.harness.strategies import available_strategies
from experiments.harness.sweep import Trial, TrialResult, run_sweep
from experiments.harness.validity import MachineBounds, disturbed, outside_flow, slow_sender
from experiments.measure.cores import divided_cores
from experiments.measure.counters import interface_counters
from experiments.measure.machine import MachineWatch
from experiments.measure.steady_rate import HOST_NICE, RateTrial, rate_trial, search_rate
from experiments.tables.exact import exact_table
from experiments.traffic.armed import wait_all
from experiments.traffic.flow import HEADER_BYTES, MAX_PAYLOAD, Flow
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from topologies.paper import SERVER, SWITCH, ip_of
from topologies.switch import SoftSwitch

EXPERIMENT = "exact"
HIGHEST = "highest"
STRATEGIES = ("state4_exact", "precopy", "reconcile")
PROGRAM = nfs.program_path("byte_counter")
COUNTER, CELL = "byte_reg", 0  # by nfs/byte_counter.entries.toml
FRAME_BYTES = MAX_PAYLOAD + HEADER_BYTES
LEAD_S, TAIL_S = 0.3, 0.3
"""Duration of traffic before a reconfiguration begins, and after it has ended."""
WORK_S = {"native": 0.6, "paper": 2.0}
"""The longest time that a reconfiguration of byte_counter.p4 takes in a profile, with a margin."""
FULL_LOAD_S = 4.0
"""Added at the highest rate, where the control plane gets little CPU time."""
MARGIN_S = 0.02
BOUNDS = MachineBounds(waited=0.08, host_waited=None)  # as in cloning_cost: at the highest rate the hosts are busy
WRITES_PER_S = 50.0
"""Writes per second of the second controller."""
_PORT = 5000
_NO_LOSS = 1e-9
_SETTLE_S = 3.0


@dataclass(frozen=True)
class Schedule:
    """`duration`: seconds of a trial, None: as short as the profile allows. `rates` in Mbit/s of frames, or "highest".
    A search has trials of `step_s` and some of `confirm_s`, up to `max_mbit`; its flows get `share` of it."""

    profiles: tuple[str, ...]
    rates: tuple[str, ...]
    duration: float | None
    step_s: float
    confirm_s: float
    max_mbit: float
    share: float

    def seconds(self, profile: str, rate: str) -> float:
        more = FULL_LOAD_S if rate == HIGHEST else 0.0
        return self.duration or LEAD_S + WORK_S[profile] + more + TAIL_S


class Bench:
    """One network for all trials, the data plane on its own core; the highest rate, once it is known."""

    def __init__(self, stack: ExitStack, schedule: Schedule, target: str) -> None:
        self._cores = stack.enter_context(divided_cores())
        self._shared = SharedLab(stack)
        self._schedule = schedule
        self._target = target
        self.highest: dict[str, Any] = {}

    def armed(self, strategy: str, profile: str) -> Lab:
        entries = nfs.entries_path(PROGRAM)
        lab = self._shared.lab(Plan.to_itself(PROGRAM, entries, strategy, profile, self._target))
        lab.arm()
        if lab.switch.process is not None:
            self._cores.place(lab.switch.process.pid)
        return lab

    def drop(self) -> None:
        """Gives the next trial a new network."""
        self._shared.drop()

    def megabits(self, rate: str, show: Display) -> float:
        """A rate of the command line in Mbit/s."""
        if rate != HIGHEST:
            return float(rate)
        if not self.highest:
            self.highest = self._search(show)
        return float(self.highest["mbit"]) * self._schedule.share

    def _search(self, show: Display) -> dict[str, Any]:
        lab = self.armed("none", "native")
        lab.control.call("start_cloning")

        def measure(rate: float, seconds: float) -> RateTrial:
            show.state(f"searching: {rate / 1e3:.1f} k/s")
            return rate_trial(lab.network, rate, seconds=seconds, port=_PORT, payload=MAX_PAYLOAD)

        schedule = self._schedule
        found = search_rate(
            lambda rate: measure(rate, schedule.step_s),
            lambda rate: measure(rate, schedule.confirm_s),
            highest=schedule.max_mbit * 1e6 / (8 * FRAME_BYTES),
            limit=_NO_LOSS,
        )
        lab.control.call("stop_cloning", {"settle_s": _SETTLE_S})
        return {
            "mbit": found.frames_per_s * FRAME_BYTES * 8 / 1e6,
            "frames_per_s": found.frames_per_s,
            "limited_by": found.limited_by,
            "trials": len(found.trials),
        }


def run_trial(
    trial: Trial, schedule: Schedule, bench: Bench, show: Display, *, accept_busy: bool = False
) -> TrialResult:
    """One flow. Without samples: the numbers are sufficient."""
    reconfigures = trial.strategy != CONTROL_TRIAL
    profile = str(trial.parameters["profile"])
    megabits = bench.megabits(str(trial.parameters["rate"]), show)
    seconds = schedule.seconds(profile, str(trial.parameters["rate"]))
    lab = bench.armed(trial.strategy if reconfigures else "none", profile)
    receiver = Receiver(lab.network, SERVER, [_PORT], nice=HOST_NICE)
    flow = Flow(1, "h1", ip_of(SERVER), _PORT, Flow.interval_for(megabits))
    sender = Sender(lab.network, flow, nice=HOST_NICE)
    writer = (
        start_second_controller(lab.network, SWITCH, WRITES_PER_S) if lab.plan.target == SoftSwitch.target else None
    )
    wait_all(receiver, sender, *([writer] if writer else []))
    lab.control.call("stats", {"reset": True})
    target = (SERVER, f"{SERVER}-eth0")
    before = interface_counters(lab.network, *target)
    timeline = lab.timeline(lead_s=0.05)
    sender.go(timeline.start, timeline.start + seconds)
    if writer is not None:
        writer.command("go")
    if reconfigures:
        timeline.at(LEAD_S, lab.begin_reconfiguration)
    watch = MachineWatch(lab, sender=sender, receiver=receiver)
    timeline.run(seconds + 0.1, lambda second: show.state(trial.name, second))
    outcome = lab.end_reconfiguration() if reconfigures else {}
    machine = watch.read()
    written = writer.finish() if writer is not None else None
    totals = sender.finish()
    _, packets = receiver.finish()
    wire = interface_counters(lab.network, *target).since(before)
    counted = int(lab.control.call("read_cells", {"register": COUNTER, "start": CELL, "count": 1})[0])
    stats = lab.control.call("stats")
    events = lab.events(timeline.start)

    arrived = int((packets["bytes"] + HEADER_BYTES).sum())
    measured: dict[str, Any] = {
        "mbit": megabits,
        "sent_packets": totals.sent,
        "received_packets": len(packets),
        "lost_packets": totals.sent - len(packets),
        "wire_bytes_receiver": wire.rx_bytes,
        "wire_bytes": arrived,
        "register_bytes": counted,
        "lost_bytes": arrived - counted,
        "second_controller": written,
        "outcome": outcome,
        "switch": stats,
        "machine": machine.as_dict(),
    }
    invalid = disturbed(machine, BOUNDS, accept_busy=accept_busy)
    if not accept_busy:
        invalid += slow_sender(totals.sent, 1e9 * seconds / flow.interval_ns, "in the whole trial")
    if reconfigures:
        phases = Phases.of(events)
        invalid += outside_flow(phases, Interval(0.0, seconds), margin_s=0.0)
        held = [float(event["held_s"]) for event in events if "held_s" in event]
        # If the switch does everything in one P4Runtime request, only the switch knows how long packets waited.
        measured |= {
            "total_ms": 1e3 * (phases.window.end - phases.window.begin),
            "held_ms": 1e3 * sum(held) if held else stats["longest_hold_ms"],
            "lost_meanwhile": lost_within(
                totals.sent, packets["sequence"].to_numpy(), flow.interval_ns, phases.window.begin, phases.window.end
            ),
            "phases": phases.durations(),
        }
    return TrialResult(measured, {}, events, tuple(invalid), machine.disturbance)


def lost_within(sent: int, arrived: npt.NDArray[np.integer], interval_ns: int, begin: float, end: float) -> int:
    """Number of packets lost among those due in an interval of the flow, in s, with a margin for the rings."""
    there = np.zeros(sent, bool)
    there[arrived] = True
    due = np.flatnonzero(~there) * interval_ns / 1e9
    return int(np.count_nonzero((due >= begin - MARGIN_S) & (due < end + MARGIN_S)))


def summarise(trials: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each strategy, profile and rate: the losses in all its repeats, and the times in ms."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for trial in trials.values():
        groups.setdefault((trial["profile"], str(trial["rate"]), trial["strategy"]), []).append(trial)
    rows = []
    for (profile, rate, strategy), members in groups.items():
        row: dict[str, Any] = {
            "profile": profile,
            "rate": rate,
            "strategy": strategy,
            "mbit": max(member["mbit"] for member in members),
            "runs": len(members),
            "packets": sum(member["sent_packets"] for member in members),
            "lost_packets": sum(member["lost_packets"] for member in members),
            "lost_bytes": sum(abs(member["lost_bytes"]) for member in members),
            "acknowledged_writes": sum(_writes(member, "acknowledged") for member in members),
            "lost_writes": sum(_writes(member, "wrong") for member in members),
            "runs_with_loss": sum(
                bool(member["lost_packets"] or member["lost_bytes"] or _writes(member, "wrong")) for member in members
            ),
        }
        if strategy != CONTROL_TRIAL:
            row["total_ms"] = sorted(member["total_ms"] for member in members)
            if all(member["held_ms"] is not None for member in members):
                row["held_ms"] = sorted(member["held_ms"] for member in members)
            row["lost_meanwhile"] = sum(member["lost_meanwhile"] for member in members)
        rows.append(row)
    return rows


def _writes(trial: Mapping[str, Any], kind: str) -> int:
    """The second controller's lost writes; 0 without one."""
    return int((trial.get("second_controller") or {}).get(kind, 0))


def verdict_of_rows(rows: Sequence[Mapping[str, Any]], unusable: Mapping[str, str]) -> Verdict:
    """Whether every reconfiguration lost nothing. If a flow without a change loses something, or none at that rate
    counts, it may be the machine's fault: not judged, as with trials that do not count."""
    lossy = [row for row in rows if row["runs_with_loss"]]
    whole_alone = {row["rate"] for row in rows if row["strategy"] == CONTROL_TRIAL and not row["runs_with_loss"]}
    if any(row["rate"] in whole_alone for row in lossy):
        return Verdict.FAILS
    return Verdict.NOT_JUDGED if lossy or unusable or not rows else Verdict.HOLDS


def run(options: CommonOptions, schedule: Schedule) -> int:
    trials = [
        Trial(strategy, repeat, {"rate": rate, "profile": profile})
        for rate in schedule.rates
        for repeat in range(1, options.repeats + 1)
        for profile in schedule.profiles
        for strategy in (*((CONTROL_TRIAL,) if profile == schedule.profiles[0] else ()), *options.strategies)
    ]
    with ExitStack() as stack:
        bench = Bench(stack, schedule, options.target)
        sweep = run_sweep(
            EXPERIMENT,
            options,
            trials,
            lambda trial, show: run_trial(trial, schedule, bench, show, accept_busy=options.accept_busy),
            trial_s=max(schedule.seconds(profile, rate) for profile in schedule.profiles for rate in schedule.rates),
            record={"rates": schedule.rates, "profiles": schedule.profiles, "share": schedule.share},
            after_failure=bench.drop,
        )
        highest = bench.highest
    rows = summarise(sweep.trials)
    verdict = verdict_of_rows(rows, sweep.unusable)
    summary = sweep.folder.finish(
        target=options.target,
        profile=",".join(schedule.profiles),
        measured={"rows": rows, "highest": highest, "verdict": verdict.value},
        claims=[],
        trials=sweep.for_summary(),
    )
    if options.json:
        print(summary.read_text(), end="")
    else:
        exact_table(rows, highest, sweep.unusable, sweep.folder.path)
    return {Verdict.HOLDS: EXIT_OK, Verdict.FAILS: EXIT_CLAIM_FAILS, Verdict.NOT_JUDGED: EXIT_NOT_JUDGED}[verdict]


def parse_rates(text: str) -> tuple[str, ...]:
    """`10,60,highest`: in Mbit/s, or the highest without loss."""
    rates = tuple(part.strip() for part in text.split(",") if part.strip())
    for rate in rates:
        try:
            good = rate == HIGHEST or float(rate) > 0
        except ValueError:
            good = False
        if not good:
            raise argparse.ArgumentTypeError(f"expected rates in Mbit/s or '{HIGHEST}', not {rate!r}")
    if not rates:
        raise argparse.ArgumentTypeError("no rate was given")
    return rates


def main(arguments: list[str] | None = None) -> int:
    parser = common_parser(__doc__, repeats=10, quick_repeats=1)
    parser.set_defaults(profile=None)
    default = f"10,60,120,{HIGHEST}"
    parser.add_argument(
        "--rates", "--rate", type=parse_rates, metavar="MBPS,...", help=f"also '{HIGHEST}' (default: {default})"
    )
    parser.add_argument(
        "--max-rate",
        "--most",
        dest="max_mbit",
        type=float,
        default=4000.0,
        metavar="MBPS",
        help="upper limit of the search (default: %(default)s)",
    )
    parser.add_argument(
        "--share",
        type=float,
        default=90.0,
        metavar="PERCENT",
        help="share of the highest rate used by its flows (default: %(default)g: a busy machine needs the rest)",
    )
    namespace = parser.parse_args(arguments)
    if not 0 < namespace.share <= 100:
        parser.error(f"--share must be above 0 and at most 100: {namespace.share:g}")
    profiles = (namespace.profile,) if namespace.profile else tuple(reversed(PROFILES))
    namespace.profile = profiles[0]
    options = common_options(namespace, parser, default=STRATEGIES, available=available_strategies())
    schedule = Schedule(
        profiles=profiles,
        rates=namespace.rates or parse_rates("10,120" if options.quick else default),
        duration=options.duration_s,
        step_s=0.3 if options.quick else 1.0,
        confirm_s=1.0 if options.quick else 4.0,
        max_mbit=namespace.max_mbit,
        share=namespace.share / 100,
    )
    shortest = LEAD_S + TAIL_S
    if schedule.duration is not None and schedule.duration < shortest:
        parser.error(
            f"--duration must be at least {shortest:g} s: a reconfiguration begins after {LEAD_S:g} s of traffic"
        )
    return run_main(lambda: run(replace(options, profile=",".join(profiles)), schedule))


if __name__ == "__main__":
    sys.exit(main())
