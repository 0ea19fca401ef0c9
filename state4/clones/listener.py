"""The data-plane listener: receives clones from the CPU port's interface, in its own thread, through a ring shared with
the kernel (AF_PACKET, TPACKET_V2)."""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import socket
import struct
import threading
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from state4.clones.header import FIXED_BYTES, CloneLayout
from state4.clones.source import ListenerStats
from state4.clones.store import CloneStore
from state4.clones.updates import Bytes, Updates
from state4.errors import ListenerError
from state4.values import Cells

# linux/if_packet.h
_SOL_PACKET = 263
_PACKET_RX_RING = 5
_PACKET_STATISTICS = 6
_PACKET_VERSION = 10
_PACKET_IGNORE_OUTGOING = 23
_TPACKET_V2 = 1
_TP_STATUS_USER = 1
_ETH_P_ALL = 3
_STATUS, _SNAPLEN, _MAC = 0, 8, 12  # offsets in struct tpacket2_hdr
_HEADER_ROOM = 96  # struct tpacket2_hdr, sockaddr_ll and alignment before the frame
_BLOCK = 1 << 20
_AT_ONCE = 4096
_PAUSE_S = 0.005
"""The ring has room for far longer, and each turn has a fixed cost."""
_DOWN_PAUSE_S = 0.02
_GLANCE_S = 0.00005

LISTENER_THREAD = "state4-listener"
"""The kernel's name for the listener's thread: it distinguishes its CPU time from the retriever's."""


class Listener:
    """Receives clones from an interface from construction until `close`.

    The ring has one slot per frame (TPACKET_V2): a frame can be read the moment it arrives, and a whole run of slots is
    decoded at once. `frames` slots hold the clones of a second and more at the highest rates. Raises ListenerError."""

    def __init__(self, interface: str, layout: CloneLayout, *, frames: int = 1 << 16) -> None:
        self.layout = layout
        self.store = CloneStore(layout)
        self._slot = 1 << (layout.header_bytes + _HEADER_ROOM - 1).bit_length()
        per_block = _BLOCK // self._slot
        blocks = max(1, frames // per_block)
        self._frames = blocks * per_block
        self._dropped = 0
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        except PermissionError as error:
            raise ListenerError("listening for clones needs root (CAP_NET_RAW)") from error
        try:
            self._open(interface, blocks)
        except OSError as error:
            self._socket.close()
            reason = error.strerror or str(error)
            raise ListenerError(f"cannot listen for clones on interface '{interface}': {reason}") from error
        self._socket_lock = threading.Lock()
        self._ring_lock = threading.Lock()
        self._stop = threading.Event()
        self._wake = os.eventfd(0)
        self._thread = threading.Thread(target=self._run, name=LISTENER_THREAD, daemon=True)
        self._thread.start()

    def _open(self, interface: str, blocks: int) -> None:
        self._socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, struct.pack("I", _TPACKET_V2))
        request = struct.pack("IIII", _BLOCK, blocks, self._slot, self._frames)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, request)
        with contextlib.suppress(OSError):  # since Linux 4.20; else the few frames that we send count as foreign
            self._socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        self._map = mmap.mmap(self._socket.fileno(), blocks * _BLOCK)
        self._ring = np.frombuffer(self._map, np.uint8).reshape(self._frames, self._slot)
        self._status = self._ring[:, _STATUS : _STATUS + 4].view("<u4")[:, 0]
        self._lengths = self._ring[:, _SNAPLEN : _SNAPLEN + 4].view("<u4")[:, 0]
        self._offsets = self._ring[:, _MAC : _MAC + 2].view("<u2")[:, 0]
        self._next = 0
        self._socket.bind((interface, _ETH_P_ALL))  # until here nothing is received

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # Python passes a thread's name to the kernel since 3.14
            Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(LISTENER_THREAD, encoding="utf-8")
        poller = select.poll()
        poller.register(self._socket.fileno(), select.POLLIN | select.POLLERR)
        poller.register(self._wake, select.POLLIN)
        while not self._stop.is_set():
            if self._drain():
                time.sleep(_PAUSE_S)
            elif any(events & select.POLLERR for _, events in poller.poll()):
                self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # the interface went down; it may come back
                time.sleep(_DOWN_PAUSE_S)
        self._drain()
        self._release()

    def _drain(self) -> int:
        """Decodes the frames that are ready, in order; returns how many there were.

        Those that arrive meanwhile are left for the next turn: a turn that waited for a pause in the flow would take
        the interpreter from everyone else, at a fixed cost for each frame."""
        with self._ring_lock:
            return 0 if self._socket.fileno() < 0 else self._drain_ring()

    def _drain_ring(self) -> int:
        total, more = 0, True
        while more and total < self._frames:
            count, more = self._ready()
            if not count:
                break
            part = slice(self._next, self._next + count)
            lengths, offsets = self._lengths[part], self._offsets[part]
            wanted = self.layout.header_bytes
            whole = (lengths == wanted) & (offsets == offsets[0])
            at = int(offsets[0])
            frames = self._ring[part, at : at + wanted]
            self.store.add(frames[whole] if not whole.all() else frames)
            if not whole.all():
                self._others(self._ring[part], lengths, offsets, ~whole)
            self._status[part] = 0  # back to the kernel
            self._next = (self._next + count) % self._frames
            total += count
        return total

    def _others(self, slots: Bytes, lengths: Cells, offsets: Cells, others: npt.NDArray[np.bool_]) -> None:
        """Frames that are no clones: markers, which come after every clone of the program before, and foreign ones."""
        at = int(offsets[0])
        markers = others & (lengths == FIXED_BYTES) & (offsets == at)
        self.store.add_markers(slots[markers, at : at + FIXED_BYTES])
        self.store.add_foreign(int(np.count_nonzero(others & ~markers)))

    def _ready(self) -> tuple[int, bool]:
        """How many slots from the next one on hold a frame, up to the end of the ring; whether there may be more."""
        window = self._status[self._next : self._next + _AT_ONCE]
        empty = np.flatnonzero((window & _TP_STATUS_USER) == 0)
        return (int(empty[0]), False) if len(empty) else (len(window), True)

    def expect(self, ingress: int, egress: int) -> None:
        self.store.expect(ingress, egress)

    def take(self) -> Updates:
        self._drain()
        return self.store.take()

    def wait_for(self, ingress: int, egress: int, timeout_s: float) -> bool:
        """Polls the ring itself, since the thread may be pausing, possibly while packets are held."""
        deadline = time.monotonic() + timeout_s
        while not self._stop.is_set():
            self._drain()
            if self.store.wait_for(ingress, egress, 0):
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(_GLANCE_S)
        return self.store.wait_for(ingress, egress, 0)

    def wait_for_program(self, fingerprint: int, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while not self._stop.is_set():
            self._drain()
            if self.store.wait_for_program(fingerprint, 0) or time.monotonic() > deadline:
                break
            time.sleep(_GLANCE_S)
        return self.store.wait_for_program(fingerprint, 0)

    def stats(self) -> ListenerStats:
        self._count_drops()
        return self.store.stats(self._dropped)

    def _count_drops(self) -> None:
        with self._socket_lock:
            if self._socket.fileno() >= 0:
                packed = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)  # reading sets them to zero
                self._dropped += struct.unpack("II", packed)[1]

    def close(self) -> None:
        """Stops listening. The kernel takes about ten milliseconds to release the ring; this does not wait for it."""
        if not self._stop.is_set():
            os.eventfd_write(self._wake, 1)  # before the next line, after which the thread may close it
            self._stop.set()

    def _release(self) -> None:
        os.close(self._wake)
        self._count_drops()
        with self._socket_lock:
            self._socket.close()
        with self._ring_lock:
            del self._status, self._lengths, self._offsets, self._ring
            self._map.close()


def send_frame(interface: str, frame: bytes) -> None:
    """Raises ListenerError."""
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
            sender.bind((interface, 0))
            sender.send(frame)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ListenerError(f"cannot send a frame to the CPU port through interface '{interface}': {reason}") from error
