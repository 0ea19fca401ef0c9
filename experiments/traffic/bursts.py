"""UDP flows in bursts with pauses in between, which a flowlet load balancer can move.

    python -m experiments.traffic.bursts --to ADDR --port P --first N --flows N --payload BYTES --rate PPS
        --burst S --pause S --seed N --records FILE

Prints "ready" and waits for "go <start> <end>" (CLOCK_MONOTONIC, ns). Each flow has its own socket, and so its own
source port; flow number `--first` + k sends `--rate` packets per second within its bursts, which begin at a random time
in the first cycle. Payloads and records have the format of `flow.c`, so its receiver accepts them.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import select
import socket
import struct
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

MAGIC = 0x5334
_HEADER = struct.Struct("<HHIQ")
_RECORD = struct.Struct("<IIIIqq")


def moments(start: float, end: float, *, rate: float, burst: float, pause: float, phase: float) -> Iterator[float]:
    """When a flow sends, in s: `rate` per second for `burst` s, then none for `pause` s; `phase`: the share of the
    first cycle that is over at `start`."""
    cycle = burst + pause
    begin = start - phase * cycle
    while begin < end:
        for number in range(max(1, round(burst * rate))):
            moment = begin + number / rate
            if start <= moment < end:
                yield moment
        begin += cycle


def _numbered(number: int, times: Iterable[float]) -> Iterator[tuple[float, int]]:
    return ((moment, number) for moment in times)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", required=True)
    for name in ("port", "first", "flows", "payload", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("rate", "burst", "pause"):
        parser.add_argument(f"--{name}", type=float, required=True)
    parser.add_argument("--records", type=Path, required=True)
    options = parser.parse_args()
    sockets = []
    for _ in range(options.flows):
        flow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        flow.connect((options.to, options.port))
        sockets.append(flow)
    chance = random.Random(options.seed)
    filler = bytes(options.payload - _HEADER.size)
    print("ready", flush=True)
    words = sys.stdin.readline().split()
    sent, refused, worst = 0, 0, 0.0
    with options.records.open("wb") as records:
        if len(words) == 3:
            start, end = (int(word) / 1e9 for word in words[1:])
            shape = {"rate": options.rate, "burst": options.burst, "pause": options.pause}
            schedules = [
                _numbered(number, moments(start, end, phase=chance.random(), **shape))
                for number in range(options.flows)
            ]
            sequences = [0] * options.flows
            for due, number in heapq.merge(*schedules):
                if (wait := due - time.monotonic()) > 0 and select.select([sys.stdin], [], [], wait)[0]:
                    break
                now = time.monotonic_ns()
                worst = max(worst, now / 1e9 - due)
                flow_number, sequence = options.first + number, sequences[number]
                try:
                    sockets[number].send(_HEADER.pack(MAGIC, flow_number, sequence, now) + filler)
                except OSError:
                    refused += 1
                    continue
                records.write(_RECORD.pack(flow_number, options.payload, sequence, 0, now, now))
                sequences[number] += 1
                sent += 1
    print(json.dumps({"sent": sent, "refused": refused, "worst_late_ms": worst * 1e3}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
