"""Calls without effect at their place are accepted, with a located warning."""

from __future__ import annotations

import pytest

from p4front.load import load_text
from softswitch.build.program import compile_text
from softswitch.codegen import generate
from tests.switch.scene import program


def warnings(**parts: str) -> list[str]:
    return [w.message for w in generate(load_text(program(**parts), "scene.p4")).warnings]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"egress": "digest<bit<8>>(1, hdr.h.a);"}, ["digest has no effect in egress"]),
        ({"egress": "resubmit_preserving_field_list(1);"}, ["resubmit_preserving_field_list has no effect in egress"]),
        ({"compute": "clone(CloneType.E2E, 5);"}, ["clone has no effect in the checksum computation"]),
        ({"deparser": "digest<bit<8>>(1, hdr.h.a);"}, ["digest has no effect in the deparser"]),
        ({"egress": "recirculate_preserving_field_list(1); clone(CloneType.E2E, 5); truncate(9);"}, []),
        ({"ingress": "digest<bit<8>>(1, hdr.h.a); resubmit_preserving_field_list(1);"}, []),
        ({"locals": "action a() { digest<bit<8>>(1, hdr.h.a); }", "ingress": "a();"}, []),
    ],
)
def test_what_has_no_effect_is_reported(parts: dict[str, str], expected: list[str]) -> None:
    assert warnings(**parts) == expected


@pytest.mark.parametrize("block", ["ingress", "egress"])
def test_code_that_both_passes_share_is_warned_of_where_it_runs_in_vain(block: str) -> None:
    shared = "action learn(bit<8> a) { digest<bit<8>>(1, a); }"
    expected = ["digest has no effect in egress"] if block == "egress" else []
    assert warnings(declarations=shared, **{block: "learn(hdr.h.a);"}) == expected


def test_the_warnings_stay_with_the_compiled_program() -> None:
    text = program(egress="digest<bit<8>>(1, hdr.h.a);")
    for _ in range(2):  # compiled, then found
        found = compile_text(text, "warned.p4").warnings
        assert "warned.p4:" in found and "warning: digest has no effect in egress" in found
