"""The exercises of p4lang/tutorials, each with its own Makefile: `python -m conformance.labs.tutorials`.

A checkout of p4lang/tutorials is copied, and never written to. The solutions take the place of the students' files,
`make run` starts the network, what a student would type is typed to Mininet, and what the README says has to happen.
Nothing is changed but PATH: the commands of `softswitch compat install`, and where `sudo` is missing, one that runs its
command. Where the kernel has no htb, which makes a link slow, `set_queue_rate` is typed to its switches (slow_links).
The tutorials' own programs run with the Python that `--python` names: it needs Mininet, the packages
p4runtime, p4runtime-shell, scapy and psutil; the module p4.tmp, which p4lang/PI installs, is added where it is missing.

Each network is in namespaces of its own (network, processes, mounts), which end with it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from conformance.labs import runs
from conformance.labs.runs import Collection, Exercise, Outcome, prepare
from conformance.labs.slow_links import kernel_has_htb, queue_rates, topology_of
from conformance.labs.tutorial_exercises import EXERCISES

_MODULES = ("p4.v1.p4runtime_pb2", "psutil", "scapy")
_COMMANDS = ("make", "arp", "route", "iperf", "ping")


def _begin(options: argparse.Namespace, folder: Path) -> Callable[[Exercise, Path], Outcome]:
    environment = prepare(folder, options.python.absolute(), _MODULES, _COMMANDS)
    checkout = folder / "tutorials"
    for part in ("exercises", "utils"):
        shutil.copytree(options.folder / part, checkout / part)
    htb = kernel_has_htb()
    if not htb:
        print("no htb in this kernel: set_queue_rate is typed to the switches of links with a bandwidth", flush=True)

    def run(exercise: Exercise, output: Path) -> Outcome:
        where = checkout / "exercises" / exercise.name
        if not (where / "solution").is_dir():
            return Outcome(exercise, f"there is no folder {where / 'solution'}", 0)
        shutil.copytree(where / "solution", where, dirs_exist_ok=True)
        before = [] if htb else list(queue_rates(topology_of(where)))
        return runs.run(exercise, before, "make run", where, output, environment)

    return run


TUTORIALS = Collection("p4lang/tutorials", "utils/run_exercise.py", EXERCISES, _begin)


def main(argv: Sequence[str] | None = None) -> int:
    return runs.main(TUTORIALS, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
