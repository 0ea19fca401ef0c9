"""Notifications to primary clients: packets, digests, idle entries; one thread each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from finsy.proto import p4r

from softswitch.errors import Closed
from softswitch.server.device.device import Device
from softswitch.server.device.idle import IdleWatch

log = logging.getLogger(__name__)
WAIT_S = 0.1
_END_S = 0.5
"""How long `stop` waits for a thread that is blocked by a request."""
TICK_S = 0.01
IDLE_SCAN_S = 0.05


class Notifier:
    """Sends notifications until `stop`."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._stop = threading.Event()
        loops = (self._packets, self._digests, self._idle)
        self._threads = [threading.Thread(target=self._run, args=(f,), daemon=True, name=f.__name__) for f in loops]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Tells the threads to end; `stop` waits for them."""
        self._stop.set()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_END_S)

    def _run(self, step: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                step()
            except Closed:
                return
            except Exception:
                log.exception("notification failed")
                self._stop.wait(WAIT_S)

    def _packets(self) -> None:
        found = self._device.switch.next_packet_in_of(WAIT_S)
        sender = self._device.sender(found[0]) if found is not None else None
        if found is None or sender is None:
            return
        frame = found[1]
        packet = sender.packet_in.split(frame)
        if packet is None:
            log.warning("dropped a frame of %d bytes to the CPU port: shorter than the packet_in header", len(frame))
            return
        self._device.arbitration.send_to_primaries(p4r.StreamMessageResponse(packet=packet))

    def _digests(self) -> None:
        config = self._device.active
        message = self._device.switch.next_digest(TICK_S if config is not None and config.digests.busy else WAIT_S)
        config = self._device.active
        if config is None:
            return
        send = self._device.arbitration.send_to_primaries
        with self._device.digest_lock:
            sender = self._device.sender(message.program) if message is not None else None
            if message is not None and sender is not None:
                sender.digests.receive(message, send)
                if sender.digests is not config.digests:  # the program was replaced: send no more of its digests
                    sender.digests.flush(send)
            config.digests.tick(send)
            if message is not None and message.program == config.pipeline.handle.serial:
                for hear in self._device.digest_listeners:
                    hear(message, config)

    def _idle(self) -> None:
        watch, seen = IdleWatch(), self._device.active
        while not self._stop.wait(IDLE_SCAN_S):
            config = self._device.active
            if config is not seen:
                watch, seen = IdleWatch(), config
            for response in watch.scan(config) if config is not None else ():
                self._device.arbitration.send_to_primaries(response)
