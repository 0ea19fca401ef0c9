"""Generated programs: each packet is counted where `StateProgram.places` says, and nowhere else."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from experiments.harness.sized_programs import PORT, StateProgram, counted_bytes, missing_updates, payload_for
from experiments.traffic.frames import udp_datagram
from tests.switch.harness import Bench
from topologies.paper import SERVER, ip_of, mac_of

FRAME_BYTES = 150


def packet(sequence: int, port: int = PORT) -> bytes:
    """A packet as made by traffic/flow.c, from h1 to the server."""
    return udp_datagram(
        source_mac=mac_of("h1"),
        target_mac=mac_of(SERVER),
        source_ip=ip_of("h1"),
        target_ip=ip_of(SERVER),
        source_port=40000,
        port=port,
        payload=struct.pack("<HHIQ", 0x5334, 1, sequence, 0).ljust(payload_for(FRAME_BYTES), b"\0"),
    )


def bench_of(program: StateProgram) -> Bench:
    source, entries = program.files()
    return Bench(source, entries.read_text())


def contents(bench: Bench, program: StateProgram) -> dict[str, np.ndarray]:
    return {name: np.asarray(bench.pipeline.registers[f"MyIngress.{name}"].read()) for name in program.registers}


@pytest.mark.parametrize(("components", "width"), [(1, 64), (4, 64), (8, 16)])
def test_each_packet_is_counted_in_its_place(components: int, width: int) -> None:
    program = StateProgram(components, 64, width)
    bench = bench_of(program)
    sent = [0, 1, 2, 5, 7, 40, 100000, 100001]
    for sequence in sent:
        frame = packet(sequence)
        assert bench.send(1, frame) == [(6, frame)]
    state = contents(bench, program)
    asked = [*sent, 3, 4, 6]
    assert missing_updates(program, asked, FRAME_BYTES, state).tolist() == [False] * len(sent) + [True] * 3
    assert counted_bytes(program, state) == len(sent) * FRAME_BYTES


def test_a_program_that_writes_every_register() -> None:
    program = StateProgram(4, 64, writes="all")
    bench = bench_of(program)
    for sequence in range(10):
        bench.send(1, packet(sequence))
    assert counted_bytes(program, contents(bench, program)) == 4 * 10 * FRAME_BYTES


def test_other_datagrams_are_not_counted() -> None:
    program = StateProgram(1, 64)
    bench = bench_of(program)
    other = packet(1, port=PORT + 1)
    assert bench.send(1, other) == [(6, other)]
    assert counted_bytes(program, contents(bench, program)) == 0
