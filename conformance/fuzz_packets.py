"""`python -m conformance.fuzz_packets`: random packets through pipelines built with the C compiler's sanitizers.

Packets are valid packets of the network functions (or of the .stf files next to p4c's programs), changed at random:
bytes replaced, truncated, extended, or pure noise. A report of the address or undefined-behaviour sanitizer, or a
crash, is a failure. Each program runs in a process of its own, because Python must be started with the sanitizer's
library.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from rich.progress import track

from conformance.corpus import Case, cases
from conformance.stf import CheckCounter, Expect, Packet, StfError, parse_stf
from p4front.text.source import P4Error
from softswitch.build.cc import find_compiler

_SAMPLE_EVERY = 6  # one of this many of p4c's packet tests


def main(argv: list[str] | None = None) -> int:
    """Exit code 0: no report; 1: at least one (printed)."""
    parser = argparse.ArgumentParser(prog="python -m conformance.fuzz_packets", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="packets in all (default %(default)s)")
    parser.add_argument("--p4c", type=Path, help="a checkout of p4c: a sample of its packet tests is used, too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--stf", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.worker:
        return _worker(options.worker, options.stf, options.count, options.seed)
    jobs = _programs(options.p4c)
    each = -(-options.count // len(jobs))
    failures = 0
    for program, stf in track(jobs, description="programs", transient=True):
        done = _start(program, stf, each, options.seed)
        if done.returncode != 0:
            failures += 1
            print(f"{program.name}: exit code {done.returncode}\n{done.stderr[-3000:]}")
    print(f"{each * len(jobs)} packets through {len(jobs)} programs: {failures} programs with reports")
    return 1 if failures else 0


def _programs(p4c: Path | None) -> list[tuple[Path, Path | None]]:
    import nfs

    jobs: list[tuple[Path, Path | None]] = [(path, None) for path in sorted(Path(nfs.__file__).parent.glob("*.p4"))]
    if p4c is not None:
        samples: list[Case] = cases(p4c, ("packets",))[::_SAMPLE_EVERY]
        jobs += [(case.program, case.expected) for case in samples]
    return jobs


def sanitizers() -> dict[str, str]:
    """The environment of a process whose switch has the sanitizers. Raises CompilerNotFound."""
    found = subprocess.run([find_compiler(), "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    return {
        **os.environ,
        "STATE4_SANITIZE": "1",
        "LD_PRELOAD": found.stdout.strip(),
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",  # Python does not free everything at exit
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }


def _start(program: Path, stf: Path | None, count: int, seed: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "conformance.fuzz_packets", "--worker", str(program)]
    command += ["--count", str(count), "--seed", str(seed), *(["--stf", str(stf)] if stf else [])]
    return subprocess.run(command, env=sanitizers(), capture_output=True, text=True, errors="replace", check=False)


def _worker(program: Path, stf: Path | None, count: int, seed: int) -> int:
    from conformance.stf_run import StfBench

    rng = random.Random(f"{program.name} {seed}")
    try:
        statements = parse_stf(stf) if stf else []
        bench = StfBench(program, range(8))
        bench.execute(s for s in statements if not isinstance(s, (Packet, Expect, CheckCounter)))
    except (P4Error, StfError, LookupError) as error:
        print(f"not run: {error}", file=sys.stderr)
        return 0  # rejected programs are covered by the conformance run
    seeds = [s.data for s in statements if isinstance(s, Packet)] or _frames()
    for _ in range(count):
        bench.switch.inject(rng.randrange(8), _mutate(rng.choice(seeds), rng))
    bench.close()
    return 0


def _frames() -> list[bytes]:
    """Frames that the network functions handle: TCP, UDP, ARP, options, a HULA probe."""
    from scapy.layers.inet import IP, TCP, UDP, IPOption
    from scapy.layers.l2 import ARP, Ether
    from scapy.packet import Raw

    ether = Ether(src="00:00:00:00:00:01", dst="00:00:00:00:00:06")
    ip = IP(src="10.0.0.1", dst="10.0.0.6")
    frames = [
        ether / ip / TCP(dport=10000, flags="S"),
        ether / ip / TCP(dport=20000, flags="S"),
        ether / ip / UDP(dport=5000) / Raw(bytes(64)),
        ether / IP(src="10.0.0.2", dst="10.0.0.6", options=[IPOption(b"\x01\x01\x01\x01")]) / UDP(dport=53),
        ether / ARP(psrc="10.0.0.1", pdst="10.0.0.6"),
        Ether(src="00:00:00:00:00:06", dst="ff:ff:ff:ff:ff:ff", type=0x88B5) / Raw(b"\x00\x00\x06\x10" + bytes(42)),
    ]
    return [bytes(frame) for frame in frames]


def _replace(data: bytearray, rng: random.Random) -> bytearray:
    for _ in range(rng.randint(1, 6)):
        if data:
            data[rng.randrange(len(data))] = rng.choice((0, 1, 0xFF, rng.randrange(256)))
    return data


def _cut(data: bytearray, rng: random.Random) -> bytearray:
    return data[: rng.randint(0, len(data))]


def _extend(data: bytearray, rng: random.Random) -> bytearray:
    return data + rng.randbytes(rng.choice((1, 7, 64, 1500, 9000)))


def _noise(data: bytearray, rng: random.Random) -> bytearray:
    return bytearray(rng.randbytes(rng.randint(0, 256)))


def _keep(data: bytearray, rng: random.Random) -> bytearray:
    return data


_CHANGES: list[Callable[[bytearray, random.Random], bytearray]] = [_replace, _replace, _cut, _extend, _noise, _keep]


def _mutate(frame: bytes, rng: random.Random) -> bytes:
    return bytes(rng.choice(_CHANGES)(bytearray(frame), rng))


if __name__ == "__main__":
    sys.exit(main())
