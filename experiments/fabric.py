"""The fabric: the program of one spine is changed under traffic that HULA balances over two spines.

Two leaves, two spines, every switch a process of its own; HULA assumes that spine1's links are twice as fast as those
of spine2. Bursts of UDP in both directions, knocked UDP, and TCP to the server behind the firewall, which is on the
spines. spine1 is changed from chained_counting.p4 to chained_counting_v2.p4 by every strategy of state4/strategies that
needs no other switch; by `drain`: traffic is moved away by HULA's own means, the program changed, traffic moved back;
and by `swing_links`: Swing State between the two spines, with state in packets over the links.

Measured from captures of all links between switches, and from what hosts sent and received: throughput per path,
packets lost, flows that die, the time until HULA balances again, the frames that the strategy put on links and
neighbours (claim C7 fabric), and the state at the end: bytes counted by the changed spine against those that left it,
and whether it remembers who has knocked.

Exit code: 0: the claim holds or was not asked for; 1: it does not hold; 2: wrong usage or failed runs; 3: it could not
be judged.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import nfs
from experiments.claims.base import CONTROL_TRIAL, not_asked
from experiments.claims.c7_fabric import PUBLISHED, judge_fabric
from experiments.control.programs import store_swing
from experiments.harness.ending import conclude
from experiments.harness.fabric_lab import FabricLab, open_fabric
from experiments.harness.fabric_strategies import DRAIN, SpineChange, arm_spine
from experiments.harness.fabric_swing import HARD, SWING, swing_entries
from experiments.harness.lab import Timeline
from experiments.harness.main import run_main
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.phases import Interval, Phases, knock_moment
from experiments.harness.progress import Display
from experiments.harness.shared_lab import SharedNetwork
from experiments.harness.strategies import available_strategies, track_of
from experiments.harness.sweep import Trial, TrialResult, run_sweep
from experiments.measure.fabric_numbers import (
    balance,
    path_bins,
    probe_gap_s,
    summarise,
    tcp_goes_on,
    udp_numbers,
)
from experiments.measure.fabric_wire import LinkCaptures, delivered, strays, with_pairs
from experiments.tables.fabric import fabric_table
from experiments.traffic.armed import wait_all
from experiments.traffic.fabric_mix import GROUPS, KNOCKERS, TCP_ENDS, FabricMix
from experiments.traffic.iperf3 import TcpSummary
from state4.cim import Track
from topologies.leaf_spine import Fabric
from topologies.leaf_spine_entries import KNOCK_IP, counting_entries, leaf_entries, spine_entries

EXPERIMENT = "fabric"
CHANGED = "spine1"
SPINE_MBIT = (32, 16)
"""Rates of each spine's links, as HULA assumes them."""
RATE_MBIT, TCP_MBIT = 6.0, 2.0
USUAL_S, QUICK_S = 13.0, 9.5
QUICK_STRATEGIES = ("none", DRAIN, "controller", SWING, "state4", "state4_exact")
"""With --quick, unless others are given."""
LEAD_S = 1.5
"""Time for probes before the flows start, so that HULA knows all paths."""
MAX_LATE_MS = 100.0
OLD, NEW = nfs.program_path("chained_counting"), nfs.program_path("chained_counting_v2")
LEAF_PROGRAM = nfs.program_path("chained")
REGISTER, KNOCKED = "counted_bytes", "pk_reg"
_SETTLE_S = 0.4
_BEFORE_SHARE = 0.33
_LEAST_S = 9.0
_HOPS = 2  # a state packet's way: to a leaf and to the other spine
_OPEN = 3  # KNOCK_OPEN of nfs/include/knocking_stage.p4

KNOCK = "knock"
PAIRS = tuple(
    dict.fromkeys([f"{g.source}>{g.target}" for g in GROUPS] + [">".join(TCP_ENDS), ">".join(reversed(TCP_ENDS))])
)
"""Who sends to whom; the spines count their bytes in the cells from 1 on."""


@dataclass(frozen=True)
class Schedule:
    """Duration of a trial and beginning of the change in seconds; rates in Mbit/s of frames, of all UDP and of TCP."""

    duration: float
    change: float
    mbit: float
    tcp_mbit: float

    @staticmethod
    def of(duration: float, mbit: float, tcp_mbit: float) -> Schedule:
        """Raises ValueError for a trial too short for a drain and what follows."""
        if duration < _LEAST_S:
            raise ValueError(f"--duration {duration:g}: a trial takes at least {_LEAST_S:g} s")
        return Schedule(duration, min(_BEFORE_SHARE * duration, 4.0), mbit, tcp_mbit)


class SharedFabric(SharedNetwork[FabricLab]):
    """One fabric for all trials."""

    def __init__(self, stack: ExitStack, target: str) -> None:
        super().__init__(stack)
        self._target = target

    def lab(self) -> FabricLab:
        return self.get(lambda: open_fabric(Fabric(mbit=SPINE_MBIT), self._target))


def fabric_strategies() -> tuple[str, ...]:
    """In the order of the figure. Without Swing State on a single switch, which is meaningless here."""
    names = [name for name in available_strategies() if name != "swing_state"]
    before = ("none", DRAIN, "controller", SWING)
    return (*before, *(name for name in names if name not in before))


def own_entries(fabric: Fabric) -> dict[str, str]:
    """The initial entries of every switch."""
    addresses = {name: place.ip for name, place in fabric.places.items()}
    flows = {cell: tuple(addresses[name] for name in pair.split(">")) for cell, pair in enumerate(PAIRS, start=1)}
    counted = counting_entries({cell: (source, target) for cell, (source, target) in flows.items()})
    texts = {name: leaf_entries(fabric, number) for number, name in enumerate(fabric.leaf_names, start=1)}
    for number, name in enumerate(fabric.spine_names, start=1):
        texts[name] = f"{spine_entries(fabric, number)}\n{counted}"
    return texts


def run_trial(
    trial: Trial, options: CommonOptions, schedule: Schedule, shared: SharedFabric, show: Display
) -> TrialResult:
    """Runs one strategy. Samples: `paths` (t, spine, mbit per 0.1 s); documents: `iperf3`, the client's report."""
    changes = trial.strategy != CONTROL_TRIAL
    lab = shared.lab()
    fabric, control = lab.fabric, lab.control[CHANGED]
    entries = own_entries(fabric)
    track = (
        Track.CLONES if not changes or trial.strategy in (DRAIN, SWING) else track_of(trial.strategy, options.target)
    )
    control.events.clear()
    programs = {name: lab.prepared(LEAF_PROGRAM) for name in fabric.leaf_names}
    swings = trial.strategy == SWING
    old, new = (
        store_swing(program, lab.network.directory.path, HARD) if swings else lab.prepared(program, track)
        for program in (OLD, NEW)
    )
    programs |= dict.fromkeys(fabric.spine_names, old)
    if swings:
        first, second = fabric.spine_numbers
        entries |= {
            name: f"{entries[name]}\n{swing_entries(*pair)}"
            for name, pair in zip(fabric.spine_names, ((first, second), (second, first)), strict=True)
        }
    lab.install(programs, entries)
    captures = LinkCaptures(lab.network, fabric)
    probes = lab.probes()
    mix = FabricMix(
        lab.network,
        fabric,
        mbit=schedule.mbit,
        tcp_mbit=schedule.tcp_mbit,
        seconds=schedule.duration,
        seed=options.seed + trial.repeat,
    )
    if changes:
        arm_spine(lab, CHANGED, trial.strategy, options.profile, new)
    wait_all(captures, *probes, mix)
    mix.knock_early()
    change = SpineChange(lab, CHANGED, trial.strategy, entries[CHANGED], options.profile, new, on_window=mix.knock_late)
    if changes:
        control.on_event = knock_moment(KNOCKED, mix.knock_late)
    timeline = Timeline(time.monotonic() + LEAD_S, lab.check)
    mix.go(timeline.start, timeline.start + schedule.duration)
    timeline.at(0.0, mix.go_tcp)
    if changes:
        timeline.at(schedule.change, change.begin)
    timeline.run(schedule.duration + _SETTLE_S, lambda second: show.state(trial.name, second))
    outcome = change.end() if changes else {}
    control.on_event = None
    hosts = mix.finish(late=changes)
    sent_probes = sum(probe.finish() for probe in probes)
    time.sleep(_SETTLE_S)  # lets packets in transit arrive
    cells = lab.cells(CHANGED, REGISTER, 1, len(PAIRS))
    knocked = [lab.cells(CHANGED, KNOCKED, _knock_cell(fabric, KNOCKERS[group]), 1)[0] for group in hosts.knocks]
    captured = captures.finish(timeline.start)
    events = [{**event, "t": event["t"] - timeline.start} for event in control.events]

    addresses = {name: place.ip for name, place in fabric.places.items()}
    frames = with_pairs(captured.frames, {**addresses, KNOCK: KNOCK_IP})
    down = delivered(frames)
    bins = path_bins(down[down["received_s"].between(0, schedule.duration)], fabric.spine_names, schedule.duration)
    begun = change.begun - timeline.start if changes else schedule.change
    ended = change.ended - timeline.start if changes else schedule.duration
    of_changed = delivered(frames, CHANGED)
    wire = {pair: int(of_changed.loc[of_changed["pair"] == pair, "bytes"].sum()) for pair in PAIRS}
    state = dict(zip(PAIRS, cells, strict=True))
    missing = sum(abs(wire[pair] - state[pair]) for pair in PAIRS)
    udp = udp_numbers(hosts.sent, hosts.received, hosts.knocks, timeline.start + schedule.duration)
    goes_on = tcp_goes_on(down, schedule.duration, schedule.tcp_mbit)
    measured: dict[str, Any] = {
        "duration": schedule.duration,
        "udp": udp,
        "lost_packets": sum(group["lost"] for group in udp.values()),
        "tcp": vars(TcpSummary.of(hosts.report)),
        "tcp_goes_on": goes_on,
        "strays": vars(strays(frames, (*PAIRS, *(f"{host}>{KNOCK}" for host in KNOCKERS.values())), CHANGED)),
        "probe_gap_s": probe_gap_s(frames, CHANGED, min(begun, schedule.change), schedule.duration),
        "link_bytes": {spine: int(delivered(frames, spine)["bytes"].sum()) for spine in fabric.spine_names},
        "bytes_by_pair": {pair: {"wire_bytes": wire[pair], "state_bytes": state[pair]} for pair in PAIRS},
        "missing_bytes": missing,
        "delta_loss": missing / sum(wire.values()) if any(wire.values()) else None,
        "knocks_made": len(hosts.knocks),
        "knocks_kept": sum(stage == _OPEN for stage in knocked),
        "probes_sent": sent_probes,
        "latest_packet_ms": hosts.latest_ms,
        "outcome": outcome,
        **balance(bins, CHANGED, begun, ended),
    }
    invalid = []
    if captured.dropped:
        invalid.append(f"the captures missed {captured.dropped} frames")
    if hosts.latest_ms > MAX_LATE_MS and not options.accept_busy:
        invalid.append(f"a sender was {hosts.latest_ms:.0f} ms late (bound: {MAX_LATE_MS:g} ms)")
    if swings:
        arrived = outcome["parked_packets"] + outcome["restored"]
        measured["state_packets"] = {"arrived": arrived, "frames_on_links": _HOPS * arrived}
    if changes:
        swap = Phases.of(events).swap if not swings else _moved(outcome["swap"], timeline.start)
        measured |= {"change": {"begin": begun, "end": ended}, "change_s": ended - begun, "swap": vars(swap)}
        if ended > schedule.duration - LEAD_S:
            invalid.append(f"the change ended {schedule.duration - ended:.1f} s before the flows ({LEAD_S:g} s needed)")
    else:
        if lost := measured["lost_packets"]:
            invalid.append(f"{lost} packets were lost without any change")
        if missing:
            invalid.append(f"without any change the state and the wire differ by {missing} bytes")
    documents = {"iperf3": hosts.report}
    return TrialResult(
        measured, {"paths": bins}, events, tuple(invalid), disturbance=hosts.latest_ms, documents=documents
    )


def _moved(swap: Mapping[str, float], start: float) -> Interval:
    return Interval(swap["begin"] - start, swap["end"] - start)


def _knock_cell(fabric: Fabric, host: str) -> int:
    """A host's cell in the firewall's register: its address minus 10.0.0.0."""
    place = fabric.places[host]
    return (place.leaf << 8) + place.number


def run(options: CommonOptions, schedule: Schedule) -> int:
    """Runs all trials; writes the summary, the figure and the table."""
    from plots import fabric as plot  # importing matplotlib takes a while

    names = (CONTROL_TRIAL, *options.strategies)
    trials = [Trial(name, repeat) for repeat in range(1, options.repeats + 1) for name in names]
    with ExitStack() as stack:
        shared = SharedFabric(stack, options.target)
        sweep = run_sweep(
            EXPERIMENT,
            options,
            trials,
            lambda trial, show: run_trial(trial, options, schedule, shared, show),
            trial_s=schedule.duration + LEAD_S,
            record={"mbit": schedule.mbit, "tcp_mbit": schedule.tcp_mbit, "trial_s": schedule.duration},
            after_failure=shared.drop,
        )
    measured = summarise(sweep.trials, names)
    if "state4" in options.strategies:
        claim = judge_fabric(measured, sweep.unusable)
    else:
        claim = not_asked(PUBLISHED, "state4 was left out")
    return conclude(sweep, options, measured, [claim], draw=plot.main, table=fabric_table)


def _rate(text: str) -> float:
    value = float(text)
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError(f"expected a rate above 0 and at most 100 Mbit/s: {text}")
    return value


def parse(arguments: list[str] | None) -> tuple[CommonOptions, Schedule]:
    """Options and schedule; exits with code 2 for wrong usage."""
    parser = common_parser(__doc__, repeats=3, quick_repeats=1)
    text = "of all UDP together (default: %(default)g)"
    parser.add_argument("--rate", type=_rate, default=RATE_MBIT, metavar="MBPS", help=text)
    text = "of the TCP connection (default: %(default)g)"
    parser.add_argument("--tcp-rate", type=_rate, default=TCP_MBIT, metavar="MBPS", help=text)
    namespace = parser.parse_args(arguments)
    every = fabric_strategies()
    default = [name for name in every if name in QUICK_STRATEGIES] if namespace.quick else every
    options = common_options(namespace, parser, default=default, available=every)
    duration = options.duration_s or (QUICK_S if options.quick else USUAL_S)
    try:
        schedule = Schedule.of(duration, namespace.rate, namespace.tcp_rate)
    except ValueError as error:
        parser.error(str(error))
    return options, schedule


def main(arguments: list[str] | None = None) -> int:
    options, schedule = parse(arguments)
    return run_main(lambda: run(options, schedule))


if __name__ == "__main__":
    sys.exit(main())
