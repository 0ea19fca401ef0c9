"""What a switch has to say to its controllers: packet-ins, digests and log lines, each in a bounded queue."""

from __future__ import annotations

import struct
import threading
from ctypes import Array, addressof, c_char, create_string_buffer, string_at
from dataclasses import dataclass
from typing import Literal

from softswitch.dataplane import native
from softswitch.dataplane.entries import DigestMessage
from softswitch.dataplane.handle import SwitchHandle
from softswitch.dataplane.interface import interface
from softswitch.dataplane.rows import get_words
from softswitch.model import PipelineInfo, words

LogKind = Literal["message", "trace", "notice"]
LOG_KINDS: dict[int, LogKind] = {
    interface().constants["SS_LOG_MESSAGE"]: "message",
    interface().constants["SS_LOG_TRACE"]: "trace",
    interface().constants["SS_LOG_NOTICE"]: "notice",
}
_MESSAGE = interface().packing("ss_message")
_MESSAGE_ROOM = 1 << 20  # as long as the longest trace
_KEPT_INFOS = 16


@dataclass(frozen=True)
class LogLine:
    """`kind`: the program's own "message" (log_msg), the "trace" of a packet, or a "notice" about a port."""

    kind: LogKind
    text: str
    time_us: int


class Messages:
    """The queues of a switch. Any thread may take; each message goes to one."""

    def __init__(self, handle: SwitchHandle) -> None:
        self._handle = handle
        self._local = threading.local()
        self._infos: dict[int, PipelineInfo] = {}  # by serial, for digests that are still on their way

    def expect(self, serial: int, info: PipelineInfo) -> None:
        """Digests of this program may come from now on."""
        self._infos[serial] = info
        for old in list(self._infos)[:-_KEPT_INFOS]:
            del self._infos[old]

    def packet_in(self, timeout: float | None = 0) -> tuple[int, bytes] | None:
        """The next frame for the controller, with the serial of the pipeline that sent it. `timeout` in seconds; None:
        wait until one comes or the switch closes."""
        message = self._take(native.PACKET_INS, timeout)
        return (message[1], message[3]) if message else None

    def digest(self, timeout: float | None = 0) -> DigestMessage | None:
        message = self._take(native.DIGESTS, timeout)
        if message is None:
            return None
        index, serial, time_us, data = message
        info = self._infos.get(serial)
        if info is None:
            return None  # of a program that was replaced many times over
        row = struct.unpack(f"<{len(data) // 8}Q", data)
        values: list[int] = []
        at = 0
        for _, width in info.digests[index].fields:
            values.append(get_words(row, at, words(width)))
            at += words(width)
        return DigestMessage(index, tuple(values), time_us, info.digests[index].name, serial)

    def log(self, timeout: float | None = 0) -> LogLine | None:
        message = self._take(native.LOG, timeout)
        if message is None:
            return None
        return LogLine(LOG_KINDS[message[0]], message[3].decode(errors="replace"), message[2])

    def _take(self, queue: int, timeout: float | None) -> tuple[int, int, int, bytes] | None:
        """Tag, source, time and bytes of the next message."""
        room = self._room()
        wait = -1 if timeout is None else round(timeout * 1e9)
        with self._handle.take() as switch:
            size = native.library().ss_queue_take(switch, queue, 1, room, len(room), wait)
        native.check(size)
        if not size:
            return None
        length, tag, source, time_us = _MESSAGE.unpack_from(room)
        return tag, source, time_us, string_at(addressof(room) + _MESSAGE.size, length)

    def _room(self) -> Array[c_char]:
        """Memory for one message, for each thread its own."""
        room: Array[c_char] | None = getattr(self._local, "room", None)
        if room is None:
            room = self._local.room = create_string_buffer(_MESSAGE_ROOM + 64)
        return room
