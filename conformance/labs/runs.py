"""A network of Mininet in namespaces of its own, to which lines are typed, and what was printed.

Each check looks at what the exercise's own programs printed. Waiting is for words that they print or for packets that
arrive, not for times, so that a busy machine only takes longer.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from softswitch.compat.install import install
from softswitch.errors import SwitchError
from softswitch.proto.device_config_wrapper import P4DeviceConfig

_LIMIT_S = 400
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


Outputs = Mapping[str, str]
"""What was printed, by the name of the file that it went to; `""` is Mininet's own output."""


class UnexpectedResult(Exception):
    """Something did not happen that the exercise's README says; the message is what."""


@dataclass(frozen=True)
class Exercise:
    """`lines` are typed to Mininet; `{NAME}` is a file for output. `checked`: in words, for the table."""

    name: str
    lines: tuple[str, ...]
    check: Callable[[Outputs], None]
    checked: str


def background(host: str, command: str, file: str) -> str:
    return f"{host} {command} > {{{file}}} 2>&1 &"


def until(word: str, file: str, *, settle_s: float = 2, limit_s: int = 90) -> str:
    """Waits for a word in a file; a receiver that says it sniffs needs a moment more."""
    look = f'grep -q "{word}" {{{file}}}'
    return f"sh for i in $(seq {limit_s * 4}); do {look} && break; sleep 0.25; done; sleep {settle_s}"


def need(found: object, words: str) -> None:
    if not found:
        raise UnexpectedResult(words)


def ping_replies(text: str) -> int:
    found = re.search(r"(\d+) received", text)
    return int(found[1]) if found else 0


@dataclass(frozen=True)
class Outcome:
    """`problem` is empty if everything happened that was to; `note`: what went wrong in the exercise's own programs
    afterwards."""

    exercise: Exercise
    problem: str
    seconds: float
    note: str = ""


def run(
    exercise: Exercise,
    before: Iterable[str],
    command: str,
    where: Path,
    folder: Path,
    environment: Mapping[str, str],
    *,
    ending: str = "",
) -> Outcome:
    """Starts the network by a shell command in `where`, and types `before`, the exercise's lines, and `exit`. `folder`:
    for the outputs. `ending`: what the command prints once all lines were typed; an error after that is a note, because
    the outcome is there."""
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted({name for line in exercise.lines for name in re.findall(r"\{(\w+)\}", line)})
    files = {name: folder / f"{name}.txt" for name in names}
    lines = [re.sub(r"\{(\w+)\}", lambda found: str(files[found[1]]), line) for line in exercise.lines]
    for file in files.values():
        file.touch()
    printed = folder / "mininet.txt"
    problem, note = _typed(command, where, [*before, *lines, "exit", ""], printed, environment), ""
    if problem and ending and ending in printed.read_text(errors="replace"):
        problem, note = "", f"{problem}: {_last_line(printed)}"
    for logs in (*where.glob("logs/*.log"), *where.glob("log/*.log")):
        shutil.copy(logs, folder)
    if not problem:
        outputs = {name: file.read_text(errors="replace") for name, file in files.items()}
        outputs[""] = printed.read_text(errors="replace")
        try:
            exercise.check(outputs)
        except UnexpectedResult as error:
            problem = f"not so: {error}"
    return Outcome(exercise, problem, time.monotonic() - began, note)


def _last_line(printed: Path) -> str:
    """Without colours."""
    text = re.sub(r"\x1b\[[\d;]*m", "", printed.read_text(errors="replace")).strip()
    return text.rpartition("\n")[2]


def _typed(command: str, where: Path, lines: Sequence[str], output: Path, environment: Mapping[str, str]) -> str:
    """What went wrong, or nothing."""
    inner = f"ip link set lo up && exec {command}"
    whole = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "--mount", "sh", "-c", inner]
    with output.open("wb") as file:
        process = subprocess.Popen(
            whole,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=where,
            env=dict(environment),
            start_new_session=True,  # scripts in it interrupt their process group
        )
        try:
            process.communicate("\n".join(lines).encode(), _LIMIT_S)
        except subprocess.TimeoutExpired:
            return f"it took more than {_LIMIT_S} s"
        finally:
            process.kill()  # --kill-child ends all processes of its namespace
            process.wait()
    return f"{command} ended with {process.returncode} ({output})" if process.returncode else ""


def prepare(folder: Path, python: Path, modules: Sequence[str], commands: Sequence[str]) -> dict[str, str]:
    """The environment that exercises run in, made in a folder: our commands and `python` in PATH, and in PYTHONPATH
    p4.tmp where it is missing, and bmv2's bmpy_utils. `modules`, `commands`: what must be there besides Mininet. Raises
    Unusable, SwitchError."""
    if os.geteuid():
        raise Unusable("Mininet needs root")
    own = folder / "bin"
    install(own)
    if shutil.which("sudo") is None:
        write_command(own / "sudo", _SUDO)
    paths = [str(place) for place in _command_line_folders()]
    environment = {**os.environ, "PATH": f"{own}:{python.parent}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"}
    if subprocess.run([python, "-c", "import p4.tmp.p4config_pb2"], capture_output=True, check=False).returncode:
        _add_p4_tmp(folder / "modules" / "p4")
        paths.append(str(folder / "modules"))
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    for module in ("mininet", *modules, "p4.tmp.p4config_pb2"):
        require_module(python, module, environment)
    missing = [name for name in ("mn", "mnexec", "unshare", *commands) if shutil.which(name) is None]
    if missing:
        raise Unusable(
            f"missing commands: {', '.join(missing)} (Debian: make mininet net-tools iperf iputils-ping bridge-utils)"
        )
    return environment


def require_module(python: Path, module: str, environment: Mapping[str, str]) -> None:
    """Raises Unusable."""
    command = [str(python), "-c", f"import {module}"]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unusable(f"{python} has no {module}: {done.stderr.strip().splitlines()[-1]}")


def write_command(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _command_line_folders() -> Sequence[str]:
    """Of bmv2's command line, whose modules its other clients import as well."""
    found = importlib.util.find_spec("bm_cli")
    return list(found.submodule_search_locations or ()) if found is not None else []


def _add_p4_tmp(package: Path) -> None:
    """The module p4.tmp.p4config_pb2, as protoc would write it, beside the p4 of the package p4runtime."""
    (package / "tmp").mkdir(parents=True)
    (package / "__init__.py").write_text(_P4)
    (package / "tmp" / "__init__.py").touch()
    content = P4DeviceConfig.DESCRIPTOR.file.serialized_pb
    (package / "tmp" / "p4config_pb2.py").write_text(_P4CONFIG.format(content=content))


# ---------------------------------------------------------------- command lines


@dataclass(frozen=True)
class Collection:
    """`marker`: a file that a checkout of the repository has. `begin` prepares what is needed in a folder of ours, by
    the command line's options, and returns what runs an exercise and puts its outputs into a folder."""

    repository: str
    marker: str
    exercises: Sequence[Exercise]
    begin: Callable[[argparse.Namespace, Path], Callable[[Exercise, Path], Outcome]]
    add_options: Callable[[argparse.ArgumentParser], None] = lambda _: None


def main(collection: Collection, description: str, argv: Sequence[str] | None) -> int:
    """Exit code: 0 if every exercise did what its README says, 1 if not, 2 if they cannot be run here."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help=f"a checkout of {collection.repository}")
    count = len(collection.exercises)
    parser.add_argument("exercises", nargs="*", metavar="EXERCISE", help=f"some of them (default: all {count})")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="runs the exercises' own programs")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="keep what was printed, and the switches' logs, there"
    )
    collection.add_options(parser)
    options = parser.parse_intermixed_args(argv)  # exercises come after options in `make ... ARGS=`
    known = {exercise.name: exercise for exercise in collection.exercises}
    unknown = [name for name in options.exercises if name not in known]
    try:
        if unknown:
            raise Unusable(f"there is no exercise {unknown[0]}; there are {', '.join(known)}")
        if not (options.folder / collection.marker).exists():
            raise Unusable(f"{options.folder} is no checkout of {collection.repository}")
        with tempfile.TemporaryDirectory(prefix="labs-") as name:
            folder = Path(name)
            do = collection.begin(options, folder)
            chosen = [known[name] for name in options.exercises] or list(collection.exercises)
            return _run_all(chosen, do, options.output or folder / "output")
    except (Unusable, SwitchError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run_all(chosen: Sequence[Exercise], do: Callable[[Exercise, Path], Outcome], output: Path) -> int:
    width, failed = max(len(exercise.name) for exercise in chosen), 0
    for exercise in chosen:
        outcome = do(exercise, output / exercise.name)
        failed += bool(outcome.problem)
        said = outcome.problem or f"as its README says: {exercise.checked}"
        said += f"; afterwards {outcome.note}" if outcome.note else ""
        print(f"{exercise.name:{width}} {outcome.seconds:5.0f} s  {said}", flush=True)
    print(f"{len(chosen) - failed} of {len(chosen)} exercises do what their README says")
    return 1 if failed else 0
