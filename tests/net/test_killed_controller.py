"""Nothing half done: whatever becomes of a controller, packets go on and the state is whole.

[host 1] ---- s1 [switch] s2 ---- [host 2]        controllers listen on the other end of the switch's CPU port

STATE4_ACCIDENTS=20 repeats each accident so often.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import grpc
import numpy as np
import pytest

import nfs
from experiments.traffic.frames import udp_datagram
from softswitch.proto import bulk_pb2
from softswitch.proto.bulk_grpc import BulkStub
from state4.cim import Track
from state4.entries_file import parse, resolve, updates
from state4.events import PHASES
from state4.programs import prepare_program
from state4.targets.p4runtime.target import P4RuntimeTarget
from tests.net.controllers import Controllers, Ended
from tests.net.veths import Veths, run, wait

REPEATS = int(os.environ.get("STATE4_ACCIDENTS", "1"))
FRAME_BYTES = 200
PAUSE_S = 0.0003
MACS = ("00:00:00:00:00:01", "00:00:00:00:00:02")
CPU = "510"
OLD, NEW = "byte_counter.p4", "byte_counter_next.p4"
_LIST = bulk_pb2.ListArraysRequest()
ENTRIES = """
[[entry]]
table = "dmac"
match = { dst_mac = "00:00:00:00:00:02" }
action = "forward"
params = { port = 2 }

[[entry]]
table = "smac"
match = { src_mac = "00:00:00:00:00:01", port = 1 }
action = "NoAction"

[[entry]]
table = "flows"
match = { in_port = 1 }
action = "count"
params = { index = 77 }
priority = 10
"""


class Traffic:
    """One flow from host 1 to host 2 with numbered packets; every one must arrive, once and in order."""

    def __init__(self, veths: Veths) -> None:
        self._out, self._in = veths.socket(1), veths.socket(2)
        self._in.settimeout(0.05)
        self.sent = self.received = 0
        self.wrong: list[tuple[int, int]] = []
        self._flowing = threading.Event()
        self._idle = threading.Event()
        self._end = False
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._send, self._receive)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        frame = udp_datagram(
            source_mac=MACS[0],
            target_mac=MACS[1],
            source_ip="10.0.0.1",
            target_ip="10.0.0.2",
            source_port=4000,
            port=5000,
            payload=bytes(FRAME_BYTES - 42),
        )
        while not self._end:
            if not self._flowing.is_set():
                self._idle.set()
                self._flowing.wait()
                self._idle.clear()
            self.sent += 1
            self._out.send(frame[:-8] + self.sent.to_bytes(8, "big"))
            time.sleep(PAUSE_S)

    def _receive(self) -> None:
        while not self._end:
            try:
                frame = self._in.recv(2048)
            except TimeoutError:
                continue
            self.received += 1
            number = int.from_bytes(frame[-8:], "big")
            if number != self.received:
                self.wrong.append((self.received, number))

    def flow(self) -> None:
        self._flowing.set()

    def goes_on(self, packets: int = 20) -> None:
        """That many more packets arrive."""
        wanted = self.received + packets
        wait(lambda: self.received >= wanted)

    def pause(self) -> None:
        """Stops sending, and waits until all that was sent has arrived."""
        self._flowing.clear()
        self._idle.wait()
        wait(lambda: self.received >= self.sent)
        assert (self.received, self.wrong) == (self.sent, [])

    def close(self) -> None:
        self._end = True
        self._flowing.set()
        for thread in self._threads:
            thread.join()


class Scene:
    """A switch that counts the bytes of a flow, and controllers that change its program."""

    def __init__(self, veths: Veths, folder: Path) -> None:
        self.veths = veths
        self.address = f"unix:{folder / 'switch.sock'}"
        text = nfs.program_path("byte_counter").read_text()
        declaration = "register<bit<64>>(COUNTED_FLOWS) byte_reg;"
        assert text.count(declaration) == 1
        self.files = [folder / OLD, folder / NEW]
        (folder / "include").symlink_to(nfs.program_path("byte_counter").parent / "include")
        small = text.replace("COUNTED_FLOWS = 262144", "COUNTED_FLOWS = 4096")
        self.files[0].write_text(small)
        self.files[1].write_text(small.replace(declaration, f"{declaration}\n    register<bit<8>>(4) later;"))
        veths.inside(veths.switch, "ip", "link", "add", "cpu0", "type", "veth", "peer", "name", "cpu1")
        for name in ("cpu0", "cpu1"):
            veths.inside(veths.switch, "sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1")
            veths.inside(veths.switch, "ip", "link", "set", name, "up")
        argv = ["ip", "netns", "exec", veths.switch, sys.executable, "-m", "softswitch", "run", "--no-p4"]
        argv += ["-i", "1@s1", "-i", "2@s2", "--cpu-port", CPU, "--cpu-interface", "cpu0", "--parent-death"]
        argv += ["--grpc-server-addr", self.address, "--ready-file", str(folder / "ready")]
        self.daemon = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        self.controllers = Controllers(veths.switch, self.address, "cpu1", self.files)
        wait((folder / "ready").exists)
        self.program = 0
        self.missing = 0  # bytes that a strategy may leave out, and left out
        programs = [prepare_program(file, track=Track.BOTH) for file in self.files]
        with P4RuntimeTarget(self.address) as target:
            for program in reversed(programs):
                target.verify(program)  # compiled: from here on a save takes a moment
                target.install(program)
            target.write_entities(updates(resolve(parse(ENTRIES, Path("entries.toml")), programs[0].p4info)))
        self.controllers.wait_ready()
        self._channel = grpc.insecure_channel(self.address)
        self.bulk = BulkStub(self._channel)
        self.traffic = Traffic(veths)

    def close(self) -> None:
        self.traffic.close()
        self._channel.close()
        self.controllers.__exit__(None, None, None)
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait(60)

    @property
    def next(self) -> str:
        return self.files[1 - self.program].name

    def check(self, *, loses: bool = False) -> bool:
        """All packets arrived and all were counted. Returns whether the program is another one than at the last check.

        `loses`: what the strategy leaves out of the new program's register is no fault."""
        self.traffic.goes_on()
        self.traffic.pause()
        registers = [array.name for array in self.bulk.ListArrays(_LIST).arrays if array.kind == bulk_pb2.REGISTER]
        (counter,) = (name for name in registers if name.endswith("byte_reg"))
        request = bulk_pb2.ReadArrayRequest(name=counter, kind=bulk_pb2.REGISTER)
        cells = np.frombuffer(b"".join(chunk.cells for chunk in self.bulk.ReadArray(request)), "<u8")
        bytes_ = FRAME_BYTES * self.traffic.sent - self.missing
        counted = int(cells[77])
        assert int(cells.sum()) == counted
        now = int(any(name.endswith("later") for name in registers))
        changed, self.program = now != self.program, now
        if changed and loses:
            assert counted <= bytes_
            self.missing += bytes_ - counted
        else:
            assert (
                counted == bytes_
            )  # the old program has its state, and so has the new one of a strategy that keeps it
        self.traffic.flow()
        return changed

    def reconfigure(self) -> None:
        """The next reconfiguration works and loses nothing."""
        ended = self.controllers.run("state4_exact", self.next)
        assert (ended.status, ended.error) == (0, "")
        assert self.check()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Veths(2) as veths:
        scene = Scene(veths, tmp_path_factory.mktemp("scene"))
        scene.traffic.flow()
        try:
            yield scene
        finally:
            scene.close()


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
LOSING = {"state4", "controller", "swing_state"}
"""What they leave out of the new program is no fault of an accident."""


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
    """Ctrl-C before COMMIT leaves the old program, and nothing that was begun."""
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
    """Not only between two steps: the moments go through all of it."""
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
    """Reconcile writes the user's own entries last: the new program stays then, with all its state."""
    for _ in range(REPEATS):
        ended = scene.controllers.run(strategy, scene.next, accident=accident)
        assert ended.error.startswith(REFUSED[accident]), ended.error
        assert scene.check() == (strategy == "reconcile" and accident == "refused")
    scene.reconfigure()


@pytest.mark.parametrize("phase", ["listen", "read_register", "save", "apply_updates", "hold", "commit"])
@pytest.mark.parametrize("strategy", ["state4_exact", "state4", "swing_state"])
def test_the_cpu_interface_goes_down(scene: Scene, strategy: str, phase: str) -> None:
    """Clones get lost, so state4_exact reads the registers again: nothing is lost. The others rely on clones: if none
    arrived before the program is saved, they say so and change nothing."""
    for _ in range(REPEATS):
        try:
            ended = scene.controllers.run(strategy, scene.next, at=(phase, "begin"), accident="down")
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
    """No listener, no reconfiguration; the program goes on."""
    run("ip", "-n", scene.veths.switch, "link", "set", "cpu1", "name", "cpu9")
    try:
        ended = scene.controllers.run(strategy, scene.next)
        assert "cannot listen for clones on interface 'cpu1'" in ended.error
        assert not scene.check()
    finally:
        run("ip", "-n", scene.veths.switch, "link", "set", "cpu9", "name", "cpu1")
    scene.reconfigure()
