"""Samples a switch during a trial: register cells, bytes on its links, CPU time. A process of its own.

    python -m experiments.measure.sampler --target softswitch --address ADDRESS --register NAME --cells 1,2,5
        --interface s1-eth6 --switch-pid N --control-pid N --every 0.05 --to FILE

One JSON object per line in FILE (`sampling.py` reads it):

    t            s of the monotonic clock; the time of the register snapshot if the switch reports it
    cells        the cells; null if they could not be read
    tx_bytes     bytes that the interface has sent since it was created
    cpu          seconds by part: data_plane, switch_other, listener (once there was one), control_plane, and
                 control_waited: how long its threads waited for a core, if the kernel counts it
    memory       bytes of the control plane
"""

from __future__ import annotations

import argparse
import json
import select
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from experiments.measure.cores import DATA_PLANE_THREAD
from experiments.measure.cpu import OTHER, ThreadTimes
from softswitch.proto import bulk_pb2
from softswitch.proto.bulk_grpc import BulkStub
from state4.clones.listener import LISTENER_THREAD
from state4.errors import TargetError
from state4.targets.bmv2.client import CONTEXT, Bmv2Client

_TIMEOUT_S = 0.5
Reading = tuple[float, list[int] | None]


def softswitch_reader(address: str, register: str, cells: Sequence[int]) -> Callable[[], Reading]:
    """Reads 64-bit cells of the forwarding program in one snapshot, without becoming its controller."""
    channel = grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)])
    bulk = BulkStub(channel)
    first = min(cells)
    request = bulk_pb2.ReadArrayRequest(
        device_id=1,
        pipeline=bulk_pb2.ACTIVE,
        kind=bulk_pb2.REGISTER,
        name=register,
        start=first,
        count=max(cells) - first + 1,
    )

    def read() -> Reading:
        try:
            chunks = list(bulk.ReadArray(request, timeout=_TIMEOUT_S))
        except grpc.RpcError:  # no program yet, or the program lacks the register
            return time.monotonic(), None
        values = np.frombuffer(b"".join(chunk.cells for chunk in chunks), "<u8")
        return chunks[0].snapshot_ns / 1e9, [int(values[cell - first]) for cell in cells]

    return read


def bmv2_reader(address: str, register: str, cells: Sequence[int]) -> Callable[[], Reading]:
    """Reads cells one by one. While a program is saved, bmv2 reads that program's cells: such samples do not count."""
    client = Bmv2Client(address)

    def read() -> Reading:
        begin = time.monotonic()
        try:
            calls = [(CONTEXT, register, cell) for cell in cells]
            values = [int(value) for value in client.many(f"reading {register}", "bm_register_read", calls)]
        except TargetError:
            return time.monotonic(), None
        return (begin + time.monotonic()) / 2, values

    return read


READERS = {"softswitch": softswitch_reader, "bmv2": bmv2_reader}


class Parts:
    """The CPU time of a switch and its control plane, by part."""

    def __init__(self, switch: int, control: int, *, whole_switch: bool) -> None:
        """`whole_switch`: packets pass through several threads of the switch, so all of them are its data plane."""
        self._switch = ThreadTimes(switch, () if whole_switch else (DATA_PLANE_THREAD,))
        self._control = ThreadTimes(control, (LISTENER_THREAD,))
        self._whole_switch = whole_switch

    def read(self) -> dict[str, float]:
        switch, control = self._switch.read(), self._control.read()
        found = {"control_plane": control[OTHER]}
        if self._whole_switch:
            found["data_plane"] = switch[OTHER]
        else:
            found |= {"data_plane": switch.get(DATA_PLANE_THREAD, 0.0), "switch_other": switch[OTHER]}
        if LISTENER_THREAD in control:
            found["listener"] = control[LISTENER_THREAD]
        waited = self._control.waited_s()
        return found if waited is None else {**found, "control_waited": waited}

    def memory_bytes(self) -> int | None:
        return self._control.memory_bytes()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=sorted(READERS), required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--register", required=True)
    parser.add_argument("--cells", type=lambda text: [int(cell) for cell in text.split(",")], required=True)
    parser.add_argument("--interface", required=True)
    parser.add_argument("--switch-pid", type=int, required=True)
    parser.add_argument("--control-pid", type=int, required=True)
    parser.add_argument("--every", type=float, required=True)
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    read = READERS[options.target](options.address, options.register, options.cells)
    parts = Parts(options.switch_pid, options.control_pid, whole_switch=options.target == "bmv2")
    sent = Path(f"/sys/class/net/{options.interface}/statistics/tx_bytes")
    count = 0
    with options.to.open("w", buffering=1) as file:
        print("ready", flush=True)
        due = time.monotonic()
        while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
            at, cells = read()
            line: dict[str, Any] = {"t": at, "cells": cells, "tx_bytes": int(sent.read_text(encoding="utf-8"))}
            line |= {"cpu": parts.read(), "memory": parts.memory_bytes()}
            file.write(json.dumps(line) + "\n")
            count += 1
            due = max(due + options.every, time.monotonic())
    print(json.dumps({"samples": count}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
