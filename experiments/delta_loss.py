"""Figure 5 (claim C3): the share of state that a reconfiguration loses, against the rate of the traffic.

One UDP flow from h1 to the server; byte_counter.p4 counts its bytes in a register cell, and is changed to itself while
the flow is on. Delta-loss = (bytes on the wire - bytes in the register) / bytes on the wire. The wire's truth is the
kernel's: the receiver's packets and the counters of the interfaces at both ends, never the switch. A "strategy" called
`no-reconfiguration` shows the harness's own error.

A trial takes 5 s, the published ones took 30 s (`--paper-length`). What is lost does not depend on how long the flow
was on before and after; as a share of the flow it is six times as large here, so the limit of 1 % is the harder to
meet. All trials share one network: installing the program anew empties its state.
"""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.claims.c3_delta_loss import judge_delta_loss
from experiments.claims.stats import delta_loss, longest_gap, spread
from experiments.harness.ending import conclude
from experiments.harness.lab import NFS, Plan
from experiments.harness.main import run_main
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.phases import Phases
from experiments.harness.progress import Display
from experiments.harness.shared_lab import SharedLab
from experiments.harness.strategies import available_strategies
from experiments.harness.sweep import Trial, TrialResult, run_sweep
from experiments.measure.counters import interface_counters
from experiments.tables.fig5 import delta_loss_table
from experiments.traffic.armed import wait_all
from experiments.traffic.flow import HEADER_BYTES, Flow
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from topologies.paper import SERVER, ip_of

EXPERIMENT = "delta_loss"
CONTROL_TRIAL = "no-reconfiguration"
PAPER_S, USUAL_S = 30.0, 5.0
_PORT = 5000


@dataclass(frozen=True)
class Counted:
    """A program that counts the bytes of whole frames of h1's UDP flow to the server's port 5000 in a register cell."""

    program: Path
    entries: Path
    register: str
    cell: int


# The cell is by nfs/byte_counter.entries.toml.
PAPER = Counted(NFS / "byte_counter.p4", NFS / "byte_counter.entries.toml", "byte_reg", 0)


@dataclass(frozen=True)
class Schedule:
    """Seconds of a trial, and the rates in Mbit/s of Ethernet frames."""

    duration: float
    reconfigure: float
    rates: tuple[float, ...]
    counted: Counted = PAPER


def run_trial(
    trial: Trial, options: CommonOptions, schedule: Schedule, shared: SharedLab, show: Display
) -> TrialResult:
    """One flow at one rate. Sample kind `arrivals`: sequence, received_s of each packet."""
    rate, counted = float(trial.parameters["rate"]), schedule.counted
    reconfigures = trial.strategy != CONTROL_TRIAL
    strategy = trial.strategy if reconfigures else "none"
    lab = shared.lab(Plan.to_itself(counted.program, counted.entries, strategy, options.profile, options.target))
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
    timeline.run(schedule.duration + 0.2, lambda second: show.state(trial.name, second))
    outcome = lab.end_reconfiguration() if reconfigures else {}
    totals = sender.finish()
    _, packets = receiver.finish()
    sent = interface_counters(lab.network, *source).since(sent_before)
    received = interface_counters(lab.network, *target).since(received_before)
    in_register = int(
        lab.control.call("read_cells", {"register": counted.register, "start": counted.cell, "count": 1})[0]
    )
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
        "outcome": outcome,
        "switch": stats,
    }
    if reconfigures:
        phases = Phases.of(events)
        measured |= {"window": vars(phases.window), "swap": vars(phases.swap), "phases": phases.durations()}
    arrivals = packets[["sequence"]].assign(received_s=times)
    return TrialResult(measured, {"arrivals": arrivals}, events)


def summarise(trials: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Delta-loss by strategy and rate: median and spread over the repeats, and the packets lost on the way."""
    groups: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for trial in trials.values():
        groups.setdefault((trial["strategy"], trial["rate"]), []).append(trial)
    result: dict[str, dict[str, Any]] = {}
    for (strategy, rate), members in sorted(groups.items()):
        result.setdefault(strategy, {})[f"{rate:g}"] = {
            "delta_loss": spread([member["delta_loss"] for member in members]).as_dict(),
            "lost_packets": max(member["sent_packets"] - member["received_packets"] for member in members),
        }
    return result


def run(options: CommonOptions, schedule: Schedule) -> int:
    from plots import fig5 as plot

    trials = [
        Trial(strategy, repeat, {"rate": rate})
        for repeat in range(1, options.repeats + 1)
        for rate in schedule.rates
        for strategy in (CONTROL_TRIAL, *options.strategies)
        if not (options.quick and strategy == CONTROL_TRIAL and rate < max(schedule.rates))
    ]
    with ExitStack() as stack:
        shared = SharedLab(stack)
        folder, measured = run_sweep(
            EXPERIMENT,
            options,
            trials,
            lambda trial, show: run_trial(trial, options, schedule, shared, show),
            trial_s=schedule.duration,
            record={
                "rates": schedule.rates,
                "trial_s": schedule.duration,
                **({} if schedule.counted == PAPER else vars(schedule.counted)),
            },
        )
    losses = summarise(measured)
    claims = [judge_delta_loss(losses)] if {"state4", "controller"} <= losses.keys() else []
    return conclude(folder, options, losses, claims, draw=plot.main, table=delta_loss_table)


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
    """The program that was named, or the paper's; leaves with exit code 2 and one line when it can't be used."""
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
    parser.add_argument("--program", type=Path, metavar="P4", help="another program that counts the flow's bytes")
    parser.add_argument("--entries", type=Path, metavar="TOML", help="its entries (default: the file beside it)")
    parser.add_argument("--counter", metavar="REGISTER[CELL]", help="where it counts, e.g. byte_reg[0]")
    namespace = parser.parse_args(arguments)
    options = common_options(namespace, parser, default=available_strategies(), available=available_strategies())
    counted = _counted(namespace, parser)
    duration = options.duration_s or (PAPER_S if namespace.paper_length else 4.0 if options.quick else USUAL_S)
    schedule = Schedule(
        duration=duration,
        reconfigure=duration * (0.2 if options.quick else 0.45),
        rates=namespace.rates or parse_rates("10,120" if options.quick else "10:120:10"),
        counted=counted,
    )
    return run_main(lambda: run(options, schedule))


if __name__ == "__main__":
    sys.exit(main())
