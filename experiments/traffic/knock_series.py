"""Knocks that are each sent once, so that what a register loses of them stays lost. One source after the other.

    python -m experiments.traffic.knock_series --interface IF --per-second N
    python -m experiments.traffic.knock_series --interface IF --per-second N --whole --times FILE

Source number s (from 10.0.1.0 on) sends the first 1, 2 or 3 knocks of the sequence: s modulo 3, plus 1. With `--whole`
every source sends all three, beginning at the first line of input; FILE gets the time of each source's last knock, as
float64 in s of the monotonic clock.
"""

from __future__ import annotations

import argparse
import array
import json
import select
import socket
import sys
import time
from pathlib import Path

from experiments.traffic.frames import tcp_syn

PORTS = (10000, 20000, 30000)
MAX_KNOCKS = 900_000
"""Number of knocks: as many as pk_reg has sources for."""
_FIRST_SOURCE = 0x0A000100
_PATTERN = ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2))  # source of three, position in the sequence
_SERVER = ("00:00:00:00:00:06", "10.0.0.6")
_SOURCE_MAC = "00:00:00:00:00:02"  # h2's


FIRST_CELL = 0x100
"""Index in pk_reg of the first source: a cell's index is the source's address minus 10.0.0.0."""


def knock(number: int, *, whole: bool = False) -> bytes:
    """The frame of knock number `number`, from 0 on."""
    if whole:
        source, position = divmod(number, len(PORTS))
    else:
        turn, place = divmod(number, len(_PATTERN))
        source, position = 3 * turn + _PATTERN[place][0], _PATTERN[place][1]
    address = (_FIRST_SOURCE + source).to_bytes(4, "big")
    return tcp_syn(
        source_mac=_SOURCE_MAC,
        target_mac=_SERVER[0],
        source_ip=socket.inet_ntoa(address),
        target_ip=_SERVER[1],
        source_port=40000,
        port=PORTS[position],
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interface", required=True)
    parser.add_argument("--per-second", type=float, required=True)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--times", type=Path)
    options = parser.parse_args()
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((options.interface, 0))
    print("ready", flush=True)
    sent = 0
    complete = array.array("d")
    if options.whole and not sys.stdin.readline():
        print(json.dumps({"sent": 0}), flush=True)
        return 0
    start = time.monotonic()
    while not select.select([sys.stdin], [], [], 0.001)[0]:
        due = min(MAX_KNOCKS, int((time.monotonic() - start) * options.per_second))
        for number in range(sent, due):
            raw.send(knock(number, whole=options.whole))
            if options.whole and number % len(PORTS) == len(PORTS) - 1:
                complete.append(time.monotonic())
        sent = max(sent, due)
    if options.times is not None:
        options.times.write_bytes(complete.tobytes())
    print(json.dumps({"sent": sent}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
