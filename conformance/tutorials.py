"""The exercises of p4lang/tutorials, each with its own Makefile, on this switch: `python -m conformance.tutorials`.

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
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.slow_links import kernel_has_htb, queue_rates, topology_of
from conformance.tutorial_exercises import EXERCISES, Exercise, NotAsSaid
from softswitch.compat.install import install
from softswitch.errors import SwitchError
from softswitch.proto.device_config_wrapper import P4DeviceConfig

_LIMIT_S = 400
_NEEDED = ("mininet", "p4.v1.p4runtime_pb2", "psutil", "scapy")
_SUDO = '#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do shift; done\nexec env "$@"\n'
_P4 = "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n"
_P4CONFIG = """\
from google.protobuf import descriptor_pool
from google.protobuf.internal import builder

DESCRIPTOR = descriptor_pool.Default().AddSerializedFile({content!r})
builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "p4.tmp.p4config_pb2", globals())
"""


class Unusable(Exception):
    """The exercises cannot be run here; the message says what is missing."""


@dataclass(frozen=True)
class Outcome:
    """`problem` is empty if everything happened that was to."""

    exercise: Exercise
    problem: str
    seconds: float


def run_exercise(
    exercise: Exercise, checkout: Path, folder: Path, environment: Mapping[str, str], *, htb: bool
) -> Outcome:
    """`folder`: for the outputs; `checkout` is ours to write to. `htb`: whether the kernel can make links slow."""
    began = time.monotonic()
    where = checkout / "exercises" / exercise.name
    solution = where / "solution"
    if not solution.is_dir():
        return Outcome(exercise, f"there is no folder {solution}", 0)
    shutil.copytree(solution, where, dirs_exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted({name for line in exercise.lines for name in re.findall(r"\{(\w+)\}", line)})
    files = {name: folder / f"{name}.txt" for name in names}
    lines = [] if htb else list(queue_rates(topology_of(where)))
    lines += [re.sub(r"\{(\w+)\}", lambda found: str(files[found[1]]), line) for line in exercise.lines]
    for file in files.values():
        file.touch()
    problem = _mininet(where, [*lines, "exit", ""], folder / "mininet.txt", environment)
    for logs in (where / "logs").glob("*.log"):
        shutil.copy(logs, folder)
    if not problem:
        outputs = {name: file.read_text(errors="replace") for name, file in files.items()}
        outputs[""] = (folder / "mininet.txt").read_text(errors="replace")
        try:
            exercise.check(outputs)
        except NotAsSaid as error:
            problem = f"not so: {error}"
    return Outcome(exercise, problem, time.monotonic() - began)


def _mininet(where: Path, lines: Sequence[str], output: Path, environment: Mapping[str, str]) -> str:
    """`make run` with these lines for Mininet; what went wrong, or nothing."""
    inner = "ip link set lo up && exec make run"
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "--mount", "sh", "-c", inner]
    with output.open("wb") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT, cwd=where, env=dict(environment)
        )
        try:
            process.communicate("\n".join(lines).encode(), _LIMIT_S)
        except subprocess.TimeoutExpired:
            return f"it took more than {_LIMIT_S} s"
        finally:
            process.kill()  # --kill-child ends all processes of its namespace
            process.wait()
    return f"make run ended with {process.returncode} ({output})" if process.returncode else ""


def prepare(folder: Path, python: Path) -> dict[str, str]:
    """The environment that the exercises run in, made in a folder. Raises Unusable, SwitchError."""
    commands, modules = folder / "bin", folder / "modules"
    install(commands)
    if shutil.which("sudo") is None:
        (commands / "sudo").write_text(_SUDO)
        (commands / "sudo").chmod(0o755)
    _add_p4_tmp(modules / "p4")
    environment = {**os.environ, "PATH": f"{commands}:{python.parent}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"}
    if subprocess.run([python, "-c", "import p4.tmp.p4config_pb2"], capture_output=True, check=False).returncode:
        environment["PYTHONPATH"] = str(modules)
    for module in (*_NEEDED, "p4.tmp.p4config_pb2"):
        done = subprocess.run(
            [python, "-c", f"import {module}"], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Unusable(f"{python} has no {module}: {done.stderr.strip().splitlines()[-1]}")
    missing = [
        name
        for name in ("make", "mn", "mnexec", "arp", "route", "iperf", "ping", "unshare")
        if shutil.which(name) is None
    ]
    if missing:
        raise Unusable(f"missing commands: {', '.join(missing)} (Debian: make mininet net-tools iperf iputils-ping)")
    return environment


def _add_p4_tmp(package: Path) -> None:
    """The module p4.tmp.p4config_pb2, as protoc would write it, beside the p4 of the package p4runtime."""
    (package / "tmp").mkdir(parents=True)
    (package / "__init__.py").write_text(_P4)
    (package / "tmp" / "__init__.py").touch()
    content = P4DeviceConfig.DESCRIPTOR.file.serialized_pb
    (package / "tmp" / "p4config_pb2.py").write_text(_P4CONFIG.format(content=content))


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0 if every exercise did what its README says, 1 if not, 2 if they cannot be run here."""
    parser = argparse.ArgumentParser(prog="conformance.tutorials", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a checkout of p4lang/tutorials")
    parser.add_argument("exercises", nargs="*", metavar="EXERCISE", help="some of them (default: all 13)")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="runs the tutorials' own programs")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="keep what was printed, and the switches' logs, there"
    )
    options = parser.parse_args(argv)
    known = {exercise.name: exercise for exercise in EXERCISES}
    unknown = [name for name in options.exercises if name not in known]
    try:
        if unknown:
            raise Unusable(f"there is no exercise {unknown[0]}")
        if not (options.folder / "utils" / "run_exercise.py").is_file():
            raise Unusable(f"{options.folder} is no checkout of p4lang/tutorials")
        if os.geteuid():
            raise Unusable("Mininet needs root")
        with tempfile.TemporaryDirectory(prefix="tutorials-") as name:
            folder = Path(name)
            environment = prepare(folder, options.python.absolute())
            chosen = [known[name] for name in options.exercises] or list(EXERCISES)
            return _run_all(chosen, options.folder, folder, options.output or folder / "output", environment)
    except (Unusable, SwitchError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run_all(
    chosen: Sequence[Exercise], tutorials: Path, folder: Path, output: Path, environment: Mapping[str, str]
) -> int:
    checkout = folder / "tutorials"
    for part in ("exercises", "utils"):
        shutil.copytree(tutorials / part, checkout / part)
    failed, htb = 0, kernel_has_htb()
    if not htb:
        print(
            "this kernel has no htb: set_queue_rate is typed to the switches of links that have a bandwidth", flush=True
        )
    for exercise in chosen:
        outcome = run_exercise(exercise, checkout, output / exercise.name, environment, htb=htb)
        failed += bool(outcome.problem)
        said = outcome.problem or f"as its README says: {exercise.checked}"
        print(f"{exercise.name:15} {outcome.seconds:5.0f} s  {said}", flush=True)
    print(f"{len(chosen) - failed} of {len(chosen)} exercises do what their README says")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
