"""Several data-plane threads: as many as asked for, and none sees what another one is at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from softswitch.cli.arguments import io_threads as io_threads_argument
from softswitch.dataplane import threads
from softswitch.dataplane.switch import Switch
from softswitch.dataplane.threads import MAX_IO_THREADS
from softswitch.errors import BadEntry
from tests.switch.runtime import thread_stress
from tests.switch.runtime.thread_stress import Stressed, sanitizer_works, stress


def run(count: int, frames: int, *, sanitize: bool, stack_bytes: int | None = None) -> str:
    """What the stressed switch counted. Fails when something was found."""
    done = stress(count, frames, sanitize=sanitize, stack_bytes=stack_bytes)
    if done.reason:
        pytest.skip(done.reason)
    assert not done.report, done.report
    return done.summary


@pytest.mark.parametrize("count", [1, 2, 4])
def test_order_and_counts_under_controllers_at_work(count: int) -> None:
    assert " swaps" in run(count, 300_000, sanitize=False)


def test_controllers_with_small_stacks() -> None:
    """Their packets run in helping threads then, also where `ulimit -s unlimited` makes stacks small (glibc: 2 MiB)."""
    assert " swaps" in run(2, 100_000, sanitize=False, stack_bytes=512 << 10)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_every_access_is_ordered(count: int) -> None:
    """`make fuzz` does it for longer."""
    if not sanitizer_works():
        pytest.skip("this compiler has no ThreadSanitizer")
    assert " swaps" in run(count, 20_000, sanitize=True)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (Stressed(summary="1 swaps"), 0),
        (Stressed(report="WARNING: data race"), 1),
        (Stressed(reason="not on this machine"), 2),
    ],
)
def test_the_exit_code_says_what_was_found(monkeypatch: pytest.MonkeyPatch, found: Stressed, code: int) -> None:
    monkeypatch.setattr(thread_stress, "sanitizer_works", lambda: True)
    monkeypatch.setattr(thread_stress, "stress", lambda *_, **__: found)
    assert thread_stress.main(["--rounds", "1", "--frames", "10"]) == code


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
