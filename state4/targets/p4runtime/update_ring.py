"""Getting a softswitch's update ring (ShareUpdates of the bulk service): asked for over gRPC, its memory fetched at a
Unix socket, as gRPC passes no descriptors."""

from __future__ import annotations

import os
import socket
from dataclasses import fields
from typing import Any

import grpc

from softswitch.proto import bulk_pb2
from state4.clones.header import REPLICA, CloneLayout
from state4.clones.update_ring import RingListener, RingShape
from state4.errors import ListenerError, TargetError
from state4.targets.p4runtime.connection import Connection, error_code
from state4.targets.p4runtime.hold import clone_format

_TIMEOUT_S = 2.0
_CANNOT = (
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
)
"""An older switch, another kernel, a program without these fields, too many rings, nobody at the socket in time."""


def open_ring(connection: Connection, program: int, layout: CloneLayout) -> RingListener | None:
    """Updates of the forwarding program, number `program`, arrive there until it is closed. None if the switch cannot
    do this or is on another machine. Raises TargetError, ListenerError."""
    request = bulk_pb2.ShareUpdatesRequest(
        device_id=connection.device_id,
        fence=connection.fence(program),
        format=clone_format(layout),
        prefix=layout.prefix,
        session=layout.session,
        replica=REPLICA,
    )
    stream: Any = connection.bulk.ShareUpdates(request)
    what = "getting updates by shared memory"
    try:
        return connection.call(what, lambda: _opened(stream, layout))
    except StopIteration:
        raise TargetError(f"{what}: the switch ended it") from None
    except TargetError as error:
        if error_code(error) in _CANNOT:
            return None
        raise


def _opened(stream: Any, layout: CloneLayout) -> RingListener | None:
    """Raises RpcError, ListenerError."""
    listener: RingListener | None = None
    attached = False
    try:
        offered: bulk_pb2.ShareUpdatesResponse = next(stream)
        descriptor = _fetched(offered.socket)
        if descriptor is None:
            return None
        shape = RingShape(**{field.name: int(getattr(offered, field.name)) for field in fields(RingShape)})
        listener = RingListener(descriptor, shape, layout, stream.cancel)
        attached = bool(next(stream).attached)
        return listener
    finally:
        if not attached:
            if listener is not None:
                listener.close()
            stream.cancel()


def _fetched(path: str) -> int | None:
    """The descriptor that the switch hands out at a socket; None if there is no such socket here. Raises
    ListenerError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_TIMEOUT_S)
        try:
            client.connect(path)
        except (OSError, ValueError):  # another machine's, or another user's
            return None
        try:
            _, found, _, _ = socket.recv_fds(client, 1, 1, socket.MSG_CMSG_CLOEXEC)
        except OSError as error:
            raise ListenerError(f"fetching the switch's update ring: {error.strerror or error}") from error
    if not found:
        return None  # it takes us for somebody else
    for more in found[1:]:
        os.close(more)
    return found[0]
