"""Types after inference and conversion, as required by the code generator."""

from __future__ import annotations

import pytest

from p4front.elaborate import elaborate
from p4front.load import load_text
from p4front.syntax import ast
from p4front.types.types import BitType, StructType, TypeVar, strip, unnamed_struct, width_bits
from tests.unit.p4front.p4check import errors_of, expressions, in_control, type_of, v1switch, value_of


def test_literals_take_the_type_of_their_place() -> None:
    program = load_text(in_control("x = 3 + x; y = 7; bool b = x == 9; x = x << 2;"))
    assert type_of(program, "3") == "bit<8>"
    assert type_of(program, "7") == "bit<16>"
    assert type_of(program, "9") == "bit<8>"
    assert type_of(program, "2") == "int"  # a shift's amount keeps its own type
    assert type_of(program, "x == 9") == "bool"


def test_a_negative_literal_wraps_into_its_type() -> None:
    program = load_text(in_control("int<8> i = -1; x = (bit<8>)i;"))
    assert type_of(program, "-1") == "int<8>"
    assert value_of(program, "-1") == -1


def test_lists_become_the_structs_they_fill() -> None:
    before = "struct Inner { bit<4> p; bit<4> q; } struct S { bit<16> a; Inner i; tuple<bit<8>, bool> t; }"
    program = load_text(in_control("S s = { 1, { 2, 3 }, { 9, true } };", before=before))
    assert type_of(program, "{ 1, { 2, 3 }, { 9, true } }") == "S"
    assert type_of(program, "{ 2, 3 }") == "Inner"
    assert type_of(program, "{ 9, true }") == "tuple<bit<8>, bool>"
    assert [type_of(program, n) for n in "1239"] == ["bit<16>", "bit<4>", "bit<4>", "bit<8>"]
    assert value_of(program, "{ 1, { 2, 3 }, { 9, true } }") == {"a": 1, "i": {"p": 2, "q": 3}, "t": (9, True)}


def test_struct_expressions_and_defaults() -> None:
    before = "header H { bit<8> a; bit<8> b; } struct S { H h; bit<8> z; H[2] st; }"
    program = load_text(in_control("S s = { h = { b = 2, ... }, ... }; s = ...;  H g = {#};", before=before))
    assert type_of(program, "{ b = 2, ... }") == "H"
    assert type_of(program, "{#}") == "H"
    assert type_of(program, "...") == "S"


def test_serialisable_enums_cast_to_their_type_where_needed() -> None:
    program = load_text(in_control("x = E.A + 1; bool b = e == E.A;", before="enum bit<8> E { A = 5 }", local="E e;"))
    first = next(e for e in expressions(program, "E.A") if e in program.implicit_casts)
    assert program.implicit_casts[first] == BitType(8)
    assert str(program.types[first]) == "E"
    assert program.constants[first] == 5
    assert value_of(program, "E.A + 1") == 6


def test_references_lead_to_declarations() -> None:
    text = v1switch(
        """action set(bit<9> port) { s.egress_spec = port; }
        table t { key = { h.eth.kind : exact; } actions = { set; NoAction; } default_action = NoAction(); }
        apply { if (h.eth.isValid()) { t.apply(); } }"""
    )
    program = load_text(text)
    (kind,) = expressions(program, "h.eth.kind")
    field = program.refs[kind]
    assert isinstance(field, ast.StructField) and field.name.text == "kind"
    (port,) = expressions(program, "port")
    assert isinstance(program.refs[port], ast.Parameter)
    table = next(d for d in program.declared if isinstance(d, ast.TableDecl))
    assert isinstance(program.refs[table.actions[0]], ast.ActionDecl)
    assert table.keys is not None and isinstance(program.refs[table.keys[0].match_kind], ast.EnumMember)
    assert program.parents[kind] is table.keys[0]


def test_the_architecture_and_its_blocks_are_found() -> None:
    program = load_text(v1switch("apply { }"))
    assert program.architecture == "V1Switch"
    blocks = {block.role: block.instance.decl for block in elaborate(program).blocks}
    assert {role: decl.name.text for role, decl in blocks.items() if role in ("p", "ig")} == {"p": "P", "ig": "I"}
    assert isinstance(blocks["p"], ast.ParserDecl) and isinstance(blocks["ig"], ast.ControlDecl)
    assert program.main is not None
    assert [str(t) for t in program.calls[program.main].type_args] == ["hs_t", "meta_t"]
    assert program.errors[0] == "NoError" and "exact" in program.match_kinds


def test_type_arguments_are_inferred() -> None:
    text = v1switch(
        """register<bit<16>>(8) r;
        apply { bit<16> v; r.read(v, 3); r.write(3, v + 1); random(v, 0, 9);
                hash(v, HashAlgorithm.crc16, 16w0, { h.eth.src, m.a }, 16w100); }"""
    )
    program = load_text(text)
    by_name = {info.name: info for info in program.calls.values()}
    assert [str(a.type) for a in by_name["read"].args] == ["bit<16>", "bit<32>"]
    assert [str(t) for t in by_name["random"].type_args] == ["bit<16>"]
    assert [str(t) for t in by_name["hash"].type_args] == ["bit<16>", "bit<16>", "tuple<bit<48>, bit<32>>", "bit<16>"]
    assert by_name["read"].object is not None and program.types[by_name["read"].object] == by_name["register"].returns


def test_generic_structs_are_specialised() -> None:
    before = "struct Pair<A, B> { A first; B second; } typedef Pair<bit<8>, bool> P8;"
    program = load_text(in_control("P8 p = { 1, true }; x = p.first; Pair<bit<8>, bool> q = p;", before=before))
    assert type_of(program, "p.first") == "bit<8>"
    assert type_of(program, "p") == "Pair<bit<8>, bool>"


def test_bodies_of_generic_functions_keep_their_type_variables() -> None:
    program = load_text(in_control("x = same(x);", before="T same<T>(in T v) { return v; }"))
    (v,) = expressions(program, "v")
    assert isinstance(program.types[v], TypeVar)
    (call,) = expressions(program, "same(x)")
    assert isinstance(call, ast.Call)
    assert program.calls[call].returns == BitType(8)


def test_a_block_learns_its_type_arguments_from_the_package() -> None:
    text = """parser P<T>(in T a) { state start { T w = a; transition accept; } }
    parser Simple(in bit<2> a); package m(Simple n); m(P()) main;"""
    program = load_text(text)
    (call,) = expressions(program, "P()")
    assert program.calls[call].type_args == (BitType(2),)


def test_widths() -> None:
    program = load_text("header H { bit<9> a; bool b; int<6> c; } typedef H[3] Stack; struct S { Stack s; error e; }")
    types = {d.name.text: t for d, t in program.declared.items() if isinstance(d, (ast.StructDecl, ast.TypedefDecl))}
    assert width_bits(types["H"]) == 16
    assert width_bits(types["Stack"]) == 48
    assert width_bits(types["S"]) is None


def test_types_compare_by_structure_or_declaration() -> None:
    program = load_text("struct A { bit<8> x; } struct B { bit<8> x; } type bit<8> N; typedef bit<8> D;")
    types = {d.name.text: t for d, t in program.declared.items()}
    assert types["A"] != types["B"]
    assert types["D"] == BitType(8) and types["N"] != BitType(8) and strip(types["N"]) == BitType(8)
    a, b = types["A"], types["B"]
    assert isinstance(a, StructType) and isinstance(b, StructType)
    assert unnamed_struct(a.fields) == unnamed_struct(b.fields)
    assert unnamed_struct(a.fields) != unnamed_struct(())


@pytest.mark.parametrize(
    ("source", "target", "cast"),
    [
        ("bit<8>", "bit<16>", ": add a cast `(bit<16>)`"),
        ("bit<8>", "int<8>", ": add a cast `(int<8>)`"),
        ("bit<16>", "int<8>", ": add the casts `(int<8>)(int<16>)`"),
        ("bool", "bit<1>", ": add a cast `(bit<1>)`"),
        ("bit<8>", "bool", ""),
        ("bit<8>", "error", ""),
    ],
)
def test_a_mismatch_names_the_cast_that_helps(source: str, target: str, cast: str) -> None:
    found = errors_of(f"control c(inout {source} a, inout {target} b) {{ apply {{ b = a; }} }}")
    assert len(found) == 1 and found[0].endswith(f"cannot assign {source} to {target}{cast}")


def test_only_explicit_casts_between_sized_types() -> None:
    fine = "i = (int<8>)x; x = (bit<8>)i; y = (bit<16>)x; b = (bool)x[0:0]; x = (bit<8>)(bit<1>)b; i = (int<8>)(E.A);"
    assert errors_of(in_control(fine, before="enum int<8> E { A = -1 }", local="int<8> i; bool b;")) == []


def test_types_that_grow_without_bound_are_refused() -> None:
    first = "struct S0<T> { T a; T b; }"
    rest = "".join(f"struct S{i}<T> {{ S{i - 1}<T> a; S{i - 1}<T> b; }}" for i in range(1, 18))
    assert errors_of(first + rest) == ["1:597 struct S17<T> holds 262144 values; 131072 are the limit"]
    assert "values" in errors_of("header H { bit<8> a; } typedef H[60000][60000] T;")[0]
    assert "65536 bits" in errors_of("const bit<65536> a = 1; const bit<8> b = (a ++ a)[7:0];")[0]


def test_a_number_without_width_takes_a_new_type() -> None:
    program = load_text("type bit<8> N; const N one = 1; const N two = -1;")
    assert {e.span.text: str(t) for e, t in program.types.items() if e.span.text in ("1", "-1")}["-1"] == "N"
    assert [v for e, v in program.constants.items() if e.span.text == "-1"] == [255]
    assert errors_of("type bit<8> N; const N x = 8w1;")
