"""Fields that standard_metadata_t had until 2019, in programs that bring their own, older v1model.p4."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from conformance.program_check import CheckOptions, check_program
from p4front.load import load_text
from p4front.text.includes import LIBRARY
from p4front.text.source import P4Error
from softswitch.build.program import compile_text
from softswitch.codegen import generate
from softswitch.codegen.values.layout import LEGACY_FIELDS
from tests.switch.scene import program, running

WIDTHS = {
    "clone_spec": 32,
    "drop": 1,
    "recirculate_port": 16,
    "lf_field_list": 32,
    "resubmit_flag": 32,
    "recirculate_flag": 32,
}
FILL = "".join(f"std.{name} = {width}w{0x89ABCDEF % (1 << width)};" for name, width in WIDTHS.items())
FULL = " && ".join(f"std.{name} == {width}w{0x89ABCDEF % (1 << width)}" for name, width in WIDTHS.items())
EMPTY = " && ".join(f"std.{name} == 0" for name in WIDTHS)
LISTED = ", ".join(f"std.{name}" for name in WIDTHS)
TELL = f"hdr.h.b = {FULL} ? 8w1 : ({EMPTY} ? 8w0 : 2);"


def old(text: str, fields: Mapping[str, str | int] = WIDTHS) -> str:
    """The same program with a v1model.p4 that has these fields, too."""
    model = (LIBRARY / "v1model.p4").read_text()
    more = "".join(
        f"    {f'bit<{type_}>' if isinstance(type_, int) else type_} {name};\n" for name, type_ in fields.items()
    )
    mine = model.replace("    bit<1> checksum_error;", f"{more}    bit<1> checksum_error;")
    assert mine != model
    return text.replace("#define V1MODEL_VERSION 20200408", "").replace("#include <v1model.p4>", mine)


def test_they_keep_what_the_program_writes_from_ingress_to_egress_and_do_nothing() -> None:
    with running(old(program(ingress=FILL, egress=TELL))) as s:
        assert s.send("09000000") == [(1, "09010000")]  # neither dropped nor cloned, resubmitted or recirculated
    with running(old(program(ingress=TELL))) as s:
        assert s.send("09ff0000") == [(1, "09000000")]
    with running(old(program(ingress="std.drop = 1; std.drop = std.drop + 1; hdr.h.b = 4 + (bit<8>)std.drop;"))) as s:
        assert s.out("09000000") == "09040000"  # one bit


@pytest.mark.parametrize(("kept", "told"), [("{ std }", 1), (f"{{ {LISTED} }}", 1), ("{ meta.unused }", 0)])
def test_lists_preserve_them_as_other_fields(kept: str, told: int) -> None:
    again = f"if (std.instance_type == 0) {{ {FILL} resubmit({kept}); }} else {{ {TELL} }}"
    with running(old(program(ingress=again))) as s:
        assert s.out("09ff0000") == f"09{told:02x}0000"
    around = f"if (hdr.h.a == 9) {{ {FILL} hdr.h.a = 8; recirculate({kept}); }}"
    with running(old(program(ingress=f"if (std.instance_type == 4) {{ {TELL} }}", egress=around))) as s:
        assert s.out("09ff0000") == f"08{told:02x}0000"
    clone = f"{FILL} clone3(CloneType.I2E, 5, {kept});"
    with running(old(program(ingress=clone, egress=f"if (std.instance_type == 1) {{ {TELL} }}"))) as s:
        s.switch.set_clone_session(5, [(2, 0)])
        assert dict(s.send("09ff0000"))[2] == f"09{told:02x}0000"


def test_a_write_is_warned_of_and_a_read_is_not() -> None:
    checked = load_text(old(program(ingress="std.resubmit_flag[3:0] = 1; hdr.h.a = (bit<8>)std.clone_spec;")), "old.p4")
    (warning,) = generate(checked).warnings
    assert "resubmit_flag has no effect" in warning.message
    assert warning.span is not None and warning.span.text.startswith("std.resubmit_flag")
    mine = program(metadata="bit<8> drop;", ingress="meta.drop = 1;")
    assert not generate(load_text(old(mine), "old.p4")).warnings


def test_todays_v1model_does_not_have_them() -> None:
    assert set(WIDTHS) == LEGACY_FIELDS
    for version in ("20180101", "20200408"):
        for name in WIDTHS:
            text = program(ingress=f"std.{name} = 1;").replace("20200408", version)
            with pytest.raises(P4Error, match=f'no member "{name}"'):
                load_text(text, "new.p4")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"qid": 5}, "has a field qid, which v1model.p4 does not have"),
        ({"clone_spec": 33}, "clone_spec must be a number of at most 32 bits"),
        ({"drop": "headers_t"}, "drop must be a number of at most 32 bits"),
    ],
)
def test_other_fields_are_refused_at_their_place(fields: dict[str, str | int], message: str) -> None:
    text = old(program(), fields)
    if "headers_t" in fields.values():
        declared = "header h_t { bit<8> a; bit<8> b; bit<8> c; bit<8> d; }\nstruct headers_t { h_t h;  }\n"
        assert declared in text
        text = text.replace(declared, "").replace("// What the switch knows", f"{declared}// What the switch knows")
    checked = load_text(text, "other.p4")
    with pytest.raises(P4Error) as caught:
        generate(checked)
    (error,) = caught.value.diagnostics  # and none about what depends on it
    assert message in error.message
    assert error.span is not None and error.span.text.endswith(f"{next(iter(fields))};")


def test_an_instrumented_program_keeps_them(tmp_path: Path) -> None:
    state = "register<bit<8>>(8) r;"
    ingress = f"""
    if (std.instance_type == 0) {{ {FILL} resubmit({{ std }}); }} else {{ {TELL} }}
    r.write((bit<32>)hdr.h.a & 7, hdr.h.b + 1); std.clone_spec = (bit<32>)hdr.h.c;
    """
    path = tmp_path / "old.p4"
    path.write_text(old(program(locals=state, ingress=ingress, egress="hdr.h.d = (bit<8>)std.clone_spec;")))
    verdict = check_program(path, CheckOptions(packets=60, strategies=("state4_exact", "precopy")))
    assert verdict.equal and verdict.mapped and verdict.writes > 0, verdict.reason
    assert "clone_spec has no effect" in compile_text(path.read_text(), "old.p4").warnings
