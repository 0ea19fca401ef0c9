"""--only auto changes no packet: packets of the new program cannot observe what is left behind."""

from __future__ import annotations

import functools
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p4front.load import load_text
from state4.analysis.needless import needless_registers
from state4.programs import InstalledProgram
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from tests.state4_programs import PARAMS, program
from tests.switch.state4.bench.oracle import oracle
from tests.switch.state4.bench.target import BenchTarget, Schedule
from tests.switch.state4.generated import installed_program
from tests.switch.state4.test_rule import PROGRAMS, packets

REGISTERS = 5
SEEDS = max(4, PROGRAMS // 2)
INDICES = ("0", "3", "(bit<32>)hdr.request.cell & 7", "(bit<32>)hdr.request.op & 7")


def _statement(chosen: random.Random, depth: int) -> str:
    number, index = chosen.randrange(REGISTERS), chosen.choice(INDICES)
    kind = chosen.random()
    if kind < 0.2 and depth:
        return f"if (hdr.request.op > {chosen.randrange(4)}) {{ {_block(chosen, depth - 1)} }}\n"
    if kind < 0.3:
        return f"hdr.request.{chosen.choice(('cell', 'op'))} = {chosen.randrange(8)};\n"
    if kind < 0.6:
        return f"r{number}.write({index}, hdr.request.amount + {chosen.randrange(9)});\n"
    variable = f"v{chosen.randrange(10**9)}"
    read = f"bit<16> {variable}; r{number}.read({variable}, {index});"
    read += f" hdr.request.amount = hdr.request.amount + {variable};"
    write = f"r{number}.write({index}, hdr.request.amount);" if chosen.random() < 0.6 else ""
    return f"{write} {read}\n"


def _block(chosen: random.Random, depth: int) -> str:
    return "".join(_statement(chosen, depth) for _ in range(chosen.randint(1, 4)))


def _text(seed: int) -> str:
    chosen = random.Random(f"auto {seed}")
    declared = "".join(f"register<bit<16>>(8) r{i};\n" for i in range(REGISTERS))
    bodies = [_block(chosen, 2) for _ in range(2)]
    ingress = f"control MyIngress({PARAMS}) {{ apply {{ standard_metadata.egress_spec = 2;\n{bodies[0]} }} }}\n"
    egress = f"control MyEgress({PARAMS}) {{ apply {{ {bodies[1] if chosen.random() < 0.5 else ''} }} }}\n"
    return program(ingress, egress=egress, globals_=declared)


@functools.cache
def made(seed: int) -> tuple[InstalledProgram, dict[str, str]]:
    return installed_program(f"auto{seed}", _text(seed)), needless_registers(load_text(_text(seed), "prog.p4"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, SEEDS - 1), st.integers(0, 30), st.integers(0, 30), st.integers(0, 1 << 20))
def test_packets_leave_as_from_a_switch_that_was_never_changed(seed: int, before: int, after: int, sent: int) -> None:
    installed, needless = made(seed)
    frames = packets(sent, before + after)
    target = BenchTarget(frames, Schedule())
    try:
        target.install(installed)
        target.run(before)
        context = prepare(target, installed, needless=needless)
        outcome = reconfigure(load_strategy("controller"), context)
        target.run(after)
        assert target.out == oracle(installed, frames).out
    finally:
        target.close()
    assert set(needless) == set(outcome.left_behind)


def test_the_generated_programs_have_registers_of_both_kinds() -> None:
    counts = [len(made(seed)[1]) for seed in range(SEEDS)]
    assert any(0 < count < REGISTERS for count in counts)
    assert len({why for seed in range(SEEDS) for why in made(seed)[1].values()}) == 2
