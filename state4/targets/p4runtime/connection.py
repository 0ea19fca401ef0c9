"""A connection to a P4Runtime server as primary controller."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import grpc
from finsy.proto import p4r, p4r_grpc, rpc_status

from softswitch.proto import bulk_pb2
from softswitch.proto.bulk_grpc import BulkStub
from state4.errors import BadAddress, NotPrimary, TargetError, Unsupported

_UPDATES_PER_WRITE = 2000
_OPTIONS = [
    ("grpc.max_receive_message_length", 256 << 20),
    ("grpc.max_send_message_length", 256 << 20),
    ("grpc.enable_http_proxy", 0),
]
T = TypeVar("T")


class Connection:
    """`p4runtime` and `bulk` are the stubs; `has_bulk`: whether the server has softswitch's bulk service.

    Raises BadAddress, TargetError if the switch cannot be reached, NotPrimary if a controller with a larger election id
    is there."""

    def __init__(self, address: str, *, device_id: int, election_id: int, timeout_s: float) -> None:
        self.address = address
        self.device_id = device_id
        self.election_id = election_id
        self.timeout_s = timeout_s
        self._channel = grpc.insecure_channel(_checked(address), options=_OPTIONS)
        self.p4runtime: Any = p4r_grpc.P4RuntimeStub(self._channel)
        self.bulk = BulkStub(self._channel)
        self._requests: queue.Queue[p4r.StreamMessageRequest | None] = queue.Queue()
        self._arbitrated = threading.Event()
        self._refusal = ""
        self.on_message: Callable[[p4r.StreamMessageResponse], None] | None = None
        try:
            self._connect()
            self.has_bulk = self._find_bulk()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._requests.put(None)
        self._channel.close()

    @property
    def election(self) -> p4r.Uint128:
        return p4r.Uint128(high=self.election_halves[0], low=self.election_halves[1])

    @property
    def election_halves(self) -> tuple[int, int]:
        return self.election_id >> 64, self.election_id & (1 << 64) - 1

    def _connect(self) -> None:
        try:
            grpc.channel_ready_future(self._channel).result(timeout=self.timeout_s)
        except grpc.FutureTimeoutError:
            raise TargetError(f"no switch answers at {self.address} within {self.timeout_s:g} s") from None
        update = p4r.MasterArbitrationUpdate(device_id=self.device_id, election_id=self.election)
        self._requests.put(p4r.StreamMessageRequest(arbitration=update))
        stream = self.p4runtime.StreamChannel(iter(self._requests.get, None))
        threading.Thread(target=self._follow, args=(stream,), name="state4-stream", daemon=True).start()
        if not self._arbitrated.wait(self.timeout_s):
            raise TargetError(f"the switch at {self.address} does not answer the arbitration")
        if self._refusal:
            raise NotPrimary(f"cannot control the switch at {self.address}: {self._refusal}")

    def _follow(self, stream: Iterator[p4r.StreamMessageResponse]) -> None:
        try:
            for message in stream:
                if message.HasField("arbitration"):
                    status = message.arbitration.status
                    self._refusal = "" if status.code == 0 else status.message or "another controller is primary"
                    self._arbitrated.set()
                elif self.on_message is not None:
                    self.on_message(message)
        except grpc.RpcError as error:
            self._refusal = f"the switch ended the connection ({reason(error)})"
            self._arbitrated.set()

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
            request = p4r.WriteRequest(device_id=self.device_id, election_id=self.election, updates=part)
            try:
                self.p4runtime.Write(request)
            except grpc.RpcError as error:
                raise TargetError(_write_failure(error, part)) from error


def _checked(address: str) -> str:
    path = address.removeprefix("unix:")
    if path != address and not Path(path).exists():
        raise BadAddress(f"there is no switch at {address}: the socket does not exist")
    return address


def code(error: grpc.RpcError) -> Any:
    return error.code() if isinstance(error, grpc.Call) else None


def error_code(error: TargetError) -> Any:
    """The status with which the switch refused; None if it was something else."""
    return code(error.__cause__) if isinstance(error.__cause__, grpc.RpcError) else None


def reason(error: grpc.RpcError) -> str:
    if isinstance(error, grpc.Call):
        return f"{error.details() or 'no reason given'} ({error.code().name})"
    return str(error)


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
