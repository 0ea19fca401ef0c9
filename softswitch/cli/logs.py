"""The daemon's log: its own lines, the program's log_msg, traces of packets, notices about ports."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from softswitch.dataplane.switch import Switch
from softswitch.errors import Closed

LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "off": logging.CRITICAL + 1,
}
"""Names of simple_switch's levels."""

_packets = logging.getLogger("softswitch.packets")
_WAIT_S = 0.1


def set_up_logging(level: str, file: Path | None, *, trace: bool = False) -> None:
    """Logs to `file` or standard error. `trace` shows packets at every level."""
    handler = logging.FileHandler(file) if file is not None else logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d %(levelname)-7s %(message)s", "%H:%M:%S"))
    own = logging.getLogger("softswitch")
    own.handlers[:] = [handler]
    own.propagate = False
    own.setLevel(LEVELS[level])
    _packets.setLevel(logging.DEBUG if trace else LEVELS[level])


class LogReader:
    """Writes what the switch says to the log, until `stop`."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="switch log")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                line = self._switch.next_log(_WAIT_S)
                if line is not None:
                    level = logging.WARNING if line.kind == "notice" else logging.INFO
                    text = line.text.rstrip().replace("\n", "\n    ")
                    _packets.log(level, "[%.6f] %s", line.time_us / 1e6, text)
        except Closed:
            pass
