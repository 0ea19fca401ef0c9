"""Thrift's binary protocol with bounds, and the way from a request to its handler.

Requests are read by Thrift's Python code, whose recursion is limited; its C code follows nested lists as deep as a
request says. Answers, which may be long, are written by the C code.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from thrift.protocol.TBinaryProtocol import TBinaryProtocol, TBinaryProtocolAccelerated
from thrift.Thrift import TApplicationException, TException, TMessageType, TType
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TTransportException

log = logging.getLogger(__name__)
MAX_REQUEST_BYTES = 16 << 20
MAX_ITEMS = 4096
"""Of one list in a request."""
_BUFFER_BYTES = 1 << 16


class Bounded(TBufferedTransport):  # type: ignore[misc]
    """A connection of which one request takes so many bytes at most."""

    def __init__(self, client: socket.socket) -> None:
        plain = TSocket()
        plain.setHandle(client)
        super().__init__(plain, _BUFFER_BYTES)
        self._left = MAX_REQUEST_BYTES

    def next_request(self) -> None:
        self._left = MAX_REQUEST_BYTES

    def read(self, size: int) -> bytes:
        if size > self._left:
            raise TTransportException(TTransportException.SIZE_LIMIT, f"a request is over {MAX_REQUEST_BYTES:,} bytes")
        data: bytes = super().read(size)
        self._left -= len(data)
        return data


@dataclass(frozen=True)
class Service:
    """`module`: the bindings, with `Iface` and types of arguments and result for each call. `handlers`: objects,
    each of which has some of the calls as methods."""

    module: Any
    handlers: tuple[object, ...]

    def method(self, call: str) -> Any:
        """None for a call that the service does not have."""
        if not hasattr(self.module, f"{call}_args") or not hasattr(self.module.Iface, call):
            return None
        return next((getattr(one, call) for one in self.handlers if hasattr(one, call)), None)


class Connection:
    """One client's."""

    def __init__(self, services: Mapping[str, Service], client: socket.socket) -> None:
        self._services = services
        self._transport = Bounded(client)
        limits = {"string_length_limit": MAX_REQUEST_BYTES, "container_length_limit": MAX_ITEMS}
        self._in = TBinaryProtocol(self._transport, **limits)
        self._out = TBinaryProtocolAccelerated(self._transport)

    def serve(self) -> None:
        """Answers requests until the client hangs up, or says what is no request."""
        while True:
            self._transport.next_request()
            try:
                name, kind, number = self._in.readMessageBegin()
                goes_on = self._answer(name, kind, number)
            except TTransportException as error:
                if error.type == TTransportException.SIZE_LIMIT:
                    log.warning("a Thrift client was cut off: %s", error)
                return
            except (TException, ValueError, RecursionError, AssertionError, TypeError) as error:
                log.warning("a Thrift client was cut off, whose request makes no sense: %s", error)
                return
            if not goes_on:
                return

    def _answer(self, name: str, kind: int, number: int) -> bool:
        """False for a service that is not there, after which bmv2 hangs up."""
        service_name, _, call = name.partition(":")
        service = self._services.get(service_name)
        method = service.method(call) if service is not None and kind == TMessageType.CALL else None
        if service is None or method is None:
            self._in.skip(TType.STRUCT)
            self._in.readMessageEnd()
            what = f"Unknown service: {service_name}" if service is None else f"Unknown call: {call}"
            code = TApplicationException.PROTOCOL_ERROR if service is None else TApplicationException.UNKNOWN_METHOD
            self._write(call or name, TMessageType.EXCEPTION, number, TApplicationException(code, what))
            return service is not None
        arguments = getattr(service.module, f"{call}_args")()
        arguments.read(self._in)
        self._in.readMessageEnd()
        self._write(call, *self._call(service, method, call, arguments, number))
        return True

    def _call(self, service: Service, method: Any, call: str, arguments: Any, number: int) -> tuple[int, int, Any]:
        """Kind of answer, its number, and what it says."""
        names = [spec[2] for spec in arguments.thrift_spec or () if spec is not None]
        values = [getattr(arguments, name) for name in names]
        result = getattr(service.module, f"{call}_result")()
        try:
            if None in values:
                raise TApplicationException(
                    TApplicationException.PROTOCOL_ERROR, f"{call}: {names[values.index(None)]} is missing"
                )
            result.success = method(*values)
        except TApplicationException as error:
            log.info("a request is refused: %s: %s", call, error.message)
            return TMessageType.EXCEPTION, number, error
        except TException as error:  # one of the service's own
            result.ouch = error
        except Exception:
            log.exception("a request failed: %s", call)
            text = "internal error; see the daemon's log"
            return TMessageType.EXCEPTION, number, TApplicationException(TApplicationException.INTERNAL_ERROR, text)
        return TMessageType.REPLY, number, result

    def _write(self, call: str, kind: int, number: int, body: Any) -> None:
        self._out.writeMessageBegin(call, kind, number)
        body.write(self._out)
        self._out.writeMessageEnd()
        self._transport.flush()
