"""Digests for Thrift's clients: learn lists, and the publisher that nanomsg's subscribers connect to."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bm_runtime.standard.ttypes import InvalidLearnOperation

from softswitch.compat.thrift.errors import ThriftError
from softswitch.compat.thrift.learning import MAX_UNACKNOWLEDGED, LearnLists
from softswitch.compat.thrift.publisher import MAX_WAITING_BYTES, Publisher
from softswitch.dataplane.entries import DigestMessage
from softswitch.server.program.config import Config
from softswitch.server.rpc.notify import Notifier
from tests.state4_programs import request
from tests.switch.compat.thrift.bench import ThriftBench, thrift_bench

LEARNING = """
struct learned_t { bit<8> op; bit<9> port; }
control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    apply {
        digest<learned_t>(1, { hdr.request.op, standard_metadata.ingress_port });
        standard_metadata.egress_spec = 2;
    }
}
"""
SUBSCRIBER, PUBLISHER = b"\0SP\0\0\x21\0\0", b"\0SP\0\0\x20\0\0"
HEAD = struct.Struct("<4sQiiQi")
"""As clients of bmv2 read it: topic, device, context, list, buffer, samples."""


# ---- learn lists ----


class Sent:
    """What lists send. `now_s`: their clock."""

    def __init__(self) -> None:
        self.subscribed = True
        self.messages: list[tuple[int, list[bytes]]] = []
        self.woken = 0
        self.now_s = 0.0

    def send(self, message: bytes) -> None:
        topic, device, context, number, buffer, count = HEAD.unpack_from(message)
        samples = message[HEAD.size :]
        assert (topic, device, context, number) == (b"LEA|", 1, 0, 1) and len(samples) == 3 * count
        self.messages.append((buffer, [samples[at : at + 3] for at in range(0, len(samples), 3)]))

    def wake(self) -> None:
        self.woken += 1


@pytest.fixture
def learning(tmp_path: Path) -> Iterator[ThriftBench]:
    with thrift_bench(tmp_path, LEARNING) as bench:
        yield bench


class Heard:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.sent = Sent()
        self.lists = LearnLists(1, self.sent, clock_ns=lambda: round(self.sent.now_s * 1e9))

    def hear(self, *ops: int) -> None:
        for op in ops:
            self.lists.hear(DigestMessage(0, (op, 258), 0), self.config)


@pytest.fixture
def heard(learning: ThriftBench) -> Heard:
    return Heard(learning.device.target())


def sample(op: int) -> bytes:
    """Each field in whole bytes."""
    return bytes([op]) + b"\1\2"


def test_a_list_is_sent_when_it_is_full(heard: Heard) -> None:
    heard.hear(*range(15))
    assert heard.sent.messages == [] and heard.sent.woken == 1
    heard.hear(15, 16)
    assert heard.sent.messages == [(0, [sample(op) for op in range(16)])]
    heard.lists.set_max_samples(heard.config, 1, 1)
    assert heard.sent.messages[1:] == [(1, [sample(16)])]
    heard.hear(17, 18)
    assert heard.sent.messages[2:] == [(2, [sample(17)]), (3, [sample(18)])]


def test_or_when_its_first_sample_has_waited_long_enough(heard: Heard) -> None:
    assert heard.lists.tick() is None
    heard.sent.now_s = 5
    heard.hear(1)
    heard.sent.now_s = 5.75
    heard.hear(2)
    assert heard.lists.tick() == pytest.approx(0.25) and heard.sent.messages == []
    heard.sent.now_s = 6
    assert heard.lists.tick() is None and heard.sent.messages == [(0, [sample(1), sample(2)])]
    heard.lists.set_timeout(heard.config, 1, 0)
    heard.hear(3)
    heard.sent.now_s = 1e6
    assert heard.lists.tick() is None and len(heard.sent.messages) == 1


def test_a_sample_comes_once_until_it_is_acknowledged(heard: Heard) -> None:
    heard.lists.set_max_samples(heard.config, 1, 2)
    heard.hear(1, 1, 2, 1, 2)
    assert heard.sent.messages == [(0, [sample(1), sample(2)])]
    heard.lists.acknowledge(heard.config, 1, 0, [1, 7])
    heard.lists.acknowledge(heard.config, 1, 9)
    heard.hear(1, 2, 3)
    assert heard.sent.messages[1:] == [(1, [sample(2), sample(3)])]
    heard.lists.acknowledge(heard.config, 1, 1)
    heard.lists.acknowledge(heard.config, 1, 0)
    heard.hear(3, 1)
    assert heard.sent.messages[2:] == [(2, [sample(3), sample(1)])]
    heard.lists.reset(heard.config)
    heard.hear(1, 3)
    assert heard.sent.messages[3:] == [(3, [sample(1), sample(3)])]


def test_nothing_is_kept_for_nobody(heard: Heard) -> None:
    heard.sent.subscribed = False
    heard.hear(1)
    heard.sent.subscribed = True
    heard.lists.set_max_samples(heard.config, 1, 1)
    heard.hear(1)
    assert heard.sent.messages == [(0, [sample(1)])]


def test_buffers_that_nobody_acknowledges_are_forgotten(heard: Heard) -> None:
    heard.lists.set_max_samples(heard.config, 1, 1)
    messages = [DigestMessage(0, (0, port), 0) for port in range(512)] * 2
    messages += [DigestMessage(0, (number >> 9, number & 511), 0) for number in range(512, MAX_UNACKNOWLEDGED + 1)]
    for message in messages:
        heard.lists.hear(message, heard.config)
    assert len(heard.sent.messages) == MAX_UNACKNOWLEDGED + 1
    heard.lists.hear(messages[0], heard.config)  # the oldest
    heard.lists.hear(messages[-1], heard.config)
    assert len(heard.sent.messages) == MAX_UNACKNOWLEDGED + 2


# ---- the publisher ----


def until(found: Callable[[], bool]) -> None:
    for _ in range(500):
        if found():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def subscribed(address: str) -> socket.socket:
    """After the greeting."""
    kind, _, where = address.partition("://")
    client = socket.socket(socket.AF_UNIX if kind == "ipc" else socket.AF_INET)
    client.settimeout(10)
    host, _, port = where.rpartition(":")
    client.connect(where if kind == "ipc" else (host, int(port)))
    client.sendall(SUBSCRIBER[:3])
    client.sendall(SUBSCRIBER[3:])
    assert exactly(client, 8) == PUBLISHER
    return client


def exactly(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = client.recv(size - len(data))
        assert more
        data += more
    return data


def message_of(client: socket.socket) -> bytes:
    if client.family == socket.AF_UNIX:
        assert exactly(client, 1) == b"\1"
    (size,) = struct.unpack(">Q", exactly(client, 8))
    return exactly(client, size)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def publishing(address: str) -> Iterator[Publisher]:
    publisher = Publisher(address)
    publisher.start()
    try:
        yield publisher
    finally:
        publisher.stop()


@pytest.mark.parametrize("kind", ["ipc", "tcp"])
def test_all_subscribers_get_all_messages(tmp_path: Path, kind: str) -> None:
    address = f"ipc://{tmp_path}/n.ipc" if kind == "ipc" else f"tcp://127.0.0.1:{free_port()}"
    with publishing(address) as publisher:
        publisher.send(b"for nobody")
        clients = [subscribed(address) for _ in range(3)]
        until(lambda: sum(one.ready for one in publisher._subscribers.values()) == 3)
        publisher.send(b"first")
        publisher.send(b"x" * 100_000)
        assert [(message_of(one), len(message_of(one))) for one in clients] == [(b"first", 100_000)] * 3
        clients[0].close()
        until(lambda: len(publisher._subscribers) == 2)
        publisher.send(b"last")
        assert [message_of(one) for one in clients[1:]] == [b"last"] * 2
        for one in clients[1:]:
            one.close()
        until(lambda: not publisher.subscribed)


def test_who_is_no_subscriber_is_hung_up_on(tmp_path: Path) -> None:
    with publishing(f"ipc://{tmp_path}/n.ipc") as publisher, socket.socket(socket.AF_UNIX) as client:
        client.connect(f"{tmp_path}/n.ipc")
        client.settimeout(10)
        client.sendall(PUBLISHER)
        assert client.recv(100) in (PUBLISHER, b"")
        until(lambda: not publisher._subscribers)


def test_a_slow_subscriber_loses_messages_and_takes_no_memory(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/n.ipc"
    with publishing(address) as publisher, subscribed(address):
        until(lambda: publisher.subscribed)
        for _ in range(200):
            publisher.send(bytes(100_000))
        assert all(len(one.waiting) <= MAX_WAITING_BYTES + 9 for one in publisher._subscribers.values())


def test_the_socket_is_its_owners_and_goes_with_the_switch(tmp_path: Path) -> None:
    path = tmp_path / "n.ipc"
    with publishing(f"ipc://{path}"):
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(OSError), publishing(f"ipc://{path}"):
            pass
        assert path.exists()
    assert not path.exists()
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    with publishing(f"ipc://{path}"):
        subscribed(f"ipc://{path}").close()
    path.write_text("a file of somebody")
    with pytest.raises(OSError), publishing(f"ipc://{path}"):
        pass
    assert path.read_text() == "a file of somebody"


@pytest.mark.parametrize("address", ["", "x", "ipc://x", "tcp://x", "tcp://:1", "tcp://127.0.0.1:70000", "inproc://x"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ThriftError, match="expected ipc:///PATH or tcp://HOST:PORT"):
        Publisher(address)


# ---- all together ----


def test_a_client_learns_by_notifications_and_acknowledges(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/n.ipc"
    with thrift_bench(tmp_path, LEARNING, notifications=address) as bench:
        assert bench.standard.bm_mgmt_get_info().notifications_socket == address
        notifier = Notifier(bench.device)
        notifier.start()
        try:
            client = subscribed(address)
            until(lambda: all(one.ready for one in bench.server._publisher._subscribers.values()))  # type: ignore[union-attr]
            bench.standard.bm_learning_set_buffer_size(0, 1, 2)
            for op in (5, 5, 6):
                bench.device.switch.inject(1, request(op=op))
            head = HEAD.pack(b"LEA|", 1, 0, 1, 0, 2)
            assert message_of(client) == head + b"\5\0\1\6\0\1"
            bench.device.switch.inject(1, request(op=5))
            bench.standard.bm_learning_ack_buffer(0, 1, 0)
            bench.standard.bm_learning_set_timeout(0, 1, 1)
            bench.device.switch.inject(2, request(op=5))  # alone: its time is over soon
            found = message_of(client)
            assert found[-3:] == b"\5\0\2" and HEAD.unpack_from(found)[4] == 1
            with pytest.raises(InvalidLearnOperation):
                bench.standard.bm_learning_set_timeout(0, 2, 1)
            client.close()
        finally:
            notifier.stop()


def test_without_notifications_the_calls_are_accepted(learning: ThriftBench) -> None:
    assert learning.standard.bm_mgmt_get_info().notifications_socket is None
    learning.standard.bm_learning_set_buffer_size(0, 1, 2)
    learning.standard.bm_learning_ack(0, 1, 0, [0])


def test_an_address_in_use_leaves_all_else_as_it_is(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/n.ipc"
    with publishing(address), thrift_bench(tmp_path, LEARNING, notifications=address) as bench:
        assert bench.standard.bm_mgmt_get_info().notifications_socket is None
        assert bench.standard.bm_mt_get_entries(0, "none") == []
