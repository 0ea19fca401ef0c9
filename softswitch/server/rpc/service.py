"""The P4Runtime service: each RPC's checks, in the specification's order, and its errors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import grpc
from finsy.proto import p4r, p4r_grpc

from softswitch.errors import SwitchError
from softswitch.server.device.device import Device
from softswitch.server.errors import Code, Refused, abort, invalid, of_switch
from softswitch.server.rpc.readers import Readers
from softswitch.server.rpc.stream import Stream
from softswitch.server.rpc.threads import Limit

log = logging.getLogger(__name__)
API_VERSION = "1.5.0"
HELD_NS = "softswitch-held-ns"
"""Trailing metadata of RECONCILE_AND_COMMIT: for how long packets were held, in ns."""
KEPT_ENTRIES = "softswitch-kept-entries"
"""Trailing metadata of RECONCILE_AND_COMMIT: number of table entries that were kept."""
GIVEN_UP = "softswitch-given-up-bin"
"""Request metadata of RECONCILE_AND_COMMIT, may be repeated: a register whose contents need not be kept."""
PROGRAM = "softswitch-program"
"""Trailing metadata of Set- and GetForwardingPipelineConfig: the program's number. In a request to set one: the program
that it builds on (for COMMIT the saved one, else the active one); ABORTED if that was replaced."""


@contextmanager
def answering(context: grpc.ServicerContext) -> Iterator[None]:
    """Turns a refusal or an error into the status of the request."""
    try:
        yield
    except Refused as refused:
        abort(context, refused)
    except SwitchError as error:
        abort(context, of_switch(error))
    except Exception:
        if context.is_active():
            log.exception("request failed")
            abort(context, Refused(Code.INTERNAL, "internal error; see the daemon's log"))
        raise


def _named_program(context: grpc.ServicerContext) -> int:
    """The number of the program that the request builds on; 0: none given. Raises Refused."""
    text = str(dict(context.invocation_metadata()).get(PROGRAM, "0"))
    if not (text.isascii() and text.isdigit()):
        raise invalid(f"{PROGRAM}: {text!r} is not a number")
    return int(text)


def _given_up(context: grpc.ServicerContext) -> frozenset[str]:
    """The registers whose contents need not be kept. Raises Refused."""
    names = [value for key, value in context.invocation_metadata() if key == GIVEN_UP]
    try:
        return frozenset(name.decode() if isinstance(name, bytes) else name for name in names)
    except UnicodeDecodeError:
        raise invalid(f"{GIVEN_UP}: a name is not valid UTF-8") from None


class P4RuntimeService(p4r_grpc.P4RuntimeServicer):
    """P4Runtime 1.5 for one device."""

    def __init__(self, device: Device, streams: Limit, readers: Readers) -> None:
        self._device = device
        self._streams = streams
        self._readers = readers

    def Write(self, request: p4r.WriteRequest, context: grpc.ServicerContext) -> p4r.WriteResponse:
        with answering(context):
            device = self._device
            device.check_id(request.device_id)
            device.write(request, lambda: not context.is_active())
        return p4r.WriteResponse()

    def Read(self, request: p4r.ReadRequest, context: grpc.ServicerContext) -> Iterator[p4r.ReadResponse]:
        with answering(context):
            device = self._device
            device.check_id(request.device_id)
            with device.arbitration.write_lock:  # sees the state before or after a Write, never in between
                reading = device.batches.take(device.target(), request, device.arbitration.scope(request.role))
            yield from self._readers.send(reading.responses(), context)

    def SetForwardingPipelineConfig(
        self, request: p4r.SetForwardingPipelineConfigRequest, context: grpc.ServicerContext
    ) -> p4r.SetForwardingPipelineConfigResponse:
        with answering(context):
            ended = lambda: not context.is_active()  # noqa: E731
            done = self._device.set_config(request, ended, _named_program(context), _given_up(context))
            metadata = {key: str(value) for key, value in ((PROGRAM, done.program), (HELD_NS, done.held_ns)) if value}
            if done.kept_entries is not None:
                metadata[KEPT_ENTRIES] = str(done.kept_entries)
            context.set_trailing_metadata(tuple(metadata.items()))
        return p4r.SetForwardingPipelineConfigResponse()

    def GetForwardingPipelineConfig(
        self, request: p4r.GetForwardingPipelineConfigRequest, context: grpc.ServicerContext
    ) -> p4r.GetForwardingPipelineConfigResponse:
        with answering(context):
            response, number = self._device.get_config(request)
            if number:
                context.set_trailing_metadata(((PROGRAM, str(number)),))
        return response

    def StreamChannel(
        self, request_iterator: Iterator[p4r.StreamMessageRequest], context: grpc.ServicerContext
    ) -> Iterator[p4r.StreamMessageResponse]:
        with ExitStack() as stack:
            with answering(context):
                stack.enter_context(self._streams.one())
            yield from Stream(self._device, context).run(request_iterator)

    def Capabilities(self, request: p4r.CapabilitiesRequest, context: grpc.ServicerContext) -> p4r.CapabilitiesResponse:
        with answering(context):
            if request.device_id:
                self._device.check_id(request.device_id)
        return p4r.CapabilitiesResponse(p4runtime_api_version=API_VERSION)
