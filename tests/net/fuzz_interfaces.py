"""Mutated frames and super-frames through real interfaces, under the sanitizers.

python -m tests.net.fuzz_interfaces --count 60000

[host 1] h0 ---- s1 [switch: 1 -> 2, a process with the sanitizers] s2 ---- h0 [host 2]

Frames are those of `tests.switch.segments`, with bytes, lengths and the offload header (struct virtio_net_hdr) changed
at random; the kernel refuses some. In between, interfaces go down and come back, and change their MTU. A report of a
sanitizer, a crash, or a switch that no longer forwards is a failure.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from conformance.fuzz_packets import sanitizers
from softswitch.build.program import compile_text
from softswitch.dataplane.switch import Switch
from tests.net.veths import Veths, inside, wait
from tests.switch.offload_programs import PROGRAMS
from tests.switch.segments import TCP, UDP, Flow, Offload, SuperFrame

_SOL_PACKET, _PACKET_VNET_HDR = 263, 15
ACCIDENT_EVERY = 5_000
SEND_AT_ONCE = 64
WAIT_S = 60


class Frames:
    """An endless supply: valid ones, and what mutation makes of them."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"interfaces {seed}")
        kinds = [(4, TCP, ()), (6, TCP, ()), (4, UDP, ()), (6, UDP, ()), (4, TCP, ((0x8100, 5),))]
        kinds.append((6, TCP, ((0x88A8, 7), (0x8100, 5))))
        self._flows = [Flow(version, protocol, tags) for version, protocol, tags in kinds]

    def next(self) -> bytes:
        """An offload header and a frame."""
        rng = self._rng
        flow, size = rng.choice(self._flows), rng.choice((0, 1, 100, 1400, 3000, 20_000, 60_000))
        segment = rng.choice((1, 100, 536, 1400))
        data, payload = bytearray(), rng.randbytes(min(size, 60 * segment))
        if len(payload) > segment:
            made = flow.super_frame(payload, segment)
        else:
            made = SuperFrame(flow.segments(payload, segment)[0] if payload else bytes(14), Offload())
        offload = bytearray(made.offload.packed())
        data += made.data
        for _ in range(rng.choice((0, 0, 1, 1, 4))):
            rng.choice((self._replace_header, self._replace, self._cut, self._offload))(data, offload)
        return bytes(offload + data)

    def _value(self) -> int:
        return self._rng.choice((0, 1, 0x7F, 0x80, 0xFF, self._rng.randrange(256)))

    def _replace_header(self, data: bytearray, offload: bytearray) -> None:
        if data:
            data[self._rng.randrange(min(100, len(data)))] = self._value()

    def _replace(self, data: bytearray, offload: bytearray) -> None:
        if data:
            data[self._rng.randrange(len(data))] = self._value()

    def _cut(self, data: bytearray, offload: bytearray) -> None:
        del data[self._rng.randint(min(14, len(data)), len(data)) :]

    def _offload(self, data: bytearray, offload: bytearray) -> None:
        offload[self._rng.randrange(len(offload))] = self._value()


def valid() -> bytes:
    """One that arrives, whatever came before it."""
    return Offload().packed() + Flow().segments(b"x" * 100, 1400)[0]


@contextmanager
def switch(net: Veths, program: str) -> Iterator[subprocess.Popen[str]]:
    """The process with the switch. Its end is checked: raises AssertionError with what the sanitizers said."""
    command = [sys.executable, "-m", "tests.net.fuzz_interfaces", "--worker", program, "--namespace", net.switch]
    process = subprocess.Popen(
        command, env=sanitizers(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
        _, errors = process.communicate(timeout=WAIT_S)
        assert process.returncode == 0, f"{program}: exit code {process.returncode}\n{errors[-4000:]}"
    except BrokenPipeError:
        _, errors = process.communicate(timeout=WAIT_S)
        raise AssertionError(f"{program}: exit code {process.returncode}\n{errors[-4000:]}") from None
    finally:
        process.kill()
        process.wait()


def ask(process: subprocess.Popen[str]) -> dict[str, int]:
    """What the switch has counted so far. Raises BrokenPipeError if it is gone."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("stats\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise BrokenPipeError
    counted: dict[str, int] = json.loads(line)
    return counted


def fuzz(program: str, count: int, seed: int = 0, *, accident_every: int = ACCIDENT_EVERY) -> dict[str, int]:
    """Sends `count` frames. Returns how many were sent, refused by the kernel, and counted by the switch. Raises
    AssertionError."""
    frames, rng = Frames(seed), random.Random(seed)
    sent = refused = 0
    with Veths(2, offloads=True) as net, switch(net, program) as process:
        ask(process)
        one, two = net.socket(1), net.socket(2)
        two.setblocking(False)
        one.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        for number in range(1, count + 1):
            try:
                one.send(frames.next())
                sent += 1
            except OSError:
                refused += 1
            if number % SEND_AT_ONCE == 0:
                _drain(two)
            if number % accident_every == 0:
                _accident(net, rng)
                ask(process)
        before = ask(process)["tx"]

        def forwards() -> bool:
            with suppress(OSError):  # ENETDOWN, once, when the last thing that happened was an accident
                one.send(valid())
            _drain(two)
            return ask(process)["tx"] > before

        wait(forwards, WAIT_S)
        return {"sent": sent, "refused": refused, **ask(process)}


def _drain(end: socket.socket) -> None:
    while True:
        try:
            end.recv(1)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENETDOWN:  # told once after the interface was down
                raise


def _accident(net: Veths, rng: random.Random) -> None:
    host = rng.choice(net.hosts)
    if rng.random() < 0.5:
        for state in ("down", "up"):
            net.inside(net.host(host), "ip", "link", "set", "h0", state)
        wait(lambda: net.carrier(net.switch, f"s{host}"))
    else:
        net.inside(net.switch, "ip", "link", "set", f"s{host}", "mtu", str(rng.choice((600, 1500, 1500, 9000))))


def work(program: str, namespace: str) -> int:
    """The process of the switch: answers each line with its counters, ends with its input."""
    with inside(namespace), Switch() as made:
        made.commit(made.load(compile_text(PROGRAMS[program])))
        for port in (1, 2):
            made.add_interface(port, f"s{port}")
        made.start()
        for _ in sys.stdin:
            ports: Any = made.stats().ports
            counts = {"rx": ports[1].rx_packets, "unsplit": ports[1].rx_unsplit, "tx": ports[2].tx_packets}
            print(json.dumps(counts), flush=True)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Exit code 0: no report, or not root; 1: at least one (printed)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--count", type=int, default=60_000, help="frames and super-frames in all (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worker", choices=PROGRAMS, help=argparse.SUPPRESS)
    parser.add_argument("--namespace", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.worker:
        return work(options.worker, options.namespace)
    if os.geteuid() != 0 or shutil.which("ethtool") is None:
        print("frames through real interfaces: skipped, needs root, ip and ethtool")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # namespaces are removed on the way out
    failures = 0
    for number, program in enumerate(PROGRAMS):
        try:
            counts = fuzz(program, -(-options.count // len(PROGRAMS)), options.seed + number)
        except AssertionError as error:
            failures += 1
            print(error)
        else:
            print(f"{program}: {', '.join(f'{count} {what}' for what, count in counts.items())}")
    print(f"frames through real interfaces: {failures} of {len(PROGRAMS)} programs with reports")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
