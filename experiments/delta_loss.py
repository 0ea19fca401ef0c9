"""Figure 5 (claim C3): the share of state that a reconfiguration loses, against the rate of the traffic.

One UDP flow goes from h1 to the server; byte_counter.p4 counts its bytes in a register cell, and is changed to itself
during the flow, at all rates with the published pace of the control plane and at some with its own. At one rate,
programs with more or less state (harness/sized_programs.py) show how the loss grows with the time to read. Delta-loss =
(bytes on the wire - bytes in the register) / bytes on the wire. Bytes on the wire are the kernel's numbers: the
receiver's packets and the counters of the interfaces at both ends, never the switch's. A "strategy" called
`no-reconfiguration` shows the harness's own error.

A trial takes 5 s, a published one took 30 s (`--paper-length`). The loss does not depend on how long the flow lasts
before and after the change; as a share of the flow it is six times as large here, so the limit of 1 % is harder to
meet. All trials share one network: installing a program empties its state.

Exit code: 0: claim C3 holds, or was not asked for (strategies, rates or the program were left out); 1: it does not
hold; 2: wrong usage or failed runs; 3: it could not be judged.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.claims import c3_delta_loss
from experiments.claims.base import CONTROL_TRIAL, Claim, not_asked
from experiments.claims.c3_delta_loss import delta_loss_findings, expected_loss, judge_delta_loss
from experiments.claims.stats import delta_loss, longest_gap, spread
from experiments.harness.ending import conclude
from experiments.harness.lab import NFS, Lab, Plan
from experiments.harness.main import run_main
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.phases import Interval, Phases
from experiments.harness.progress import Display
from experiments.harness.shared_lab import SharedLab
from experiments.harness.sized_programs import StateProgram
from experiments.harness.strategies import available_strategies
from experiments.harness.sweep import Sweep, Trial, TrialResult, run_sweep
from experiments.harness.validity import MachineBounds, disturbed, disturbed_alone, outside_flow
from experiments.measure.counters import interface_counters
from experiments.measure.machine import MachineWatch
from experiments.tables.fig5 import delta_loss_table
from experiments.traffic.armed import wait_all
from experiments.traffic.flow import HEADER_BYTES, Flow
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from topologies.paper import SERVER, ip_of

EXPERIMENT = "delta_loss"
PAPER_S, USUAL_S = 30.0, 5.0
NATIVE = "native"
SIZES_MBIT = 60.0
SIZES = (1 << 16, 1 << 20, 1 << 22)
SIZES_STRATEGIES = ("controller", "state4")
OWN_PACE_RATES = (10.0, 60.0, 120.0)
CELL_BYTES = 8
BOUNDS = MachineBounds(late_ms=100.0)
_PORT = 5000


@dataclass(frozen=True)
class Counted:
    """A program that counts the bytes of whole frames of h1's UDP flow to the server's port 5000: in one cell of a
    register, or, if no register is given, in all cells of all registers together."""

    program: Path
    entries: Path
    register: str = ""
    cell: int = 0


# The cell is by nfs/byte_counter.entries.toml.
PAPER = Counted(NFS / "byte_counter.p4", NFS / "byte_counter.entries.toml", "byte_reg", 0)


@dataclass(frozen=True)
class Schedule:
    """Seconds of a trial, and the rates in Mbit/s of Ethernet frames.

    own_pace_rates: rates with an unpaced control plane; sizes: bytes of state at SIZES_MBIT, in both profiles.
    """

    duration: float
    reconfigure: float
    rates: tuple[float, ...]
    counted: Counted = PAPER
    own_pace_rates: tuple[float, ...] = ()
    sizes: tuple[int, ...] = ()


def run_trial(
    trial: Trial, options: CommonOptions, schedule: Schedule, shared: SharedLab, show: Display
) -> TrialResult:
    """One flow at one rate. Sample kind `arrivals`: sequence, received_s of each packet."""
    rate, counted = float(trial.parameters["rate"]), counted_by(trial, schedule)
    reconfigures = trial.strategy != CONTROL_TRIAL
    strategy = trial.strategy if reconfigures else "none"
    profile = str(trial.parameters.get("profile", options.profile))
    lab = shared.lab(Plan.to_itself(counted.program, counted.entries, strategy, profile, options.target))
    receiver = Receiver(lab.network, SERVER, [_PORT])
    flow = Flow(1, "h1", ip_of(SERVER), _PORT, Flow.interval_for(rate))
    sender = Sender(lab.network, flow)
    lab.arm()
    wait_all(receiver, sender)
    lab.control.call("stats", {"reset": True})
    source, target = ("h1", "h1-eth0"), (SERVER, f"{SERVER}-eth0")
    sent_before = interface_counters(lab.network, *source)
    received_before = interface_counters(lab.network, *target)
    timeline = lab.timeline(lead_s=0.2)
    sender.go(timeline.start, timeline.start + schedule.duration)
    if reconfigures:
        timeline.at(schedule.reconfigure, lab.begin_reconfiguration)
    watch = MachineWatch(lab, sender=sender, receiver=receiver)
    timeline.run(schedule.duration + 0.2, lambda second: show.state(trial.name, second))
    outcome = lab.end_reconfiguration() if reconfigures else {}
    machine = watch.read()
    totals = sender.finish()
    _, packets = receiver.finish()
    sent = interface_counters(lab.network, *source).since(sent_before)
    received = interface_counters(lab.network, *target).since(received_before)
    in_register = read_counter(lab, counted)
    stats = lab.control.call("stats")
    events = lab.events(timeline.start)

    wire = int((packets["bytes"] + HEADER_BYTES).sum())
    times = (packets["received_s"] - timeline.start).to_numpy()
    measured: dict[str, Any] = {
        "sent_packets": totals.sent,
        "received_packets": len(packets),
        "wire_bytes_sender": sent.tx_bytes,
        "wire_bytes_receiver": received.rx_bytes,
        "wire_bytes": wire,
        "register_bytes": in_register,
        "delta_loss": delta_loss(wire, in_register),
        "longest_gap_ms": longest_gap(times) * 1e3,
        "duration": schedule.duration,
        "profile": profile,
        "outcome": outcome,
        "switch": stats,
    }
    machine = replace(machine, late_ms=totals.worst_late_ns / 1e6)
    measured["machine"] = machine.as_dict()
    invalid = disturbed(machine, BOUNDS, accept_busy=options.accept_busy)
    if reconfigures:
        phases = Phases.of(events)
        spent = phases.durations()
        measured |= phases.numbers()
        measured["formula"] = expected_loss(
            spent.get("read_register", 0.0), spent.get("write_register", 0.0), schedule.duration
        )
        invalid += outside_flow(phases, Interval(0.0, schedule.duration))
    else:
        invalid += disturbed_alone(lost=abs(wire - in_register), what="bytes of state")
        invalid += disturbed_alone(lost=totals.sent - len(packets))
    arrivals = packets[["sequence"]].assign(received_s=times)
    return TrialResult(measured, {"arrivals": arrivals}, events, tuple(invalid), machine.disturbance)


def counted_by(trial: Trial, schedule: Schedule) -> Counted:
    """The program that counts the bytes in a trial: the schedule's, or one generated for an amount of state."""
    size = trial.parameters.get("state")
    if size is None:
        return schedule.counted
    return Counted(*StateProgram(1, int(size) // CELL_BYTES).files())


def read_counter(lab: Lab, counted: Counted) -> int:
    """The bytes that the running program has counted."""
    if not counted.register:
        return sum(lab.control.call("totals").values())
    cells = lab.control.call("read_cells", {"register": counted.register, "start": counted.cell, "count": 1})
    return int(cells[0])


Losses = dict[str, dict[str, dict[str, dict[str, Any]]]]
"""By profile, strategy, and rate or bytes of state."""


def summarise(trials: Mapping[str, Mapping[str, Any]], profile: str) -> dict[str, Losses]:
    """Delta-loss, the formula's value, and packets lost: spreads over the repeats, `rates` and `sizes` separately."""
    groups: dict[tuple[str, str, str, float], list[Mapping[str, Any]]] = {}
    for trial in trials.values():
        kind, value = ("sizes", trial["state"]) if "state" in trial else ("rates", trial["rate"])
        key = (kind, trial.get("profile", profile), trial["strategy"], float(value))
        groups.setdefault(key, []).append(trial)
    result: dict[str, Losses] = {"rates": {}, "sizes": {}}
    for (kind, own, strategy, value), members in sorted(groups.items()):
        numbers: dict[str, Any] = {
            "delta_loss": spread([member["delta_loss"] for member in members]).as_dict(),
            "lost_packets": max(member["sent_packets"] - member["received_packets"] for member in members),
        }
        if all("formula" in member for member in members):
            numbers["formula"] = spread([member["formula"] for member in members]).as_dict()
        result[kind].setdefault(own, {}).setdefault(strategy, {})[f"{value:.12g}"] = numbers
    return result


def trials_of(options: CommonOptions, schedule: Schedule) -> list[Trial]:
    """All trials: every rate with every strategy; some rates unpaced; the amounts of state."""
    profiles = dict.fromkeys((options.profile, NATIVE) if options.profile != NATIVE else (NATIVE,))
    sized = [name for name in SIZES_STRATEGIES if name in options.strategies]
    found: list[Trial] = []
    for repeat in range(1, options.repeats + 1):
        for rate in schedule.rates:
            alone = not options.quick or rate == max(schedule.rates)
            names = (*((CONTROL_TRIAL,) if alone else ()), *options.strategies)
            found += [Trial(name, repeat, {"rate": rate}) for name in names]
        for rate in schedule.own_pace_rates if len(profiles) > 1 else ():
            found += [Trial(name, repeat, {"rate": rate, "profile": NATIVE}) for name in sized]
        for profile in profiles:
            for size in schedule.sizes:
                given: dict[str, float | str] = {"rate": SIZES_MBIT, "profile": profile, "state": size}
                found += [Trial(name, repeat, given) for name in sized]
    return found


def judge(sweep: Sweep, options: CommonOptions, schedule: Schedule, losses: Mapping[str, Losses]) -> Claim:
    """C3, unless the run was not meant to judge it."""
    missing = [name for name in ("state4", "controller") if name not in options.strategies]
    why = ""
    if missing:
        why = f"{' and '.join(missing)} left out"
    elif schedule.counted != PAPER:
        why = "another program than the paper's was measured"
    elif options.profile != c3_delta_loss.PROFILE:
        why = f"the claim is about the published pace of the control plane, not about profile {options.profile}"
    if why:
        return not_asked(c3_delta_loss.PUBLISHED, why, findings=delta_loss_findings(losses["rates"]))
    return judge_delta_loss(
        losses["rates"], losses["sizes"], sweep.unusable, asked_rates=schedule.rates, asked_sizes=schedule.sizes
    )


def run(options: CommonOptions, schedule: Schedule) -> int:
    from plots import fig5 as plot

    with ExitStack() as stack:
        shared = SharedLab(stack)
        sweep = run_sweep(
            EXPERIMENT,
            options,
            trials_of(options, schedule),
            lambda trial, show: run_trial(trial, options, schedule, shared, show),
            trial_s=schedule.duration,
            record={
                "rates": schedule.rates,
                "trial_s": schedule.duration,
                **({} if schedule.counted == PAPER else vars(schedule.counted)),
            },
            after_failure=shared.drop,
        )
    losses = summarise(sweep.trials, options.profile)
    claim = judge(sweep, options, schedule, losses)
    return conclude(sweep, options, losses, [claim], draw=plot.main, table=delta_loss_table)


def parse_rates(text: str) -> tuple[float, ...]:
    """`10:120:10` (first, last, step) or `10,60,120`, in Mbit/s."""
    try:
        if ":" in text:
            first, last, step = (float(part) for part in text.split(":"))
            if step <= 0 or first > last:
                raise ValueError
            rates = tuple(first + step * number for number in range(int((last - first) / step + 1e-9) + 1))
        else:
            rates = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected FIRST:LAST:STEP or RATE,RATE: {text}") from None
    if not rates or min(rates) <= 0:
        raise argparse.ArgumentTypeError(f"a rate must be above 0: {text}")
    return rates


def _counted(namespace: argparse.Namespace, parser: argparse.ArgumentParser) -> Counted:
    """The given program, or the paper's; exits with code 2 and a one-line message if it can't be used."""
    program: Path | None = namespace.program
    if program is None:
        if namespace.entries or namespace.counter:
            parser.error("--entries and --counter belong to --program")
        return PAPER
    found = re.fullmatch(r"([\w.]+)\[(\d+)\]", namespace.counter or "")
    if found is None:
        parser.error("--program needs --counter REGISTER[CELL], e.g. --counter 'byte_reg[0]'")
    entries: Path = namespace.entries or program.with_suffix(".entries.toml")
    for file in (program, entries):
        if not file.is_file():
            parser.error(f"there is no file {file}")
    return Counted(program, entries, found[1], int(found[2]))


def main(arguments: list[str] | None = None) -> int:
    parser = common_parser(__doc__, repeats=2, quick_repeats=1)
    rates = parser.add_mutually_exclusive_group()
    rates.add_argument("--rate", type=parse_rates, dest="rates", metavar="MBPS", help="one rate")
    rates.add_argument("--rates", type=parse_rates, dest="rates", metavar="FIRST:LAST:STEP", help="default: 10:120:10")
    parser.add_argument(
        "--paper-length",
        action="store_true",
        help=f"trials of {PAPER_S:g} s as published, not of {USUAL_S:g} s (over an hour and a half in all)",
    )
    parser.add_argument("--program", type=Path, metavar="P4", help="your own program that counts the flow's bytes")
    parser.add_argument("--entries", type=Path, metavar="TOML", help="its entries (default: the file next to it)")
    parser.add_argument("--counter", metavar="REGISTER[CELL]", help="where it counts, e.g. byte_reg[0]")
    namespace = parser.parse_args(arguments)
    options = common_options(namespace, parser, default=available_strategies(), available=available_strategies())
    counted = _counted(namespace, parser)
    duration = options.duration_s or (PAPER_S if namespace.paper_length else 4.0 if options.quick else USUAL_S)
    own = namespace.rates is None and counted == PAPER  # if rates or a program were given, nothing else is run
    schedule = Schedule(
        duration=duration,
        reconfigure=duration * (0.2 if options.quick else 0.45),
        rates=namespace.rates or parse_rates("10,120" if options.quick else "10:120:10"),
        counted=counted,
        own_pace_rates=(OWN_PACE_RATES[-1:] if options.quick else OWN_PACE_RATES) if own else (),
        sizes=(SIZES[:2] if options.quick else SIZES) if own else (),
    )
    return run_main(lambda: run(options, schedule))


if __name__ == "__main__":
    sys.exit(main())
