"""The assignment of cores, and the priority of sessions."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from experiments.measure import cores
from experiments.measure.cores import Cores, CoreWatch, divide, divided_cores
from topologies import priority
from topologies.priority import measuring, preferred, session_nice


def test_the_last_core_is_the_switchs() -> None:
    assert divide({0, 1}) == divide({1, 0})
    assert divide({0, 1}) == Cores(1, frozenset({0}))
    assert divide({2, 5, 7}) == Cores(7, frozenset({2, 5}))


def test_one_core_is_not_divided() -> None:
    alone = divide({3})
    assert alone == Cores(None, frozenset({3}))
    assert not alone.place(os.getpid())


def test_what_is_started_inside_keeps_off_the_switchs_core() -> None:
    before = os.sched_getaffinity(0)
    with divided_cores() as divided:
        assert os.sched_getaffinity(0) == divided.others
    assert os.sched_getaffinity(0) == before


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core")
@pytest.mark.parametrize("count", [1, 2])
def test_the_data_plane_gets_its_core(count: int) -> None:
    """One thread has it alone; several may use all, so that they run side by side."""
    done, ready = threading.Event(), threading.Barrier(count + 1)
    found: list[set[int]] = []

    def data_plane() -> None:
        with open(f"/proc/self/task/{threading.get_native_id()}/comm", "w") as name:
            name.write("dataplane")
        os.sched_setaffinity(0, divided.others)
        ready.wait(10)
        done.wait(10)
        found.append(os.sched_getaffinity(0))

    divided = divide(os.sched_getaffinity(0))
    threads = [threading.Thread(target=data_plane) for _ in range(count)]
    for thread in threads:
        thread.start()
    ready.wait(10)
    try:
        assert divided.place(os.getpid())
        share = CoreWatch(os.getpid(), {}).switch_share()
        assert share is not None and 0 <= share <= 1
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert found == [{divided.switch} if count == 1 else divided.others | {divided.switch}] * count


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core")
def test_a_switch_of_many_threads_may_use_all_cores_also_the_one_that_nothing_else_uses() -> None:
    allowed = os.sched_getaffinity(0)
    with divided_cores() as divided, subprocess.Popen(["sleep", "100"]) as process:
        try:
            assert os.sched_getaffinity(process.pid) == divided.others
            assert divided.place(process.pid)
            assert os.sched_getaffinity(process.pid) == allowed
        finally:
            process.kill()


@pytest.mark.skipif(session_nice() is None or os.geteuid() != 0, reason="needs sessions and root")
def test_a_session_of_ours_is_as_preferred_as_we_are() -> None:
    before = session_nice()
    show = ["sh", "-c", "cat /proc/self/autogroup"]
    with measuring():
        own = session_nice()
        assert own is not None and own < 0
        for nice, expected in ((0, own), (-2, own - 2), (-19, -20)):
            done = subprocess.run(
                preferred(show, nice=nice), capture_output=True, text=True, check=True, start_new_session=True
            )
            assert done.stdout.split()[-1] == str(expected)
    assert session_nice() == before


def test_nothing_is_changed_where_sessions_are_not_grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priority, "session_nice", lambda process="self": None)
    assert preferred(["true", "x"], nice=-3) == ["true", "x"]
    with measuring():
        pass


def test_what_can_not_be_known_is_no_number() -> None:
    """A switch without a packet thread of that name, a process that has ended, no switch at all."""
    with subprocess.Popen(["sleep", "100"]) as process:
        watch = CoreWatch(process.pid, {"sleeper": process.pid, "gone": 2**22 - 1})
        assert watch.switch_share() is None
        shares = watch.host_shares()
        process.kill()
    assert shares["gone"] is None
    assert shares["sleeper"] is not None and 0 <= shares["sleeper"] <= 1
    assert CoreWatch(None, {}).switch_share() is None


def test_waiting_is_counted_from_the_beginning_of_the_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """5 s of waiting before, 1 s in the 10 s since; of two packet threads the worse one counts."""
    seconds = {"dataplane": 5.0, "dataplane-2": 1.0, "other": 0.0}
    now = [100.0]
    for number, name in enumerate(seconds):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_text(name + "\n")
    tasks = sorted(tmp_path.iterdir())

    def write() -> None:
        for task, waited in zip(tasks, seconds.values(), strict=True):
            (task / "schedstat").write_text(f"123 {round(waited * 1e9)} 7\n")

    write()
    monkeypatch.setattr(cores, "_threads", lambda _: tasks)
    monkeypatch.setattr(cores.time, "monotonic", lambda: now[0])
    watch = CoreWatch(1, {})
    now[0] += 10.0
    seconds |= {"dataplane": 5.5, "dataplane-2": 2.0, "other": 9.0}
    write()
    assert watch.switch_share() == pytest.approx(0.1)
