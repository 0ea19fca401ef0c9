"""Programs with a dirty map behave like the original, and every cell that changes is marked."""

from __future__ import annotations

import functools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p4front.load import load_text
from p4front.p4info import build_p4info
from state4.cim import Track
from state4.clones.header import CloneLayout
from state4.instrumentation.running import map_of
from state4.programs import InstalledProgram
from tests.state4_programs import PARAMS, PROGRAMS, program
from tests.switch.state4.bench.random_requests import random_requests
from tests.switch.state4.bench.target import BenchTarget, Packets, Schedule
from tests.switch.state4.generated import installed_program

CLONING = program(
    f"""
control MyIngress({PARAMS}) {{
    apply {{
        standard_metadata.egress_spec = 2;
        a.write((bit<32>)hdr.request.cell, hdr.request.value);
        clone(CloneType.I2E, 7);
    }}
}}
""",
    egress=f"""
control MyEgress({PARAMS}) {{
    apply {{
        a.write((bit<32>)hdr.request.cell + 1, 64w5);
        if (standard_metadata.instance_type == 0 && hdr.request.op == 3) {{ clone(CloneType.E2E, 7); }}
    }}
}}
""",
    globals_="register<bit<64>>(257) a;\n",
)
"""Clones of its own, in both passes, where it writes."""

IN_A_PARSER = program(
    f"control MyIngress({PARAMS}) {{ apply {{ standard_metadata.egress_spec = 2; }} }}",
    globals_="register<bit<16>>(300) seen;\n",
).replace(
    "        transition accept;",
    "        seen.write((bit<32>)hdr.request.cell, hdr.request.amount);\n        transition accept;",
)
# the parser comes before the register in `program`
IN_A_PARSER = IN_A_PARSER.replace("register<bit<16>>(300) seen;\n", "").replace(
    "\nparser MyParser", "\nregister<bit<16>>(300) seen;\nparser MyParser"
)

CALLED = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<64>>(256) a;
    apply {{
        standard_metadata.egress_spec = 2;
        a.write(next(hdr), hdr.request.value);
        if (hdr.request.op > 1) a.write(next(hdr), (bit<64>)hdr.request.cell);
    }}
}}
""",
    globals_="bit<32> next(inout headers_t h) {\n"
    "    h.request.cell = h.request.cell + 1;\n    return (bit<32>)h.request.cell;\n}\n",
)
"""Indices that may be evaluated once only."""

CASES = {
    **PROGRAMS,
    "clones where it writes": CLONING,
    "writes in its parser": IN_A_PARSER,
    "calls in an index": CALLED,
}


@functools.cache
def original(name: str) -> InstalledProgram:
    text = CASES[name]
    return InstalledProgram("original", text, build_p4info(load_text(text, "prog.p4")), CloneLayout((), 0, 250))


@functools.cache
def mapped(name: str, track: Track) -> InstalledProgram:
    return installed_program("mapped", CASES[name], track=track)


def packets(seed: int, count: int = 25) -> Packets:
    return random_requests(seed, count, 7)


def fed(installed: InstalledProgram, sent: Packets) -> BenchTarget:
    target = BenchTarget(sent, Schedule())
    target.switch.set_clone_session(7, [(3, 1)])
    target.install(installed)
    return target


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1 << 20))
def test_a_map_changes_nothing_and_misses_nothing(name: str, seed: int) -> None:
    sent = packets(seed)
    plain, marking = fed(original(name), sent), fed(mapped(name, Track.MAP), sent)
    layout = map_of(marking.running())
    words = marking.config.pipeline.registers[layout.register]
    try:
        for _ in sent:
            before = marking.state()
            words.write(0, [0] * layout.words)
            plain.run(1)
            marking.run(1)
            after = marking.state()
            for part in layout.parts:
                if part.name not in after:
                    continue
                changed = {i for i, cell in enumerate(after[part.name]) if cell != before[part.name][i]}
                blocks = set(part.dirty(words.read()).tolist())
                assert {cell >> part.shift for cell in changed} <= blocks
        assert marking.out == plain.out
        wanted = plain.state()  # the original's P4Info does not tell translated widths
        assert {name: marking.state()[name] for name in wanted} == wanted
    finally:
        plain.close()
        marking.close()
