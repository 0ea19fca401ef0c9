"""A switch under traffic whose program controllers change, and that meet with accidents.

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
from contextlib import contextmanager
from pathlib import Path

import grpc
import numpy as np

import nfs
from experiments.traffic.frames import udp_datagram
from softswitch.proto import bulk_pb2
from softswitch.proto.bulk_grpc import BulkStub
from state4.cim import Track
from state4.entries_file import parse, resolve, updates
from state4.programs import PrepareOptions, prepare_program
from state4.targets.p4runtime.target import P4RuntimeTarget
from tests.net.controllers import Controllers
from tests.net.veths import Veths, wait

REPEATS = int(os.environ.get("STATE4_ACCIDENTS", "1"))
LOSING = {"state4", "controller", "swing_state"}
"""What they leave out of the new program is no fault of an accident."""
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
        """So many further packets arrive."""
        wanted = self.received + packets
        wait(lambda: self.received >= wanted)

    def pause(self) -> None:
        """Stops sending, and waits until everything that was sent has arrived."""
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
        programs = [prepare_program(file, PrepareOptions(track=Track.BOTH)) for file in self.files]
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
        """All packets arrived and all were counted. Returns whether the program is a different one from that at the
        last check. `loses`: state that the strategy does not carry to the new program is not counted as a loss.
        """
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


@contextmanager
def open_scene(folder: Path) -> Iterator[Scene]:
    with Veths(2) as veths:
        scene = Scene(veths, folder)
        scene.traffic.flow()
        try:
            yield scene
        finally:
            scene.close()
