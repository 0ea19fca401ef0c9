"""Updates by shared memory: the same as by clones, for whoever may have them, and whatever a reader does.

controller -- unix socket -- server -- switch with memory ports          510: the CPU port, where clones arrive
     `---------- memory of the ring ---------'
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import mmap
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from softswitch.dataplane.handover import CloneFormat
from softswitch.dataplane.update_ring import RingOptions, UpdateRing
from softswitch.errors import BadEntry, Closed, EntryNotFound, InUse
from softswitch.proto import bulk_pb2
from softswitch.server.errors import Code, Refused
from softswitch.server.rpc import share
from softswitch.server.rpc.share import MAX_RINGS, Offer
from state4.cli.main import main
from state4.clones.header import REPLICA, Clones
from state4.programs import InstalledProgram
from state4.targets.p4runtime.target import P4RuntimeTarget
from state4.targets.p4runtime.update_ring import _fetched
from tests.state4_programs import request
from tests.switch.controller import EVERYTHING, Controller, Running, status
from tests.switch.scene import scene
from tests.switch.state4.bench.rings import RingOfPipeline, ring_of
from tests.switch.state4.bench.sharing import COUNTING, Sharing
from tests.switch.state4.generated import installed_program
from tests.switch.state4.test_clones import ALL, CPU, packets_for, replay, run

# ---------------------------------------------------------------- what is in it


@pytest.mark.parametrize("name", ALL)
def test_it_gets_what_clones_carry_and_the_programs_own_clones_stay(name: str) -> None:
    packets = packets_for(name)
    clones = run(name, packets, with_clones=True, flag=True)
    ring = run(name, packets, with_clones=True, flag=True, ring=True)
    assert ring.frames == clones.frames
    assert ring.lost == 0
    assert replay(name, ring.clones) == ring.registers == clones.registers
    for egress in (False, True):  # which of both is first may differ: a clone of egress leaves later than it is made
        assert numbers(ring.clones, egress) == numbers(clones.clones, egress)
    assert sorted(updates(ring.clones)) == sorted(updates(clones.clones))


def numbers(clones: Clones, egress: bool) -> list[tuple[int, int]]:
    """Of the clones of one pass, in order, and how many updates each has."""
    chosen = clones.egress == egress
    return list(zip(clones.sequence[chosen].tolist(), clones.counts[chosen].tolist(), strict=True))


def updates(clones: Clones) -> list[tuple[int, int, bytes]]:
    found = clones.updates
    values = [value.tobytes() for value in found.value]
    return list(zip(found.component.tolist(), found.index.tolist(), values, strict=True))


@pytest.mark.parametrize("records", [16, 1 << 16])
def test_nothing_is_torn_while_the_switch_writes_as_fast_as_it_can(counting: InstalledProgram, records: int) -> None:
    packets = 200_000
    with Running(None) as running, P4RuntimeTarget(running.address) as target:
        target.install(counting)
        target.configure_clone_session(counting.layout.session, CPU)
        target.set_clone_flag(counting.layout, True)
        active = running.switch.active
        assert active is not None
        ring = RingOfPipeline(active, counting.layout, records)
        done = threading.Event()
        writer = threading.Thread(
            target=lambda: (running.switch.bench(1, [request()], packets), done.set()), daemon=True
        )
        writer.start()
        got = 0
        while not done.is_set() or ring.reader.is_behind(ring.reader.written):
            found = ring.reader.read()
            values = found["value"].copy().view("<u8")[:, 0]
            first = found["component"] >> 31 == 1
            assert np.array_equal(values & 0xFFFFFFFF, found["clone"])
            assert np.array_equal(found["index"], np.where(first, 0, values & 255))
            assert np.array_equal(found["component"] & 0xFFFF, np.where(first, 1, 2))
            got += len(found)
        writer.join()
        assert got + ring.reader.dropped == 2 * packets
        assert got
        ring.close()


def test_only_the_program_that_it_is_for_writes_to_it(counting: InstalledProgram) -> None:
    with Running(None) as running, P4RuntimeTarget(running.address) as target:
        target.install(counting)
        target.configure_clone_session(counting.layout.session, CPU)
        active = running.switch.active
        assert active is not None
        ring = ring_of(active, counting.layout, 64)
        ring.attach()
        target.install(counting)
        target.set_clone_flag(counting.layout, True)
        assert CPU in [port for port, _ in running.switch.inject(1, request())]
        ring.close()


def test_a_ring_that_cannot_be(counting: InstalledProgram) -> None:
    with Running(None) as running, P4RuntimeTarget(running.address) as target:
        target.install(counting)
        active = running.switch.active
        assert active is not None
        first, second = (ring_of(active, counting.layout, 64) for _ in range(2))
        first.attach()
        with pytest.raises(InUse):
            second.attach()
        first.close()
        second.attach()
        with pytest.raises(Closed):
            first.attach()
        for records, larger in ((1 << 30, "at most 67108864 bytes"), (0xFFFFFFFF, "at most 67108864 bytes")):
            with pytest.raises(BadEntry, match=larger):
                ring_of(active, counting.layout, records)
        third = ring_of(active, counting.layout, 64)
    second.close()  # after its switch
    third.close()


# ---------------------------------------------------------------- who gets it


def test_updates_come_by_memory_until_it_is_closed(sharing: Sharing) -> None:
    ring = sharing.begin()
    assert sharing.send(100) == 0
    assert ring.wait_for(100, 0, 10)
    updates = ring.take()
    assert updates.value.view("<u8")[updates.component == 1][:, 0].tolist() == list(range(1, 101))
    assert (ring.stats().clones, ring.stats().updates, ring.stats().lost, ring.stats().dropped) == (100, 200, 0, 0)
    ring.close()
    sharing.until_clones()


def test_a_controller_that_is_demoted_loses_it(sharing: Sharing) -> None:
    ring = sharing.begin()
    assert sharing.send() == 0
    with P4RuntimeTarget(sharing.running.address):
        sharing.until_clones()
    ring.close()


def test_the_newest_of_a_role_has_it(sharing: Sharing) -> None:
    first = sharing.begin()
    second = sharing.begin()
    assert sharing.send(3) == 0
    assert second.wait_for(3, 0, 10)
    assert not first.wait_for(1, 0, 0)
    first.close()
    assert sharing.send(3) == 0
    second.close()
    sharing.until_clones()


def test_another_role_does_not_get_it_and_its_clones_come_as_frames(sharing: Sharing) -> None:
    ring = sharing.begin()
    with P4RuntimeTarget(sharing.running.address, role="other") as other:
        assert other.open_ring(sharing.program.layout) is None
        assert sharing.send() == 0
        ring.close()
        sharing.until_clones()
        theirs = other.open_ring(sharing.program.layout)
        assert theirs is not None
        assert sharing.send() == 0
        theirs.close()


def test_the_command_line(sharing: Sharing, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sharing.target.close()
    path, events = tmp_path / "next.p4", tmp_path / "events.jsonl"
    path.write_text(COUNTING.replace("latest;", "latest; register<bit<8>>(4) later;"))
    common = ["reconfigure", str(path), "--target", sharing.running.address, "--strategy", "state4_exact", "--json"]
    assert main([*common, "--update-ring", "off"]) == 2  # clones need an interface
    assert "--cpu-interface" in capsys.readouterr().err
    assert main([*common, "--events", str(events)]) == 0
    assert json.loads(capsys.readouterr().out)["inexact"] == []
    listened = [event for line in events.read_text().splitlines() if (event := json.loads(line))["phase"] == "listen"]
    assert listened[-1]["ring"]


_KILLED = """
import sys, time
from state4.instrumentation.running import layout_of
from state4.targets.p4runtime.target import P4RuntimeTarget
target = P4RuntimeTarget(sys.argv[1])
ring = target.open_ring(layout_of(target.running()))
print("open" if ring is not None else "none", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGSTOP])
def test_a_reader_that_dies_or_stops_holds_up_nothing(sharing: Sharing, signal_: int) -> None:
    sharing.target.set_clone_flag(sharing.program.layout, True)
    sharing.target.close()
    argv = [sys.executable, "-c", _KILLED, sharing.running.address]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as reader:
        try:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "open\n"
            assert sharing.send() == 0
            reader.send_signal(signal_)
            if signal_ == signal.SIGKILL:
                sharing.until_clones()  # the stream has ended
            else:
                assert sharing.send(1000) == 0
        finally:
            reader.kill()
    sharing.until_clones()
    sharing.target = P4RuntimeTarget(sharing.running.address)
    ring = sharing.begin()
    assert sharing.send() == 0
    ring.close()


WRONG: dict[str, tuple[Callable[[Sharing, Controller], bulk_pb2.ShareUpdatesRequest], str]] = {
    "no fence": (lambda s, c: bulk_pb2.ShareUpdatesRequest(device_id=1), "INVALID_ARGUMENT"),
    "device": (lambda s, c: s.share(c, device_id=7), "NOT_FOUND"),
    "program": (lambda s, c: s.share(c, fence={"program": 99}), "ABORTED"),
    "no program": (lambda s, c: s.share(c, fence={"program": 0}), "INVALID_ARGUMENT"),
    "role": (lambda s, c: s.share(c, fence={"role": "nobody"}), "NOT_FOUND"),
    "election": (lambda s, c: s.share(c, fence={"election_id_low": 99}), "PERMISSION_DENIED"),
    "prefix": (lambda s, c: s.share(c, prefix="x" * 5000), "NOT_FOUND"),
    "no slots": (lambda s, c: s.share(c, format={"slots": 0}), "INVALID_ARGUMENT"),
    "slots": (lambda s, c: s.share(c, format={"slots": 4}), "NOT_FOUND"),
    "many slots": (lambda s, c: s.share(c, format={"slots": 0xFFFFFFFF}), "INVALID_ARGUMENT"),
    "value": (lambda s, c: s.share(c, format={"value_bytes": 9}), "INVALID_ARGUMENT"),
    "no value": (lambda s, c: s.share(c, format={"value_bytes": 0}), "INVALID_ARGUMENT"),
    "index": (lambda s, c: s.share(c, format={"index_bytes": 0x80000001}), "INVALID_ARGUMENT"),
    "mark": (lambda s, c: s.share(c, format={"mark": b"short"}), "INVALID_ARGUMENT"),
    "records": (lambda s, c: s.share(c, records=0xFFFFFFFF), "INVALID_ARGUMENT"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_request_that_makes_no_sense(sharing: Sharing, what: str) -> None:
    with sharing.running.controller(1) as c:
        asked, wanted = WRONG[what]
        assert status(lambda: list(c.bulk.ShareUpdates(asked(sharing, c)))) == wanted
        assert sharing.send() == 0  # nothing is cloned at all: the flag is off


def test_a_ring_that_nobody_fetches(sharing: Sharing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "PICK_UP_S", 0.1)
    sharing.target.set_clone_flag(sharing.program.layout, True)
    with sharing.running.controller(1) as c:
        stream = c.bulk.ShareUpdates(sharing.share(c))
        path = Path(next(stream).socket)
        assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
        assert sharing.send() == 1  # it is not attached before
        assert status(lambda: next(stream)) == "DEADLINE_EXCEEDED"
        assert not path.parent.exists()


def test_so_many_and_no_more(sharing: Sharing) -> None:
    with sharing.running.controller(1) as c:
        streams = [c.bulk.ShareUpdates(sharing.share(c)) for _ in range(MAX_RINGS)]
        for stream in streams:
            next(stream)
        assert status(lambda: list(c.bulk.ShareUpdates(sharing.share(c)))) == "RESOURCE_EXHAUSTED"
        for stream in streams:
            stream.cancel()


def test_who_has_the_memory_can_only_look_at_it(sharing: Sharing) -> None:
    """Nothing of what a hostile reader tries reaches the switch."""
    with sharing.running.controller(1) as c:
        stream = c.bulk.ShareUpdates(sharing.share(c))
        shape = next(stream)
        descriptor = _fetched(shape.socket)
        assert descriptor is not None
        assert next(stream).attached
        assert not Path(shape.socket).parent.exists()
        sharing.target.set_clone_flag(sharing.program.layout, True)
        again = os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR)
        libc = ctypes.CDLL(None, use_errno=True)
        for fd in (descriptor, again):
            with pytest.raises(PermissionError):
                os.write(fd, b"x")
            with pytest.raises(PermissionError):
                mmap.mmap(fd, shape.bytes)
            for size in (0, 4096, shape.bytes + 4096):
                with pytest.raises(PermissionError):
                    os.ftruncate(fd, size)
            with pytest.raises(PermissionError):
                fcntl.fcntl(fd, 1033, 0x20)  # F_ADD_SEALS
            punch_hole = libc.fallocate(fd, 3, ctypes.c_long(0), ctypes.c_long(4096))
            assert (punch_hole, ctypes.get_errno()) == (-1, errno.EPERM)
        with mmap.mmap(descriptor, shape.bytes, prot=mmap.PROT_READ) as memory:
            assert libc.mprotect(ctypes.c_void_p(np.frombuffer(memory, np.uint8).ctypes.data), 4096, 3) == -1
            assert sharing.send(10) == 0
            assert int.from_bytes(memory[:8], "little") == 20
        os.close(descriptor)
        os.close(again)
        stream.cancel()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_another_user_gets_nothing_even_if_the_socket_were_open_to_all() -> None:
    ask = "import socket, sys; c = socket.socket(socket.AF_UNIX); c.connect(sys.argv[1]); "
    ask += "print(len(socket.recv_fds(c, 1, 1)[1]))"
    for user, wanted in ((65534, 0), (0, 1)):
        with Offer() as offer:
            os.chmod(Path(offer.path).parent, 0o711)
            os.chmod(offer.path, 0o666)
            argv = ["/usr/bin/python3", "-c", ask, offer.path]
            with (
                open(os.devnull) as something,
                subprocess.Popen(argv, user=user, stdout=subprocess.PIPE, text=True, cwd="/") as client,
            ):
                try:
                    offer.give(something.fileno(), partial(_runs, client))
                except Refused as refused:
                    assert (user, refused.code) == (65534, Code.CANCELLED)
                assert client.communicate()[0] == f"{wanted}\n"


def _runs(process: subprocess.Popen[str]) -> bool:
    return process.poll() is None


# ---------------------------------------------------------------- the switch by itself


def test_a_program_without_such_fields_has_no_ring() -> None:
    with Running(EVERYTHING) as running:
        active = running.switch.active
        assert active is not None
        layout = installed_program("counting", COUNTING).layout
        with pytest.raises(EntryNotFound, match=r"preserves no metadata field state4\.seq"):
            ring_of(active, layout)


def test_fields_in_a_struct_whose_name_c_reserves() -> None:
    """Nothing of the ring is State4's own: any program that preserves such fields has it."""
    with scene(
        declarations="""struct inner_t {
            bit<32> seq; bit<1> egress; bit<7> count; bit<5> component_0; bit<12> index_0; bit<100> value_0;
        }""",
        metadata="bit<8> before; @field_list(3) inner_t linux;",
        ingress="""meta.linux = { 7, 1, 1, 31, 4095, 100w0x123456789abcdef0123456789 };
            clone_preserving_field_list(CloneType.I2E, 5, 3);""",
    ) as made:
        made.switch.set_clone_session(5, [(3, 1)])
        assert [port for port, _ in made.send("00000000")] == [3, 1]
        options = RingOptions(CloneFormat(1, 1, 2, 13, bytes(9)), "linux", 5, 0, 4)
        ring = UpdateRing(made.pipeline.handle, options)
        ring.attach()
        assert [port for port, _ in made.send("00000000")] == [1]
        memory = mmap.mmap(ring.descriptor, ring.shape.bytes, prot=mmap.PROT_READ)
        record = memory[ring.shape.first_record :][: ring.shape.record_bytes]
        assert record[:8] == (4095).to_bytes(8, "little")
        assert record[8:16] == (7).to_bytes(4, "little") + (0xC0000000 | 31).to_bytes(4, "little")
        assert record[16:29] == 0x123456789ABCDEF0123456789.to_bytes(13, "little")
        ring.close()


def test_replicas_of_the_programs_own_stay(counting: InstalledProgram) -> None:
    """A session with State4's replica among 40 others: those get their clones, as before and in that order."""
    with Running(None) as running, P4RuntimeTarget(running.address) as target:
        target.install(counting)
        layout = counting.layout
        target.set_clone_flag(layout, True)
        active = running.switch.active
        assert active is not None
        replicas = [(3, n) for n in range(1, 21)] + [(CPU, REPLICA)] + [(4, n) for n in range(1, 21)]
        running.switch.set_clone_session(layout.session, replicas)
        before = running.switch.inject(1, request())
        assert [port for port, _ in before] == [3] * 20 + [CPU] + [4] * 20 + [2]
        ring = ring_of(active, replace(layout, session=layout.session + 1), 64)  # as if that were another's session
        ring.attach()
        after = running.switch.inject(1, request())
        assert [port for port, _ in after] == [3] * 20 + [4] * 20 + [2]
        ring.close()
