"""For all tests: Ctrl-C means the same, however they were started; none is about how long something takes; and several
processes share them so that none waits for another at the end.

Networks mostly wait, for their traffic and for processes that start, so there is one process more than cores: it fills
the time in which they do. The tests of a file stay together. Networks take turns, and begin first: whole experiments in
one process, all others in a second.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

from softswitch.build.runtime import runtime_library, sanitize_wanted
from softswitch.dataplane import threads
from softswitch.errors import SwitchError

# A shell starts background jobs with SIGINT ignored, nohup with SIGHUP, and the programs that the tests start would
# inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Hundreds of Python processes are started. Without bytecode on disk each would compile all of our modules again, which
# takes as long as everything else that most of them do.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Nor does any of them need the threads that numpy starts for linear algebra.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A generated case may be slow because the machine does something else.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")

HERE = Path(__file__).parent
EXPERIMENTS, NETWORKS = "experiments", "networks"
"""Groups of tests that take turns."""
_WITH_NETWORKS = ("tests/net/", "tests/bmv2/test_in_mininet.py")
_PRIORITY = os.getpriority(os.PRIO_PROCESS, 0)
_STAND_BACK = 10
"""Added to the nice value of tests without a network where others have one."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For `-n logical`: as many as cores, and one more where networks can be made."""
    return len(os.sched_getaffinity(0)) + (os.geteuid() == 0)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Groups by `group_of`. Those of pytest-xdist's `loadgroup` are part of a test's name, which newer versions of
    pytest do not let it change: every test is then a group of its own."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Groups(config, log)


def group_of(nodeid: str) -> str:
    """The tests of a group run in one process, one after the other."""
    file = nodeid.partition("::")[0]
    if file.startswith("tests/net/experiments/"):
        return EXPERIMENTS
    return NETWORKS if file.startswith(_WITH_NETWORKS) else file


@pytest.fixture(params=[1, 3], ids=["one thread", "three threads"])
def io_threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """For tests with running switches: each runs with one data-plane thread and with several."""
    count: int = request.param
    monkeypatch.setattr(threads, "DEFAULT_IO_THREADS", count)
    return count


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no process is the last with a long one."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    begun_first = {EXPERIMENTS: 0, NETWORKS: 1}
    return begun_first.get(group_of(item.nodeid), 2 if item.get_closest_marker("long") else 3)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Beside networks, which need a core at once when something arrives, other tests stand back."""
    if "PYTEST_XDIST_WORKER" in os.environ and os.geteuid() == 0:
        with suppress(PermissionError):  # root without the right to raise a priority again
            os.setpriority(
                os.PRIO_PROCESS, 0, _PRIORITY + (0 if group_of(item.nodeid) in (EXPERIMENTS, NETWORKS) else _STAND_BACK)
            )


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.collect()
    gc.freeze()  # what is loaded by now stays: no collection needs to look through it again
    _build_what_all_need(session)


def _build_what_all_need(session: pytest.Session) -> None:
    """What a switch's first start builds, where nothing is cached: no test's time-out is for that. A compiler that is
    missing is for the tests to say."""
    switches = [HERE / room for room in ("switch", "net", "bmv2")]
    if not session.config.option.collectonly and any(
        room in item.path.parents for item in session.items for room in switches
    ):
        with suppress(SwitchError):
            runtime_library(sanitize_wanted())
