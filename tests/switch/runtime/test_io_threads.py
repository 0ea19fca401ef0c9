"""Several data-plane threads: as many as asked for, and none sees what another one is at."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from softswitch.build.cache import cached_directory, content_key
from softswitch.build.cc import INTERFACE_DIR, RUNTIME_DIR, build_shared_object, compiler_key, find_compiler
from softswitch.build.runtime import runtime_library
from softswitch.cli.arguments import io_threads as io_threads_argument
from softswitch.dataplane import threads
from softswitch.dataplane.switch import Switch
from softswitch.dataplane.threads import MAX_IO_THREADS
from softswitch.errors import BadEntry
from softswitch.model import PipelineInfo, RegisterInfo
from tests.switch import handmade

NUMBERED = PipelineInfo("numbered", registers=(RegisterInfo("numbers", 0, 2, 64, False, 8),))
SANITIZER = ("-fsanitize=thread", "-g", "-O1")
_FLAGS = ("-D_GNU_SOURCE", "-std=gnu11", "-fno-strict-aliasing", "-fwrapv", "-pthread", f"-I{RUNTIME_DIR}")


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


def run(count: int, frames: int, *, sanitize: bool) -> str:
    """What `threads` says at the end. Fails when it has found something, or an access that nothing orders."""
    folder = built(sanitize)
    command = [str(folder / "threads"), str(folder / "numbered.so"), str(count), str(frames)]
    if sanitize and (
        setarch := shutil.which("setarch")
    ):  # the sanitizer does not bear too much randomness of addresses
        command = [setarch, platform.machine(), "-R", *command]
    options = {**os.environ, "TSAN_OPTIONS": "halt_on_error=1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=options, check=False)
    if "unexpected memory mapping" in done.stderr:
        pytest.skip("ThreadSanitizer does not run on this machine")
    assert done.returncode == 0, done.stderr
    return done.stdout


def require_sanitizer(folder: Path) -> None:
    """Skips where the compiler has no ThreadSanitizer."""
    source = folder / "empty.c"
    source.write_text("int main(void) { return 0; }")
    command = [find_compiler(), *SANITIZER, str(source), "-o", str(source.with_suffix(""))]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this compiler has no ThreadSanitizer")


@pytest.mark.parametrize("count", [1, 2, 4])
def test_order_and_counts_under_controllers_at_work(count: int) -> None:
    assert " swaps" in run(count, 300_000, sanitize=False)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_every_access_is_ordered(tmp_path: Path, count: int) -> None:
    require_sanitizer(tmp_path)
    assert " swaps" in run(count, 20_000, sanitize=True)


@pytest.mark.parametrize("count", [0, -1, MAX_IO_THREADS + 1, 1 << 32])
def test_numbers_of_threads_that_there_cannot_be(count: int) -> None:
    with pytest.raises(BadEntry, match=f"1 to {MAX_IO_THREADS} threads"):
        Switch(io_threads=count)


@pytest.mark.parametrize("count", [1, 3])
def test_there_are_as_many_as_asked_for(count: int) -> None:
    with Switch(io_threads=count) as switch:
        before = len(data_plane_threads())
        switch.start()
        assert len(data_plane_threads()) == before + count
        switch.stop()
        assert len(data_plane_threads()) == before


def data_plane_threads() -> list[str]:
    """Those of this process, by the name that measurements know them by."""
    names = [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]
    return [name for name in names if name == "dataplane"]


def test_auto_is_one_for_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(3)))
    assert threads.thread_count("auto") == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(100)))
    assert threads.thread_count("auto") == MAX_IO_THREADS
    assert threads.thread_count(None) == threads.DEFAULT_IO_THREADS


def test_the_argument() -> None:
    assert [io_threads_argument(text) for text in ("1", "16", "auto")] == [1, 16, "auto"]
    for text in ("0", "17", "two", "-1", "\u0663"):
        with pytest.raises(Exception, match="neither auto nor a number of threads from 1 to 16"):
            io_threads_argument(text)
