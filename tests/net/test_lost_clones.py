"""Clones that do not arrive: whoever relies on them says so, and who does not is exact all the same.

`ring=False`: state4_exact has no shared memory, so that it needs clones, too. With it, no clone leaves the CPU port.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from softswitch.proto import bulk_pb2
from tests.net.accident_scene import CPU, LOSING, REPEATS, Scene, open_scene
from tests.net.controllers import Ended
from tests.net.veths import run, wait


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with open_scene(tmp_path_factory.mktemp("scene")) as scene:
        yield scene


@pytest.mark.parametrize("phase", ["listen", "read_register", "save", "apply_updates", "hold", "commit"])
@pytest.mark.parametrize("strategy", ["state4_exact", "state4", "swing_state"])
def test_the_cpu_interface_goes_down(scene: Scene, strategy: str, phase: str) -> None:
    """Clones get lost, so state4_exact reads the registers again: nothing is lost. The others rely on clones: if none
    arrived before the program is saved, they say so and change nothing."""
    for _ in range(REPEATS):
        try:
            ended = scene.controllers.run(strategy, scene.next, at=(phase, "begin"), accident="down", ring=False)
            if strategy in LOSING and (phase == "listen" or ended.error):
                assert "none arrived" in ended.error
                assert phase in ("listen", "read_register"), ended.error
                assert not scene.check()
            else:
                assert (ended.status, ended.error) == (0, "")
                assert scene.check(loses=strategy in LOSING)
        finally:
            scene.veths.inside(scene.veths.switch, "ip", "link", "set", "cpu1", "up")
        wait(lambda: scene.veths.carrier(scene.veths.switch, "cpu0"))
        scene.reconfigure()


@pytest.mark.parametrize("strategy", ["state4_exact", "state4", "swing_state"])
def test_the_cpu_interface_is_gone(scene: Scene, strategy: str) -> None:
    """Without a listener there is no reconfiguration; the program continues."""
    run("ip", "-n", scene.veths.switch, "link", "set", "cpu1", "name", "cpu9")
    try:
        ended = scene.controllers.run(strategy, scene.next, ring=False)
        assert "cannot listen for clones on interface 'cpu1'" in ended.error
        assert not scene.check()
    finally:
        run("ip", "-n", scene.veths.switch, "link", "set", "cpu9", "name", "cpu1")
    scene.reconfigure()


@contextmanager
def another_cable(scene: Scene, *, drops: bool) -> Iterator[None]:
    """The listener's interface is not the one that the switch's CPU port leads to. With `drops`, a relay between them
    passes on seven of eight clones."""
    switch = scene.veths.switch
    run("ip", "-n", switch, "link", "set", "cpu1", "name", "cpu9")
    run("ip", "-n", switch, "link", "add", "far1", "type", "veth", "peer", "name", "cpu1")
    try:
        for name in ("far1", "cpu1", "cpu9"):
            scene.veths.inside(switch, "sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1")
            run("ip", "-n", switch, "link", "set", name, "up")
        if drops:
            run("ip", "-n", switch, "link", "add", "hole0", "type", "veth", "peer", "name", "hole1")
            scene.veths.inside(switch, "tc", "qdisc", "add", "dev", "cpu9", "ingress")
            # Of eight clones, whose numbers are bytes 0 to 3, one goes nowhere.
            for number, match, target in (("1", ("0", "0x00070000", "at", "-12"), "hole0"), ("2", ("0", "0"), "far1")):
                rule = ("tc", "filter", "add", "dev", "cpu9", "parent", "ffff:", "protocol", "all", "prio", number)
                relay = ("action", "mirred", "egress", "redirect", "dev", target)
                scene.veths.inside(switch, *rule, "u32", "match", "u32", *match, *relay)
        wait(lambda: scene.veths.carrier(switch, "cpu1"))
        yield
    finally:
        if drops:
            scene.veths.inside(switch, "tc", "qdisc", "del", "dev", "cpu9", "ingress")
            run("ip", "-n", switch, "link", "del", "hole0")
        run("ip", "-n", switch, "link", "del", "far1")
        run("ip", "-n", switch, "link", "set", "cpu9", "name", "cpu1")
        run("ip", "-n", switch, "link", "set", "cpu1", "up")
        wait(lambda: scene.veths.carrier(switch, "cpu0"))


@pytest.mark.parametrize("strategy", ["state4_exact", "state4", "swing_state"])
def test_the_interface_is_another_one(scene: Scene, strategy: str) -> None:
    """The interface exists and is up, but leads elsewhere."""
    with another_cable(scene, drops=False):
        ended = scene.controllers.run(strategy, scene.next, ring=False)
        if strategy in LOSING:
            assert "none arrived; is the interface of --cpu-interface up" in ended.error
            assert not scene.check()
        else:
            assert (ended.status, ended.error, ended.outcome["inexact"]) == (0, "", [])
            assert "none arrived" in ended.outcome["warnings"][0]
            assert scene.check()
    scene.reconfigure()


@pytest.mark.parametrize("strategy", ["state4_exact", "state4", "swing_state"])
def test_some_clones_are_lost_on_the_way(scene: Scene, strategy: str) -> None:
    with another_cable(scene, drops=True):
        ended = scene.controllers.run(strategy, scene.next, ring=False)
        assert (ended.status, ended.error) == (0, "")
        if strategy in LOSING:
            assert any("clones of state updates were lost" in reason for reason in ended.outcome["inexact"])
        else:
            assert ended.outcome["inexact"] == []
        assert scene.check(loses=strategy in LOSING)
    scene.reconfigure()


# ---------------------------------------------------------------- updates by shared memory


def listening(ended: Ended) -> dict[str, Any]:
    """What the event says of how updates came."""
    return next(event for event in ended.events if (event["phase"], event["what"]) == ("listen", "end"))


def clones(scene: Scene) -> int:
    """How many frames have left for the CPU port."""
    stats = scene.bulk.GetStats(bulk_pb2.StatsRequest())
    return int(next(port.tx_packets for port in stats.ports if port.port == int(CPU)))


def test_updates_come_by_memory_and_nothing_leaves_the_cpu_port(scene: Scene) -> None:
    before = clones(scene)
    ended = scene.controllers.run("state4_exact", scene.next)
    assert (ended.status, ended.error, ended.outcome["inexact"], ended.outcome["warnings"]) == (0, "", [], [])
    assert listening(ended)["ring"]
    assert ended.outcome["clones"] > 0
    assert ended.outcome["lost_clones"] == 0
    assert scene.check()
    assert clones(scene) == before


def test_without_it_clones_leave(scene: Scene) -> None:
    before = clones(scene)
    ended = scene.controllers.run("state4_exact", scene.next, ring=False)
    assert (ended.status, ended.error) == (0, "")
    assert not listening(ended)["ring"]
    assert clones(scene) - before >= ended.outcome["clones"] > 0
    assert scene.check()


def test_the_paper_s_strategies_have_clones(scene: Scene) -> None:
    ended = scene.controllers.run("state4", scene.next)
    assert (ended.status, ended.error) == (0, "")
    assert not listening(ended)["ring"]
    assert scene.check(loses=True)


def test_the_cpu_interface_does_not_matter(scene: Scene) -> None:
    run("ip", "-n", scene.veths.switch, "link", "set", "cpu1", "name", "cpu9")
    try:
        ended = scene.controllers.run("state4_exact", scene.next)
        assert (ended.status, ended.error, ended.outcome["inexact"], ended.outcome["warnings"]) == (0, "", [], [])
        assert scene.check()
    finally:
        run("ip", "-n", scene.veths.switch, "link", "set", "cpu9", "name", "cpu1")


@pytest.mark.parametrize("phase", ["listen", "read_register", "save", "apply_updates", "hold"])
def test_after_a_killed_reader_the_next_one_has_it(scene: Scene, phase: str) -> None:
    ended = scene.controllers.run("state4_exact", scene.next, at=(phase, "end"), accident="kill")
    assert ended.status == -9
    scene.check()
    scene.reconfigure()
