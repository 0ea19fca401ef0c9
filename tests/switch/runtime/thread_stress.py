"""`python -m tests.switch.runtime.thread_stress`: data-plane threads beside controllers, watched by ThreadSanitizer.

The program `handmade/threads.c`, linked with the runtime: threads receive and send as fast as they can, while
controllers hold, swap, read, and change ports and queues at random. It fails on a frame that is lost, changed or out of
order, and on an access that nothing orders. Needs a C compiler with ThreadSanitizer.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from softswitch.build.cache import cached_directory, content_key
from softswitch.build.cc import INTERFACE_DIR, RUNTIME_DIR, build_shared_object, compiler_key, find_compiler
from softswitch.build.runtime import runtime_library
from softswitch.model import PipelineInfo, RegisterInfo
from tests.switch import handmade

NUMBERED = PipelineInfo("numbered", registers=(RegisterInfo("numbers", 0, 2, 64, False, 8),))
SANITIZER = ("-fsanitize=thread", "-g", "-O1")
THREADS = (1, 2, 3, 4, 8)
_FLAGS = ("-D_GNU_SOURCE", "-std=gnu11", "-fno-strict-aliasing", "-fwrapv", "-pthread", f"-I{RUNTIME_DIR}")
_NO_ROOM = "unexpected memory mapping"  # what the sanitizer says where addresses are too random for it


@dataclass(frozen=True)
class Stressed:
    """One run of the program. `reason` says why there was none; `report` is what it found."""

    summary: str = ""
    report: str = ""
    reason: str = ""


def main(argv: list[str] | None = None) -> int:
    """Exit code 0: nothing found; 1: at least one report (printed); 2: ThreadSanitizer does not run here."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.switch.runtime.thread_stress", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--rounds", type=int, default=10, help="runs with each number of threads (default %(default)s)")
    parser.add_argument("--frames", type=int, default=100_000, help="frames a port and run (default %(default)s)")
    options = parser.parse_args(argv)
    if options.rounds < 1 or not 1 <= options.frames < 1 << 31:
        parser.error("at least one round and one frame, and fewer than 2^31 frames")
    if not sanitizer_works():
        print("error: the C compiler has no ThreadSanitizer: install its libtsan", file=sys.stderr)
        return 2
    began, reports = time.monotonic(), 0
    for number in range(1, options.rounds + 1):
        for count in THREADS:
            done = stress(count, options.frames, sanitize=True)
            if done.reason:
                print(f"error: {done.reason}", file=sys.stderr)
                return 2
            if done.report:
                reports += 1
                print(f"round {number}, {count} threads: {done.report[-3000:]}", file=sys.stderr)
    print(
        f"{options.rounds} rounds with {', '.join(map(str, THREADS))} threads, {options.frames:,} frames a port: "
        f"{reports} reports, in {time.monotonic() - began:.0f} s"
    )
    return 1 if reports else 0


def stress(count: int, frames: int, *, sanitize: bool, stack_bytes: int | None = None) -> Stressed:
    """Runs the program with `count` data-plane threads and `frames` frames at each port. `stack_bytes`: what other
    threads have at most; None: as here."""
    folder = built(sanitize)
    command = [str(folder / "threads"), str(folder / "numbered.so"), str(count), str(frames)]
    if sanitize and (setarch := shutil.which("setarch")):
        command = [setarch, platform.machine(), "-R", *command]  # addresses as the sanitizer needs them
    if stack_bytes is not None:
        command = ["sh", "-c", 'ulimit -S -s "$0" && exec "$@"', str(stack_bytes >> 10), *command]
    options = {**os.environ, "TSAN_OPTIONS": "halt_on_error=1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=options, check=False)
    except subprocess.TimeoutExpired:
        return Stressed(report="it did not end in 600 s: threads wait for each other")
    if _NO_ROOM in done.stderr:
        return Stressed(reason="ThreadSanitizer does not run on this machine")
    if done.returncode:
        return Stressed(report=f"exit code {done.returncode}\n{done.stderr}")
    return Stressed(summary=done.stdout)


def sanitizer_works() -> bool:
    """Whether the compiler can link a program with ThreadSanitizer."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "empty.c"
        source.write_text("int main(void) { return 0; }")
        command = [find_compiler(), *SANITIZER, str(source), "-o", str(source.with_suffix(""))]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


@cache
def built(sanitize: bool) -> Path:
    """A folder with the program `threads` and `numbered.so`. With the sanitizer the runtime is in the program."""
    here = Path(handmade.__file__).parent
    flags = SANITIZER if sanitize else ("-g", "-O2")
    runtime = sorted(RUNTIME_DIR.rglob("*.c")) if sanitize else [runtime_library(False)]
    sources = [here / "threads.c", *runtime]
    pipeline = (here / "numbered.c").read_text().replace("/* DESCRIPTIONS */", handmade.descriptions(NUMBERED, ""))
    content = [path.read_bytes() for path in [*sources, *sorted(RUNTIME_DIR.rglob("*.h"))]]

    def build(folder: Path) -> None:
        (folder / "numbered.c").write_text(pipeline)
        build_shared_object([folder / "numbered.c"], folder / "numbered.so", flags=flags)
        command = [find_compiler(), *_FLAGS, *flags, f"-I{INTERFACE_DIR}", *map(str, sources), "-ldl"]
        here_too = f"-Wl,-rpath,{runtime[0].parent}"
        subprocess.run([*command, here_too, "-o", str(folder / "threads")], check=True)

    key = content_key(compiler_key((*_FLAGS, *flags)), pipeline, str(runtime[0]), *content)
    return cached_directory("threads", key, build)


if __name__ == "__main__":
    sys.exit(main())
