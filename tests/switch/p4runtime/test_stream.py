"""The stream: arbitration, packets, digests, idle time-outs, errors."""

from __future__ import annotations

import queue
import time
from typing import Any

import grpc
import pytest
from finsy.proto import p4r

from softswitch.server.rpc.threads import MAX_STREAMS
from tests.switch.controller import DEVICE, Controller, Running, encode, exact, frame, status

NOT_FOUND, ALREADY_EXISTS = 5, 6


# ---- arbitration ----


def test_the_largest_election_id_is_primary(running: Running) -> None:
    with running.controller(5) as first:
        assert (first.answer.status.code, first.answer.election_id.low) == (0, 5)
        with running.controller(9) as second:
            assert second.answer.status.code == 0
            reported = first.next("arbitration")
            assert (reported.status.code, reported.election_id.low) == (ALREADY_EXISTS, 9)
            entry = first.entry("hosts", exact(1, 1), action=first.action("NoAction"))
            assert status(lambda: first.insert(table_entry=entry)) == "PERMISSION_DENIED"
            second.insert(table_entry=entry)
        reported = first.next("arbitration")
        assert (reported.status.code, reported.election_id.low) == (NOT_FOUND, 9)
        assert status(lambda: first.delete(table_entry=entry)) == "PERMISSION_DENIED"
        first.arbitrate(8)  # below the largest that was ever seen
        assert first.next("arbitration").status.code == NOT_FOUND
        first.arbitrate(9)
        assert first.next("arbitration").status.code == 0
        first.delete(table_entry=entry)


def test_a_standby_never_writes_but_reads(running: Running) -> None:
    with running.controller(None) as standby:
        assert standby.answer.status.code == NOT_FOUND
        assert not standby.answer.HasField("election_id")
        entry = standby.entry("hosts", exact(1, 1), action=standby.action("NoAction"))
        assert status(lambda: standby.insert(table_entry=entry)) == "PERMISSION_DENIED"
        assert standby.read(table_entry=standby.entry("hosts")) == []


def test_a_primary_can_step_down(running: Running) -> None:
    with running.controller(5) as first, running.controller(3) as second:
        first.arbitrate(4)
        assert first.next("arbitration").status.code == NOT_FOUND
        assert second.next("arbitration").status.code == NOT_FOUND
        first.arbitrate(5)
        assert first.next("arbitration").status.code == 0
        assert second.next("arbitration").status.code == ALREADY_EXISTS


def test_roles_have_primaries_of_their_own(running: Running) -> None:
    with running.controller(5) as plain, running.controller(5, role="security") as other:
        assert (plain.answer.status.code, other.answer.status.code) == (0, 0)
        assert other.answer.role.name == "security"
        entry = other.entry("hosts", exact(1, 1), action=other.action("NoAction"))
        other.insert(table_entry=entry)
        other.role = "nobody"
        assert status(lambda: other.delete(table_entry=entry)) == "NOT_FOUND"


def ended(controller: Controller) -> grpc.StatusCode:
    return controller.next("never").code()


def test_what_ends_a_stream(running: Running) -> None:
    with running.controller(5), running.controller(4) as second:
        second.arbitrate(5)  # taken
        assert ended(second) is grpc.StatusCode.INVALID_ARGUMENT
    with running.controller(5) as third:
        third.arbitrate(6, device_id=DEVICE + 1)
        assert ended(third) is grpc.StatusCode.FAILED_PRECONDITION
    with running.controller(7) as fourth:
        fourth.role = "another"
        fourth.arbitrate(7)
        assert ended(fourth) is grpc.StatusCode.FAILED_PRECONDITION
    fifth = Controller(running.address, None, arbitrate=False)
    requests = iter([p4r.StreamMessageRequest(arbitration=p4r.MasterArbitrationUpdate(device_id=9))])
    with pytest.raises(grpc.RpcError) as caught:
        list(fifth.stub.StreamChannel(requests))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    fifth.close()


def test_a_lost_connection_frees_the_election_id(running: Running) -> None:
    first = running.controller(5)
    with running.controller(4) as second:
        first.channel.close()
        assert second.next("arbitration").status.code == NOT_FOUND
        second.arbitrate(5)
        assert second.next("arbitration").status.code == 0


def test_streams_leave_room_for_requests(running: Running) -> None:
    """A stream occupies a thread of the server: both are limited, so that requests always find a thread."""
    roles = [running.controller(1, role=f"role{number}") for number in range(MAX_STREAMS)]
    try:
        with pytest.raises(grpc.RpcError) as caught:
            list(roles[0].stub.StreamChannel(iter([])))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert roles[0].get_config().HasField("p4info")
    finally:
        for controller in roles:
            controller.close()


@pytest.mark.parametrize("call", ["Hold", "Follow", "WriteArray"])
def test_idle_streams_of_the_bulk_service_leave_room_for_requests(running: Running, c: Controller, call: str) -> None:
    silence: queue.SimpleQueue[Any] = queue.SimpleQueue()
    method = getattr(c.bulk, call)
    begin = method.future if call == "WriteArray" else method
    idle = [begin(iter(silence.get, None)) for _ in range(MAX_STREAMS - 1)]  # one is the controller's own

    def one_more() -> str:
        return status(lambda: list(c.bulk.Hold(iter([]))))

    while one_more() != "RESOURCE_EXHAUSTED":
        time.sleep(0.01)
    assert c.get_config().HasField("p4info")
    for stream in idle:
        stream.cancel()
    while one_more() != "OK":
        time.sleep(0.01)


# ---- packets ----


def test_packet_in_carries_the_header_as_metadata(running: Running, c: Controller) -> None:
    content = frame(0xC0DE, b"hello")
    running.switch.submit(3, content)
    packet = c.next("packet")
    assert packet.payload == content
    assert {m.metadata_id: m.value for m in packet.metadata} == {1: b"\3", 2: b"\5"}


def packet_out(payload: bytes, *metadata: tuple[int, int]) -> p4r.PacketOut:
    return p4r.PacketOut(
        payload=payload, metadata=[p4r.PacketMetadata(metadata_id=n, value=encode(v)) for n, v in metadata]
    )


def test_packet_out_goes_through_the_program(running: Running, c: Controller) -> None:
    content = frame(0x9999, b"out")
    c.send(packet=packet_out(content, (1, 4), (2, 0)))
    c.send(packet=packet_out(content, (1, 4)))
    error = c.next("error")  # of the second: the first was sent by then
    assert (error.canonical_code, error.packet_out.packet_out.payload) == (3, content)
    assert running.switch.take(4) == content
    c.send(packet=packet_out(content, (1, 512), (2, 0)))
    assert c.next("error").canonical_code == 11
    c.send(packet=packet_out(content, (1, 4), (2, 0), (3, 0)))
    assert c.next("error").canonical_code == 3
    c.send(packet=packet_out(content, (1, 4), (1, 4), (2, 0)))
    assert c.next("error").canonical_code == 3
    assert running.switch.take(4) is None


def test_only_the_primary_sends_packets(running: Running, c: Controller) -> None:
    with running.controller(None) as standby:
        standby.send(packet=packet_out(b"x" * 14, (1, 4), (2, 0)))
        assert standby.next("error").canonical_code == 7
        running.switch.submit(3, frame(0xC0DE))
        assert c.next("packet").payload == frame(0xC0DE)
        assert standby.none("packet")


# ---- digests ----


def digest_entry(c: Controller, **config: int) -> p4r.DigestEntry:
    return p4r.DigestEntry(digest_id=c.id("learned_t"), config=p4r.DigestEntry.Config(**config))


def learned(message: p4r.DigestList) -> list[tuple[int, int]]:
    fields = [[int.from_bytes(m.bitstring, "big") for m in data.struct.members] for data in message.data]
    return [(source, port) for source, port in fields]


def test_digests_are_listed_acknowledged_and_not_repeated(running: Running, c: Controller) -> None:
    def learn(source: int) -> None:
        running.switch.submit(2, frame(0xD1D1, src=source))

    learn(1)
    assert c.none("digest", 0.1)  # nobody asked for them
    c.insert(digest_entry=digest_entry(c, max_list_size=2, max_timeout_ns=10**13, ack_timeout_ns=10**13))
    learn(1)
    learn(1)
    learn(2)
    first = c.next("digest")
    assert learned(first) == [(1, 2), (2, 2)]
    learn(1)
    learn(3)
    learn(4)
    second = c.next("digest")
    assert learned(second) == [(3, 2), (4, 2)]  # 1 waits for its acknowledgement
    c.send(digest_ack=p4r.DigestListAck(digest_id=first.digest_id, list_id=first.list_id))
    c.send(digest_ack=p4r.DigestListAck(digest_id=5, list_id=1))
    assert c.next("error").canonical_code == 3
    learn(1)
    learn(5)
    assert learned(c.next("digest")) == [(1, 2), (5, 2)]


def test_digests_after_their_time_out(running: Running, c: Controller) -> None:
    c.insert(digest_entry=digest_entry(c, max_list_size=100, max_timeout_ns=10**6, ack_timeout_ns=10**6))
    running.switch.submit(2, frame(0xD1D1, src=7))
    assert learned(c.next("digest")) == [(7, 2)]
    while True:  # without an acknowledgement the same data is news again after ack_timeout_ns
        running.switch.submit(2, frame(0xD1D1, src=7))
        if not c.none("digest", 0.2):
            break


def test_digest_settings(c: Controller) -> None:
    entry = digest_entry(c, max_list_size=2, max_timeout_ns=3, ack_timeout_ns=4)
    assert status(lambda: c.modify(digest_entry=entry)) == "NOT_FOUND"
    c.insert(digest_entry=entry)
    assert status(lambda: c.insert(digest_entry=entry)) == "ALREADY_EXISTS"
    assert c.read(digest_entry=p4r.DigestEntry()) == [entry]
    entry.config.max_list_size = 9
    c.modify(digest_entry=entry)
    assert c.read(digest_entry=p4r.DigestEntry(digest_id=entry.digest_id)) == [entry]
    c.delete(digest_entry=entry)
    assert c.read(digest_entry=p4r.DigestEntry()) == []
    assert status(lambda: c.insert(digest_entry=p4r.DigestEntry(digest_id=1))) == "NOT_FOUND"
    assert status(lambda: c.insert(digest_entry=digest_entry(c, max_list_size=-1))) == "INVALID_ARGUMENT"


# ---- idle time-outs ----


def test_idle_entries_are_reported_again_and_again(running: Running, c: Controller) -> None:
    running.switch.set_time(0)
    entry = c.entry(
        "hosts", exact(1, 0xD), action=c.action("metered", port=2), idle_timeout_ns=10**9, controller_metadata=42
    )
    c.insert(table_entry=entry)
    running.switch.set_time(900_000)
    assert c.none("idle_timeout_notification", 0.2)
    running.switch.set_time(1_100_000)
    (reported,) = c.next("idle_timeout_notification").table_entry
    assert (reported.match, reported.controller_metadata, reported.idle_timeout_ns) == (entry.match, 42, 10**9)
    running.switch.set_time(1_900_000)
    assert c.none("idle_timeout_notification", 0.2)
    running.switch.set_time(2_200_000)
    assert len(c.next("idle_timeout_notification").table_entry) == 1
    running.switch.inject(1, frame(0x9999))  # a hit
    assert c.none("idle_timeout_notification", 0.2)
    wanted = c.entry("hosts", time_since_last_hit=p4r.TableEntry.IdleTimeout())
    running.switch.set_time(2_700_000)
    assert c.read(table_entry=wanted)[0].time_since_last_hit.elapsed_ns == 500_000_000


def test_messages_that_mean_nothing(c: Controller) -> None:
    c._requests.put(p4r.StreamMessageRequest())
    assert c.next("error").canonical_code == 12
