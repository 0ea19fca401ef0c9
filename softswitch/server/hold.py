"""Holding packets for a client that ends a change of programs (rpc Hold of softswitch.v1.Bulk).

The whole stream is served by one thread inside one safe point: what it reads is final, and what it writes is there
before the next packet. The time is bounded, so a client that dies or hangs delays packets and loses none.
"""

from __future__ import annotations

import queue
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
    waiting: queue.SimpleQueue[bulk_pb2.HoldRequest | None] = queue.SimpleQueue()
    first = next(requests, None)
    if first is None:
        return
    device.check_id(first.device_id or device.device_id)
    limit = min(first.max_hold_us or DEFAULT_MAX_US, LONGEST_US) / 1e6
    threading.Thread(target=_forward, args=(requests, waiting), name="hold-requests", daemon=True).start()
    election = first.election_id_high << 64 | first.election_id_low
    with device.arbitration.write_lock:
        device.arbitration.check_write("", election)
        if device.saved is None:
            raise Refused(Code.FAILED_PRECONDITION, "no config was saved: VERIFY_AND_SAVE comes first")
        with device.switch.safe_point():
            began = time.monotonic()
            request: bulk_pb2.HoldRequest | None = first
            while request is not None:
                chunks = handle(request)
                if request.copy_counts and device.active is not None:
                    Reconciliation(device.active, device.saved).copy_counts()
                if request.commit:
                    device.commit_saved()
                held = time.monotonic() - began
                response = bulk_pb2.HoldResponse(reads=chunks, held_ns=round(held * 1e9), committed=request.commit)
                if request.commit:
                    break
                yield response
                try:
                    request = waiting.get(timeout=max(0.0, limit - held))
                except queue.Empty:
                    message = f"packets were held for {limit * 1e3:g} ms without a COMMIT"
                    raise Refused(Code.DEADLINE_EXCEEDED, message) from None
            else:
                return
    yield response  # packets flow again


def _forward(requests: Iterator[bulk_pb2.HoldRequest], waiting: queue.SimpleQueue[bulk_pb2.HoldRequest | None]) -> None:
    """Takes requests off the stream, so that waiting for one can end."""
    try:
        for request in requests:
            waiting.put(request)
    except Exception:  # the client is gone: grpc raises a bare Exception here
        pass
    finally:
        waiting.put(None)
