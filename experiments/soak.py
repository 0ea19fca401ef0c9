"""Soak: repeated reconfigurations back and forth between chained.p4 and chained_v2.p4, under traffic (state4_exact).

A UDP flow goes from h1 to the server, and from h2 come knocks that are each sent once, so that a lost update stays
lost. A second controller inserts, modifies and deletes entries throughout. At the end pk_reg must equal that of a
switch in memory that got the same knocks and was never changed; the flow must have arrived completely; the second
controller's entries must be as acknowledged, and all others as in the beginning; and the memory of the switch and of
the controller must not grow. HULA's registers contain times and loads by the switch's own clock, which a second switch
does not share: they are not compared. flow_bytes is only in chained_v2.p4; going back drops it, which is allowed here.

Exit code: 0: all of that holds; 1: it does not; 2: wrong usage or failed runs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import nfs
from experiments.control.programs import store_prepared
from experiments.control.second_controller import start_second_controller
from experiments.harness.lab import Lab, Plan, open_lab
from experiments.harness.main import EXIT_CLAIM_FAILS, EXIT_OK, run_main
from experiments.harness.options import TARGETS, require_target
from experiments.measure.pipeline import loaded_pipeline
from experiments.traffic.armed import ArmedProcess, wait_all
from experiments.traffic.flow import Flow
from experiments.traffic.knock_series import knock
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from softswitch.build.device_config import collect
from topologies.paper import PORTS, SERVER, SWITCH, ip_of

OLD, NEW = nfs.program_path("chained"), nfs.program_path("chained_v2")
STRATEGY = "state4_exact"
KNOCKS_PER_S = 2000.0
FLOW_MBIT = 20.0
WRITES_PER_S = 100.0
GROWTH_BYTES = 16 << 20
"""Memory that may be taken after the first tenth of the run, or the first changes, while caches fill."""
_FILLING = 5
_AT_AN_END = 5
_FLOW_PORT = 5000
_MAX_S = 7200.0


def run(count: int, *, as_json: bool, target: str = "softswitch") -> int:
    plan = Plan(OLD, nfs.entries_path(OLD), NEW, nfs.entries_path(NEW), STRATEGY, "native", target=target)
    with open_lab(plan) as lab:
        found = soak(lab, count, quiet=as_json)
    print(json.dumps(found, indent=2))
    return EXIT_OK if all(found["holds"].values()) else EXIT_CLAIM_FAILS


def soak(lab: Lab, count: int, *, quiet: bool) -> dict[str, Any]:
    folder = lab.network.directory.path
    receiver = Receiver(lab.network, SERVER, [_FLOW_PORT], record=False)
    sender = Sender(lab.network, Flow(1, "h1", ip_of(SERVER), _FLOW_PORT, Flow.interval_for(FLOW_MBIT)))
    argv = [sys.executable, "-m", "experiments.traffic.knock_series", "--interface", "h2-eth0"]
    lab.arm()
    knocker = ArmedProcess(lab.network, "h2", "knocks", [*argv, "--per-second", str(KNOCKS_PER_S)])
    writer = start_second_controller(lab.network, SWITCH, WRITES_PER_S) if lab.plan.target == "softswitch" else None
    wait_all(receiver, sender, knocker, *([writer] if writer else []))
    entries = lab.control.call("entities")
    start = time.monotonic() + 0.05
    if writer is not None:
        writer.command("go")
    sender.go(start, start + _MAX_S)
    changes = []
    for number in range(count):
        program = (NEW, OLD)[number % 2]
        change = lab.control.call(
            "change",
            {
                "strategy": STRATEGY,
                "program": str(store_prepared(program, folder)),
                "entries": str(nfs.entries_path(program)),
            },
        )
        changes.append({**change, "switch_rss": _rss(lab)})
        lab.switch.check()
        if not quiet and (number + 1) % 50 == 0:
            print(f"{number + 1} of {count}, {time.monotonic() - start:.0f} s", file=sys.stderr)
    written = writer.finish() if writer is not None else None
    sent = int(knocker.finish()["sent"])
    flow = sender.finish()
    time.sleep(0.2)  # lets frames waiting in the switch arrive
    arrived = receiver.stop()
    lab.control.call("snapshot", {"path": str(folder / "end.npz")})
    stages = _register(folder / "end.npz", "pk_reg")
    expected = oracle(sent)
    wrong = int(np.count_nonzero(stages != expected))
    steady = changes[min(count, max(_FILLING, count // 10)) - 1 :]
    growth = {name: grown([change[name] for change in steady]) for name in ("switch_rss", "controller_rss")}
    holds = {
        "state": wrong == 0 and sent > 0,
        "flow": flow.sent == arrived.packets,
        "entries": count % 2 == 1 or lab.control.call("entities") == entries,
        "memory": max(growth.values()) <= GROWTH_BYTES,
    }
    if written is not None:
        holds["writes"] = written["wrong"] == 0 and written["acknowledged"] > 0
    not_judged = {}
    if lab.plan.target == "bmv2":
        del holds["flow"]
        not_judged["flow"] = "bmv2 takes no packets while it swaps, and may lose some"
        if flow.sent != arrived.packets:
            del holds["state"]
            not_judged["state"] = "packets were lost, and knocks may be among them"
    held = [1e3 * change["held_s"] for change in changes if change["held_s"] is not None]
    return {
        "reconfigurations": count,
        "knocks": sent,
        "sources": int(np.count_nonzero(expected)),
        "wrong_cells": wrong,
        "flow_sent": flow.sent,
        "flow_received": arrived.packets,
        "total_ms": _spread([1e3 * change["total_s"] for change in changes]),
        "held_ms": _spread(held) if held else None,
        "second_controller": written,
        "lost_clones": sum(change["lost_clones"] for change in changes),
        "memory_growth_bytes": growth,
        "holds": holds,
        **({"not_judged": not_judged} if not_judged else {}),
    }


def grown(values: Sequence[int]) -> int:
    """By how much memory has grown, from the least of the first values to the least of the last. In some of them the
    listener's ring, 16 MiB, has not been freed yet; a leak is in all of them."""
    size = min(_AT_AN_END, len(values))
    return min(values[-size:]) - min(values[:size])


def oracle(knocks: int) -> np.ndarray[Any, Any]:
    """pk_reg of a switch that was never reconfigured, after the first so many knocks."""
    with loaded_pipeline(collect(OLD), nfs.entries_path(OLD)) as pipeline:
        for number in range(knocks):
            pipeline.inject(PORTS["h2"], knock(number))
        return pipeline.register("pk_reg")


def _register(file: Path, name: str) -> np.ndarray[Any, Any]:
    with np.load(file) as contents:
        (full,) = [key for key in contents.files if key.endswith(name)]
        cells: np.ndarray[Any, Any] = contents[full]
        return cells


def _rss(lab: Lab) -> int:
    """Resident memory of the switch's process in bytes."""
    assert lab.switch.process is not None
    pages = Path(f"/proc/{lab.switch.process.pid}/statm").read_text(encoding="utf-8").split()[1]
    return int(pages) * 4096


def _spread(values: list[float]) -> dict[str, float]:
    names = {"minimum": 0, "median": 50, "p99": 99, "maximum": 100}
    return {name: round(float(np.percentile(values, share)), 3) for name, share in names.items()}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="reconfigurations (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print only the result")
    parser.add_argument("--target", choices=TARGETS, default="softswitch", help="the switch (default: %(default)s)")
    options = parser.parse_args(arguments)
    require_target(options.target, parser)
    if options.count < 1:
        parser.error("--count must be at least 1")
    return run_main(lambda: run(options.count, as_json=options.json, target=options.target))


if __name__ == "__main__":
    sys.exit(main())
