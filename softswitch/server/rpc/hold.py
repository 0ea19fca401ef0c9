"""Holds packets for a client that completes a program change (rpc Hold of softswitch.v1.Bulk).

Either the switch does everything (`hand_over`): it has recorded the latest clones, and in one call it writes their
updates, moves counters and commits, without waiting for any client. Or one thread serves the whole stream inside one
safe point: reads are final, and writes take effect before the next packet. The duration is bounded (rpc/hold_limit.py),
so a client that dies or hangs delays packets but loses none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from softswitch.dataplane.externs import Register
from softswitch.dataplane.handover import Component
from softswitch.proto import bulk_pb2
from softswitch.server.device.copies import CellCopy, checked_copy
from softswitch.server.device.device import Device
from softswitch.server.device.fence import Fence
from softswitch.server.device.reconcile import Reconciliation
from softswitch.server.device.roles import Scope
from softswitch.server.errors import Code, Refused, invalid, not_found
from softswitch.server.program.config import Config
from softswitch.server.rpc.clone_format import clone_format
from softswitch.server.rpc.hold_limit import LimitedRequests

DEFAULT_MAX_US = 100_000
LONGEST_US = 1_000_000
Handler = Callable[[bulk_pb2.HoldRequest, Scope | None], list[bulk_pb2.ArrayChunk]]


def serve_hold(
    device: Device,
    requests: Iterator[bulk_pb2.HoldRequest],
    handle: Handler,
) -> Iterator[bulk_pb2.HoldResponse]:
    """Serves one stream. `handle` carries out the reads and writes of a request. Raises Refused."""
    first = next(requests, None)
    if first is None:
        return
    device.check_id(first.device_id)
    fence = Fence.of(first)
    with device.arbitration.write_lock:
        _check(device, fence)
        kept = _keep_clones(device, first) if first.HasField("keep_clones") else None
    try:
        yield kept or bulk_pb2.HoldResponse()
        request = next(requests, None)
        if request is not None and request.HasField("hand_over"):
            yield _hand_over(device, request.hand_over, fence, kept)
            return
    finally:
        if kept is not None:
            device.forget_clones(kept)
    if request is not None:
        yield from _held(device, request, requests, handle, fence)


def _keep_clones(device: Device, request: bulk_pb2.HoldRequest) -> bulk_pb2.HoldResponse:
    form = request.keep_clones
    if device.active is None:
        raise Refused(Code.FAILED_PRECONDITION, "no program is active")
    sequence = device.active.pipeline.registers.get(form.sequence_register)
    if sequence is None:
        raise not_found(f"the program has no register {form.sequence_register}")
    ingress, egress = device.switch.keep_clones(clone_format(form), sequence)
    kept = bulk_pb2.HoldResponse(ingress_clones=ingress, egress_clones=egress)
    device.clones_for = kept
    return kept


def _hand_over(
    device: Device, request: bulk_pb2.HandOver, fence: Fence, kept: bulk_pb2.HoldResponse | None
) -> bulk_pb2.HoldResponse:
    """Completes the change in one step, without a client in the loop."""
    with device.arbitration.write_lock:
        _check(device, fence)
        old, new = device.active, device.saved
        if old is None or new is None:
            raise Refused(Code.FAILED_PRECONDITION, "no program is active")
        if kept is not None and device.clones_for is not kept:
            return bulk_pb2.HoldResponse(incomplete=True)  # another client has started to keep clones
        components = None if kept is None else {c.number: _component(old, new, c) for c in request.components}
        copies = [_copy(old, new, c) for c in request.copies]
        done = device.hand_over(new, Reconciliation(old, new, dict(request.renames)).counts(components), copies)
    return bulk_pb2.HoldResponse(
        held_ns=done.held_ns,
        committed=done.complete,
        incomplete=not done.complete,
        clones=done.clones,
        updates=done.updates,
    )


def _component(old: Config, new: Config, component: bulk_pb2.Component) -> Component:
    if not 0 < component.number < 1 << 16:
        raise invalid(f"components are numbered from 1 to 65535, not {component.number}")
    before, after = _registers(old, new, component.old_name, component.new_name)
    return Component(before.info, after)


def _copy(old: Config, new: Config, copy: bulk_pb2.CellCopy) -> CellCopy:
    return checked_copy(*_registers(old, new, copy.old_name, copy.new_name), copy.start, copy.count)


def _registers(old: Config, new: Config, old_name: str, new_name: str) -> tuple[Register, Register]:
    for config, name in ((old, old_name), (new, new_name)):
        if name not in config.pipeline.registers:
            raise not_found(f"the program has no register {name}")
    return old.pipeline.registers[old_name], new.pipeline.registers[new_name]


def _held(
    device: Device,
    request: bulk_pb2.HoldRequest,
    requests: Iterator[bulk_pb2.HoldRequest],
    handle: Handler,
    fence: Fence,
) -> Iterator[bulk_pb2.HoldResponse]:
    """Holds packets from here until a request commits."""
    limit_s = min(request.max_hold_us or DEFAULT_MAX_US, LONGEST_US) / 1e6

    def is_primary() -> None:
        device.arbitration.check_holds(fence.role, fence.election)

    with device.arbitration.write_lock:
        scope = _check(device, fence)
        with device.switch.hold():
            limited = LimitedRequests(device.switch, requests, limit_s, is_primary)
            response = _run(device, request, handle, scope, limited)
            while not response.committed:
                yield response
                further = limited.next()
                if further is None:
                    return
                response = _run(device, further, handle, scope, limited)
    yield response  # packets flow again


def _check(device: Device, fence: Fence) -> Scope | None:
    """The scope of the client's role. Raises Refused unless it may set programs and saved this one itself."""
    scope = fence.check_client(device.arbitration, sets_programs=True)
    device.saved_for(fence)
    return scope


def _run(
    device: Device,
    request: bulk_pb2.HoldRequest,
    handle: Handler,
    scope: Scope | None,
    limited: LimitedRequests[bulk_pb2.HoldRequest],
) -> bulk_pb2.HoldResponse:
    chunks = handle(request, scope)
    if request.HasField("hand_over"):
        if request.hand_over.components or request.commit:
            raise invalid("a hand_over during a hold takes no components, and commits by itself")
        assert device.active is not None
        assert device.saved is not None
        change = Reconciliation(device.active, device.saved, dict(request.hand_over.renames))
        device.hand_over(device.saved, change.counts())
    elif request.copy_counts and device.active is not None and device.saved is not None:
        Reconciliation(device.active, device.saved).copy_counts()
    if request.commit:
        device.commit_saved()
    committed = request.commit or request.HasField("hand_over")
    return bulk_pb2.HoldResponse(reads=chunks, held_ns=round(limited.held_s * 1e9), committed=committed)
