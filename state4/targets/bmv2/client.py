"""A connection to bmv2's control plane: Thrift calls one by one, or many small ones without waiting for each answer."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from bm_runtime.simple_pre_lag import SimplePreLAG
from bm_runtime.simple_pre_lag.ttypes import InvalidMcOperation, McOperationErrorCode
from bm_runtime.standard import Standard, ttypes
from sswitch_runtime import SimpleSwitch
from sswitch_runtime.ttypes import InvalidMirroringOperation, MirroringOperationErrorCode
from thrift.protocol.TBinaryProtocol import TBinaryProtocol, TBinaryProtocolAccelerated
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.Thrift import TApplicationException, TException, TMessageType
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TMemoryBuffer, TTransportBase, TTransportException

from state4.errors import BadAddress, TargetError

CONTEXT = 0
"""simple_switch has one context."""
DEFAULT_PORT = 9090
_UNDER_WAY = 256  # calls; few enough that the answers fit into the socket while we still send
_CELLS_UNDER_WAY = 1024  # of the two parts of a long write that are on the way; their answers are shorter
_SERVICES_S = 2.0  # between the first service of a starting switch and the last
_MAX_LENGTH = 1 << 28  # bytes of a string, items of a list
logging.getLogger("thrift").addHandler(logging.NullHandler())  # its errors reach the user as ours

_CODES = {
    ttypes.InvalidTableOperation: ttypes.TableOperationErrorCode,
    ttypes.InvalidCounterOperation: ttypes.CounterOperationErrorCode,
    ttypes.InvalidSwapOperation: ttypes.SwapOperationErrorCode,
    ttypes.InvalidMeterOperation: ttypes.MeterOperationErrorCode,
    ttypes.InvalidRegisterOperation: ttypes.RegisterOperationErrorCode,
    ttypes.InvalidParseVSetOperation: ttypes.ParseVSetOperationErrorCode,
    ttypes.InvalidLearnOperation: ttypes.LearnOperationErrorCode,
    InvalidMcOperation: McOperationErrorCode,
    InvalidMirroringOperation: MirroringOperationErrorCode,
}


class Bmv2Refusal(TargetError):
    """bmv2 answered with an error; `reason` is its name, such as "TABLE_FULL"."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: bmv2 says {reason}")
        self.reason = reason


class _HeldTransport(TBufferedTransport):  # type: ignore[misc]
    """Sends nothing while it is held."""

    held = False

    def flush(self) -> None:
        if not self.held:
            super().flush()


class Bmv2Client:
    """Raises BadAddress, TargetError (Bmv2Refusal where bmv2 itself refuses). Calls may come from several threads."""

    def __init__(self, address: str, *, timeout_s: float = 30.0) -> None:
        self.address = address
        host, port = _parse(address)
        self._lock = threading.RLock()
        plain = TSocket(host, port)
        plain.setTimeout(timeout_s * 1000)
        self._transport = _HeldTransport(plain, 1 << 16)
        protocol = TBinaryProtocolAccelerated(
            self._transport, string_length_limit=_MAX_LENGTH, container_length_limit=_MAX_LENGTH
        )
        self._services = {
            name: kind.Client(TMultiplexedProtocol(protocol, name))
            for name, kind in (
                ("standard", Standard),
                ("simple_pre_lag", SimplePreLAG),
                ("simple_switch", SimpleSwitch),
            )
        }
        self._methods = {
            name: service for service in reversed(list(self._services.values())) for name in _method_names(service)
        }
        self._connect()
        with contextlib.suppress(OSError):
            plain.handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _connect(self) -> None:
        """simple_switch listens before its services are registered, and hangs up on requests that come too early."""
        deadline = time.monotonic() + _SERVICES_S
        while True:
            try:
                self._transport.open()
            except TTransportException as error:
                raise TargetError(f"no bmv2 answers at {self.address}") from error
            try:
                self._services["simple_switch"].get_time_elapsed_us()
                return
            except (TException, OSError, EOFError) as error:
                self._transport.close()
                if not isinstance(error, TApplicationException) or time.monotonic() > deadline:
                    raise TargetError(f"what answers at {self.address} is not simple_switch ({error})") from error
                time.sleep(_SERVICES_S / 100)

    def close(self) -> None:
        with self._lock:
            self._transport.close()

    def call(self, what: str, method: str, *arguments: Any) -> Any:
        """One call of any of the services. `what` says in an error what was done."""
        with self._lock:
            return self._checked(what, lambda: getattr(self._methods[method], method)(*arguments))

    def many(self, what: str, method: str, calls: Iterable[Sequence[Any]]) -> list[Any]:
        """The answers to many calls of one method, in order; raises for the first that fails, after all were made."""
        service = self._methods[method]
        send: Callable[..., None] = getattr(service, f"send_{method}")
        receive: Callable[[], Any] = getattr(service, f"recv_{method}")
        waiting = list(calls)
        answers: list[Any] = []
        failure: TargetError | None = None
        with self._lock:
            for at in range(0, len(waiting), _UNDER_WAY):
                part = waiting[at : at + _UNDER_WAY]
                self._checked(what, lambda part=part: self._send(send, part))  # type: ignore[misc]
                for _ in part:
                    try:
                        answers.append(self._checked(what, receive))
                    except Bmv2Refusal as error:
                        failure = failure or error
        if failure is not None:
            raise failure
        return answers

    def write_cells(self, register: str, indices: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64]) -> None:
        """bm_register_write of many cells of one register. All requests have the same form, and so have all answers
        but errors: they are made and looked at as arrays, which leaves the time to bmv2."""
        what = f"writing {register}"
        form, answer = _write_form(register)
        waiting: deque[int] = deque()
        with self._lock:
            for at in range(0, len(indices), _CELLS_UNDER_WAY):
                part = slice(at, at + _CELLS_UNDER_WAY)
                frames = np.tile(form, (len(indices[part]), 1))
                frames[:, -16:-12] = indices[part].astype(">i4").view(np.uint8).reshape(-1, 4)
                frames[:, -9:-1] = numbers[part].astype(">i8").view(np.uint8).reshape(-1, 8)
                self._checked(what, lambda frames=frames: self._push(frames.tobytes()))  # type: ignore[misc]
                waiting.append(len(frames))
                if len(waiting) > 1:
                    self._collect(what, waiting, answer)
            while waiting:
                self._collect(what, waiting, answer)

    def _push(self, packed: bytes) -> None:
        self._transport.write(packed)
        self._transport.flush()

    def _collect(self, what: str, waiting: deque[int], answer: bytes) -> None:
        """Takes the answers to one part. An error is raised when no answers are left, so that the next call is safe."""
        count = waiting.popleft()
        packed = self._checked(what, lambda: self._transport.readAll(count * len(answer)))
        if packed == count * answer:
            return
        rest = Standard.Client(TBinaryProtocol(_Again(packed, self._transport)))
        failure: TargetError | None = None
        for _ in range(count + sum(waiting)):
            try:
                self._checked(what, rest.recv_bm_register_write)
            except Bmv2Refusal as error:
                failure = failure or error
        waiting.clear()
        if failure is not None:
            raise failure

    def _send(self, send: Callable[..., None], calls: Sequence[Sequence[Any]]) -> None:
        self._transport.held = True
        try:
            for arguments in calls:
                send(*arguments)
        finally:
            self._transport.held = False
        self._transport.flush()

    def _checked(self, what: str, do: Callable[[], Any]) -> Any:
        try:
            return do()
        except tuple(_CODES) as error:
            codes = next(codes for kind, codes in _CODES.items() if isinstance(error, kind))
            raise Bmv2Refusal(what, codes._VALUES_TO_NAMES.get(error.code, f"error {error.code}")) from None
        except (TTransportException, OSError, EOFError) as error:
            raise TargetError(f"{what}: the connection to bmv2 at {self.address} is gone ({error})") from error
        except TException as error:
            raise TargetError(f"{what}: {error}") from error


class _Again(TTransportBase):  # type: ignore[misc]
    """Bytes that were read already, then those of a transport."""

    def __init__(self, before: bytes, after: TBufferedTransport) -> None:
        self._before = before
        self._after = after

    def read(self, size: int) -> bytes:
        if not self._before:
            return bytes(self._after.read(size))
        taken, self._before = self._before[:size], self._before[size:]
        return taken


def _write_form(register: str) -> tuple[npt.NDArray[np.uint8], bytes]:
    """A bm_register_write of cell 0 and value 0, and the answer if it was done.

    The index is in the last 16 to 13 bytes, the value in the last 9 to 2 (Thrift's binary protocol)."""
    buffer = TMemoryBuffer()
    client = Standard.Client(TMultiplexedProtocol(TBinaryProtocol(buffer), "standard"))
    client.send_bm_register_write(CONTEXT, register, 0, 0)
    request = np.frombuffer(buffer.getvalue(), np.uint8)
    buffer = TMemoryBuffer()
    protocol = TBinaryProtocol(buffer)
    protocol.writeMessageBegin("bm_register_write", TMessageType.REPLY, 0)
    Standard.bm_register_write_result().write(protocol)
    protocol.writeMessageEnd()
    return request, bytes(buffer.getvalue())


def _method_names(service: Any) -> list[str]:
    return [name for name in dir(service) if hasattr(service, f"send_{name}")]


def _parse(address: str) -> tuple[str, int]:
    """From "host:port" or "host"."""
    host, colon, port = address.rpartition(":")
    if not colon:
        host, port = port, str(DEFAULT_PORT)
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise BadAddress(f"'{address}' is no address of bmv2: give host:port of its Thrift server")
    return host, int(port)
