"""Which core is for the switch, and how much a session goes before others."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest

from experiments.measure.cores import Cores, divide, divided_cores, waited_s
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
    with divided_cores() as cores:
        assert os.sched_getaffinity(0) == cores.others
    assert os.sched_getaffinity(0) == before


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core")
def test_the_data_plane_gets_its_core() -> None:
    done, ready = threading.Event(), threading.Event()
    found: list[set[int]] = []

    def data_plane() -> None:
        with open(f"/proc/self/task/{threading.get_native_id()}/comm", "w") as name:
            name.write("dataplane")
        ready.set()
        done.wait(10)
        found.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=data_plane)
    thread.start()
    ready.wait(10)
    try:
        cores = divide(os.sched_getaffinity(0))
        assert cores.place(os.getpid())
        assert 0 <= waited_s(os.getpid()) < 10
    finally:
        done.set()
        thread.join()
    assert found == [{cores.switch}]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core")
def test_a_switch_of_many_threads_may_use_all_cores_also_the_one_that_nothing_else_uses() -> None:
    allowed = os.sched_getaffinity(0)
    with divided_cores() as cores, subprocess.Popen(["sleep", "100"]) as process:
        try:
            assert os.sched_getaffinity(process.pid) == cores.others
            assert cores.place(process.pid)
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
