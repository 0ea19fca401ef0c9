"""The daemon ends whatever it is doing, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc
import pytest
from finsy.proto import p4r

from tests.switch.controller import EVERYTHING, MODIFY, Config, Controller
from tests.switch.hostile.test_pushed_programs import ENDLESS, push
from tests.switch.scene import program

CELLS = "register<bit<32>, bit<32>>(4000000) big;"


@contextmanager
def daemon(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address; everything that it starts is in its session, or marked by its TMPDIR."""
    with tempfile.TemporaryDirectory(prefix="end-") as folder:
        address = f"unix:{folder}/s.sock"
        command = [sys.executable, "-m", "softswitch", "run", *arguments, "--grpc-server-addr", address]
        environment = os.environ | {"TMPDIR": folder}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        try:
            yield process, address
        finally:
            process.kill()
            process.communicate()


def of_folder(folder: str) -> list[int]:
    """Processes that were started with this TMPDIR or a folder in it."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if folder.encode() in (entry / "environ").read_bytes() and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


def compiling(c: Controller) -> None:
    push(c, ENDLESS)


def reading(c: Controller) -> None:
    while True:
        c.read(register_entry=p4r.RegisterEntry())


def writing(c: Controller) -> None:
    cell = p4r.RegisterEntry(register_id=c.id("small"))
    cell.index.index, cell.data.bitstring = 1, b"\1"
    request = c.request(*[(MODIFY, {"register_entry": cell})] * 100_000)
    while True:
        c.stub.Write(request)


def saving(c: Controller) -> None:
    while True:
        push(c, EVERYTHING.read_bytes(), Config.VERIFY_AND_SAVE)


@pytest.mark.parametrize("doing", [compiling, reading, writing, saving])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_in_the_middle(tmp_path: Path, doing: Callable[[Controller], None], number: signal.Signals) -> None:
    source = EVERYTHING
    if doing is reading:
        source = tmp_path / "big.p4"
        source.write_text(program(locals=CELLS, ingress="bit<32> v; big.read(v, 0); big.write(0, v + 1);"))
    with daemon(str(source)) as (process, address):
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        folder = Path(address.removeprefix("unix:")).parent
        with Controller(address, 1) as c:

            def work() -> None:
                with suppress(grpc.RpcError):
                    doing(c)

            thread = threading.Thread(target=work)
            thread.start()
            while doing is compiling and len(of_folder(str(folder))) < 2:
                time.sleep(0.01)
            time.sleep(0.3)
            process.send_signal(number)
            assert process.wait(60) == (0 if number == signal.SIGTERM else -number)
            thread.join()
        while of_folder(str(folder)):
            time.sleep(0.01)
        assert number == signal.SIGKILL or not Path(address.removeprefix("unix:")).exists()


def test_it_ends_while_it_compiles_its_own_program(tmp_path: Path) -> None:
    source = tmp_path / "endless.p4"
    source.write_bytes(ENDLESS)
    with daemon(str(source), "-L", "info") as (process, address):
        folder = str(Path(address.removeprefix("unix:")).parent)
        while not _handles_sigterm(process.pid):
            assert process.poll() is None
            time.sleep(0.01)
        process.terminate()
        assert process.wait(60) == 0
        assert process.stdout is not None
        assert process.stdout.read() == ""
        assert of_folder(folder) == []


def test_a_packet_that_takes_minutes_does_not_keep_it(tmp_path: Path) -> None:
    """A million divisions of 2,048 bits, in the data-plane thread or in that of the client that sent the packet."""
    source = tmp_path / "slow.p4"
    slow = "bit<2048> v = (bit<2048>)hdr.h.a; for (bit<32> i in 1 .. 1000000) { v = (v * v + 12345) / (v | 3); }"
    source.write_text(program(ingress=f"{slow} hdr.h.b = (bit<8>)v;"))
    with daemon(str(source)) as (process, address):
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with Controller(address, 1) as c:
            c.send(packet=p4r.PacketOut(payload=b"\1\2\3\4"))
            time.sleep(0.5)
            process.terminate()
            assert process.wait(20) == 0
        assert not Path(address.removeprefix("unix:")).exists()


def _handles_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt:")).split()[1], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)
