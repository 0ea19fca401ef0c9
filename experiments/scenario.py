"""The scenario: every strategy changes the program of a network in use.

Five hosts and the server behind its firewall, on one switch that runs L2, HULA and port knocking chained into one
program. h1 sends UDP that may always pass, h2 UDP after an early knock, h3 UDP that ends before the change, h4 UDP that
knocks during the change, h5 TCP (iperf3) after an early knock; HULA probes are sent throughout.
chained_counting.p4 (chained.p4 with a register that counts each host's bytes) is changed to chained_counting_v2.p4,
which adds an access list in front and another register.

Measured are the throughput at the server, the bytes that the register lacks compared with the wire (delta-loss, from a
capture of the server's link, checked with the kernel's counter), the packets lost, the flows that continue, and the CPU
time of data plane, listener and control plane. A trial that shows nothing (a late sender, a missing core, traffic that
does not span the change) is repeated; if that does not help it does not count, and the summary says why.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

import pandas as pd

from experiments.claims.base import CONTROL_TRIAL
from experiments.claims.c1_flows_survive import PUBLISHED_FATES
from experiments.harness.ending import conclude
from experiments.harness.lab import NFS, Lab, Plan
from experiments.harness.main import run_main
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.phases import Interval, Phases, knock_moment
from experiments.harness.progress import Display
from experiments.harness.shared_lab import SharedLab
from experiments.harness.strategies import available_strategies
from experiments.harness.sweep import Trial, TrialResult, run_sweep, taking_part
from experiments.harness.watch import Watch, watching
from experiments.measure.counters import interface_counters
from experiments.measure.divergence import Delta, by_flow, error_before, missing_over_time
from experiments.measure.evidence import Evidence, problems
from experiments.measure.sampling import Sampler
from experiments.measure.scenario_numbers import control_waited, cpu_numbers, flow_numbers, slow_packet_ms, summarise
from experiments.measure.steady_rate import HOST_NICE
from experiments.measure.wire import IPV4, Capture
from experiments.tables.scenario import scenario_table
from experiments.traffic.armed import wait_all
from experiments.traffic.iperf3 import FRAME_BYTES
from experiments.traffic.mix import FLOWS, UDP, Mix, lost_packets
from topologies.paper import HOSTS, PORTS, SERVER, SWITCH, ip_of

EXPERIMENT = "scenario"

RATE_MBIT = 20.0
USUAL_S, QUICK_S = 12.0, 4.1  # the shortest with room for a paced reconfiguration; all together take a minute
REGISTER = "MyIngress.counting.counted_bytes"
FLOOD_GROUP = 1  # left out: with it, a switch without any state would flood and look as if it forwarded
_PACED_S = 1.9  # duration of a reconfiguration with profile `paper`
_ENDED_SHARE = 0.15  # share of a trial: duration of the flow that ends before the change
_LINK = (SERVER, f"{SERVER}-eth0")
_QUIET_S, _NOISY_S = 0.3, 3.0  # a lost TCP segment is retransmitted after 0.2 s


@dataclass(frozen=True)
class Schedule:
    """Seconds of a trial, and the rate of each flow in Mbit/s of Ethernet frames."""

    duration: float
    reconfigure: float
    ended: float
    rate: float

    @staticmethod
    def of(duration: float, profile: str, rate: float) -> Schedule:
        """The swap comes at about 60 % of the trial. Raises ValueError if it is too short for that."""
        paced = profile == "paper"
        reconfigure = 0.6 * duration - (_PACED_S if paced else 0.1)
        ended = min(_ENDED_SHARE * duration, reconfigure - 0.3)
        if ended < 0.2:
            least = ((_PACED_S if paced else 0.1) + 0.5) / 0.6
            raise ValueError(f"--duration {duration:g}: a trial takes at least {least:.2g} s")
        return Schedule(duration, reconfigure, ended, rate)


def plan_for(strategy: str, options: CommonOptions) -> Plan:
    old, new = NFS / "chained_counting.p4", NFS / "chained_counting_v2.p4"
    return Plan(
        program=old,
        entries=old.with_suffix(".entries.toml"),
        new_program=new,
        new_entries=new.with_suffix(".entries.toml"),
        strategy=strategy,
        profile=options.profile,
        left_out_groups=(FLOOD_GROUP,),
        target=options.target,
    )


def run_trial(
    trial: Trial, options: CommonOptions, schedule: Schedule, shared: SharedLab, show: Display
) -> TrialResult:
    """Runs one strategy under all of the traffic. Sample kinds: `frames` (flow, received_s, bytes of each frame
    received by the server), `state` (`sampling.samples_of`); documents: `iperf3`, the client's report."""
    reconfigures = trial.strategy != CONTROL_TRIAL
    lab = shared.lab(plan_for(trial.strategy if reconfigures else "none", options))
    capture = Capture(lab.network, *_LINK, nice=HOST_NICE)
    capture.wait_ready()
    before = interface_counters(lab.network, *_LINK)
    cells = [PORTS[host] for host in HOSTS]
    sampler = Sampler(lab, register=REGISTER, cells=cells, interface=f"{SWITCH}-eth{PORTS[SERVER]}")
    mix = Mix(lab.network, megabits_per_s=schedule.rate, seconds=schedule.duration, nice=HOST_NICE)
    lab.arm()
    armed = time.monotonic()  # earlier frames belong to the previous trial, whose state is gone
    wait_all(sampler, mix)
    mix.knock_early()
    if reconfigures:
        lab.control.on_event = knock_moment("pk_reg", mix.knock_late)
    timeline = lab.timeline(lead_s=0.2)
    mix.go(timeline.start, ended_s=schedule.ended)
    timeline.at(0.0, mix.go_tcp)
    if reconfigures:
        timeline.at(schedule.reconfigure, lab.begin_reconfiguration)
    timeline.run(schedule.duration + 0.05, lambda second: _show(show, trial, lab, sampler, timeline.start, second))
    outcome = lab.end_reconfiguration() if reconfigures else {}
    lab.control.on_event = None
    hosts = mix.finish(late=reconfigures)
    _wait_until_quiet(lab)
    read_at = timeline.now()
    in_cells = lab.control.call("read_cells", {"register": REGISTER, "start": min(cells), "count": len(cells)})
    samples = sampler.finish(timeline.start, since=armed)
    after = interface_counters(lab.network, *_LINK).since(before)
    captured = capture.finish()
    stats = lab.control.call("stats")
    events = lab.events(timeline.start)

    everything = captured.frames.assign(received_s=captured.frames["received_s"] - timeline.start)
    frames = counted_frames(everything[everything["received_s"] >= armed - timeline.start])
    phases = Phases.of(events) if reconfigures else None
    window, swap = (None, None) if phases is None else (phases.window, phases.swap)
    state = {flow: int(in_cells[PORTS[host] - min(cells)]) for flow, host in FLOWS.items()}
    wire = {flow: int(frames.loc[frames["flow"] == flow, "bytes"].sum()) for flow in FLOWS}
    evidence = Evidence(
        traffic=Interval(schedule.ended, schedule.duration),
        window=window,
        swap=swap,
        latest_packet_ms=max(total.worst_late_ns for total in hosts.senders.values()) / 1e6,
        slow_packet_ms=slow_packet_ms(hosts.received, window, timeline.start),
        control_waited=None if window is None else control_waited(samples, window),
        capture_dropped=captured.dropped,
        captured_bytes=int(everything["bytes"].sum()),
        interface_bytes=after.rx_bytes,
        after_reading=int((frames["received_s"] > read_at).sum()),
        late_knock=hosts.knocks["late"][1] - timeline.start if "late" in hosts.knocks else None,
        knock_deadline=swap.begin if swap is not None and trial.strategy in PUBLISHED_FATES else None,
    )
    found = list(problems(evidence, accept_busy=options.accept_busy))
    delta = Delta.of(sum(wire.values()), sum(state.values()))
    if not reconfigures and delta.missing_bytes:
        found.append(f"without a reconfiguration {delta.missing_bytes} bytes were missing in the state")
    missing = missing_over_time(frames, samples, unreadable=unreadable(options.target, phases))
    measured: dict[str, Any] = {
        "duration": schedule.duration,
        "ended": schedule.ended,
        "conditions": {
            "latest_packet_ms": evidence.latest_packet_ms,
            "slow_packet_ms": evidence.slow_packet_ms,
            "control_waited": evidence.control_waited,
            "capture_dropped": evidence.capture_dropped,
        },
        **vars(delta),
        "sampling_error_bytes": error_before(missing, schedule.reconfigure),
        "bytes_by_flow": by_flow(wire, state),
        "lost_packets": {flow: lost_packets(hosts, flow) for flow in UDP},
        "knocks": {flow: last - timeline.start for flow, (_, last) in hosts.knocks.items()},
        "probes_sent": hosts.probes,
        "outcome": outcome,
        "switch": stats,
        **flow_numbers(frames, hosts.report, swap, schedule.duration, schedule.rate),
    }
    if phases is not None and window is not None and swap is not None:
        measured |= {"window": vars(window), "swap": vars(swap), "phases": phases.durations()}
        measured |= cpu_numbers(samples, window)
    kept = {"frames": frames[["flow", "received_s", "bytes"]], "state": samples}
    documents = {"iperf3": hosts.report}
    disturbance = evidence.latest_packet_ms
    return TrialResult(measured, kept, events, invalid=tuple(found), disturbance=disturbance, documents=documents)


def _wait_until_quiet(lab: Lab) -> None:
    """Waits until the server's link has been idle for a while; the probes have ended. Later frames are noticed."""
    deadline = time.monotonic() + _NOISY_S
    before = interface_counters(lab.network, *_LINK).rx_packets
    while time.monotonic() < deadline:
        time.sleep(_QUIET_S)
        now = interface_counters(lab.network, *_LINK).rx_packets
        if now == before:
            return
        before = now


def counted_frames(frames: pd.DataFrame) -> pd.DataFrame:
    """The frames of the flows to the server, with `flow`."""
    names = {_number(ip_of(host)): flow for flow, host in FLOWS.items()}
    to_server = (frames["type"] == IPV4) & (frames["destination"] == _number(ip_of(SERVER)))
    named = frames.assign(flow=frames["source"].map(names))
    kept: pd.DataFrame = named[to_server & named["flow"].notna()].reset_index(drop=True)
    return kept


def unreadable(target: str, phases: Phases | None) -> Interval | None:
    """When samples show another program's state: on bmv2, from saving the new program to the swap."""
    if target != "bmv2" or phases is None or not (saves := phases.by_name.get("save", ())):
        return None
    return Interval(saves[0].begin, phases.swap.end)


def _number(address: str) -> int:
    return int.from_bytes(bytes(int(part) for part in address.split(".")), "big")


def _show(show: Display, trial: Trial, lab: Lab, sampler: Sampler, start: float, second: float) -> None:
    show.state(f"{trial.name}: {'reconfiguring' if lab.control.busy() else 'traffic'}", second)
    if isinstance(show, Watch):
        show.news(trial.name, start, sampler.news(), lab.events(start))


def run(options: CommonOptions, schedule: Schedule, *, watch: bool = False) -> int:
    """All trials, the summary, the figure, the table."""
    from plots import scenario as plot  # importing matplotlib takes a while

    names = (CONTROL_TRIAL, *options.strategies)
    trials = [Trial(name, repeat) for repeat in range(1, options.repeats + 1) for name in names]
    open_display: Callable[[float], AbstractContextManager[Display]] | None = watching if watch else None
    with ExitStack() as stack:
        shared = SharedLab(stack)
        sweep = run_sweep(
            EXPERIMENT,
            options,
            trials,
            lambda trial, show: run_trial(trial, options, schedule, shared, show),
            trial_s=schedule.duration,
            record={"rate": schedule.rate, "trial_s": schedule.duration, "tcp_frame_bytes": FRAME_BYTES},
            open_display=open_display,
            after_failure=shared.drop,
        )
    measured = summarise({trial.name: trial.strategy for trial in taking_part(trials, options)}, sweep)
    return conclude(
        sweep,
        options,
        measured,
        [],
        draw=plot.main,
        table=lambda found, _, path: scenario_table(found, path, paced=options.profile == "paper"),
    )


def _rate(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"a rate must be above 0: {text}")
    return value


def parse(arguments: list[str] | None) -> tuple[CommonOptions, Schedule, bool]:
    """Options, schedule and whether to show the live view; exits with code 2 for wrong usage."""
    parser = common_parser(__doc__, repeats=3, quick_repeats=1)
    parser.add_argument(
        "--rate",
        type=_rate,
        default=RATE_MBIT,
        metavar="MBPS",
        help="rate of each of the five flows (default: %(default)g)",
    )
    parser.add_argument("--watch", action="store_true", help="a live view of the running trial in the terminal")
    namespace = parser.parse_args(arguments)
    if namespace.watch and namespace.json:
        parser.error("--watch shows a view in the terminal, --json prints the summary and nothing else: choose one")
    options = common_options(namespace, parser, default=available_strategies(), available=available_strategies())
    duration = options.duration_s or (QUICK_S if options.quick else USUAL_S)
    try:
        schedule = Schedule.of(duration, options.profile, namespace.rate)
    except ValueError as error:
        parser.error(str(error))
    return options, schedule, namespace.watch


def main(arguments: list[str] | None = None) -> int:
    options, schedule, watch = parse(arguments)
    return run_main(lambda: run(options, schedule, watch=watch))


if __name__ == "__main__":
    sys.exit(main())
