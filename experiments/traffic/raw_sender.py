"""Sends raw frames: one burst per input line, or forever. Imports little, so it starts quickly.

    python -m experiments.traffic.raw_sender --interface IF --frame HEX --frame HEX ...
    python -m experiments.traffic.raw_sender --interface IF --frame HEX --every SECONDS

Raw frames, because the kernel's TCP would retransmit each SYN until it is answered.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import sys
import time
from collections.abc import Sequence


def _send_all(raw: socket.socket, frames: Sequence[bytes]) -> tuple[float, float]:
    first = time.monotonic()
    for frame in frames:
        raw.send(frame)
    return first, time.monotonic()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interface", required=True)
    parser.add_argument("--frame", action="append", required=True, type=bytes.fromhex)
    parser.add_argument(
        "--every", type=float, default=None, help="seconds between two bursts; default: one burst per input line"
    )
    options = parser.parse_args()
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((options.interface, 0))
    print("ready", flush=True)
    sent = 0
    if options.every is None:
        for _ in sys.stdin:
            first, last = _send_all(raw, options.frame)
            sent += len(options.frame)
            print(json.dumps({"first_s": first, "last_s": last}), flush=True)
    else:
        due = time.monotonic()
        while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
            _send_all(raw, options.frame)
            sent += len(options.frame)
            due += options.every
    print(json.dumps({"sent": sent}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
