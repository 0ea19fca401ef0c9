"""Two and three controllers at one switch: who was demoted, or whose program was replaced, changes nothing any more.

The demotion, or another program, comes before each step of what a controller does with the bulk service.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from finsy.proto import stratum

from softswitch.proto import bulk_pb2
from tests.switch.controller import EVERYTHING, Config, Controller, Running, compile_program, frame, status
from tests.switch.p4runtime.test_roles import join

COMPILED = compile_program(EVERYTHING)
SOURCE = EVERYTHING.read_bytes()


def save(c: Controller) -> None:
    c.set_config(Config.VERIFY_AND_SAVE, COMPILED, SOURCE)


def small(c: Controller, saved: bool = False) -> bytes:
    which = bulk_pb2.SAVED if saved else bulk_pb2.ACTIVE
    request = bulk_pb2.ReadArrayRequest(name="small", count=4, pipeline=which)
    return b"".join(chunk.cells for chunk in c.bulk.ReadArray(request))


def become_primary(c: Controller, election: int) -> None:
    """Returns once it is primary; also if another client's hold has to end for that."""
    c.arbitrate(election)
    while (reported := c.next("arbitration")).election_id.low < election:
        pass
    assert reported.status.code == 0


class Holding:
    """A stream of Hold."""

    def __init__(self, c: Controller, fence: bulk_pb2.Fence, **first: Any) -> None:
        self._requests: queue.SimpleQueue[bulk_pb2.HoldRequest | None] = queue.SimpleQueue()
        self._answers = c.bulk.Hold(iter(self._requests.get, None))
        self.ask(device_id=1, fence=fence, **first)

    def ask(self, **request: Any) -> bulk_pb2.HoldResponse:
        self.send(**request)
        return self.answer()

    def send(self, **request: Any) -> None:
        self._requests.put(bulk_pb2.HoldRequest(**request))

    def answer(self) -> bulk_pb2.HoldResponse:
        answer: bulk_pb2.HoldResponse = next(self._answers)
        return answer

    def close(self) -> None:
        self._requests.put(None)


SET_CELL = [bulk_pb2.CellWrites(name="small", indices=bytes(8), cells=b"\x09")]


def set_cell(fence: bulk_pb2.Fence) -> bulk_pb2.WriteArrayRequest:
    return bulk_pb2.WriteArrayRequest(device_id=1, pipeline=bulk_pb2.SAVED, name="small", cells=b"\x09", fence=fence)


CHANGES: dict[str, Callable[[Controller, bulk_pb2.Fence], Any]] = {
    "WriteArray": lambda c, fence: c.bulk.WriteArray(iter([set_cell(fence)])),
    "WriteCells": lambda c, fence: c.bulk.WriteCells(
        bulk_pb2.WriteCellsRequest(device_id=1, pipeline=bulk_pb2.SAVED, writes=SET_CELL, fence=fence)
    ),
    "Hold": lambda c, fence: Holding(c, fence),
    "hand over": lambda c, fence: Holding(c, fence).ask(hand_over=bulk_pb2.HandOver()),
    "DiscardSaved": lambda c, fence: c.bulk.DiscardSaved(bulk_pb2.DiscardSavedRequest(device_id=1, fence=fence)),
}


@pytest.fixture
def b(running: Running) -> Iterator[Controller]:
    """Another controller, a backup as long as it does not raise its election id."""
    with running.controller(None) as made:
        yield made


@pytest.mark.parametrize("what", CHANGES)
def test_the_primary_may(c: Controller, what: str) -> None:
    save(c)
    CHANGES[what](c, c.fence(saved=True))


@pytest.mark.parametrize("what", CHANGES)
def test_a_demoted_controller_changes_nothing(c: Controller, b: Controller, what: str) -> None:
    save(c)
    fence = c.fence(saved=True)
    become_primary(b, 2)
    assert status(lambda: CHANGES[what](c, fence)) == "PERMISSION_DENIED"
    assert small(b, saved=True) == bytes(4)  # it is still saved, and nothing was written


@pytest.mark.parametrize("what", CHANGES)
def test_nobodys_request_changes_nothing(running: Running, c: Controller, what: str) -> None:
    save(c)
    right = c.fence(saved=True)
    wrong = bulk_pb2.Fence(role="other", election_id_low=1, program=right.program)
    assert status(lambda: CHANGES[what](c, wrong)) == "NOT_FOUND"  # a role that nobody has, as for a Write
    c.close()
    with running.controller(None) as other:
        assert status(lambda: CHANGES[what](other, right)) == "PERMISSION_DENIED"
        assert small(other, saved=True) == bytes(4)


@pytest.mark.parametrize("what", CHANGES)
def test_a_program_that_another_role_saved_is_not_touched(running: Running, c: Controller, what: str) -> None:
    save(c)
    fence = c.fence(saved=True)
    with running.controller(1, role="other") as other:
        save(other)
    assert status(lambda: CHANGES[what](c, fence)) == "ABORTED"
    assert small(c, saved=True) == bytes(4)


@pytest.mark.parametrize("end", [Config.COMMIT, Config.VERIFY_AND_COMMIT])
@pytest.mark.parametrize("what", CHANGES)
def test_a_program_that_is_not_saved_any_more(running: Running, c: Controller, what: str, end: int) -> None:
    save(c)
    fence = c.fence(saved=True)
    with running.controller(1, role="other") as other:
        other.set_config(end, *(() if end == Config.COMMIT else (COMPILED, SOURCE)))
    refused = status(lambda: CHANGES[what](c, fence))
    assert refused == ("OK" if what == "DiscardSaved" else "FAILED_PRECONDITION")  # nothing to discard
    assert small(c) == bytes(4)


def test_a_write_to_the_active_program_is_for_that_one(running: Running, c: Controller) -> None:
    fence = c.fence()
    with running.controller(1, role="other") as other:
        other.set_config(Config.VERIFY_AND_COMMIT, COMPILED, SOURCE)
    request = bulk_pb2.WriteArrayRequest(device_id=1, name="small", cells=b"\x09", fence=fence)
    assert status(lambda: c.bulk.WriteArray(iter([request]))) == "ABORTED"
    assert small(c) == bytes(4)


def test_what_a_fence_has_to_say(c: Controller) -> None:
    save(c)
    bare = bulk_pb2.WriteArrayRequest(device_id=1, name="small", cells=b"\x09")
    assert status(lambda: c.bulk.WriteArray(iter([bare]))) == "INVALID_ARGUMENT"
    bare.fence.election_id_low = 1
    assert status(lambda: c.bulk.WriteArray(iter([bare]))) == "INVALID_ARGUMENT"  # no program
    bare.fence.program, bare.device_id = c.program(), 0
    assert status(lambda: c.bulk.WriteArray(iter([bare]))) == "NOT_FOUND"  # no device
    assert status(lambda: c.bulk.GetStats(bulk_pb2.StatsRequest(reset=True))) == "INVALID_ARGUMENT"
    assert small(c) == bytes(4)


def test_a_stream_of_writes_ends_at_the_demotion(c: Controller, b: Controller) -> None:
    save(c)
    fence, parts = c.fence(saved=True), queue.SimpleQueue[Any]()

    def write(start: int, cell: int) -> None:
        request = bulk_pb2.WriteArrayRequest(
            device_id=1, name="small", start=start, cells=bytes([cell]), pipeline=bulk_pb2.SAVED
        )
        if start == 0:
            request.fence.CopyFrom(fence)
        parts.put(request)

    call = c.bulk.WriteArray.future(iter(parts.get, None))
    write(0, 7)
    while small(c, saved=True)[0] != 7:
        pass
    become_primary(b, 2)
    write(1, 8)
    assert status(call.result) == "PERMISSION_DENIED"
    assert small(c, saved=True) == bytes([7, 0, 0, 0])


def test_a_stream_of_writes_ends_when_another_program_is_saved(running: Running, c: Controller) -> None:
    save(c)
    fence, parts = c.fence(saved=True), queue.SimpleQueue[Any]()
    request = bulk_pb2.WriteArrayRequest(device_id=1, name="small", cells=b"\7", pipeline=bulk_pb2.SAVED, fence=fence)
    call = c.bulk.WriteArray.future(iter(parts.get, None))
    parts.put(request)
    while small(c, saved=True)[0] != 7:
        pass
    with running.controller(1, role="other") as other:
        save(other)
    parts.put(request)
    assert status(call.result) == "ABORTED"
    assert small(c, saved=True) == bytes(4)


@pytest.mark.parametrize("step", ["while clones are kept", "before packets wait", "while packets wait"])
def test_a_demoted_holder_commits_nothing(running: Running, c: Controller, b: Controller, step: str) -> None:
    save(c)
    fence = c.fence(saved=True)
    before = c.program()
    holding = Holding(c, fence)
    if step == "while packets wait":
        holding.ask(max_hold_us=1_000_000, writes=SET_CELL)
    become_primary(b, 2)  # it does not wait for the end of the hold
    if step == "while packets wait":
        assert status(holding.answer) == "PERMISSION_DENIED"
    elif step == "before packets wait":
        assert status(lambda: holding.ask(writes=SET_CELL, commit=True)) == "PERMISSION_DENIED"
    else:
        assert status(lambda: holding.ask(hand_over=bulk_pb2.HandOver())) == "PERMISSION_DENIED"
    assert b.program() == before
    running.switch.inject(1, frame(0x9999))  # packets pass
    assert small(b)[1] == 1


def test_a_hold_ends_when_its_holder_leaves(running: Running, c: Controller, b: Controller) -> None:
    """The arbitration stream ends, the Hold stream does not: the controller is no longer primary."""
    save(c)
    with running.controller(None, arbitrate=False) as hands:
        holding = Holding(hands, c.fence(saved=True))
        holding.ask(max_hold_us=1_000_000, writes=SET_CELL)
        c.close()
        assert status(holding.answer) == "PERMISSION_DENIED"
    become_primary(b, 2)


def test_a_backup_does_not_end_a_hold(running: Running, c: Controller, b: Controller) -> None:
    save(c)
    holding = Holding(c, c.fence(saved=True))
    holding.ask(max_hold_us=1_000_000, writes=SET_CELL)
    joined = threading.Thread(target=b.arbitrate, args=(0,))
    joined.start()
    assert holding.ask(commit=True).committed
    joined.join()
    assert small(c)[0] == 9


def test_of_three_controllers_the_last_one_wins(running: Running, c: Controller, b: Controller) -> None:
    save(c)
    with running.controller(None) as third:
        first = c.fence(saved=True)
        become_primary(b, 2)
        second = b.fence(saved=True)
        become_primary(third, 3)
        save(third)
        for fence in (first, second):
            assert {status(lambda f=fence, w=what: CHANGES[w](b, f)) for what in CHANGES} == {"PERMISSION_DENIED"}
        assert Holding(third, third.fence(saved=True)).ask(writes=SET_CELL, commit=True).committed
        assert small(third)[0] == 9


def test_a_role_writes_what_is_its_own(running: Running, c: Controller) -> None:
    config = stratum.P4RoleConfig(exclusive_p4_ids=[c.id("wide")])
    with join(running, "limited", config) as limited:
        assert status(lambda: limited.write_array("small", b"\1")) == "PERMISSION_DENIED"
        assert limited.write_array("wide", bytes(16)) == 1
        save(c)
        fence = limited.fence(saved=True)
        for what in ("Hold", "hand over", "DiscardSaved"):
            assert status(lambda w=what: CHANGES[w](limited, fence)) == "PERMISSION_DENIED"
        reset = bulk_pb2.StatsRequest(reset=True, fence=fence)
        assert status(lambda: limited.bulk.GetStats(reset)) == "PERMISSION_DENIED"


def test_a_demoted_controller_resets_no_statistics(running: Running, c: Controller, b: Controller) -> None:
    running.switch.inject(1, frame(0xD1D1))
    reset = bulk_pb2.StatsRequest(device_id=1, reset=True, fence=c.fence())
    become_primary(b, 2)
    assert status(lambda: c.bulk.GetStats(reset)) == "PERMISSION_DENIED"
    assert c.bulk.GetStats(bulk_pb2.StatsRequest()).drops["ingress"] == 1


@pytest.mark.parametrize("action", [Config.COMMIT, Config.RECONCILE_AND_COMMIT, Config.VERIFY_AND_COMMIT])
def test_a_program_is_set_in_place_of_the_one_that_was_meant(running: Running, c: Controller, action: int) -> None:
    """`softswitch-program` in a request names the program that it builds on."""
    save(c)
    meant = c.program(saved=action == Config.COMMIT)
    with running.controller(1, role="other") as other:
        if action != Config.COMMIT:
            other.set_config(Config.VERIFY_AND_COMMIT, COMPILED, SOURCE)
        save(other)
    now = c.program()
    request = Config(device_id=1, action=action, election_id={"low": 1})
    if action != Config.COMMIT:
        request.config.p4info.CopyFrom(COMPILED.p4info)
        request.config.p4_device_config = SOURCE
    metadata = (("softswitch-program", str(meant)),)
    call = c.stub.SetForwardingPipelineConfig
    assert status(lambda: call(request, metadata=metadata)) == "ABORTED"
    assert c.program() == now
    call(request)  # a client that does not say takes what is there
    assert c.program() != now


def test_each_program_has_a_number(c: Controller) -> None:
    numbers = [c.program()]
    for action in (Config.VERIFY_AND_SAVE, Config.VERIFY_AND_COMMIT, Config.RECONCILE_AND_COMMIT):
        request = Config(device_id=1, action=action, election_id={"low": 1})
        request.config.p4_device_config = SOURCE
        _, call = c.stub.SetForwardingPipelineConfig.with_call(request)
        numbers.append(int(dict(call.trailing_metadata())["softswitch-program"]))
        assert numbers[-1] == c.program(saved=action == Config.VERIFY_AND_SAVE)
    assert len(set(numbers)) == 4
    wrong = (("softswitch-program", "x"),)
    with pytest.raises(grpc.RpcError):
        c.stub.SetForwardingPipelineConfig(Config(device_id=1, action=Config.COMMIT), metadata=wrong)
