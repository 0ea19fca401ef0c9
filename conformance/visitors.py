"""`python -m conformance.visitors`: clients that come and go in numbers, properly and otherwise.

They connect to a switch of its own process over a Unix socket and over TCP: close a channel, drop streams, cancel reads
half way, reset connections, send noise, or say nothing. Afterwards the switch must have as many open files as before
them, no more threads than its pool allows, and still answer and terminate. Its memory before and after is printed.
"""

from __future__ import annotations

import argparse
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
from finsy.proto import p4r, p4r_grpc

from softswitch.proto import bulk_pb2
from softswitch.proto.bulk_grpc import BulkStub
from softswitch.server.rpc.threads import MAX_STREAMS, THREADS

PROGRAM = Path(__file__).parents[1] / "nfs" / "chained.p4"
DEVICE = 1
AT_ONCE = 32
"""Connections that are open at the same time."""
WARM_UP = 200
"""Visits before the first measurement, which fill caches and pools of memory."""
SETTLE_S = 60
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, SETTINGS_ACK = b"\0\0\0\4\0\0\0\0\0", b"\0\0\0\4\1\0\0\0\0"


@dataclass(frozen=True)
class Usage:
    """What the switch's process has: open files, threads, resident memory."""

    files: int
    threads: int
    bytes: int


class Host:
    """A switch in a process of its own, and visitors of both its addresses."""

    def __init__(self, folder: Path, seed: int = 0, program: Path = PROGRAM) -> None:
        self._rng = random.Random(seed)
        self._path = folder / "switch.sock"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._tcp: tuple[str, int] = probe.getsockname()
        self.addresses = (f"unix:{self._path}", f"127.0.0.1:{self._tcp[1]}")
        ready = folder / "ready"
        command = [sys.executable, "-m", "softswitch", "run", str(program), "--device-id", str(DEVICE)]
        command += ["--ready-file", str(ready), *(part for a in self.addresses for part in ("--grpc-server-addr", a))]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(ready.exists, "the switch did not start")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        self._open: list[socket.socket] = []
        self._channels: list[grpc.Channel] = []
        self.kinds: list[Callable[[], None]] = [
            self._polite,
            self._dropped_stream,
            self._cancelled_read,
            self._dropped_follower,
            self._silent,
            self._half_a_request,
            self._noise,
            self._reset,
        ]

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(0)
        self.process.terminate()
        try:
            self.process.wait(SETTLE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the switch did not end") from None

    def usage(self) -> Usage:
        folder = Path(f"/proc/{self.process.pid}")
        status = dict(line.split(":", 1) for line in (folder / "status").read_text(encoding="utf-8").splitlines())
        return Usage(
            len(list((folder / "fd").iterdir())), int(status["Threads"]), int(status["VmRSS"].split()[0]) << 10
        )

    def visit(self, count: int) -> None:
        for _ in range(count):
            self._rng.choice(self.kinds)()
            self._leave(AT_ONCE)
        self._leave(0)

    def warm_up(self) -> Usage:
        """What the switch has after some visits and as many streams as it takes, when all of them are gone."""
        files = self.usage().files
        for _ in range(MAX_STREAMS):
            self._dropped_stream()
        self.visit(WARM_UP)
        return self.settle(Usage(files, self.usage().threads, 0))

    def settle(self, before: Usage) -> Usage:
        """Waits until there are no more files and threads than `before` (the pool of threads may still grow to its
        size); what there is at last. Raises AssertionError if there are more for `SETTLE_S`."""
        threads = before.threads + THREADS - MAX_STREAMS

        def back() -> bool:
            now = self.usage()
            return now.files <= before.files and now.threads <= threads

        with suppress(AssertionError):
            _wait_for(back, "")
        now = self.usage()
        assert now.files <= before.files, f"{now.files} open files, {before.files} before"
        assert now.threads <= threads, f"{now.threads} threads, {before.threads} before"
        return now

    # ---- visitors ----

    def _leave(self, stay: int) -> None:
        while len(self._open) > stay:
            self._open.pop(self._rng.randrange(len(self._open))).close()
        while len(self._channels) > stay:
            self._channels.pop(self._rng.randrange(len(self._channels))).close()

    def _channel(self) -> grpc.Channel:
        """A connection of its own: by default gRPC would share one."""
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
        channel = grpc.insecure_channel(self._rng.choice(self.addresses), options=options)
        self._channels.append(channel)
        return channel

    def _socket(self) -> socket.socket:
        if self._rng.random() < 0.5:
            made = socket.socket(socket.AF_UNIX)
            made.connect(str(self._path))
        else:
            made = socket.create_connection(self._tcp)
        self._open.append(made)
        return made

    def answer(self) -> None:
        """Raises grpc.RpcError if the switch does not answer."""
        for address in self.addresses:
            with grpc.insecure_channel(address) as channel:
                stub = p4r_grpc.P4RuntimeStub(channel)
                stub.Capabilities(p4r.CapabilitiesRequest(), timeout=SETTLE_S)

    def _polite(self) -> None:
        stub = p4r_grpc.P4RuntimeStub(self._channel())
        stub.GetForwardingPipelineConfig(
            p4r.GetForwardingPipelineConfigRequest(device_id=DEVICE), timeout=SETTLE_S, wait_for_ready=True
        )
        self._channels.pop().close()

    def _dropped_stream(self) -> None:
        """A controller that is primary, or not, and is gone without a word."""
        request = p4r.StreamMessageRequest()
        request.arbitration.device_id = DEVICE
        request.arbitration.election_id.low = self._rng.randrange(1, 1 << 40)
        stream: Any = p4r_grpc.P4RuntimeStub(self._channel()).StreamChannel(iter([request]), timeout=SETTLE_S)
        with suppress(grpc.RpcError, StopIteration):
            next(stream)

    def _cancelled_read(self) -> None:
        bulk = BulkStub(self._channel())
        answer: Any = bulk.ReadAll(bulk_pb2.ReadAllRequest(device_id=DEVICE), timeout=SETTLE_S)
        with suppress(grpc.RpcError, StopIteration):
            next(answer)
            answer.cancel()

    def _dropped_follower(self) -> None:
        bulk = BulkStub(self._channel())
        requests = iter([bulk_pb2.FollowRequest(device_id=DEVICE, fence=bulk_pb2.Fence(election_id_low=1))])
        answer: Any = bulk.Follow(requests, timeout=SETTLE_S)
        with suppress(grpc.RpcError, StopIteration):
            next(answer)

    def _silent(self) -> None:
        self._socket()

    def _half_a_request(self) -> None:
        """HTTP/2 is begun, and a request whose rest never comes."""
        with suppress(OSError):
            self._socket().sendall(PREFACE + SETTINGS + b"\0\x01\0\1\4\0\0\0\1" + bytes(20))

    def _noise(self) -> None:
        with suppress(OSError):
            self._socket().sendall(self._rng.randbytes(self._rng.choice((1, 100, 70_000))))

    def _reset(self) -> None:
        made = self._socket()
        with suppress(OSError):
            made.sendall(PREFACE + SETTINGS)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._open.remove(made)
        made.close()


def _wait_for(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + SETTLE_S
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(what)
        time.sleep(0.05)


def main(argv: list[str] | None = None) -> int:
    """Exit code 0: nothing is left of the visitors; 1: something is (printed)."""
    parser = argparse.ArgumentParser(prog="python -m conformance.visitors", description=__doc__)
    parser.add_argument("--count", type=int, default=5000, help="visits (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory() as folder, Host(Path(folder), options.seed) as host:
            before = host.warm_up()
            host.visit(options.count)
            after = host.settle(before)
            host.answer()
    except AssertionError as error:
        print(f"visitors: {error}", file=sys.stderr)
        return 1
    for when, usage in (("before", before), ("after", after)):
        print(f"{when}: {usage.files} open files, {usage.threads} threads, {usage.bytes / 2**20:.1f} MiB resident")
    print(f"{options.count} visits: nothing of them is left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
