"""Updates of state by shared memory (rpc ShareUpdates of softswitch.v1.Bulk).

gRPC cannot pass a descriptor, so the client fetches it at a Unix socket that exists for this one moment. One stream is
one ring: the switch writes to it from the moment that the client has it, until the stream ends.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType

import grpc

from softswitch.dataplane.update_ring import RingOptions, UpdateRing
from softswitch.errors import InterfaceError, SwitchError
from softswitch.proto import bulk_pb2
from softswitch.server.device.device import Device
from softswitch.server.device.fence import Fence
from softswitch.server.device.sharing import Shared
from softswitch.server.errors import Code, Refused
from softswitch.server.program.config import Config
from softswitch.server.rpc.clone_format import clone_format
from softswitch.server.rpc.threads import Limit

PICK_UP_S = 2.0
"""How long a client may take from the first answer until it has the descriptor."""
MAX_RINGS = 4
"""At once, of which the switch writes to one: each has memory of its own."""
_CANNOT = (InterfaceError, SwitchError)
"""What this machine cannot do just now: seal memory, give so much of it."""
_LOOK_S = 0.05
_CHECK_S = 1.0
_CREDENTIALS = struct.Struct("iII")


def ring_limit() -> Limit:
    """For the rings of a server."""
    return Limit(MAX_RINGS, f"{MAX_RINGS} update rings are there already")


def serve_updates(
    device: Device, request: bulk_pb2.ShareUpdatesRequest, context: grpc.ServicerContext
) -> Iterator[bulk_pb2.ShareUpdatesResponse]:
    """Serves one stream. Raises Refused."""
    device.check_id(request.device_id)
    fence, changed = Fence.of(request), threading.Event()
    context.add_callback(changed.set)
    with device.arbitration.write_lock:
        shared = Shared(fence, _make(_checked(device, fence), request), changed)
    try:
        with Offer() as offer:
            shape = vars(shared.ring.shape)
            yield bulk_pb2.ShareUpdatesResponse(socket=offer.path, **shape)
            offer.give(shared.ring.descriptor, context.is_active)
        with device.arbitration.write_lock:
            _checked(device, fence)
            device.sharing.begin(shared)
        yield bulk_pb2.ShareUpdatesResponse(attached=True)
        with device.arbitration.watched(changed):
            while context.is_active():
                device.sharing.check(shared)
                changed.wait(_CHECK_S)
                changed.clear()
    finally:
        device.sharing.end(shared)


def _checked(device: Device, fence: Fence) -> Config:
    """The program that the ring is for. Raises Refused."""
    fence.check_client(device.arbitration, sets_programs=True)
    return fence.check_program(device.active, "active")


def _make(config: Config, request: bulk_pb2.ShareUpdatesRequest) -> UpdateRing:
    form = clone_format(request.format)
    options = RingOptions(form, request.prefix, request.session, request.replica, request.records)
    try:
        return UpdateRing(config.pipeline.handle, options)
    except SwitchError as error:
        if type(error) in _CANNOT:
            raise Refused(Code.FAILED_PRECONDITION, str(error)) from None
        raise


class Offer:
    """A Unix socket in a folder of its own, where one client gets one descriptor. Both are gone at the end of the
    context. `path`: of the socket. Raises Refused if there is no place for it."""

    def __init__(self) -> None:
        self._folder = ""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._folder = tempfile.mkdtemp(prefix="softswitch-")  # which nobody else may enter
            self.path = os.path.join(self._folder, "ring")
            self._socket.bind(self.path)
            os.chmod(self.path, 0o600)
            self._socket.listen(1)
            self._socket.settimeout(_LOOK_S)
        except OSError as error:
            self.close()
            reason = error.strerror or str(error)
            raise Refused(Code.FAILED_PRECONDITION, f"no place for the socket of an update ring: {reason}") from None

    def __enter__(self) -> Offer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def give(self, descriptor: int, is_active: Callable[[], bool]) -> None:
        """Waits for a client and hands the descriptor to it; other users' are turned away. Raises Refused: CANCELLED if
        nobody waits for it any more, DEADLINE_EXCEEDED."""
        deadline = time.monotonic() + PICK_UP_S
        while is_active():
            try:
                client, _ = self._socket.accept()
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise Refused(
                        Code.DEADLINE_EXCEEDED, "nobody fetched the update ring; is the client elsewhere?"
                    ) from None
                continue
            with client:
                if _is_owner(client):
                    socket.send_fds(client, [b"\0"], [descriptor])
                    return
        raise Refused(Code.CANCELLED, "the client has gone")


def _is_owner(client: socket.socket) -> bool:
    """Whether the other end is this user's, or root's."""
    packed = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return _CREDENTIALS.unpack(packed)[1] in (0, os.geteuid())
