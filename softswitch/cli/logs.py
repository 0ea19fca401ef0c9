"""The daemon's log: its own lines, the program's log_msg, traces of packets, notices about ports."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
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
_LEVEL_OF_KIND = {"notice": logging.WARNING, "trace": logging.DEBUG, "message": logging.INFO}
_WAIT_S = 0.1


@dataclass(frozen=True)
class LogOptions:
    """`file` None: the console, which is standard error; in the style of bmv2 standard output. `trace` shows packets at
    every level. A file of `max_bytes` is rotated, and `max_files` of them are kept; 0: it grows."""

    level: str = "warn"
    file: Path | None = None
    trace: bool = False
    bmv2_style: bool = False
    max_bytes: int = 0
    max_files: int = 0


class Bmv2Formatter(logging.Formatter):
    """Lines as simple_switch writes them: time, `bmv2`, the level's letter, the thread."""

    def __init__(self) -> None:
        super().__init__("%(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        time = f"{self.formatTime(record, self.datefmt)}.{int(record.msecs):03d}"
        head = f"[{time}] [bmv2] [{record.levelname[0]}] [thread {threading.get_native_id()}] "
        return "\n".join(head + line for line in super().format(record).splitlines())


def set_up_logging(options: LogOptions) -> None:
    """Raises OSError for a file that cannot be written."""
    handler: logging.Handler
    if options.file is not None:
        handler = RotatingFileHandler(options.file, maxBytes=options.max_bytes, backupCount=options.max_files)
    else:
        handler = logging.StreamHandler(sys.stdout if options.bmv2_style else sys.stderr)
    plain = logging.Formatter("%(asctime)s.%(msecs)03d %(levelname)-7s %(message)s", "%H:%M:%S")
    handler.setFormatter(Bmv2Formatter() if options.bmv2_style else plain)
    level = options.level
    own = logging.getLogger("softswitch")
    own.handlers[:] = [handler]
    own.propagate = False
    own.setLevel(LEVELS[level])
    _packets.setLevel(logging.DEBUG if options.trace else LEVELS[level])


class LogReader:
    """Writes what the switch says to the log, until `stop`."""

    def __init__(self, switch: Switch, *, bmv2_style: bool = False) -> None:
        self._switch = switch
        self._bmv2_style = bmv2_style
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
                if line is None:
                    continue
                text = line.text.rstrip()
                if self._bmv2_style:
                    _packets.log(_LEVEL_OF_KIND[line.kind], "%s", text)
                else:
                    level = logging.WARNING if line.kind == "notice" else logging.INFO
                    _packets.log(level, "[%.6f] %s", line.time_us / 1e6, text.replace("\n", "\n    "))
        except Closed:
            pass
