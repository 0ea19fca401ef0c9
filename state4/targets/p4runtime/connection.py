"""A connection to a P4Runtime server as primary controller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import grpc
from finsy.proto import p4r, p4r_grpc, rpc_status

from softswitch.proto import bulk_pb2
from softswitch.proto.bulk_grpc import BulkStub
from state4.errors import BadAddress, NotPrimary, TargetError, Unsupported
from state4.targets.p4runtime.mastership import Mastership, code, reason

_UPDATES_PER_WRITE = 2000
_OPTIONS = [
    ("grpc.max_receive_message_length", 256 << 20),
    ("grpc.max_send_message_length", 256 << 20),
    ("grpc.enable_http_proxy", 0),
]
T = TypeVar("T")

_USUAL_DEVICE = 1


class Connection:
    """`p4runtime` and `bulk` are the stubs; `has_bulk`: whether the server has softswitch's bulk service; `mastership`:
    the role and election id with which we control the switch. `device_id` None: as reported by the switch, or 1 if it
    does not report it; `role` and `election_id` None: as Mastership chooses.

    Raises BadAddress, TargetError if the switch cannot be reached, NotPrimary if a controller with a larger election id
    is there."""

    def __init__(
        self,
        address: str,
        *,
        device_id: int | None,
        role: str | None = None,
        election_id: int | None = None,
        timeout_s: float,
    ) -> None:
        self.address = address
        self.timeout_s = timeout_s
        self._channel = grpc.insecure_channel(_checked(address), options=_OPTIONS)
        self.p4runtime: Any = p4r_grpc.P4RuntimeStub(self._channel)
        self.bulk = BulkStub(self._channel)
        try:
            self._wait_for_switch()
            self.device_id = self._ask_device() if device_id is None else device_id
            self.mastership = Mastership(
                self.p4runtime, address, self.device_id, role=role, election_id=election_id, timeout_s=timeout_s
            )
            self.has_bulk = self._find_bulk()
        except BaseException:
            self._channel.close()
            raise

    def close(self) -> None:
        self.mastership.close()
        self._channel.close()

    @property
    def role(self) -> str:
        return self.mastership.role

    @property
    def election(self) -> p4r.Uint128:
        number = self.mastership.election_id
        return p4r.Uint128(high=number >> 64, low=number & (1 << 64) - 1)

    def fence(self, program: int) -> bulk_pb2.Fence:
        """Who we are, for a request to the bulk service that is for one program only."""
        high, low = self.election.high, self.election.low
        return bulk_pb2.Fence(role=self.role, election_id_high=high, election_id_low=low, program=program)

    def _wait_for_switch(self) -> None:
        try:
            grpc.channel_ready_future(self._channel).result(timeout=self.timeout_s)
        except grpc.FutureTimeoutError:
            raise TargetError(f"no switch answers at {self.address} within {self.timeout_s:g} s") from None

    def _ask_device(self) -> int:
        """P4Runtime has no such query: only softswitch's bulk service reports this."""
        try:
            return int(self.bulk.GetStats(bulk_pb2.StatsRequest(), timeout=self.timeout_s).device_id)
        except grpc.RpcError:
            return _USUAL_DEVICE

    def _find_bulk(self) -> bool:
        try:
            self.bulk.ListArrays(bulk_pb2.ListArraysRequest(device_id=self.device_id))
        except grpc.RpcError as error:
            return bool(code(error) != grpc.StatusCode.UNIMPLEMENTED)
        return True

    # ------------------------------------------------------------ requests

    def call(self, what: str, call: Callable[[], T]) -> T:
        """Runs a remote call; what goes wrong becomes a TargetError that says `what` was done."""
        try:
            return call()
        except grpc.RpcError as error:
            kinds = {grpc.StatusCode.PERMISSION_DENIED: NotPrimary, grpc.StatusCode.UNIMPLEMENTED: Unsupported}
            kind = kinds.get(code(error), TargetError)
            raise kind(f"{what}: {reason(error)}") from error

    def read(self, entities: Sequence[p4r.Entity], what: str) -> list[p4r.Entity]:
        if not entities:
            return []
        request = p4r.ReadRequest(device_id=self.device_id, entities=entities)
        return self.call(what, lambda: [e for answer in self.p4runtime.Read(request) for e in answer.entities])

    def write(self, updates: Sequence[p4r.Update]) -> None:
        """Raises TargetError with the first update that failed."""
        for at in range(0, len(updates), _UPDATES_PER_WRITE):
            part = updates[at : at + _UPDATES_PER_WRITE]
            request = p4r.WriteRequest(
                device_id=self.device_id, role=self.role, election_id=self.election, updates=part
            )
            try:
                self.p4runtime.Write(request)
            except grpc.RpcError as error:
                raise TargetError(_write_failure(error, part)) from error


def _checked(address: str) -> str:
    path = address.removeprefix("unix:")
    if path != address and not Path(path).exists():
        raise BadAddress(f"there is no switch at {address}: the socket does not exist")
    return address


def error_code(error: TargetError) -> Any:
    """The status with which the switch refused; None if it was something else."""
    return code(error.__cause__) if isinstance(error.__cause__, grpc.RpcError) else None


def _write_failure(error: grpc.RpcError, updates: Sequence[p4r.Update]) -> str:
    """The first update that failed, with the switch's reason (P4Runtime specification 1.4, section 12.3)."""
    details: dict[str, Any] = dict(error.trailing_metadata() or ()) if isinstance(error, grpc.Call) else {}
    packed = details.get("grpc-status-details-bin")
    if isinstance(packed, bytes):
        status = rpc_status.Status.FromString(packed)
        for update, item in zip(updates, status.details, strict=False):
            inner = p4r.Error()
            if item.Unpack(inner) and inner.canonical_code:
                return refused_update(update.entity, inner.message)
    return f"writing {len(updates)} updates: {reason(error)}"


def refused_update(entity: p4r.Entity, why: str) -> str:
    """What to say of an entity that the switch did not take."""
    kind = entity.WhichOneof("entity") or "entity"
    text = " ".join(str(entity).split())
    return f"writing a {kind.replace('_', ' ')}: {why} ({text if len(text) <= 200 else f'{text[:200]}...'})"
