"""CPU time of threads by name."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.measure.cpu import OTHER, ThreadTimes


@contextmanager
def busy_thread(name: str) -> Iterator[threading.Event]:
    """A thread that works until told to stop; the kernel knows it by `name`."""
    stop, named = threading.Event(), threading.Event()

    def work() -> None:
        Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(name)
        named.set()
        while not stop.is_set():
            pass

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    named.wait()
    try:
        yield stop
    finally:
        stop.set()
        thread.join()


def until(times: ThreadTimes, name: str, seconds: float) -> dict[str, float]:
    deadline = time.monotonic() + 30
    while (found := times.read()).get(name, 0.0) < seconds:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def test_a_named_thread_is_counted_by_itself() -> None:
    times = ThreadTimes(os.getpid(), ("a-test-thread",))
    assert "a-test-thread" not in times.read()
    with busy_thread("a-test-thread"):
        first = until(times, "a-test-thread", 0.02)
        second = until(times, "a-test-thread", first["a-test-thread"] + 0.02)
    assert second[OTHER] >= first[OTHER]


def test_what_an_ended_thread_has_used_stays() -> None:
    times = ThreadTimes(os.getpid(), ("a-test-thread",))
    with busy_thread("a-test-thread"):
        used = until(times, "a-test-thread", 0.02)["a-test-thread"]
    assert times.read()["a-test-thread"] >= used


def test_a_thread_that_ends_while_it_is_read_keeps_what_was_known(tmp_path: Path) -> None:
    task = tmp_path / str(os.getpid()) / "task" / str(os.getpid())
    task.mkdir(parents=True)
    (task / "comm").write_text("here\n")
    (task / "schedstat").write_text("900000000000000 0 0")
    times = ThreadTimes(os.getpid(), ("here",), proc=tmp_path)
    known = times.read()["here"]
    (task / "schedstat").unlink()
    assert times.read()["here"] == known == 900_000


def test_without_the_kernels_count_psutil_says_it(tmp_path: Path) -> None:
    times = ThreadTimes(os.getpid(), (), proc=tmp_path)
    assert times.read()[OTHER] > 0
    assert times.waited_s() is None


def test_waiting_is_counted_where_the_kernel_does() -> None:
    times = ThreadTimes(os.getpid(), ())
    times.read()
    if Path("/proc/self/schedstat").exists():
        waited = times.waited_s()
        assert waited is not None and waited >= 0


def test_memory_is_that_of_the_process() -> None:
    memory = ThreadTimes(os.getpid(), ()).memory_bytes()
    assert memory is not None and memory > 1 << 20
