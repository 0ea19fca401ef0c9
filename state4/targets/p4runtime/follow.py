"""A program change while other controllers write: one stream of Follow of softswitch's bulk service."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
from finsy.proto import p4r

from softswitch.proto import bulk_pb2
from state4.errors import NotPrimary, ProgramChanged, TargetError, Unsupported
from state4.targets.abilities import Written
from state4.targets.p4runtime.connection import Connection, refused_update
from state4.targets.p4runtime.mastership import code, reason

HOLD_WRITERS_S = 1.0
"""After this time the switch unblocks other writers, whatever happened to this controller."""
_UPDATES_PER_REQUEST = 2000
_KINDS = {
    grpc.StatusCode.UNIMPLEMENTED: Unsupported,
    grpc.StatusCode.PERMISSION_DENIED: NotPrimary,
    grpc.StatusCode.ABORTED: ProgramChanged,
}


class BulkFollow:
    """The switch notes what is written, from here until `close`. Raises TargetError."""

    def __init__(self, connection: Connection) -> None:
        self._requests: queue.SimpleQueue[bulk_pb2.FollowRequest | None] = queue.SimpleQueue()
        self._stream: Any = connection.bulk.Follow(iter(self._requests.get, None))
        first = bulk_pb2.FollowRequest(device_id=connection.device_id, fence=connection.fence(0))
        self._ask(first, "beginning a change of programs")

    def _ask(self, request: bulk_pb2.FollowRequest, what: str) -> bulk_pb2.FollowResponse:
        self._requests.put(request)
        try:
            answer: bulk_pb2.FollowResponse = next(self._stream)
        except grpc.RpcError as error:
            raise _KINDS.get(code(error), TargetError)(f"{what}: {reason(error)}") from error
        except StopIteration:
            raise TargetError(f"{what}: the switch ended it") from None
        return answer

    def close(self) -> None:
        """Returns when the switch has ended the change: a saved program is gone, other writers go on."""
        self._requests.put(None)
        try:
            for _ in self._stream:
                pass
        except grpc.RpcError:
            pass  # it has ended

    def take(self, *, hold_writers: bool = False) -> Written:
        request = bulk_pb2.FollowRequest(take=True)
        if hold_writers:
            request.hold_writers_us = round(HOLD_WRITERS_S * 1e6)
        answer = self._ask(request, "asking what other controllers wrote")
        keys = [(p4r.Entity.FromString(w.key), [p4r.Entity.FromString(e) for e in w.entities]) for w in answer.written]
        return Written(keys, not answer.overflow)

    def read(self, wanted: Sequence[p4r.Entity], *, saved: bool) -> list[p4r.Entity]:
        packed = [entity.SerializeToString() for entity in wanted]
        request = bulk_pb2.FollowRequest()
        (request.reads_saved if saved else request.reads).extend(packed)
        return [p4r.Entity.FromString(entity) for entity in self._ask(request, "reading entries").entities]

    def write(self, updates: Sequence[p4r.Update]) -> None:
        """To the saved program. Raises TargetError with the first update that failed."""
        for at in range(0, len(updates), _UPDATES_PER_REQUEST):
            packed = [update.SerializeToString() for update in updates[at : at + _UPDATES_PER_REQUEST]]
            for entity, why in _failed(self._ask(bulk_pb2.FollowRequest(updates=packed), "writing entries")):
                raise TargetError(refused_update(entity, why))

    def bring(self, puts: Sequence[p4r.Entity], deletes: Sequence[p4r.Entity]) -> list[tuple[p4r.Entity, str]]:
        request = bulk_pb2.FollowRequest(
            puts=[entity.SerializeToString() for entity in puts],
            deletes=[entity.SerializeToString() for entity in deletes],
        )
        answer = self._ask(request, "bringing what other controllers wrote into the new program")
        return [(entity, refused_update(entity, why)) for entity, why in _failed(answer)]

    def commit(self) -> None:
        self._ask(bulk_pb2.FollowRequest(commit=True), "committing the saved program")


def _failed(answer: bulk_pb2.FollowResponse) -> Iterator[tuple[p4r.Entity, str]]:
    for failed in answer.failed:
        yield p4r.Entity.FromString(failed.entity), p4r.Error.FromString(failed.error).message
