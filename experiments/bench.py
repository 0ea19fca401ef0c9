"""The switch's own benchmark: forwarding compared with a Linux bridge (and bmv2, if installed), control, clones.

All switches run at the same time and take turns, so that ratios compare the same machine at the same time. Frames have
at most 1500 bytes of IP, and every number is the median of the repeats with its spread. Offloads are off, except on a
second pair of switch and bridge whose hosts keep theirs. With --target bmv2 the control plane and the clones of bmv2
are measured.

With --io-threads N, softswitch receives and sends with as many threads.

With --compare REV the tables of that revision of this repository are measured beside those of this one.

Exit code: 0: everything was measured (expectations are shown but not enforced, because machines differ); 2: errors.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import nfs
from experiments.claims.base import Claim, Verdict
from experiments.claims.stats import spread
from experiments.control.client import ControlProcess
from experiments.control.errors import ControlError
from experiments.control.programs import store_prepared
from experiments.harness.lab import SWITCHES
from experiments.harness.main import EXIT_OK, run_main
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.progress import Display, display
from experiments.harness.results import ResultFolder
from experiments.measure.cores import divided_cores
from experiments.measure.disturbance import FlowQuality, steady_flow
from experiments.measure.exact_cost import Kept, throughput_kept
from experiments.measure.forwarding import frame_rate
from experiments.measure.pipeline import pipeline_speed
from experiments.measure.table_speed import TREE, control, lookups, revision
from experiments.tables.bench import bench_table
from experiments.traffic.armed import OwnLossError, TrafficError
from experiments.traffic.iperf3 import tcp_rate
from softswitch.cli.arguments import io_threads
from softswitch.dataplane.threads import IoThreads
from state4.targets.bmv2.program import bmv2_config_of
from topologies.bmv2 import Bmv2Switch, bmv2_installed
from topologies.bridge import LinuxBridge
from topologies.network import RunningNetwork, running_network
from topologies.nodes import OffloadLink
from topologies.paper import SERVER, SWITCH, PaperTopo, ip_of
from topologies.switch import SoftSwitch

EXPERIMENT = "bench"
PROGRAM = nfs.program_path("chained")
NEW_PROGRAM = nfs.program_path("chained_v2")
CLONING_PROGRAM = nfs.program_path("byte_counter")
STEADY_MBIT = 100.0
_ATTEMPTS = 3
_CLONE_STEPS = (1.0, 0.8, 0.6, 0.4, 0.2)  # of the flood, until no clone is lost


def control_of(network: RunningNetwork) -> ControlProcess:
    control = ControlProcess.of_switch(network, SWITCH)
    control.wait_ready()
    return control


class Bench:
    """The networks under test, with one method for each measurement. All numbers are of one repeat."""

    def __init__(
        self,
        stack: ExitStack,
        seconds: float,
        target: str = "softswitch",
        compare: str | None = None,
        io_threads: IoThreads | None = None,
    ) -> None:
        self.trees = {"here": TREE}
        if compare is not None:
            self.trees["there"] = stack.enter_context(revision(compare))
        self.seconds = seconds
        flags = () if io_threads is None else ("--io-threads", str(io_threads))
        start = partial(SoftSwitch, program=PROGRAM, options=flags)
        soft = stack.enter_context(running_network(PaperTopo(), switch=start))
        self.control = control_of(soft)
        entries = {"entries": str(nfs.entries_path(PROGRAM)), "left_out_groups": []}
        self.control.call("write_entries", entries)
        bridge = stack.enter_context(running_network(PaperTopo(), switch=LinuxBridge))
        self.switches = {"softswitch": soft, "bridge": bridge}
        fast = stack.enter_context(running_network(PaperTopo(), switch=start, link=OffloadLink))
        control = control_of(fast)
        control.call("write_entries", entries)
        control.finish()
        bridge = stack.enter_context(running_network(PaperTopo(), switch=LinuxBridge, link=OffloadLink))
        self.with_offloads = {"softswitch": fast, "bridge": bridge}
        if bmv2_installed():
            bmv2 = partial(Bmv2Switch, config=bmv2_config_of(PROGRAM))
            self.switches["bmv2"] = stack.enter_context(running_network(PaperTopo(), switch=bmv2))
            control = control_of(self.switches["bmv2"])
            control.call("write_entries", entries)
            if target == "bmv2":
                self.control.finish()
                self.control = control
        self.network = self.switches[target]  # whose control plane is measured
        cloning = partial(SoftSwitch, options=flags) if target == "softswitch" else SWITCHES[target]
        self.cloning = stack.enter_context(running_network(PaperTopo(), switch=cloning))
        self.cloning_control = control_of(self.cloning)
        prepared = store_prepared(CLONING_PROGRAM, self.cloning.directory.path)
        entries["entries"] = str(nfs.entries_path(CLONING_PROGRAM))
        self.cloning_control.call("install", {"program": str(prepared), **entries})
        self.prepared = prepared
        self.flooded: tuple[RunningNetwork, ControlProcess] | None = None
        self.ring_first = False
        if target == "softswitch":
            with divided_cores():
                network = stack.enter_context(running_network(PaperTopo(), switch=SoftSwitch))
                control = control_of(network)
                control.call("install", {"program": str(prepared), **entries})
                self.flooded = network, control

    def forwarding(self) -> dict[str, Any]:
        """TCP goodput and 64-byte frames per second, through each switch in turn."""
        result: dict[str, Any] = {}
        for name, network in self.switches.items():
            tcp = tcp_rate(network, "h1", SERVER, ip_of(SERVER), seconds=self.seconds)
            result[f"tcp_gbit_per_s.{name}"] = tcp.gigabits_per_s
            frames = frame_rate(network, "h1", SERVER, ip_of(SERVER), seconds=self.seconds)
            result[f"udp64_frames_per_s.{name}"] = frames.received_per_s
            result[f"udp64_offered_per_s.{name}"] = frames.offered_per_s
        for kind in ("tcp_gbit_per_s", "udp64_frames_per_s"):
            result[f"{kind}.ratio"] = result[f"{kind}.softswitch"] / result[f"{kind}.bridge"]
        return result

    def offloads(self) -> dict[str, Any]:
        """TCP goodput of hosts that keep their offloads, and that of the bridge with offloads on and off."""
        result: dict[str, Any] = {}
        for name, network in (*self.with_offloads.items(), ("bridge_without", self.switches["bridge"])):
            tcp = tcp_rate(network, "h1", SERVER, ip_of(SERVER), seconds=self.seconds)
            result[f"tcp_offloads_gbit_per_s.{name}"] = tcp.gigabits_per_s
        rate = result["tcp_offloads_gbit_per_s.softswitch"]
        result["tcp_offloads_gbit_per_s.ratio"] = rate / result["tcp_offloads_gbit_per_s.bridge"]
        result["tcp_offloads_gbit_per_s.ratio_without"] = rate / result["tcp_offloads_gbit_per_s.bridge_without"]
        return result

    def pipeline(self) -> dict[str, Any]:
        """Packets per second of the compiled program alone."""
        return {"pipeline_packets_per_s": pipeline_speed(PROGRAM, nfs.entries_path(PROGRAM)).packets_per_s}

    def tables(self) -> dict[str, Any]:
        """Processor time for large tables, in this revision and in the one compared."""
        found = {name: {**lookups(tree), **control(tree)} for name, tree in self.trees.items()}
        result: dict[str, Any] = {f"{key}.here": value for key, value in found["here"].items()}
        for key, value in found.get("there", {}).items():
            result |= {f"{key}.there": value, f"{key}.ratio": value / max(result[f"{key}.here"], 0.01)}
        return result

    def _steady(self, action: Callable[[], Any] | None = None) -> tuple[FlowQuality, Any]:
        return steady_flow(self.network, megabits_per_s=STEADY_MBIT, seconds=self.seconds, action=action)

    def undisturbed(self) -> dict[str, Any]:
        """The steady flow without any operation."""
        flow, _ = self._steady()
        return {"undisturbed_gap_ms": flow.longest_gap_ms, "undisturbed_lost": flow.lost}

    def read_state(self) -> dict[str, Any]:
        """Reads all register cells over gRPC under traffic."""
        self.control.call("stats", {"reset": True})
        flow, read = self._steady(lambda: self.control.call("read_all"))
        held = self.control.call("stats")
        return {
            "read_all_s": read["read_s"],
            "read_all_cells": read["cells"],
            "read_all_held_ms": held["longest_hold_ms"],
            "read_all_gap_ms": flow.longest_gap_ms,
            "read_all_lost": flow.lost,
        }

    def swap(self) -> dict[str, Any]:
        """chained.p4 to chained_v2.p4 and back, including entries, under traffic."""
        folder = self.network.directory.path
        result: dict[str, Any] = {}
        for program in (NEW_PROGRAM, PROGRAM):
            prepared = store_prepared(program, folder)
            arguments = {"program": str(prepared), "entries": str(nfs.entries_path(program))}
            self.control.call("stats", {"reset": True})
            flow, times = self._steady(partial(self.control.call, "swap", arguments))
            held = self.control.call("stats")
            one = {
                "swap_save_s": times["save_s"],
                "swap_commit_s": times["commit_s"],
                "swap_save_and_commit_s": times["save_s"] + times["commit_s"],
                "swap_gap_ms": flow.longest_gap_ms,
                "swap_held_ms": held["longest_hold_ms"],
                "swap_lost": flow.lost,
            }
            result = one if not result else {name: max(value, result[name]) for name, value in one.items()}
        return result

    def clones(self) -> dict[str, Any]:
        """The highest rate of clones that the listener receives without loss: first of a flood, then more slowly."""
        flood = 0.0
        for share in _CLONE_STEPS:
            self.cloning_control.call("start_cloning")
            rate = frame_rate(
                self.cloning,
                "h1",
                SERVER,
                ip_of(SERVER),
                seconds=self.seconds,
                frames_per_s=None if share == 1.0 else share * flood,
            )
            got = self.cloning_control.call("stop_cloning")
            if share == 1.0:
                flood = rate.received_per_s
            if got["complete"] and got["lost"] == 0:
                per_s = got["clones"] / self.seconds
                return {"clones_per_s": per_s, "clones_share_of_flood": share, "flood_frames_per_s": flood}
        return {"clones_per_s": 0.0, "clones_share_of_flood": 0.0, "flood_frames_per_s": flood}

    def exact(self) -> dict[str, Any]:
        """Throughput that is left while state4_exact works and every packet writes state, with the update ring and with
        clones in turn."""
        assert self.flooded is not None
        network, control = self.flooded
        self.ring_first = not self.ring_first
        result: dict[str, Any] = {}
        for ring in (True, False) if self.ring_first else (False, True):
            how = "ring" if ring else "clones"
            try:
                kept = self._kept(network, control, ring=ring)
            except ControlError:  # a flooded switch may decline it
                result[f"exact_failed.{how}"] = 1.0
                continue
            if kept.ring != ring:
                raise TrafficError(f"updates {'did not come' if ring else 'came'} by shared memory")
            result |= {f"exact_kept.{how}": kept.share, f"exact_lost.{how}": kept.lost, f"exact_s.{how}": kept.seconds}
            result |= {f"exact_failed.{how}": 0.0, f"exact_frames_per_s.{how}": kept.before_per_s}
        return result

    def _kept(self, network: RunningNetwork, control: ControlProcess, *, ring: bool) -> Kept:
        """Measured anew if the receiver was too slow. Raises TrafficError if it always is; ControlError."""

        def once() -> Kept:
            with divided_cores() as cores:
                return throughput_kept(
                    network, control, self.prepared, nfs.entries_path(CLONING_PROGRAM), cores, ring=ring
                )

        for _ in range(_ATTEMPTS - 1):
            with suppress(OwnLossError):
                return once()
        return once()


def expectations(measured: dict[str, dict[str, float]]) -> list[Claim]:
    """The project's own targets, next to the measured values."""

    def claim(
        name: str, key: str, limit: float, unit: str, *, above: bool = False, worst: bool = False
    ) -> Claim | None:
        if key not in measured:
            return None
        value = measured[key]["maximum" if worst else "median"]
        holds = value >= limit if above else value <= limit
        verdict = Verdict.HOLDS if holds else Verdict.FAILS
        return Claim(name, f"{'>=' if above else '<='} {limit:g}", value, unit, verdict, f"{value:.4g} {unit}")

    claims = [
        claim("tcp", "tcp_gbit_per_s.softswitch", 1.2, "Gbit/s", above=True),
        claim("tcp-offloads", "tcp_offloads_gbit_per_s.ratio", 0.4, "of the bridge", above=True),
        claim("tcp-offloads-gain", "tcp_offloads_gbit_per_s.ratio_without", 2.0, "of the bridge without", above=True),
        claim("read-all", "read_all_s", 0.2, "s"),
        claim("read-all-held", "read_all_held_ms", 1.0, "ms"),
        claim("save-and-commit", "swap_save_and_commit_s", 0.1, "s"),
        claim("swap-lost", "swap_lost", 0, "packets", worst=True),
        claim("exact-kept", "exact_kept.ring", 0.9, "of the throughput", above=True),
        claim("exact-failed", "exact_failed.ring", 0, "of the reconfigurations", worst=True),
        claim("clones", "clones_share_of_flood", 1.0, "of the flood", above=True),
    ]
    return [claim for claim in claims if claim is not None]


def run(options: CommonOptions, compare: str | None = None, io_threads: IoThreads | None = None) -> int:
    seconds = options.duration_s or (1.0 if options.quick else 3.0)
    steps = ["forwarding", "offloads", "undisturbed", "read_state", "swap", "clones"]
    if options.target == "softswitch":
        steps.insert(2, "pipeline")
        steps += ["exact", "tables"]
    record = {**options.for_record(), "io_threads": io_threads}
    folder = ResultFolder.create(options.out, EXPERIMENT, record, seed=options.seed)
    rows: list[dict[str, Any]] = []
    with display(options.repeats * len(steps) * 1.0, quiet=options.json) as show, ExitStack() as stack:
        show.state("starting the switches")
        bench = Bench(stack, seconds, options.target, compare, io_threads)
        for repeat in range(1, options.repeats + 1):
            row: dict[str, Any] = {}
            for step in steps:
                _step(show, f"{repeat}/{options.repeats} {step}")
                row |= getattr(bench, step)()
                show.end_trial()
            if options.target == "bmv2":  # bmv2 does not report how long packets waited
                row = {name: value for name, value in row.items() if not name.endswith("_held_ms")}
            folder.add_trial(f"repeat-{repeat}", {"repeat": repeat, **row})
            rows.append(row)
    measured = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row[name] for row in rows if name in row]
        measured[name] = spread(values).as_dict()
    claims = expectations(measured) if options.target == "softswitch" else []
    summary: Path = folder.finish(target=options.target, profile="native", measured=measured, claims=claims)
    if options.json:
        print(summary.read_text(encoding="utf-8"), end="")
    else:
        bench_table(measured, claims, folder.path)
    return EXIT_OK


def _step(show: Display, text: str) -> None:
    show.begin_trial(text, 1.0)


def main(arguments: list[str] | None = None) -> int:
    parser = common_parser(__doc__, repeats=3)
    parser.add_argument(
        "--compare", metavar="REV", help="measure tables of this revision, too (463504c: the first one)"
    )
    parser.add_argument(
        "--io-threads", type=io_threads, metavar="N", help="of softswitch, a number or auto (default: as it has)"
    )
    namespace = parser.parse_args(arguments)
    options = common_options(namespace, parser, default=(), available=())
    return run_main(lambda: run(options, namespace.compare, namespace.io_threads))


if __name__ == "__main__":
    sys.exit(main())
