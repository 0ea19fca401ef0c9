"""Another controller of the switch that writes continuously: acknowledged writes must be present at the end.

    python -m experiments.control.second_controller --address ADDRESS --per-second N

It is primary of the default role, and inserts, modifies and deletes entries of table `dmac` for addresses that no
packet has. It writes from its first line of input on; when its input is closed, it compares the table with the
acknowledged writes, deletes its entries, and prints {"acknowledged", "refused", "wrong"}. `refused`: writes that the
switch answered with "try again"; `wrong`: entries that differ from what was acknowledged.
"""

from __future__ import annotations

import argparse
import json
import queue
import random
import select
import sys
import time
from pathlib import Path
from typing import Any

import grpc
from finsy.proto import p4i, p4r, p4r_grpc

from experiments.traffic.armed import ArmedProcess
from state4.entries_file import parse, resolve, updates
from topologies.network import RunningNetwork

ELECTION_ID = 1
ADDRESSES = 200
"""Few, so that entries are modified and deleted as often as they are inserted."""
PORTS = (1, 2, 3, 4, 5, 6)
TRY_AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED)
DEVICE = 1


def start_second_controller(network: RunningNetwork, switch: str, per_second: float) -> ArmedProcess:
    """Starts one next to the switch of that name; it writes after its first command."""
    argv = [sys.executable, "-m", "experiments.control.second_controller"]
    argv += ["--address", network.node(switch).address, "--per-second", str(per_second)]
    return ArmedProcess(network, switch, "second-controller", argv)


class SecondController:
    """Its entries by number: the port that was last acknowledged, or None if the entry does not exist."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address)
        self._stub = p4r_grpc.P4RuntimeStub(self._channel)
        self._requests: queue.SimpleQueue[p4r.StreamMessageRequest] = queue.SimpleQueue()
        arbitration = p4r.StreamMessageRequest()
        arbitration.arbitration.device_id = DEVICE
        arbitration.arbitration.election_id.low = ELECTION_ID
        self._requests.put(arbitration)
        stream: Any = self._stub.StreamChannel(iter(self._requests.get, None))
        self._stream = stream  # open as long as it is primary
        status = next(stream).arbitration.status
        if status.code:
            raise SystemExit(f"not primary: {status.message}")
        request = p4r.GetForwardingPipelineConfigRequest(device_id=DEVICE)
        self._p4info: p4i.P4Info = self._stub.GetForwardingPipelineConfig(request).config.p4info
        self._entries: dict[int, p4r.TableEntry] = {}
        self._random = random.Random(1)
        self.ports: dict[int, int] = {}
        self.acknowledged = self.refused = 0

    def write(self) -> None:
        """Makes one random write. Raises grpc.RpcError for any refusal other than "try again"."""
        number = self._random.randrange(ADDRESSES)
        port = self._random.choice(PORTS)
        if number not in self.ports:
            kind, after = p4r.Update.INSERT, port
        elif self._random.random() < 0.5:
            kind, after = p4r.Update.MODIFY, port
        else:
            kind, after = p4r.Update.DELETE, 0
        if not self._send(kind, number, port):
            return
        if after:
            self.ports[number] = after
        else:
            del self.ports[number]

    def compare(self) -> int:
        """The number of addresses whose entries differ from what was acknowledged."""
        there = {}
        request = p4r.ReadRequest(device_id=DEVICE)
        request.entities.add().table_entry.table_id = self._entry(0, 1).table_id
        for response in self._stub.Read(request):
            for entity in response.entities:
                mac, port = entity.table_entry.match[0].exact.value, entity.table_entry.action.action.params[0].value
                there[bytes(mac)] = int.from_bytes(port, "big")
        expected = {bytes(self._entry(n, port).match[0].exact.value): port for n, port in self.ports.items()}
        ours = {bytes(self._entry(number, 1).match[0].exact.value) for number in range(ADDRESSES)}
        return sum(there.get(mac) != expected.get(mac) for mac in ours)

    def clear(self) -> None:
        for number in list(self.ports):
            while not self._send(p4r.Update.DELETE, number, 1):
                time.sleep(0.01)
            del self.ports[number]

    def close(self) -> None:
        self._channel.close()

    def _send(self, kind: p4r.Update.Type.ValueType, number: int, port: int) -> bool:
        request = p4r.WriteRequest(device_id=DEVICE)
        request.election_id.low = ELECTION_ID
        request.updates.add(type=kind).entity.table_entry.CopyFrom(self._entry(number, port))
        try:
            self._stub.Write(request)
        except grpc.RpcError as error:
            if error.code() not in TRY_AGAIN:
                raise
            self.refused += 1
            return False
        self.acknowledged += 1
        return True

    def _entry(self, number: int, port: int) -> p4r.TableEntry:
        """The same in every program that a lab runs, because ids derive from names."""
        if number not in self._entries:
            (update,) = updates(resolve(parse(_toml(number), Path("second controller")), self._p4info))
            self._entries[number] = update.entity.table_entry
        entry = p4r.TableEntry()
        entry.CopyFrom(self._entries[number])
        entry.action.action.params[0].value = bytes([port])
        return entry


def _toml(number: int) -> str:
    return f"""
[[entry]]
table = "dmac"
match = {{ dst_mac = "0e:00:00:00:00:{number:02x}" }}
action = "forward"
params = {{ port = 1 }}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--per-second", type=float, required=True)
    options = parser.parse_args()
    controller = SecondController(options.address)
    print("ready", flush=True)
    if sys.stdin.readline():
        start, done = time.monotonic(), 0
        while not select.select([sys.stdin], [], [], max(0.0, start + done / options.per_second - time.monotonic()))[0]:
            controller.write()
            done += 1
    wrong = controller.compare()
    counts = {"acknowledged": controller.acknowledged, "refused": controller.refused, "wrong": wrong}
    controller.clear()
    controller.close()
    print(json.dumps(counts), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
