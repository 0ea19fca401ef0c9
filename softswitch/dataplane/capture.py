"""Captures the traffic of a switch's ports in pcap files.

Each interface has two files, named as simple_switch names them: INTERFACE_in.pcap has what the switch received,
INTERFACE_out.pcap what it sent. A separate process writes them, outside the packet path: the switch neither waits for
it nor depends on it, except that frames have to leave through the queueing disciplines (`Switch.set_qdiscs`) to be
seen. It exits with its parent in any case, and reports on standard error how many frames the kernel had no room for.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from softswitch.errors import InterfaceError

_MAGIC, _VERSION, _SNAPLEN, _ETHERNET = 0xA1B2C3D4, (2, 4), 1 << 18, 1
_ALL_PROTOCOLS = 3
_SOL_PACKET, _PACKET_STATISTICS, _PACKET_AUXDATA = 263, 6, 8
_PACKET_OUTGOING = 4
_SO_RCVBUFFORCE, _ROOM_BYTES = 33, 16 << 20
_AUXDATA = struct.Struct("=IIIHHHH")
"""tpacket_auxdata: status, len, snaplen, mac, net, vlan_tci, vlan_tpid."""
_VLAN_VALID, _VLAN_TPID_VALID = 0x10, 0x40
_PR_SET_PDEATHSIG = 1
_LOOK_S = 0.5
"""How often it looks for missing interfaces."""
_START_S = 30.0


class CaptureFile:
    """A pcap file of Ethernet frames."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._file.write(struct.pack("=IHHiIII", _MAGIC, *_VERSION, 0, 0, _SNAPLEN, _ETHERNET))
        self._file.flush()

    def add(self, frame: bytes, time_ns: int) -> None:
        head = struct.pack("=IIII", time_ns // 10**9, time_ns % 10**9 // 1000, len(frame), len(frame))
        self._file.write(head + frame)

    def flush(self) -> None:
        self._file.flush()


class _Tap:
    """One interface: its files, and the socket while the interface is there."""

    def __init__(self, folder: Path, interface: str) -> None:
        self._name = interface
        self._files = [CaptureFile(folder / f"{interface}_{way}.pcap") for way in ("in", "out")]
        self.socket: socket.socket | None = None
        self._lost = 0

    def open(self) -> bool:
        """Whether the interface is there."""
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        made.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM_BYTES)
        made.setblocking(False)
        try:
            made.bind((self._name, _ALL_PROTOCOLS))
        except OSError:
            made.close()
            return False
        self.socket = made
        return True

    def take(self, limit: int = 1000) -> None:
        """Writes what has come, up to so many frames at a time."""
        assert self.socket is not None
        try:
            for _ in range(limit):
                frame, control, _, source = self.socket.recvmsg(_SNAPLEN, 256)
                way = source[2] == _PACKET_OUTGOING
                self._files[way].add(_with_tag(frame, control), time.time_ns())
        except BlockingIOError:
            pass
        except OSError:  # the interface went down or away
            self.lost()
            self.socket.close()
            self.socket = None
        for file in self._files:
            file.flush()

    def lost(self) -> int:
        """How many frames the kernel had no room for, since the start."""
        if self.socket is not None:
            with suppress(OSError):
                self._lost += struct.unpack("=II", self.socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))[1]
        return self._lost


def _with_tag(frame: bytes, control: list[tuple[int, int, bytes]]) -> bytes:
    """A frame with the VLAN tag that the kernel took out of it."""
    for level, kind, data in control:
        if (level, kind) == (_SOL_PACKET, _PACKET_AUXDATA) and len(data) >= _AUXDATA.size:
            status, _, _, _, _, tci, tpid = _AUXDATA.unpack_from(data)
            if status & _VLAN_VALID:
                tag = struct.pack("!HH", tpid if status & _VLAN_TPID_VALID else 0x8100, tci)
                return frame[:12] + tag + frame[12:]
    return frame


def _main(folder: Path, interfaces: Sequence[str], parent: int) -> None:
    ended = False

    def end(_signal: int, _frame: object) -> None:
        nonlocal ended
        ended = True

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the switch says when it has ended
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    taps = [_Tap(folder, name) for name in interfaces]
    for tap in taps:
        tap.open()
    print("ready", flush=True)
    looked = time.monotonic()
    while not ended and os.getppid() == parent:
        there = {tap.socket: tap for tap in taps if tap.socket is not None}
        for found in select.select(list(there), [], [], _LOOK_S)[0]:
            there[found].take()
        if time.monotonic() - looked > _LOOK_S:
            looked = time.monotonic()
            for tap in taps:
                if tap.socket is None:
                    tap.open()
    for tap in taps:
        if tap.socket is not None:
            tap.take(1 << 20)
    lost = sum(tap.lost() for tap in taps)
    if lost:
        print(f"softswitch: {lost:,} frames are missing in the capture files of {folder}", file=sys.stderr)


class Captures:
    """The process that writes the files, as a context. Enter it before packets pass."""

    def __init__(self, folder: Path, interfaces: Sequence[str]) -> None:
        self._command = [sys.executable, "-m", __name__, str(os.getpid()), str(folder), *interfaces]
        self._folder = folder

    def __enter__(self) -> Captures:
        """Raises InterfaceError if it cannot be started."""
        if not self._folder.is_dir():
            raise InterfaceError(f"--pcap: there is no folder {self._folder}")
        modules = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": modules}
        )
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], _START_S)[0] or not self._process.stdout.readline():
            self._end()
            raise InterfaceError(f"--pcap: nothing can be captured into {self._folder} (files, or root, are missing)")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Captures the traffic of interfaces, as `softswitch run --pcap` does.")
    parser.add_argument("parent", type=int, help="the process whose end ends the capture")
    parser.add_argument("folder", type=Path)
    parser.add_argument("interfaces", nargs="+")
    arguments = parser.parse_args()
    _main(arguments.folder, arguments.interfaces, arguments.parent)
