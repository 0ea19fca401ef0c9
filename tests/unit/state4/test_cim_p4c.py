"""p4c's requirements of an instrumented program: no egress clone in ingress, and no unused declarations."""

from __future__ import annotations

import re

import nfs
from p4front.load import load_program, load_text
from state4.cam import analyse
from state4.cim import instrument
from tests.state4_programs import PROGRAMS, program


def instrumented(text: str) -> str:
    checked = load_text(text, "made.p4")
    return instrument(checked, analyse(checked)).text


def function(text: str, name: str) -> str:
    found = re.search(rf"^void {name}\(.*?^}}$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[0]


def test_each_pass_asks_for_clones_of_its_own_kind() -> None:
    text = instrumented(PROGRAMS["both_passes"])
    assert "I2E" in (ingress := function(text, "state4_update")) and "E2E" not in ingress
    assert "E2E" in (egress := function(text, "state4_update_egress")) and "I2E" not in egress
    assert "state4_update_both" not in text
    before, after = text.split("control MyEgress")
    assert "state4_update_egress(meta.state4" not in before.split("control MyIngress")[1]
    assert "state4_update(meta.state4" not in after


def test_code_of_both_passes_leaves_asking_for_clones_to_each_pass() -> None:
    params = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
    text = instrumented(
        program(
            f"control MyIngress({params}) {{ apply {{ standard_metadata.egress_spec = 2; note(1); }} }}",
            egress=f"control MyEgress({params}) {{ apply {{ note(2); }} }}",
            globals_="register<bit<8>>(4) seen;\naction note(in bit<8> value) { seen.write(0, value); }\n",
        )
    )
    assert "CloneType" not in function(text, "state4_update_both")
    before, egress = text.split("control MyEgress")
    ingress = before.split("control MyIngress")[1]
    assert "CloneType.I2E" in ingress and "CloneType.E2E" not in ingress
    assert "CloneType.E2E" in egress and "CloneType.I2E" not in egress


def test_one_pass_needs_one_function() -> None:
    for name, kind in (("apply", "I2E"), ("egress", "E2E")):
        text = instrumented(PROGRAMS[name])
        assert re.findall(r"^void (state4_update\w*)\(", text, re.MULTILINE) == ["state4_update"]
        assert kind in function(text, "state4_update")


def test_a_flag_that_nothing_reads_is_reported_as_unused() -> None:
    checked = load_program(nfs.program_path("l2"))
    text = instrument(checked, analyse(checked)).text
    assert '@noWarn("unused")\nregister<bit<2>>(1) state4_flag;' in text
    assert "noWarn" not in instrumented(PROGRAMS["apply"])
