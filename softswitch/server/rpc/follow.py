"""A program change while other clients write (rpc Follow of softswitch.v1.Bulk).

One stream is one change: it starts with the first request, and everything it holds (the recorded writes, the saved
program, the blocked writers) is released when the stream ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from finsy.proto import p4r
from google.protobuf.message import DecodeError, Message

from softswitch.proto import bulk_pb2
from softswitch.server.device.bring import bring, read_by_keys
from softswitch.server.device.changes import Change
from softswitch.server.device.device import Device
from softswitch.server.device.fence import Fence
from softswitch.server.errors import Code, Refused, invalid
from softswitch.server.program.config import Config

M = TypeVar("M", bound=Message)


def serve_follow(device: Device, requests: Iterator[bulk_pb2.FollowRequest]) -> Iterator[bulk_pb2.FollowResponse]:
    """Serves one stream. Raises Refused."""
    first = next(requests, None)
    if first is None:
        return
    device.check_id(first.device_id)
    change = begin(device, Fence.of(first))
    try:
        yield bulk_pb2.FollowResponse()
        for request in requests:
            yield answer(device, change, request)
    finally:
        end(device, change)


def begin(device: Device, fence: Fence) -> Change:
    """From now on every write to the running program is recorded for this change. Raises Refused."""
    with device.arbitration.write_lock:
        fence.check_client(device.arbitration, sets_programs=True)
        if device.active is None:
            raise Refused(Code.FAILED_PRECONDITION, "no program is active")
        change = Change(fence, device.active)
        device.changes.begin(change, lambda other: _is_primary(device, other))
    return change


def end(device: Device, change: Change) -> None:
    """Discards the change's saved program unless it was committed, and unblocks other writers."""
    with device.arbitration.write_lock:
        if change.saved is not None and device.saved is change.saved:
            device.discard_saved()
        device.changes.end(change)


def answer(device: Device, change: Change, request: bulk_pb2.FollowRequest) -> bulk_pb2.FollowResponse:
    """Carries out the parts of one request in order. Raises Refused."""
    response = bulk_pb2.FollowResponse()
    with device.arbitration.write_lock:
        change.fence.check_client(device.arbitration, sets_programs=True)
        device.changes.check(change, device.active, device.saved)
        if request.hold_writers_us:
            change.hold_writers(request.hold_writers_us / 1e6)
        if request.take:
            _take(device, change, response)
        for reads, config in ((request.reads, change.config), (request.reads_saved, change.saved)):
            if reads:
                response.entities.extend(_read(device, _present(config), reads))
        if request.updates or request.puts or request.deletes:
            response.failed.extend(_write(device, _present(change.saved), request))
        if request.commit:
            _present(change.saved)
            device.commit_saved()
            change.saved = None
            response.committed = True
    return response


def _is_primary(device: Device, change: Change) -> bool:
    try:
        change.fence.check_client(device.arbitration)
    except Refused:
        return False
    return True


def _present(config: Config | None) -> Config:
    if config is None:
        raise Refused(Code.FAILED_PRECONDITION, "no config was saved: use VERIFY_AND_SAVE first")
    return config


def _take(device: Device, change: Change, response: bulk_pb2.FollowResponse) -> None:
    keys, response.overflow = change.take()
    for key, found in read_by_keys(device.batches, change.config, keys):
        response.written.add(key=key.SerializeToString(), entities=[entity.SerializeToString() for entity in found])


def _read(device: Device, config: Config, wanted: Sequence[bytes]) -> Iterator[bytes]:
    request = p4r.ReadRequest(entities=[_parsed(p4r.Entity, entity) for entity in wanted])
    for part in device.batches.take(config, request).responses():
        for entity in part.entities:
            yield entity.SerializeToString()


def _write(device: Device, config: Config, request: bulk_pb2.FollowRequest) -> Iterator[bulk_pb2.FailedUpdate]:
    updates = [_parsed(p4r.Update, update) for update in request.updates]
    puts, deletes = ([_parsed(p4r.Entity, e) for e in part] for part in (request.puts, request.deletes))
    failed = [(u.entity, error) for u in updates if (error := device.batches.attempt(config, u)) is not None]
    failed += bring(device.batches, config, puts, deletes)
    for entity, error in failed:
        yield bulk_pb2.FailedUpdate(entity=entity.SerializeToString(), error=error.to_proto().SerializeToString())


def _parsed(kind: type[M], data: bytes) -> M:
    try:
        return kind.FromString(data)
    except DecodeError:
        raise invalid(f"malformed p4.v1.{kind.__name__}") from None
