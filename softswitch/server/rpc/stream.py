"""StreamChannel: receives arbitration, packet-outs and digest acknowledgements; sends all messages to a client."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator

import grpc
from finsy.proto import p4r

from softswitch.errors import EntryNotFound, SwitchError
from softswitch.server.device.arbitration import Client
from softswitch.server.device.device import Device
from softswitch.server.errors import SPACE, Code, Refused, abort, denied, of_switch

log = logging.getLogger(__name__)
MAX_WAITING = 8192
"""Queue length for a slow client; further packets, digests and errors are dropped."""


class Stream:
    """One client's stream."""

    def __init__(self, device: Device, context: grpc.ServicerContext) -> None:
        self._device = device
        self._context = context
        self._out: queue.SimpleQueue[p4r.StreamMessageResponse | Refused | None] = queue.SimpleQueue()
        self.client = Client(self._send)

    def run(self, requests: Iterator[p4r.StreamMessageRequest]) -> Iterator[p4r.StreamMessageResponse]:
        """Yields responses until the client leaves or is disconnected."""
        reader = threading.Thread(target=self._read, args=(requests,), daemon=True, name="stream reader")
        if not self._context.add_callback(lambda: self._out.put(None)):
            return
        reader.start()
        try:
            while (item := self._out.get()) is not None:
                if isinstance(item, Refused):
                    self._device.arbitration.remove(self.client)
                    abort(self._context, item)
                    return
                yield item
        finally:
            self._device.arbitration.remove(self.client)

    def _send(self, message: p4r.StreamMessageResponse) -> None:
        if message.HasField("arbitration") or self._out.qsize() < MAX_WAITING:
            self._out.put(message)

    def _read(self, requests: Iterator[p4r.StreamMessageRequest]) -> None:
        try:
            for request in requests:
                self._handle(request)
        except Refused as refused:
            self._out.put(refused)
        except grpc.RpcError:
            pass  # the client disconnected
        except Exception as error:
            if self._context.is_active():
                log.exception("stream failed")
                self._out.put(Refused(Code.INTERNAL, f"internal error: {error}"))
        finally:
            self._out.put(None)

    def _handle(self, request: p4r.StreamMessageRequest) -> None:
        kind = request.WhichOneof("update")
        if kind == "arbitration":
            self._device.arbitration.update(self.client, request.arbitration)
            return
        error = p4r.StreamError(space=SPACE)
        try:
            if kind == "packet":
                error.packet_out.packet_out.CopyFrom(request.packet)
                self._packet_out(request.packet)
            elif kind == "digest_ack":
                error.digest_list_ack.digest_list_ack.CopyFrom(request.digest_ack)
                self._acknowledge(request.digest_ack)
            else:
                error.other.other.CopyFrom(request.other)
                raise Refused(Code.UNIMPLEMENTED, "v1model has no stream messages of this kind")
        except (Refused, SwitchError) as caught:
            refused = caught if isinstance(caught, Refused) else of_switch(caught)
            error.canonical_code, error.message = refused.code, refused.message
            self._send(p4r.StreamMessageResponse(error=error))

    def _check_primary(self, what: str) -> None:
        if not self._device.arbitration.is_primary(self.client):
            raise denied(f"only the primary client may send {what}")

    def _packet_out(self, packet: p4r.PacketOut) -> None:
        self._check_primary("packets")
        device = self._device
        while True:
            config = device.active
            if config is None:
                raise Refused(Code.FAILED_PRECONDITION, "no forwarding pipeline config has been set")
            frame = config.packet_out.join(packet)
            try:
                device.switch.submit(device.switch.cpu_port, frame, config.pipeline.handle.serial)
                return
            except EntryNotFound:  # another program was committed after the header was built
                with device.digest_lock:  # waits until the device has switched as well
                    pass

    def _acknowledge(self, ack: p4r.DigestListAck) -> None:
        self._check_primary("acknowledgements")
        config = self._device.active
        if config is not None:
            with self._device.digest_lock:
                config.digests.acknowledge(ack)
