"""Thrift's binary protocol with limits on the size of requests, and dispatch of a request to its handler.

Requests are decoded by Thrift's Python code, whose recursion is limited; its C code follows nested lists to any depth
that a request gives. Responses, which may be long, are encoded by the C code.
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
"""Limit on the elements of one list in a request."""
_BUFFER_BYTES = 1 << 16


class Bounded(TBufferedTransport):  # type: ignore[misc]
    """A connection whose requests have at most MAX_REQUEST_BYTES each."""

    def __init__(self, client: socket.socket) -> None:
        plain = TSocket()
        plain.setHandle(client)
        super().__init__(plain, _BUFFER_BYTES)
        self._left = MAX_REQUEST_BYTES

    def next_request(self) -> None:
        self._left = MAX_REQUEST_BYTES

    def read(self, size: int) -> bytes:
        if size > self._left:
            raise TTransportException(
                TTransportException.SIZE_LIMIT, f"a request is longer than {MAX_REQUEST_BYTES:,} bytes"
            )
        data: bytes = super().read(size)
        self._left -= len(data)
        return data


@dataclass(frozen=True)
class Service:
    """A Thrift service. `module`: its bindings, with `Iface` and, for each call, the types of arguments and result.
    `handlers`: objects, each of which implements some of the calls as methods."""

    module: Any
    handlers: tuple[object, ...]

    def method(self, call: str) -> Any:
        """The handler of a call; None if the service has no such call."""
        if not hasattr(self.module, f"{call}_args") or not hasattr(self.module.Iface, call):
            return None
        return next((getattr(one, call) for one in self.handlers if hasattr(one, call)), None)


class Connection:
    """The connection of one client."""

    def __init__(self, services: Mapping[str, Service], client: socket.socket) -> None:
        self._services = services
        self._transport = Bounded(client)
        limits = {"string_length_limit": MAX_REQUEST_BYTES, "container_length_limit": MAX_ITEMS}
        self._in = TBinaryProtocol(self._transport, **limits)
        self._out = TBinaryProtocolAccelerated(self._transport)

    def serve(self) -> None:
        """Answers requests until the client hangs up or sends something that is not a request."""
        while True:
            self._transport.next_request()
            try:
                name, kind, number = self._in.readMessageBegin()
                goes_on = self._answer(name, kind, number)
            except TTransportException as error:
                if error.type == TTransportException.SIZE_LIMIT:
                    log.warning("disconnected a Thrift client: %s", error)
                return
            except (TException, ValueError, RecursionError, AssertionError, TypeError) as error:
                log.warning("disconnected a Thrift client after a malformed request: %s", error)
                return
            if not goes_on:
                return

    def _answer(self, name: str, kind: int, number: int) -> bool:
        """Answers one request. False for an unknown service, after which bmv2 hangs up."""
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
        """Type, number and body of the response."""
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
            log.info("request refused: %s: %s", call, error.message)
            return TMessageType.EXCEPTION, number, error
        except TException as error:  # one of the service's own
            result.ouch = error
        except Exception:
            log.exception("request failed: %s", call)
            text = "internal error; see the daemon's log"
            return TMessageType.EXCEPTION, number, TApplicationException(TApplicationException.INTERNAL_ERROR, text)
        return TMessageType.REPLY, number, result

    def _write(self, call: str, kind: int, number: int, body: Any) -> None:
        self._out.writeMessageBegin(call, kind, number)
        body.write(self._out)
        self._out.writeMessageEnd()
        self._transport.flush()
