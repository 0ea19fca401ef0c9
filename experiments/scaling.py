"""Scaling: time of a reconfiguration, time that packets are held, and delta-loss, against the amount of state.

One flow from h1 to the server writes state with every packet (harness/sized_programs.py) while the program is changed
to itself. The state goes from 1 KB to 64 MB in one register, and 1 MB is divided among 1 to 64 registers; for every
strategy, with both control-plane profiles. Per trial: the time of the reconfiguration; the longest time that the switch
held packets, by its own count, and the longest gap at the receiver; delta-loss = (bytes on the wire - bytes in the
registers) / bytes on the wire, and how many milliseconds of the flow that is. Bytes on the wire are those of the
receiver.

All trials share one network: installing a program empties its state. A point that would take longer than
`--max-seconds` at the profile's pace is left out and reported: what was not measured is not predicted.

Finally, flows of increasing rates use 1 MB of state, with State4 and without a change: from which rate on packets are
lost, and whether State4 is the reason.

Exit code: 0: claim C6 holds for packets (State4 loses none), or State4 was left out; 1: it does not hold; 2: wrong
usage or failed runs; 3: it could not be judged.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from experiments.claims.base import CONTROL_TRIAL
from experiments.claims.c6_overhead import judge_packets
from experiments.claims.stats import delta_loss, longest_gap, spread
from experiments.harness.ending import conclude
from experiments.harness.lab import Plan
from experiments.harness.main import run_main
from experiments.harness.options import PROFILES, CommonOptions, common_options, common_parser
from experiments.harness.phases import Interval, Phases
from experiments.harness.progress import Display
from experiments.harness.shared_lab import SharedLab
from experiments.harness.sized_programs import PORT, StateProgram, payload_for
from experiments.harness.strategies import available_strategies
from experiments.harness.sweep import Trial, TrialResult, run_sweep, taking_part, why_unusable
from experiments.harness.validity import MachineBounds, disturbed, outside_flow
from experiments.measure.counters import interface_counters
from experiments.measure.machine import MachineWatch
from experiments.tables.scaling import scaling_table
from experiments.traffic.armed import TrafficError, wait_all
from experiments.traffic.flow import Flow
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from state4.pacing import PROFILES as PACES
from topologies.paper import SERVER, ip_of

EXPERIMENT = "scaling"
BOTH = "paper and native"
CELL_BYTES = 8
FRAME_BYTES = 1250
RATE_MBIT = 20.0
LOAD_RATES, QUICK_LOAD_RATES = (20.0, 120.0, 300.0, 600.0), (20.0, 120.0)
"""Mbit/s of the flows that use 1 MB of state; the last is the paper's highest steady rate."""
LOAD_PROFILE = "native"
BMV2_CELLS = 1 << 20
COMPONENTS_STATE_BYTES = 1 << 20  # divided among the components
_REPEATED_S = 5.0  # longer trials are measured once: the pace determines them, not chance
BOUNDS = MachineBounds(late_ms=250.0)
_LEAD_S = 0.4
_TAIL_S = 0.3
_MAX_WAIT_S = 300.0


@dataclass(frozen=True)
class Point:
    """An amount of state: registers, and cells of 8 bytes in each."""

    components: int
    cells: int

    @property
    def state_bytes(self) -> int:
        return self.components * self.cells * CELL_BYTES

    @property
    def program(self) -> StateProgram:
        return StateProgram(self.components, self.cells)


@dataclass(frozen=True)
class Schedule:
    """A flow lasts `min_s`, or slightly longer than its reconfiguration. Points beyond `max_s` are left out."""

    min_s: float
    max_s: float
    load_rates: tuple[float, ...] = LOAD_RATES


SIZES = tuple(1 << power for power in range(10, 27, 2))
QUICK_SIZES = (1 << 10, 1 << 20)
COUNTS = (1, 4, 16, 64)
QUICK_COUNTS = (1, 16)


def points(sizes: Sequence[int], counts: Sequence[int]) -> list[Point]:
    """Sizes (bytes) in one register, then 1 MB in several registers; a point on both lines appears once."""
    found = [Point(1, size // CELL_BYTES) for size in sizes]
    found += [Point(count, COMPONENTS_STATE_BYTES // CELL_BYTES // count) for count in counts]
    return list(dict.fromkeys(found))


def parse_sizes(text: str) -> tuple[int, ...]:
    """`1K,64M`: powers of two of bytes."""
    units = {"K": 1 << 10, "M": 1 << 20}
    try:
        sizes = tuple(int(part.rstrip("KM")) * units.get(part[-1:], 1) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected sizes like 1K,64M: {text}") from None
    if any(size < CELL_BYTES or size & (size - 1) or size > 1 << 30 for size in sizes):
        raise argparse.ArgumentTypeError(f"a size must be a power of two from {CELL_BYTES} bytes to 1024M: {text}")
    return sizes


def parse_counts(text: str) -> tuple[int, ...]:
    """`1,16`: powers of two."""
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers like 1,16: {text}") from None
    if any(count < 1 or count & (count - 1) or count > 64 for count in counts):
        raise argparse.ArgumentTypeError(f"a number of registers must be a power of two from 1 to 64: {text}")
    return counts


def paced_s(point: Point, profile: str) -> float:
    """The shortest time that the profile's pace allows for reading and then writing all cells."""
    pace = PACES[profile]
    cells = point.components * point.cells
    return sum(cells / rate for rate in (pace.read_cells_per_s, pace.write_cells_per_s) if rate is not None)


def run_trial(
    trial: Trial, options: CommonOptions, schedule: Schedule, shared: SharedLab, show: Display
) -> TrialResult:
    """One reconfiguration, or a flow without one. Without samples: the packets of all trials would be gigabytes.

    Parameters of the trial: profile, components, cells; optionally `rate` in Mbit/s, and `writes` "all" for packets
    that write every component.
    """
    reconfigures = trial.strategy != CONTROL_TRIAL
    rate = float(trial.parameters.get("rate", RATE_MBIT))
    point = Point(int(trial.parameters["components"]), int(trial.parameters["cells"]))
    writes = point.components if trial.parameters.get("writes") == "all" else 1
    program, entries = replace(point.program, writes="all" if writes > 1 else "one").files()
    profile = str(trial.parameters["profile"])
    strategy = trial.strategy if reconfigures else "none"
    lab = shared.lab(Plan.to_itself(program, entries, strategy, profile, options.target))
    show.state(f"{trial.name}: setting up")
    receiver = Receiver(lab.network, SERVER, [PORT])
    payload = payload_for(FRAME_BYTES)
    sender = Sender(lab.network, Flow(1, "h1", ip_of(SERVER), PORT, Flow.interval_for(rate, payload), payload))
    lab.arm()
    wait_all(receiver, sender)
    ports = {"sent": ("h1", "h1-eth0"), "received": (SERVER, f"{SERVER}-eth0")}
    before = {name: interface_counters(lab.network, *port) for name, port in ports.items()}
    lab.control.call("stats", {"reset": True})
    start = time.monotonic() + 0.05
    sender.go(start, start + _MAX_WAIT_S)
    _wait(start + _LEAD_S, trial, start, show)
    watch = MachineWatch(lab, sender=sender, receiver=receiver)
    outcome: dict[str, Any] = {}
    if reconfigures:
        lab.begin_reconfiguration()
        while lab.control.busy():
            _wait(time.monotonic() + 0.02, trial, start, show)
            lab.switch.check()
        outcome = lab.end_reconfiguration()
    stats = lab.control.call("stats")
    _wait(max(start + schedule.min_s, time.monotonic() + _TAIL_S), trial, start, show)
    machine = watch.read()
    totals = sender.finish()
    time.sleep(0.1)  # lets frames waiting in the switch arrive
    _, packets = receiver.finish()
    after = {name: interface_counters(lab.network, *port).since(before[name]) for name, port in ports.items()}
    events = lab.events(start)
    counted = sum(lab.control.call("totals").values())
    if after["sent"].tx_packets != totals.sent:
        raise TrafficError(f"{totals.sent} packets were sent, but {after['sent'].tx_packets} were on the wire")
    if strays := after["received"].rx_packets - len(packets):
        raise TrafficError(f"{strays} frames other than the flow's were on the server's link")
    wire = after["received"].rx_packets * FRAME_BYTES
    counted //= writes  # each packet was counted this often
    machine = replace(machine, late_ms=totals.worst_late_ns / 1e6)
    lost = totals.sent - after["received"].rx_packets
    measured: dict[str, Any] = {
        "state_bytes": point.state_bytes,
        "series": ["load"] if "rate" in trial.parameters else _series(point),
        "rate": rate,
        "longest_gap_ms": longest_gap(packets["received_s"].to_numpy()) * 1e3,
        "flow_s": (totals.last_ns - totals.first_ns) / 1e9,
        "sent_packets": totals.sent,
        "lost_packets": lost,
        "wire_bytes": wire,
        "register_bytes": counted,
        "delta_loss": delta_loss(wire, counted),
        "lost_update_ms": (wire - counted) * 8 / rate / 1e3,
        "outcome": outcome,
        "switch": stats,
        "machine": machine.as_dict(),
    }
    invalid = disturbed(machine, BOUNDS, accept_busy=options.accept_busy)
    if reconfigures:
        phases = Phases.of(events)
        measured |= {
            **phases.numbers(),
            "reconfiguration_s": phases.window.length,
            "held_ms": stats["longest_hold_ms"],
            "held_in_all_ms": stats["held_ms"],
        }
        flow = Interval(totals.first_ns / 1e9 - start, totals.last_ns / 1e9 - start)
        outside = outside_flow(phases, flow)
        measured["covered"] = not outside
        invalid += outside
    return TrialResult(measured, {}, events, tuple(invalid), machine.disturbance)


def _wait(until: float, trial: Trial, start: float, show: Display) -> None:
    while (now := time.monotonic()) < until:
        show.state(trial.name, now - start)
        time.sleep(min(0.1, until - now))


def _series(point: Point) -> list[str]:
    """Whether the point is on the line of sizes, of components, or both."""
    found = ["size"] if point.components == 1 else []
    return found + (["components"] if point.state_bytes == COMPONENTS_STATE_BYTES else [])


NUMBERS = ("reconfiguration_s", "held_ms", "longest_gap_ms", "delta_loss", "lost_update_ms")


def summarise(trials: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One entry per profile, strategy and point: the spread of each number over the repeats that count, without what
    the switch does not report; the reasons of failed repeats."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for trial in trials.values():
        if "load" not in trial.get("series", ()) and trial["strategy"] != CONTROL_TRIAL:
            key = (trial["profile"], trial["strategy"], trial["components"], trial["cells"])
            groups.setdefault(key, []).append(trial)
    result = []
    for (profile, strategy, components, cells), members in groups.items():
        good = [member for member in members if not why_unusable(member)]
        point = Point(components, cells)
        entry: dict[str, Any] = {
            "profile": profile,
            "strategy": strategy,
            "components": components,
            "cells": cells,
            "state_bytes": point.state_bytes,
            "series": _series(point),
            "rate": RATE_MBIT,
            "failed": [why for member in members if (why := why_unusable(member))],
            **_packets(members),
        }
        if good:
            entry |= {
                name: spread([member[name] for member in good]).as_dict()
                for name in NUMBERS
                if all(member.get(name) is not None for member in good)
            }
        result.append(entry)
    return result


def _packets(members: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`lost_packets`: the most of a repeat; None if unknown. `packets_unknown`: why other repeats say nothing of it.

    A machine that is busy can lose packets, but save none: where none was lost in a trial that the flow covered, that
    is known also of a disturbed one.
    """
    counts, unknown = [], []
    for member in members:
        why = why_unusable(member)
        if not why or ("failed" not in member and member.get("covered") and member["lost_packets"] == 0):
            counts.append(int(member["lost_packets"]))
        else:
            unknown.append(why)
    return {"lost_packets": max(counts, default=None), "packets_unknown": unknown}


def summarise_load(trials: Mapping[str, Mapping[str, Any]], rates: Sequence[float]) -> list[dict[str, Any]]:
    """One entry per rate: the most packets that State4 lost in a repeat, and the same flow alone; None: not
    measured."""
    result = []
    for rate in rates:
        members = [trial for trial in trials.values() if is_load(trial) and trial["rate"] == rate]

        alone = [m["lost_packets"] for m in members if m["strategy"] == CONTROL_TRIAL and not why_unusable(m)]
        packets = _packets([member for member in members if member["strategy"] == "state4"])
        result.append({"rate": rate, **packets, "lost_alone": max(alone, default=None)})
    return result


def is_load(trial: Mapping[str, Any]) -> bool:
    """Whether it is one of the trials with increasing rates."""
    return "rate" in trial and ("series" not in trial or "load" in trial["series"])


def reason_against(point: Point, profile: str, max_s: float, target: str) -> str:
    """Why a point is not measured; "" if it is."""
    if target == "bmv2" and point.components * point.cells > BMV2_CELLS:
        return f"bmv2 keeps each cell in an object of its own: more than {BMV2_CELLS:,} cells take too much memory"
    if paced_s(point, profile) > max_s:
        return (
            f"paced, reading and writing its cells takes {paced_s(point, profile):.0f} s, above the limit of "
            f"{max_s:g} s (--max-seconds)"
        )
    return ""


def left_out(
    profiles: tuple[str, ...], wanted: list[Point], max_s: float, target: str = "softswitch"
) -> list[dict[str, Any]]:
    """The points that are not measured, with the reasons."""
    return [
        {"profile": profile, "state_bytes": point.state_bytes, "components": point.components, "reason": reason}
        for profile in profiles
        for point in wanted
        if (reason := reason_against(point, profile, max_s, target))
    ]


def trials_of(
    options: CommonOptions, schedule: Schedule, profiles: Sequence[str], wanted: Sequence[Point]
) -> list[Trial]:
    """Every point with every strategy and profile; then increasing rates, with State4 and without a change."""
    trials = [
        Trial(strategy, repeat, {"profile": profile, "components": point.components, "cells": point.cells})
        for repeat in range(1, options.repeats + 1)
        for profile in profiles
        for point in wanted
        if not reason_against(
            point, profile, schedule.max_s if repeat == 1 else min(schedule.max_s, _REPEATED_S), options.target
        )
        for strategy in options.strategies
    ]
    if "state4" in options.strategies:
        place: dict[str, int | float | str] = {
            "profile": LOAD_PROFILE,
            "components": 1,
            "cells": COMPONENTS_STATE_BYTES // CELL_BYTES,
        }
        trials += [
            Trial(name, repeat, {**place, "rate": rate})
            for repeat in range(1, options.repeats + 1)
            for rate in schedule.load_rates
            for name in (CONTROL_TRIAL, "state4")
        ]
    return trials


def run(options: CommonOptions, schedule: Schedule, profiles: tuple[str, ...], wanted: list[Point]) -> int:
    from plots import scaling as plot

    trials = trials_of(options, schedule, profiles, wanted)
    with ExitStack() as stack:
        shared = SharedLab(stack)
        sweep = run_sweep(
            EXPERIMENT,
            options,
            trials,
            lambda trial, show: run_trial(trial, options, schedule, shared, show),
            trial_s=schedule.min_s,
            record={"profiles": profiles, "points": [vars(point) for point in wanted], "max_s": schedule.max_s},
            after_failure=shared.drop,
        )
    done = sweep.folder.trials()
    everything = {trial.name: done[trial.name] for trial in taking_part(trials, options)}
    entries = summarise(everything)
    load = summarise_load(everything, schedule.load_rates)
    measured = {
        "points": entries,
        "load": load,
        "left_out": left_out(profiles, wanted, schedule.max_s, options.target),
    }
    claims = [judge_packets(entries, load, asked=options.strategies)]
    return conclude(sweep, options, measured, claims, draw=plot.main, table=scaling_table)


def main(arguments: list[str] | None = None) -> int:
    parser = common_parser(__doc__, repeats=2)
    parser.set_defaults(profile=None)
    parser.add_argument(
        "--max-seconds",
        "--most-seconds",
        dest="max_seconds",
        type=float,
        default=60.0,
        metavar="S",
        help="skip points that take longer at a profile's pace (default: 60)",
    )
    parser.add_argument("--sizes", type=parse_sizes, metavar="BYTES,...", help="such as 1K,64M (default: 1K to 64M)")
    parser.add_argument("--registers", type=parse_counts, metavar="N,...", help="for 1 MB of state (default: 1 to 64)")
    namespace = parser.parse_args(arguments)
    profiles = PROFILES if namespace.profile is None else (namespace.profile,)
    namespace.profile = BOTH if namespace.profile is None else namespace.profile
    if namespace.quick and not any(text.startswith("--repeats") for text in (arguments or sys.argv[1:])):
        namespace.repeats = 1
    options = common_options(namespace, parser, default=available_strategies(), available=available_strategies())
    load_rates = QUICK_LOAD_RATES if options.quick else LOAD_RATES
    schedule = Schedule(options.duration_s or 1.0, namespace.max_seconds, load_rates)
    sizes = namespace.sizes or (QUICK_SIZES if options.quick else SIZES)
    counts = namespace.registers or (QUICK_COUNTS if options.quick else COUNTS)
    return run_main(lambda: run(options, schedule, profiles, points(sizes, counts)))


if __name__ == "__main__":
    sys.exit(main())
