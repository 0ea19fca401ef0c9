"""Clients that read slowly or not at all: other clients' requests still find a thread."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import grpc
import pytest
from finsy.proto import p4r

from softswitch.proto import bulk_pb2
from softswitch.server.errors import Refused
from softswitch.server.rpc import listen, readers
from softswitch.server.rpc.readers import LARGE_BYTES, MAX_LARGE_READS, Readers
from softswitch.server.rpc.threads import MAX_STREAMS, THREADS
from tests.switch.controller import DEVICE, PROGRAMS, Controller, Running, status

PROGRAM = PROGRAMS / "large_registers.p4"

UNREAD = 20


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A server with fewer threads than there will be reads, in the usual proportion."""
    assert THREADS > MAX_STREAMS + MAX_LARGE_READS
    monkeypatch.setattr(listen, "THREADS", 10)
    monkeypatch.setattr(readers, "MAX_LARGE_READS", 4)
    with Running(PROGRAM) as made:
        yield made


def begin(c: Controller, call: str) -> Any:
    """A large read whose answer has not been consumed yet."""
    if call == "Read":
        wanted = p4r.RegisterEntry(register_id=c.id("many"))
        return c.stub.Read(p4r.ReadRequest(device_id=DEVICE, entities=[p4r.Entity(register_entry=wanted)]))
    if call == "ReadAll":
        return c.bulk.ReadAll(bulk_pb2.ReadAllRequest(device_id=DEVICE))
    return c.bulk.ReadArray(bulk_pb2.ReadArrayRequest(device_id=DEVICE, kind=bulk_pb2.REGISTER, name="many"))


@pytest.mark.parametrize("call", ["Read", "ReadAll", "ReadArray"])
def test_reads_that_nobody_takes_leave_threads(running: Running, call: str) -> None:
    with running.controller(1) as slow, running.controller(2, role="other") as c:
        unread = [begin(slow, call) for _ in range(UNREAD)]
        for _ in range(10):
            assert len(c.read(register_entry=p4r.RegisterEntry(register_id=c.id("few")))) == 4
        assert c.get_config().HasField("p4info")
        for stream in unread:
            stream.cancel()
        while (code := status(lambda: list(begin(c, "ReadArray")))) == "RESOURCE_EXHAUSTED":
            time.sleep(0.05)  # until the server has seen that they are gone
        assert code == "OK"


class Context:
    """A request that notices when it is cancelled."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()


def messages(count: int, size: int) -> Iterator[bulk_pb2.ArrayChunk]:
    for _ in range(count):
        yield bulk_pb2.ArrayChunk(cells=bytes(size))


def test_a_read_that_stalls_is_cancelled() -> None:
    readers, context, other = Readers(stall_s=0.2), Context(), Context()
    stalled = readers.send(messages(2, 10), cast(grpc.ServicerContext, context))
    next(stalled)
    passed: queue.SimpleQueue[bulk_pb2.ArrayChunk] = queue.SimpleQueue()
    while not context.cancelled.is_set():
        for message in readers.send(messages(3, 10), cast(grpc.ServicerContext, other)):
            passed.put(message)
    assert not other.cancelled.is_set()
    assert passed.qsize() % 3 == 0


def test_small_reads_need_no_place() -> None:
    readers, context = Readers(), cast(grpc.ServicerContext, Context())
    large = [readers.send(messages(1, LARGE_BYTES + 1), context) for _ in range(MAX_LARGE_READS)]
    for sending in large:
        next(sending)
    many_small = readers.send(messages(12, LARGE_BYTES // 8), context)
    for _ in range(7):
        next(many_small)
    with pytest.raises(Refused, match="large reads are in progress"):
        next(many_small)
    large.pop().close()
    assert len(list(readers.send(messages(12, LARGE_BYTES), context))) == 12
