"""Instrumented programs behave as before, and their clones say exactly what they wrote.

host 1 -- 1   switch   2 -- host 2        510: the CPU port, where clones arrive
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import nfs
from conformance.replay import replayed
from p4front.load import load_program, load_text
from softswitch.build.program import CompiledPipeline, compile_program, compile_text
from softswitch.dataplane.switch import Switch
from state4.cam import analyse
from state4.cim import Instrumented, instrument
from state4.clones.header import REPLICA, Clones
from state4.clones.store import CloneStore
from state4.entries_file import load_entries
from state4.instrumentation.running import all_registers
from tests.state4_cloning_programs import CLONING_PROGRAMS, OLD_CLONING_PROGRAMS, SESSIONS
from tests.state4_macro_programs import MACRO_PROGRAMS
from tests.state4_old_programs import OLD_PROGRAMS
from tests.state4_programs import PROGRAMS, request
from tests.state4_whole_programs import WHOLE_PROGRAMS
from tests.switch.frames import SERVER, probe, tcp, udp
from tests.switch.harness import install
from tests.switch.state4.bench.random_requests import random_requests
from tests.switch.state4.bench.rings import RingOfPipeline

pytestmark = pytest.mark.long

CPU = 510
SMALL = PROGRAMS | OLD_PROGRAMS | MACRO_PROGRAMS | CLONING_PROGRAMS | OLD_CLONING_PROGRAMS | WHOLE_PROGRAMS
Frames = list[tuple[int, bytes]]


@cache
def instrumented(name: str) -> Instrumented:
    if name in SMALL:
        program = load_text(SMALL[name], f"{name}.p4")
    else:
        program = load_program(nfs.program_path(name))
    return instrument(program, analyse(program))


@cache
def compiled(name: str, with_clones: bool) -> CompiledPipeline:
    if with_clones:
        return compile_text(instrumented(name).text, f"{name}.p4")
    return compile_text(SMALL[name], f"{name}.p4") if name in SMALL else compile_program(nfs.program_path(name))


@dataclass
class Seen:
    """The result of a run: frames sent for each packet, without clones; clones; registers at the end."""

    frames: list[Frames]
    clones: Clones
    lost: int
    registers: dict[str, list[int]]


def run(name: str, packets: Frames, *, with_clones: bool, flag: bool = False, ring: bool = False) -> Seen:
    """`ring`: updates come by shared memory, and no clone of State4's leaves."""
    layout = instrumented(name).layout
    pipeline_info = compiled(name, with_clones)
    with Switch() as switch:
        for port in range(1, 7):
            switch.add_memory_port(port)
        pipeline = switch.load(pipeline_info)
        switch.commit(pipeline)
        for session, replicas in SESSIONS.items():
            switch.set_clone_session(session, replicas)
        for session in SESSIONS.keys() | layout.shared if flag else ():
            if layout.any_session or session in layout.shared:
                switch.set_clone_session(session, [*SESSIONS.get(session, ()), (CPU, REPLICA)])
        switch.set_clone_session(layout.session, [(CPU, 1)])
        if name not in SMALL:
            install(switch, pipeline, load_entries(nfs.entries_path(nfs.program_path(name)), pipeline_info.p4info))
        if with_clones:
            pipeline.registers[layout.flag_register].write(0, [int(flag)])
        store = CloneStore(layout)
        store.expect(0, 0)
        updates = RingOfPipeline(pipeline, layout) if ring else None
        frames: list[Frames] = []
        arrived: list[bytes] = []
        for number, (port, frame) in enumerate(packets):
            switch.set_time(10_000_000 + 700 * number)
            out = switch.inject(port, frame)
            frames.append(sorted((p, f) for p, f in out if p != CPU))
            arrived += [f for p, f in out if p == CPU]
        assert all(len(f) == layout.header_bytes for f in arrived)
        array = np.frombuffer(b"".join(arrived), np.uint8).reshape(-1, layout.header_bytes)
        store.add(array)
        clones = layout.decode(array)
        if updates is not None:
            assert not arrived
            clones = updates.read()
            store.add_clones(lambda _: clones)
            updates.close()
        own = {layout.flag_register, layout.sequence_register, layout.gate_register}
        registers = {
            spec.name: spec.integers(pipeline.registers[spec.name].read())
            for spec in all_registers(compiled(name, True).p4info)  # the original does not tell translated widths
            if spec.name not in own
        }
        return Seen(frames, clones, store.stats().lost, registers)


def replay(name: str, clones: Clones) -> dict[str, list[int]]:
    """Registers as the clones alone say."""
    specs = {spec.name: spec for spec in all_registers(compiled(name, True).p4info)}
    return replayed(instrumented(name).layout, clones.updates, specs)


def requests(seed: int, count: int = 60) -> Frames:
    return random_requests(seed, count, 39)


def traffic() -> Frames:
    """Frames of the paper's network that make the network functions write."""
    frames: Frames = []
    for host in (1, 2, 3):
        frames.append((SERVER, probe(SERVER, SERVER, 10 * host)))
        frames += [(host, tcp(host, SERVER, port)) for port in (10000, 20000, 30000, 80, 5000)]
        frames += [(host, udp(host, SERVER, 5201, source_port=40000 + k, payload=bytes(50 * k))) for k in range(5)]
        frames += [(SERVER, udp(SERVER, host, 9))]
        frames.append((host, probe(host, host, 3)))
    return frames


def packets_for(name: str) -> Frames:
    return requests(len(name)) if name in SMALL else traffic()


ALL = [*SMALL, *nfs.PROGRAMS]


@pytest.mark.parametrize("name", ALL)
def test_behaviour_is_that_of_the_original(name: str) -> None:
    packets = packets_for(name)
    before = run(name, packets, with_clones=False)
    for flag in (False, True):
        after = run(name, packets, with_clones=True, flag=flag)
        assert after.frames == before.frames
        assert after.registers == before.registers


@pytest.mark.parametrize("name", ALL)
def test_clones_carry_exactly_the_writes(name: str) -> None:
    seen = run(name, packets_for(name), with_clones=True, flag=True)
    assert seen.lost == 0
    assert seen.clones.foreign == 0
    assert seen.clones.counts.sum() >= len(seen.clones.updates)
    assert replay(name, seen.clones) == seen.registers
    assert (len(seen.clones) > 0) == (name != "l2")


@pytest.mark.parametrize("name", ALL)
def test_no_clone_while_the_flag_is_off(name: str) -> None:
    assert len(run(name, packets_for(name), with_clones=True).clones) == 0


def test_a_packet_that_writes_nothing_is_not_cloned() -> None:
    seen = run("branches", [(1, request(op=1)), (1, request(op=2))], with_clones=True, flag=True)
    assert seen.clones.counts.tolist() == [1, 1]


def test_several_writes_of_one_cell_keep_their_order() -> None:
    seen = run("branches", [(1, request(op=9, cell=0, value=5))], with_clones=True, flag=True)
    assert seen.clones.counts.tolist() == [4]
    assert seen.clones.updates.component.tolist() == [1, 2, 1, 1]
    assert seen.registers["MyIngress.a"][0] == 7


def test_a_dropped_packet_still_reports_its_writes() -> None:
    seen = run("egress", [(1, request(op=4, cell=1, value=9))], with_clones=True, flag=True)
    assert seen.frames == [[]]
    assert seen.clones.egress.tolist() == [True]


def test_both_passes_count_their_clones_apart() -> None:
    seen = run("both_passes", [(1, request(op=1)) for _ in range(3)], with_clones=True, flag=True)
    ingress = seen.clones.sequence[~seen.clones.egress].tolist()
    egress = seen.clones.sequence[seen.clones.egress].tolist()
    assert ingress == egress == [1, 2, 3]


def test_every_pass_of_a_resubmitted_packet_has_its_clone() -> None:
    for op in (1, 2):
        seen = run("recirculates", [(1, request(op=op, cell=4))], with_clones=True, flag=True)
        assert seen.clones.counts.tolist() == [1, 1]
        assert seen.registers["MyIngress.passes"][4] == 2


def test_instrumenting_leaves_no_trace_of_paths() -> None:
    assert str(Path.cwd()) not in instrumented("chained").text
