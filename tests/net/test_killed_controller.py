"""Whatever happens to a controller, packets continue and the state is complete."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from state4.events import PHASES
from tests.net.accident_scene import LOSING, REPEATS, Scene, open_scene
from tests.net.controllers import Ended
from tests.net.veths import wait


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with open_scene(tmp_path_factory.mktemp("scene")) as scene:
        yield scene


def points(scene: Scene, strategy: str) -> list[tuple[str, str]]:
    """Every phase that a reconfiguration begins, ends or passes."""
    ended: Ended = scene.controllers.run(strategy, scene.next)
    assert (ended.status, ended.error) == (0, "")
    assert scene.check(loses=strategy in LOSING)
    assert {phase for phase, _ in ended.points} <= set(PHASES)
    return list(dict.fromkeys(ended.points))


PHASES_OF = {
    "state4_exact": {"listen", "read_register", "save", "write_register", "apply_updates", "hold", "commit"},
    "state4": {"listen", "read_register", "save", "write_register", "apply_updates", "commit"},
    "precopy": {"read_register", "save", "write_register", "read_dirty", "write_dirty", "hold", "commit"},
    "controller": {"read_register", "save", "write_register", "commit"},
    "swing_state": {"listen", "collect", "save", "apply_updates", "commit"},
    "reconcile": {"read_tables", "commit", "write_tables"},
}


@pytest.mark.parametrize("strategy", PHASES_OF)
@pytest.mark.timeout(120 * (1 + REPEATS))
def test_killed_at_each_phase(scene: Scene, strategy: str) -> None:
    found = points(scene, strategy)
    assert PHASES_OF[strategy] <= {phase for phase, _ in found}
    changes = []
    for at in found * REPEATS:
        ended = scene.controllers.run(strategy, scene.next, at=at, accident="kill")
        assert ended.status == -signal.SIGKILL, at
        changed = scene.check(loses=strategy in LOSING)
        changes.append(changed)
        assert changed == (found.index(at) >= found.index(("commit", "end"))), at
        scene.reconfigure()
    assert set(changes) == {True, False}


@pytest.mark.parametrize("strategy", PHASES_OF)
@pytest.mark.timeout(120 * (1 + REPEATS))
def test_cancelled_at_each_phase(scene: Scene, strategy: str) -> None:
    """Ctrl-C before COMMIT leaves the old program, and nothing unfinished."""
    found = points(scene, strategy)
    for at in found[: found.index(("commit", "begin")) + 1] * REPEATS:
        ended = scene.controllers.run(strategy, scene.next, at=at, accident="interrupt")
        assert (ended.status, ended.error) == (0, "KeyboardInterrupt: "), at
        assert not scene.check(), at
    scene.reconfigure()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("strategy", PHASES_OF)
@pytest.mark.timeout(120 * (1 + REPEATS))
def test_at_any_moment(scene: Scene, strategy: str, number: signal.Signals) -> None:
    """Not only between two steps: the times are spread over the whole reconfiguration."""
    for delay_ms in range(4, 94, max(1, 9 // REPEATS)):
        timers: list[threading.Timer] = []

        def later(pid: int, seconds: float = delay_ms / 1e3, timers: list[threading.Timer] = timers) -> None:
            timers.append(threading.Timer(seconds, _signal, (pid, number)))
            timers[0].start()

        scene.controllers.run(strategy, scene.next, on_pid=later)
        timers[0].cancel()
        timers[0].join()
        scene.check(loses=strategy in LOSING)
    scene.reconfigure()


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def test_a_controller_that_hangs_while_packets_are_held(scene: Scene) -> None:
    """The switch ends the hold by itself."""
    for _ in range(REPEATS):
        killed: list[int] = []

        def watch(pid: int, killed: list[int] = killed) -> None:
            wait(lambda: Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T")
            sent = scene.traffic.sent
            wait(lambda: scene.traffic.received > sent)  # one that was sent since: they come in order
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

        ended = scene.controllers.run("state4_exact", scene.next, at=("commit", "begin"), accident="stop", on_pid=watch)
        assert ended.status == -signal.SIGKILL
        assert killed
        assert not scene.check()
        scene.reconfigure()


REFUSED = {
    "broken": ("TargetError: saving", "TargetError: reconciling", "TargetError: verifying"),
    "refused": ("TargetError: writing",),
}


@pytest.mark.parametrize("strategy", PHASES_OF)
@pytest.mark.parametrize("accident", REFUSED)
def test_what_the_switch_refuses(scene: Scene, strategy: str, accident: str) -> None:
    """Reconcile writes the user's own entries last: then the new program stays, with all its state."""
    for _ in range(REPEATS):
        ended = scene.controllers.run(strategy, scene.next, accident=accident)
        assert ended.error.startswith(REFUSED[accident]), ended.error
        assert scene.check() == (strategy == "reconcile" and accident == "refused")
    scene.reconfigure()
