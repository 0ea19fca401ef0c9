"""Holding packets for a client that ends a change of programs (rpc Hold of softswitch.v1.Bulk).

The whole stream is served by one thread inside one safe point: what it reads is final, and what it writes is there
before the next packet. The time is bounded, so a client that dies or hangs delays packets and loses none.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import grpc

from softswitch.proto import bulk_pb2
from softswitch.server.device import Device
from softswitch.server.errors import Code, Refused
from softswitch.server.reconcile import Reconciliation

DEFAULT_MAX_US = 100_000
LONGEST_US = 1_000_000
Handler = Callable[[bulk_pb2.HoldRequest], list[bulk_pb2.ArrayChunk]]


def serve_hold(
    device: Device,
    requests: Iterator[bulk_pb2.HoldRequest],
    context: grpc.ServicerContext,
    handle: Handler,
) -> Iterator[bulk_pb2.HoldResponse]:
    """Serves one stream. `handle` does the reads and writes of a request. Raises Refused."""
    first = next(requests, None)
    if first is None:
        return
    device.check_id(first.device_id or device.device_id)
    election = first.election_id_high << 64 | first.election_id_low
    _check(device, election)
    yield bulk_pb2.HoldResponse()
    request = next(requests, None)
    if request is None:
        return
    limit_s = min(request.max_hold_us or DEFAULT_MAX_US, LONGEST_US) / 1e6
    watchdog = threading.Timer(limit_s, context.cancel)
    watchdog.daemon = True
    watchdog.start()
    try:
        with device.arbitration.write_lock:
            _check(device, election)
            with device.switch.safe_point():
                began = time.monotonic()
                response = _run(device, request, handle, began)
                while not response.committed:
                    yield response
                    request = next(requests, None)
                    if request is None:
                        return
                    response = _run(device, request, handle, began)
    finally:
        watchdog.cancel()
    yield response  # packets flow again


def _check(device: Device, election: int) -> None:
    device.arbitration.check_write("", election)
    if device.saved is None:
        raise Refused(Code.FAILED_PRECONDITION, "no config was saved: VERIFY_AND_SAVE comes first")


def _run(device: Device, request: bulk_pb2.HoldRequest, handle: Handler, began: float) -> bulk_pb2.HoldResponse:
    chunks = handle(request)
    if request.copy_counts and device.active is not None and device.saved is not None:
        Reconciliation(device.active, device.saved).copy_counts()
    if request.commit:
        device.commit_saved()
    held_ns = round((time.monotonic() - began) * 1e9)
    return bulk_pb2.HoldResponse(reads=chunks, held_ns=held_ns, committed=request.commit)
