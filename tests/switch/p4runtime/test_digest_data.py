"""Digests whose data contains headers, as P4Data (P4Runtime specification 8.5)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from finsy.proto import p4d, p4r

from softswitch.dataplane.entries import DigestMessage
from softswitch.server.program.digests import Digests
from tests.switch.controller import PROGRAMS, Controller, Running

PROGRAM = PROGRAMS / "digests.p4"


def enable(c: Controller, *names: str) -> None:
    for name in names:
        entry = p4r.DigestEntry(digest_id=c.id(name), config=p4r.DigestEntry.Config(max_list_size=1))
        c.insert(digest_entry=entry)


def header(*fields: bytes) -> p4d.P4Data:
    return p4d.P4Data(header=p4d.P4Header(is_valid=True, bitstrings=fields))


INVALID = p4d.P4Data(header=p4d.P4Header())


def test_headers_in_a_struct_are_valid_with_their_fields_or_invalid_without(running: Running, c: Controller) -> None:
    enable(c, "all_t")
    running.switch.submit(3, bytes((1, 0xFE)))
    (data,) = c.next("digest").data
    inner, x, one = data.struct.members
    assert (inner.struct.members[0], inner.struct.members[1].bitstring) == (header(b"\1", b"\xfe"), b"\3")
    assert (x, one.bool) == (INVALID, True)


def test_a_header_alone(running: Running, c: Controller) -> None:
    enable(c, "ask_t", "x_t")
    running.switch.submit(3, bytes((2, 5)))
    assert [c.next("digest").data[0] for _ in range(2)] == [header(b"\2", b"\5"), INVALID]


@pytest.mark.parametrize("op", [3, 4])
def test_unions_and_stacks(running: Running, c: Controller, op: int) -> None:
    enable(c, "many_t")
    running.switch.submit(3, bytes((op, 0, 0x12, 0x34, 0x80, 7)))
    either, stack, several = c.next("digest").data[0].struct.members
    assert either.header_union.valid_header_name == "y"
    assert list(either.header_union.valid_header.bitstrings) == [b"\x12\x34", b"\1", b"\0"]
    assert [entry.is_valid for entry in stack.header_stack.entries] == [True, False]
    assert list(stack.header_stack.entries[0].bitstrings) == [b"\7"]
    names = [entry.valid_header_name for entry in several.header_union_stack.entries]
    assert names == (["", ""] if op == 3 else ["", "x"])


@pytest.fixture
def digests(running: Running, c: Controller) -> Iterator[Digests]:
    enable(c, "x_t")
    config = running.device.active
    assert config is not None
    yield config.digests


def test_a_message_that_cannot_be_sent_is_reported_once(digests: Digests) -> None:
    sent: list[p4r.StreamMessageResponse] = []

    def send(response: p4r.StreamMessageResponse) -> bool:
        sent.append(response)
        return True

    with pytest.raises(ValueError, match="fewer numbers"):
        digests.receive(DigestMessage(0, (), 0, "x_t"), send)  # without its values
    digests.tick(send)
    assert sent == [] and not digests.busy
    digests.receive(DigestMessage(0, (1, 9), 0, "x_t"), send)
    assert [list(r.digest.data) for r in sent] == [[header(b"\t")]]


def acknowledged_within(digests: Digests, c: Controller, clock: list[int], steps_ms: list[int]) -> list[bool]:
    """Whether the same data is sent again at each of these times; the ack time-out is one second from time 0 on."""
    sent: list[p4r.StreamMessageResponse] = []

    def send(response: p4r.StreamMessageResponse) -> bool:
        sent.append(response)
        return True

    clock[0] = 0
    entry = p4r.DigestEntry(digest_id=c.id("x_t"), config=p4r.DigestEntry.Config(max_list_size=1, ack_timeout_ns=10**9))
    digests.write(p4r.Update.INSERT, entry)
    reported = []
    for step in steps_ms:
        clock[0] = step * 10**6
        digests.tick(send)
        before = len(sent)
        digests.receive(DigestMessage(0, (1, 9), 0, "x_t"), send)
        reported.append(len(sent) > before)
    return reported


def test_the_same_data_waits_for_one_to_two_ack_time_outs(running: Running, c: Controller) -> None:
    """As in the reference server. A suite that sends a packet 1.15 time-outs after another expects one digest."""
    assert running.device.active is not None
    clock = [0]

    def times(*steps_ms: int) -> list[bool]:
        assert running.device.active is not None
        fresh = Digests(running.device.active.index, clock_ns=lambda: clock[0])
        return acknowledged_within(fresh, c, clock, list(steps_ms))

    assert times(10, 1150, 4500) == [True, False, True]
    assert times(10, 1010, 1999, 2000, 3999, 4000) == [True, False, False, True, False, True]
    assert times(990, 1990, 2000) == [True, False, True]
