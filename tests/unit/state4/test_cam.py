"""CAM: which objects have state, who writes them, and how often a packet can."""

from __future__ import annotations

import pytest

import nfs
from p4front.load import load_program, load_text
from p4front.p4info import build_p4info
from p4front.text.source import P4Error
from state4.cam import Analysis, analyse
from state4.instrumentation.running import all_registers
from tests.state4_programs import PROGRAMS, program

INGRESS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"


def analysis(text: str) -> Analysis:
    return analyse(load_text(text, "test.p4"))


def ingress(locals_: str, body: str, globals_: str = "") -> Analysis:
    text = f"control MyIngress({INGRESS}) {{\n{locals_}\n    apply {{\n{body}\n    }}\n}}\n"
    return analysis(program(text, globals_=globals_))


def operations(found: Analysis) -> list[tuple[str, str]]:
    return [(w.operation.kind, w.operation.amount) for w in found.writes]


@pytest.mark.parametrize("name", [*nfs.PROGRAMS, *PROGRAMS])
def test_registers_are_numbered_as_p4info_lists_them(name: str) -> None:
    checked = load_text(PROGRAMS[name], "test.p4") if name in PROGRAMS else load_program(nfs.program_path(name))
    found = [(c.number, c.name, c.cells, c.width, c.signed) for c in analyse(checked).registers]
    p4info = build_p4info(checked)
    assert [name for _, name, *_ in found] == [r.preamble.name for r in p4info.registers]
    specs = {r.name: (r.cells, r.width, r.signed) for r in all_registers(p4info)}  # all but translated widths
    assert [(i, n, *specs.get(n, form)) for i, n, *form in found] == found


def test_the_paper_s_program() -> None:
    found = analyse(load_program(nfs.program_path("chained")))
    pk_reg = found.component("pk_reg")
    assert pk_reg is not None
    assert (pk_reg.number, pk_reg.cells, pk_reg.width) == (8, 460_798, 4)
    assert (found.largest_size, found.widest_value) == (460_798, 48)
    assert 235 < found.register_kib < 237
    assert len([c for c in found.components if c.kind == "table"]) == 7
    assert not found.clones


def test_a_write_is_reported_with_its_place() -> None:
    (write,) = analyse(load_program(nfs.program_path("port_knocking"))).writes
    assert write.components == ("MyIngress.knocking.pk_reg",)
    assert (write.index, write.value) == ("source", "next")
    assert write.place.file.path.endswith("include/knocking_stage.p4")
    assert write.place.text.startswith("pk_reg.write(")
    assert write.blocks == ("ingress",)
    assert write.inside == ("control Knocking",)


def test_other_state_is_listed_with_its_kind() -> None:
    found = ingress(
        """
    counter(16, CounterType.bytes) c;
    meter(8, MeterType.packets) m;
    direct_counter(CounterType.packets) d;
    action hit() { d.count(); }
    table t { key = { hdr.request.op: exact; } actions = { hit; } size = 32; counters = d;
              implementation = action_profile(4); }
        """,
        "t.apply(); c.count(1); m.execute_meter(2, meta.noise);",
    )
    kinds = {(c.kind, c.cells) for c in found.components}
    assert {("counter", 16), ("meter", 8), ("direct_counter", None), ("table", 32), ("action_profile", 4)} <= kinds
    assert {(w.kind, w.index) for w in found.writes} == {("counter", "1"), ("meter", "2"), ("direct_counter", "")}
    assert found.slots == 0


@pytest.mark.parametrize(
    ("name", "ingress_writes", "egress_writes"),
    [
        ("apply", 2, 0),
        ("branches", 4, 0),
        ("actions", 5, 0),
        ("functions", 4, 0),
        ("controls", 6, 0),
        ("aliases", 3, 0),
        ("egress", 0, 1),
        ("both_passes", 3, 2),
        ("loops_and_switch", 9, 0),
        ("clones_elsewhere", 1, 0),
    ],
)
def test_the_longest_path(name: str, ingress_writes: int, egress_writes: int) -> None:
    found = analysis(PROGRAMS[name])
    assert len(found.longest("ingress").updates) == ingress_writes
    assert len(found.longest("egress").updates) == egress_writes


def test_code_after_exit_and_return_is_on_no_path() -> None:
    found = ingress(
        "register<bit<8>>(1) r;",
        "if (hdr.request.op == 1) { r.write(0, 1); exit; } if (hdr.request.op == 2) { r.write(0, 2); return; }"
        "r.write(0, 3); r.write(0, 4);",
    )
    assert len(found.longest("ingress").updates) == 2


def test_each_action_is_paired_with_its_case() -> None:
    found = ingress(
        """
    register<bit<8>>(1) r;
    action a() { r.write(0, 1); }
    action b() { r.write(0, 2); r.write(0, 3); }
    table t { key = { hdr.request.op: exact; } actions = { a; b; } default_action = a(); }
        """,
        "switch (t.apply().action_run) { a: { r.write(0, 4); r.write(0, 5); } b: { } }",
    )
    assert len(found.longest("ingress").updates) == 3


def test_short_circuit_and_conditional_calls() -> None:
    found = ingress(
        "",
        "if (hdr.request.op == 1 || (f(1) == 1 && f(2) == 2)) { f(3); }",
        "register<bit<8>>(1) r; bit<8> f(in bit<8> v) { r.write(0, v); return v; }",
    )
    assert len(found.longest("ingress").updates) == 3


def test_a_loop_without_known_bounds_is_refused_with_its_place() -> None:
    with pytest.raises(P4Error) as caught:
        ingress("register<bit<8>>(9) r;", "for (bit<8> i = 0; i < hdr.request.op; i = i + 1) { r.write(0, i); }")
    assert "test.p4:" in str(caught.value)
    assert "constant bounds" in str(caught.value)
    assert "it updates state or clones here" in str(caught.value)


def test_an_unbounded_loop_without_writes_does_not_matter() -> None:
    found = ingress("", "for (bit<8> i = 0; i < hdr.request.op; i = i + 1) { hdr.request.amount = 1; }")
    assert found.slots == 0


def test_too_many_writes_are_refused() -> None:
    with pytest.raises(P4Error, match="more than 126 times"):
        ingress("register<bit<8>>(9) r;", "for (bit<8> i in 8w0 .. 200) { r.write(0, i); }")


def test_an_alias_is_found() -> None:
    found = {(w.components, w.inside) for w in analysis(PROGRAMS["aliases"]).writes}
    assert found == {(("MyIngress.first", "MyIngress.second"), ("control Passed",))}


def test_a_constructor_parameter_is_an_alias_too() -> None:
    found = ingress(
        "register<bit<8>>(4) mine; C(mine) c;",
        "c.apply(hdr);",
        "control C(inout headers_t hdr)(register<bit<8>> given) { apply { given.write(1, hdr.request.op); } }",
    )
    assert [w.components for w in found.writes] == [("MyIngress.mine",)]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("r.read(x, i); x = x + hdr.request.value; r.write(i, x);", ("add", "hdr.request.value")),
        ("r.read(x, i); r.write(i, x + 1);", ("add", "1")),
        ("r.read(x, i); r.write(i, 1 + x);", ("add", "1")),
        ("r.read(x, i); x = x - 2; r.write(i, x);", ("add", "-(2)")),
        ("r.read(x, i); x += 2; r.write(i, x);", ("add", "2")),
        ("r.read(x, i); bit<64> y = x + 1; r.write(i, y);", ("add", "1")),
        ("r.read(x, i); if (x < 9) { r.write(i, x + 1); }", ("add", "1")),
        ("r.read(x, i); r.write(i + 1, x + 1);", ("assign", "")),  # another cell
        ("s.read(x, i); r.write(i, x + 1);", ("assign", "")),  # another register
        ("r.read(x, i); i = 2; r.write(i, x + 1);", ("assign", "")),
        ("r.read(x, i); x = 5; r.write(i, x + 1);", ("assign", "")),
        ("r.read(x, i); r.write(i, x + x);", ("assign", "")),
        ("r.read(x, i); r.write(i, 1 - x);", ("assign", "")),
        ("r.read(x, i); x = x * 2; r.write(i, x);", ("assign", "")),
        ("r.read(x, i); if (i == 3) { x = 0; } r.write(i, x + 1);", ("assign", "")),
        ("r.read(x, i); f(x); r.write(i, x + 1);", ("assign", "")),
        ("r.read(x, i); r.write(i, x);", ("assign", "")),
        ("r.write(i, 3);", ("assign", "")),
    ],
)
def test_read_modify_write_is_distinguished_from_assignment(body: str, wanted: tuple[str, str]) -> None:
    found = ingress(
        "register<bit<64>>(8) r; register<bit<64>>(8) s;",
        f"bit<64> x; bit<32> i = 1; {body}",
        "void f(inout bit<64> v) { v = 3; }",
    )
    assert operations(found)[-1] == wanted


def test_the_byte_counter_adds() -> None:
    found = analyse(load_program(nfs.program_path("byte_counter")))
    assert operations(found) == [("add", "(bit<64>)standard_metadata.packet_length")]


def test_another_architecture_is_refused() -> None:
    with pytest.raises(P4Error, match="v1model"):
        analysis("#include <core.p4>\ncontrol C(); package P(C c); control M() { apply { } } P(M()) main;")
