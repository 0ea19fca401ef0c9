"""CIM: the instrumented text is the user's own with additions, and a valid program."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

import nfs
from p4front.load import load_program, load_text
from p4front.p4info import build_p4info
from p4front.program import Program
from p4front.text.includes import LIBRARY
from p4front.text.source import P4Error
from softswitch.codegen import generate
from state4.cam import analyse
from state4.cim import Instrumented, InstrumentOptions, Track, instrument
from state4.instrumentation.edits import _conditional
from state4.instrumentation.running import layout_of, user_registers
from state4.programs import prepare_program
from tests.state4_cloning_programs import CLONING_PROGRAMS, OLD_CLONING_PROGRAMS
from tests.state4_macro_programs import MACRO_PROGRAMS
from tests.state4_old_programs import OLD_PROGRAMS
from tests.state4_programs import PROGRAMS, program, request
from tests.state4_whole_programs import WHOLE_PROGRAMS

INGRESS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
REGISTER = "    register<bit<8>>(4) r;\n"
VIA = "{ metadata_t state4_new; state4_new /* meta */"
BACK = "state4_new.state4 = meta.state4; meta = state4_new; }"
SMALL = PROGRAMS | OLD_PROGRAMS | MACRO_PROGRAMS | CLONING_PROGRAMS | OLD_CLONING_PROGRAMS | WHOLE_PROGRAMS
ALL = [*SMALL, *nfs.PROGRAMS]


@cache
def source(name: str) -> Program:
    return load_text(SMALL[name], f"{name}.p4") if name in SMALL else load_program(nfs.program_path(name))


def instrumented(checked: Program) -> Instrumented:
    return instrument(checked, analyse(checked))


@cache
def made(name: str) -> tuple[Instrumented, Program]:
    """An instrumented test program and what the front end makes of it, for all tests that examine it."""
    result = instrumented(source(name))
    return result, load_text(result.text, "out.p4")


def of_text(text: str) -> Instrumented:
    return instrumented(load_text(text, "test.p4"))


def ingress(body: str, *, locals_: str = REGISTER, globals_: str = "", egress: str | None = None) -> str:
    text = f"control MyIngress({INGRESS}) {{\n{locals_}    apply {{\n        {body}\n    }}\n}}\n"
    return program(text, globals_=globals_) if egress is None else program(text, globals_=globals_, egress=egress)


def is_subsequence(part: str, whole: str) -> bool:
    letters = iter(whole)
    return all(letter in letters for letter in part)


def problem(text: str) -> str:
    with pytest.raises(P4Error) as caught:
        of_text(text)
    return str(caught.value)


@pytest.mark.parametrize("name", ALL)
def test_only_additions(name: str) -> None:
    checked = source(name)
    result, _ = made(name)
    rest, position = "", 0
    for start, end in result.additions:
        rest, position = rest + result.text[position:start], end
    assert rest + result.text[position:] == checked.files[0].text
    assert result.additions
    for file in checked.files[1:]:
        if file.path in result.inlined:
            assert is_subsequence(file.text, result.text)


@pytest.mark.parametrize("name", ALL)
def test_the_result_is_a_program_with_the_same_state(name: str) -> None:
    checked = source(name)
    _, again = made(name)
    assert again.warnings == []
    before, after = build_p4info(checked), build_p4info(again)
    plain = {register.name for register in user_registers(before)}  # without those of translated types
    assert tuple(r for r in user_registers(after) if r.name in plain) == user_registers(before)
    assert [t.preamble.id for t in after.tables] == [t.preamble.id for t in before.tables]
    assert [a.preamble.id for a in after.actions] == [a.preamble.id for a in before.actions]


@pytest.mark.parametrize("name", ALL)
def test_p4info_alone_tells_the_layout(name: str) -> None:
    result, again = made(name)
    assert layout_of(build_p4info(again)) == result.layout


@pytest.mark.parametrize("name", ALL)
def test_a_second_time_is_refused(name: str) -> None:
    with pytest.raises(P4Error, match="instrumented already"):
        instrumented(made(name)[1])


@pytest.mark.parametrize("track", list(Track))
def test_what_an_older_v1model_lacks_is_declared(track: Track, tmp_path: Path) -> None:
    newer = re.compile(r"^extern void (?:mark_to_drop\(inout|resubmit_pre|clone_pre).*\n", re.MULTILINE)
    model, removed = newer.subn("", (LIBRARY / "v1model.p4").read_text())
    assert removed == 3
    (tmp_path / "v1model.p4").write_text(model)
    path = tmp_path / "old.p4"
    path.write_text(ingress("r.write(0, 1); mark_to_drop();").replace("<v1model.p4>", '"v1model.p4"'))
    checked = load_program(path)
    result = instrument(checked, analyse(checked), InstrumentOptions(track))
    assert result.text.count("clone_preserving_field_list(in CloneType") == (track is not Track.MAP)
    generate(load_text(result.text, "again.p4"))


def test_the_controller_header_is_whole_bytes() -> None:
    result, again = made("chained")
    (header,) = build_p4info(again).controller_packet_metadata
    assert header.preamble.name == "packet_in"
    assert sum(field.bitwidth for field in header.metadata) == 8 * result.layout.header_bytes
    names = [field.name for field in header.metadata]
    assert names[:5] == ["seq", "egress", "count", "program", "ether_type"]
    assert names[5:8] == ["component_0", "index_0", "value_0"]


def test_included_files_are_part_of_the_text() -> None:
    result = instrumented(source("chained"))
    assert '// #include "include/headers.p4"' in result.text
    assert "control Knocking" in result.text
    assert result.text.count("#include <v1model.p4>") == 1
    assert {Path(f).name for f in result.inlined} >= {"headers.p4", "knocking_stage.p4"}


def test_comments_and_places_of_the_writes_stay() -> None:
    text = instrumented(source("apply")).text
    assert (
        "a.write((bit<32>)hdr.request.cell, hdr.request.value);  // with a comment behind it\n        state4_u" in text
    )
    assert "/* smaller than what is asked for: cells beyond it are not written */" in text


def test_a_write_under_if_gets_braces() -> None:
    text = instrumented(source("branches")).text
    assert "if (hdr.request.op == 1) { a.write(cell, hdr.request.value); state4_update(meta.state4, 1, cell" in text


def test_declarations_stand_above_the_comment_of_what_they_precede() -> None:
    text = "/* The headers. */\nstruct headers_t {"
    changed = PROGRAMS["apply"].replace("struct headers_t {", text)
    assert f"/* ---- end ---- */\n\n{text}" in of_text(changed).text


def test_metadata_reaches_code_that_has_none() -> None:
    text = instrumented(source("controls")).text
    assert "control Inner(inout request_t r, inout state4_meta_t state4_m, in bit<8> state4_n1)" in text
    assert "one.apply(hdr.request, meta.state4, 2, 3);" in text
    assert "two.apply(hdr.request, meta.state4, 4, 5);" in text


NO_PARAMETERS = "control Inner() {\n    register<bit<8>>(4) r;\n    apply { r.write(0, 1); }\n}\n"


@pytest.mark.parametrize(
    ("locals_", "call", "becomes"),
    [
        ("    Inner() inner;\n", "inner.apply ( );", "inner.apply (meta.state4 );"),
        ("", "Inner.apply(/* none */);", "Inner.apply(meta.state4/* none */);"),
    ],
)
def test_a_control_without_parameters_gets_its_first(locals_: str, call: str, becomes: str) -> None:
    text = of_text(ingress(call, locals_=locals_, globals_=NO_PARAMETERS)).text
    assert "control Inner(inout state4_meta_t state4_m) {" in text and becomes in text
    build_p4info(load_text(text, "test.p4"))


def test_one_instance_with_several_registers() -> None:
    body = "p.apply(a); p.apply(b);"
    locals_ = REGISTER.replace(" r;", " a;") + REGISTER.replace(" r;", " b;") + "    P() p;\n"
    text = of_text(
        ingress(body, locals_=locals_, globals_="control P(register<bit<8>> r) { apply { r.write(0, 1); } }\n")
    ).text
    assert "p.apply(a, meta.state4, 1); p.apply(b, meta.state4, 2);" in text


def test_actions_in_tables_get_the_argument() -> None:
    text = instrumented(source("functions")).text
    assert "actions = { keep(hdr.request.value, meta.state4); nothing; }" in text
    assert "7: keep(hdr.request.value, meta.state4, 3);" in text
    assert "action keep(in bit<64> value, inout state4_meta_t state4_m, bit<32> where)" in text


def test_names_that_the_program_has_are_not_used() -> None:
    result = of_text(ingress("bit<8> state4_x = 1; r.write(0, state4_x);"))
    assert result.layout.prefix == "state4_2"
    assert "state4_2_update(meta.state4_2, 1, (bit<32>)(0), state4_x);" in result.text
    assert layout_of(build_p4info(load_text(result.text, "out.p4"))) == result.layout


def test_a_free_field_list_and_header_name() -> None:
    text = PROGRAMS["apply"].replace("bit<8> noise;", "@field_list(255, 254) bit<8> noise;")
    text = text.replace("header request_t", '@controller_header("packet_in")\nheader request_t')
    result = of_text(text)
    assert "@field_list(253) bit<32> seq;" in result.text
    assert '@controller_header("state4_packet_in")' in result.text


def test_the_session_is_a_choice() -> None:
    checked = source("apply")
    result = instrument(checked, analyse(checked), InstrumentOptions(session=77))
    assert "32w77" in result.text
    assert layout_of(build_p4info(load_text(result.text, "out.p4"))).session == 77


def test_registers_with_an_index_type_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "new.p4"
    text = ingress("r.write(hdr.request.cell, 3);", locals_="    register<bit<8>, bit<8>>(4) r;\n")
    path.write_text(text.replace("#include <v1model.p4>", "#define V1MODEL_VERSION 20200408\n#include <v1model.p4>"))
    result = instrumented(load_program(path))
    assert "register<bit<2>, bit<32>>(1) state4_flag;" in result.text
    load_text(result.text, "out.p4")


def test_a_clone_in_the_same_pass_carries_the_updates() -> None:
    """The user's session and field list stay; State4's fields are added to the list, and the layout names the
    session."""
    text = ingress("r.write(0, 1);\n        clone_preserving_field_list(CloneType.I2E, 5, 3);")
    result = of_text(text)
    assert "clone_preserving_field_list(CloneType.I2E, 5, 3);\n        meta.state4.shared = 1;" in result.text
    assert "@field_list(255, 3) bit<7> count;" in result.text
    assert result.layout.shared == {5} and not result.layout.any_session
    result = of_text(ingress("r.write(0, 1); clone(CloneType.I2E, (bit<32>)hdr.request.op);"))
    assert "clone_preserving_field_list(CloneType.I2E, (bit<32>)hdr.request.op, 8w255);" in result.text
    assert result.layout.any_session and not result.layout.shared


def test_a_session_that_each_instance_knows_is_a_constant() -> None:
    """The session is given by a constructor argument."""
    mirrors = "control M(inout headers_t hdr)(bit<32> s) { apply { clone(CloneType.I2E, s + 1); } }\n"
    locals_ = REGISTER + "    M(5) one;\n    M(8) two;\n"
    result = of_text(ingress("r.write(0, 1); one.apply(hdr); two.apply(hdr);", locals_=locals_, globals_=mirrors))
    assert result.layout.shared == {6, 9} and not result.layout.any_session


def test_clones_of_the_other_pass_or_another_path_are_accepted() -> None:
    of_text(PROGRAMS["clones_elsewhere"])
    of_text(ingress("if (hdr.request.op == 1) { clone(CloneType.I2E, 5); } else { r.write(0, 1); }"))


def test_a_write_in_a_parser_is_refused() -> None:
    text = PROGRAMS["apply"].replace("    state start {", "    register<bit<8>>(2) early;\n    state start {")
    message = problem(text.replace("transition accept;", "early.write(0, 1);\n        transition accept;"))
    assert "this write in the parser cannot be followed" in message


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ("meta = { 1 };", "meta = { 1, meta.state4 };"),
        ("meta = { 1, };", "meta = { 1, meta.state4, };"),
        ("meta = { noise = 1 };", "meta = { noise = 1, state4 = meta.state4 };"),
        ("meta = (metadata_t){ 1 };", "meta = (metadata_t){ 1, meta.state4 };"),
        ("meta = { ONE };", "meta = { ONE, meta.state4 };"),
        ("metadata_t m = { 1 };", f"metadata_t m = {{ 1, {{ {', '.join(['0'] * 13)} }} }};"),
        ("metadata_t m = { ... };", "metadata_t m = { ... };"),
        ("meta = { ... };", f"{VIA} = {{ ... }}; {BACK}"),
        ("metadata_t m; if (hdr.request.op == 1) meta = m;", f"if (hdr.request.op == 1) {VIA} = m; {BACK}"),
        ("meta = hdr.request.op == 1 ? meta : meta;", f"{VIA} = hdr.request.op == 1 ? meta : meta; {BACK}"),
    ],
)
def test_the_whole_metadata_may_be_overwritten(value: str, becomes: str) -> None:
    text = of_text(ingress(f"r.write(0, 1); {value} r.write(1, 2);", globals_="#define ONE 1\n")).text
    assert becomes in text
    load_text(text, "again.p4")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("metadata_t m; r.write(0, 1); for (; hdr.request.op < 3; meta = m) { }", "move it out of the `for`"),
        ("headers_t h = { hdr.request }; r.write(0, 1);", "assign them one by one"),
    ],
)
def test_other_whole_values_are_refused_with_their_place(body: str, message: str) -> None:
    assert message in problem(ingress(body))


def test_metadata_that_becomes_part_of_a_message_is_refused() -> None:
    assert "digest" in problem(ingress("digest<metadata_t>(1, meta); r.write(0, 1);"))


def test_the_whole_metadata_as_data_is_listed_field_by_field() -> None:
    hashed = "bit<8> h; hash(h, HashAlgorithm.crc16, 8w0, { meta, { hdr.request.op, meta } }, 8w3); r.write(0, h);"
    text = of_text(ingress(hashed)).text
    assert "{ meta.noise /* meta */, { hdr.request.op, meta.noise /* meta */ } }" in text
    text = of_text(ingress("r.write(0, 1); resubmit<metadata_t>(meta);")).text
    assert "resubmit/* <metadata_t> */({ meta.noise } /* meta */);" in text


HOLDER = "struct holder_t { metadata_t inner; bit<8> more; }\n"


@pytest.mark.parametrize(
    "use",
    [
        "digest(1, { meta, hdr.request.op });",
        "digest<holder_t>(1, { meta, 2 });",
        "holder_t h; h.inner = meta; h.more = 1; digest(1, h);",
        "holder_t h; h.inner = meta; holder_t g = h; if (h == g) { r.write(1, 1); }",
        "holder_t h; whole.read(h, 0);",
        "metadata_t m; if ({ meta } == { m }) { r.write(1, 1); }",
        "digest(1, hdr);",
        "tuple<metadata_t> t = { meta }; bit<8> h; hash(h, HashAlgorithm.crc16, 8w0, t, 8w3);",
        "resubmit(hdr.request.op == 1 ? { meta } : { meta });",
    ],
)
def test_other_uses_of_the_whole_metadata_are_refused_with_both_places(use: str) -> None:
    locals_ = REGISTER + ("    register<holder_t>(1) whole;\n" if "whole" in use else "")
    message = problem(ingress(f"r.write(0, 1); {use}", locals_=locals_, globals_=HOLDER))
    assert "the field is added here" in message


def test_copies_of_the_metadata_are_left_alone() -> None:
    of_text(ingress("metadata_t m = meta; metadata_t n; n = m; r.write(0, n.noise);"))


def test_a_macro_that_writes_is_expanded_where_it_is_called() -> None:
    text = instrumented(source("sketch")).text
    first = "/* COUNT(0, crc16) */ hash(at, HashAlgorithm.crc16, (bit<32>)0, { hdr.request.cell }, (bit<32>)64);\n"
    assert f"        {first}        row_0.read(seen, at);\n        row_0.write(at, seen + 1);\n" in text
    assert "row_1.write(at, seen + 1);  // the second row\n        state4_update(meta.state4, 2, at, " in text
    assert "    ROW(0)\n    ROW(1)\n" in text  # no place of State4's code


def test_a_call_with_a_comment_in_it_stays_readable() -> None:
    text = instrumented(source("nested_macros")).text
    call = "TIMES(BOTH, /* a comment in the call */ hdr.request.value[31:0])"
    assert f"#if 0\n{call}\n#endif\n" in text
    assert "a.write(CELL, 7);\n        state4_update(meta.state4, 1, CELL, (bit<64>)(bit<32>)(7));" in text


def test_a_macro_that_gives_its_own_name_is_refused_with_its_place() -> None:
    body = "bit<8> v = 1;\n#define v v + 1\n#define again r.write(0, v)\n        again;"
    assert "test.p4:34:9: error: this comes from a macro" in problem(ingress(body))


def test_macros_in_included_files_are_expanded_there(tmp_path: Path) -> None:
    (tmp_path / "sketch.p4").write_text(
        "#define STORE(r, v) r.write(0, v);\ncontrol Stage(inout headers_t hdr) {\n    register<bit<8>>(4) kept;\n"
        "    apply { STORE(kept, hdr.request.op) }\n}\n"
    )
    path = tmp_path / "main.p4"
    path.write_text(ingress("s.apply(hdr);", locals_="    Stage() s;\n", globals_='#include "sketch.p4"\n'))
    result = instrumented(load_program(path))
    assert "/* STORE(kept, hdr.request.op) */ kept.write(0, hdr.request.op); state4_update(" in result.text
    assert is_subsequence(path.read_text(), result.text)


def test_a_file_that_is_included_with_different_macros_cannot_be_expanded(tmp_path: Path) -> None:
    (tmp_path / "row.p4").write_text("control NAME(inout headers_t hdr) { apply { rows.write(0, VALUE); BUMP } }\n")
    globals_ = "register<bit<8>>(4) rows;\n#define BUMP rows.write(N, 1);\n"
    for n in (1, 2):
        globals_ += f'#define NAME Row{n}\n#define VALUE {n}\n#define N {n}\n#include "row.p4"\n'
        globals_ += "#undef NAME\n#undef VALUE\n#undef N\n"
    path = tmp_path / "main.p4"
    path.write_text(ingress("Row1.apply(hdr); Row2.apply(hdr);", locals_="", globals_=globals_))
    with pytest.raises(P4Error, match=r"row.p4:1:\d+: error: this comes from a macro"):
        instrumented(load_program(path))


def test_arguments_may_come_from_macros(tmp_path: Path) -> None:
    path = tmp_path / "macro.p4"
    text = ingress("r.write(FIRST, LEAST(3, 4));")
    macros = "#include <v1model.p4>\n#define FIRST 0\n#define LEAST(a, b) ((a) < (b) ? 8w1 : 8w2)"
    path.write_text(text.replace("#include <v1model.p4>", macros))
    result = instrumented(load_program(path))
    assert "LEAST(3, 4)" in result.text.split("state4_update(meta")[1]
    again = tmp_path / "again.p4"
    again.write_text(result.text)
    load_program(again)


def test_an_argument_whose_line_goes_on() -> None:
    result = of_text(ingress("r.write(0, hdr.request.op + \\\n            1);"))
    load_text(result.text, "out.p4")


def test_an_argument_with_a_call_is_refused() -> None:
    message = problem(ingress("r.write(0, f());", globals_="bit<8> f() { return 1; }\n"))
    assert "put the value into a variable first" in message


def test_a_hidden_metadata_name_is_refused() -> None:
    globals_ = "action a() { }\n"
    text = ingress(
        "hide(1);", locals_=REGISTER + "    action hide(in bit<8> meta) { r.write(0, meta); }\n", globals_=globals_
    )
    assert '"meta" hides the metadata here' in problem(text)


def test_included_files_several_times_and_under_conditions(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "types.p4").write_text("#pragma once\ntypedef bit<8> small_t;\n")
    (tmp_path / "lib" / "stage.p4").write_text(
        '#include "types.p4"\ncontrol Stage(inout headers_t hdr) {\n    register<small_t>(4) kept;\n'
        "    apply { kept.write(0, hdr.request.op); }\n}\n"
    )
    text = ingress(
        "s.apply(hdr);", locals_="    Stage() s;\n", globals_='#include "lib/types.p4"\n#include "lib/stage.p4"\n'
    )
    text = text.replace("struct headers_t", '#ifdef NEVER\n#include "lib/stage.p4"\n#endif\nstruct headers_t')
    path = tmp_path / "main.p4"
    path.write_text(text)
    result = instrumented(load_program(path))
    assert result.text.count("kept.write(0, hdr.request.op); state4_update(") == 2  # one is under NEVER
    alone = tmp_path / "elsewhere" / "alone.p4"
    alone.parent.mkdir()
    alone.write_text(result.text)
    assert [r.name for r in user_registers(build_p4info(load_program(alone)))] == ["MyIngress.s.kept"]


def test_prepared_programs_carry_their_complete_source() -> None:
    prepared = prepare_program(nfs.program_path("chained"))
    assert prepared.name == "chained"
    assert prepared.layout == layout_of(prepared.p4info)
    assert [r.name for r in prepared.registers][-1] == "MyIngress.knocking.pk_reg"
    assert b"state4_update" in prepared.device_config


def test_the_request_of_the_tests_fits_its_header() -> None:
    assert len(request()) == 12


def test_a_file_is_given_once() -> None:
    """A header that several files include appears in the result once; later lines become comments."""
    result = instrumented(source("chained"))
    assert result.text.count("header ethernet_t {") == 1
    assert result.text.count('// #include "headers.p4"  (given above)') == 4


def test_a_conditional_include_settles_nothing() -> None:
    text = "#ifndef GUARD\n#define GUARD\nint a;\n#ifdef OFF\nint b;\n#endif\nint c;\n#endif\n"
    assert not _conditional(text, text.index("int a"))
    assert _conditional(text, text.index("int b"))
    assert not _conditional(text, text.index("int c"))
    assert not _conditional(text.replace("define GUARD", "define OTHER"), 0)
    assert _conditional(text.replace("define GUARD", "define OTHER"), text.index("int c"))
