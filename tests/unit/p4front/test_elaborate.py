"""The one elaboration: names, sizes and widths, on which P4Info, the code generator and CAM agree."""

from __future__ import annotations

import operator
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from p4front.elaborate import Elaboration, elaborate
from p4front.load import load_text
from p4front.p4info import build_p4info
from p4front.text.source import P4Error
from softswitch.codegen import generate
from state4.cam import analyse
from state4.cim import instrument
from state4.plan.compare import make_plan

PROGRAM = """
#include <core.p4>
#include <v1model.p4>
header h_t {{ bit<8> a; bit<32> n; }}
struct headers_t {{ h_t h; }}
struct meta_t {{ bit<8> m; }}
enum bit<8> Kind {{ SMALL = 3, LARGE = 200 }}
const int SHIFT = 2;
{before}
parser P(packet_in p, out headers_t hdr, inout meta_t m, inout standard_metadata_t s) {{
    state start {{ p.extract(hdr.h); transition accept; }}
}}
control V(inout headers_t hdr, inout meta_t m) {{ apply {{ }} }}
control I(inout headers_t hdr, inout meta_t m, inout standard_metadata_t s){constructor} {{
    {ingress}
}}
control E(inout headers_t hdr, inout meta_t m, inout standard_metadata_t s) {{ apply {{ }} }}
control D(packet_out p, in headers_t hdr) {{ apply {{ p.emit(hdr); }} }}
V1Switch(P(), V(), {instance}, E(), V(), D()) main;
"""


def text(ingress: str, *, before: str = "", constructor: str = "", instance: str = "I()") -> str:
    return PROGRAM.format(ingress=ingress, before=before, constructor=constructor, instance=instance)


def elaborated(ingress: str, *, before: str = "", constructor: str = "", instance: str = "I()") -> Elaboration:
    return elaborate(load_text(text(ingress, before=before, constructor=constructor, instance=instance), "test.p4"))


def registers_for_all(source: str) -> list[tuple[str, int]]:
    """Names and cells of the registers, which the three users must agree on."""
    program = load_text(source, "test.p4")
    elaboration = [(r.name, r.size) for r in elaborate(program).externs("register")]
    p4info = [(r.preamble.name, r.size) for r in build_p4info(program).registers]
    generated = [(r.name, r.cells) for r in generate(program).info.registers]
    cam = [(c.name, c.cells) for c in analyse(program).registers]
    assert elaboration == p4info == generated == cam
    return generated


def inner(params: str, size: str) -> str:
    return f"""
    control Inner(inout headers_t hdr)({params}) {{
        register<bit<32>>({size}) r;
        apply {{ r.write((bit<32>)hdr.h.a, 1); }}
    }}"""


EXPRESSIONS: dict[str, Callable[[int], int]] = {
    "n": lambda n: n,
    "n + 1": lambda n: n + 1,
    "n * 3": lambda n: n * 3,
    "n - n": lambda n: 0,
    "n << 1": lambda n: n << 1,
    "n << SHIFT": lambda n: n << 2,
    "n >> 1": lambda n: n >> 1,
    "n / 2": lambda n: n // 2,
    "n % 7": lambda n: n % 7,
    "n | 5": lambda n: n | 5,
    "n & 6": lambda n: n & 6,
    "n ^ 3": lambda n: n ^ 3,
    "n |-| 10": lambda n: max(0, n - 10),
    "~(~n)": lambda n: n,
    "n > 9 ? n : 9": lambda n: max(n, 9),
    "(n == 4 && SHIFT == 2) ? 32w1 : 2": lambda n: 1 if n == 4 else 2,
    "(bit<32>)(bit<4>)n": lambda n: n % 16,
    "(bit<32>)n[3:0]": lambda n: n % 16,
    "(bit<32>)n[4+:4]": lambda n: n >> 4 & 15,
    "n[7:0] ++ 24w0 >> 24": lambda n: n & 255,
    "24w0 ++ n[7:0]": lambda n: n & 255,
    "(bit<32>)(int<32>)n": lambda n: n,
    "(bit<32>)(bit<8>)Kind.LARGE + n": lambda n: 200 + n,
}


@pytest.mark.parametrize("size", EXPRESSIONS)
@settings(max_examples=5, deadline=None)
@example(value=5)
@given(value=st.integers(0, 2000))
def test_a_size_computed_from_a_constructor_parameter(size: str, value: int) -> None:
    source = text(f"Inner(32w{value}) sub; apply {{ sub.apply(hdr); }}", before=inner("bit<32> n", size))
    assert registers_for_all(source) == [("I.sub.r", EXPRESSIONS[size](value))]


OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "*": operator.mul,
    "|": operator.or_,
    "&": operator.and_,
    "^": operator.xor,
    "<<": operator.lshift,
    ">>": operator.rshift,
}


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_nested_expressions_of_two_parameters(data: st.DataObject) -> None:
    a, b = data.draw(st.integers(0, 40), "a"), data.draw(st.integers(0, 5), "b")
    shown, value = "a", a
    for op in data.draw(st.lists(st.sampled_from(sorted(OPERATORS)), max_size=4), "operators"):
        shown, value = f"(({shown}) {op} b)", OPERATORS[op](value, b)
    source = text(f"Inner({a}, {b}) sub; apply {{ sub.apply(hdr); }}", before=inner("int a, int b", shown))
    if value >= 1 << 28:
        assert elaborate(load_text(source)).externs("register")[0].size == value % (1 << 32)
    else:
        assert registers_for_all(source) == [("I.sub.r", value)]


def test_two_instances_and_one_that_is_applied_by_its_type() -> None:
    before = inner("bit<32> n", "n << 1") + "control Plain(inout headers_t hdr) { register<bit<8>>(16) q; "
    before += "apply { q.write((bit<32>)hdr.h.a, 1); } }"
    source = text(
        '@name("foo") Inner(5) a; @name(".bar") Inner(6) b; apply { a.apply(hdr); b.apply(hdr); Plain.apply(hdr); }',
        before=before,
    )
    assert registers_for_all(source) == [("I.foo.r", 10), ("bar.r", 12), ("I.Plain.q", 16)]


def test_a_control_of_the_package_with_constructor_parameters() -> None:
    source = text(
        "register<bit<32>>(size) r; apply { r.write(0, size); }", constructor="(bit<32> size)", instance="I(32w7)"
    )
    assert registers_for_all(source) == [("I_0.r", 7)]


def test_objects_given_to_a_constructor() -> None:
    before = """
    control Leaf(inout headers_t hdr)(register<bit<32>> r, bit<32> n) {
        register<bit<16>>(n) own;
        apply { r.write(0, n); own.write(0, 1); }
    }
    control Middle(inout headers_t hdr)(register<bit<32>> r) { Leaf(r, 9) leaf; apply { leaf.apply(hdr); } }"""
    source = text("register<bit<32>>(3) shared; Middle(shared) mid; apply { mid.apply(hdr); }", before=before)
    assert registers_for_all(source) == [("I.shared", 3), ("I.mid.leaf.own", 9)]
    writes = {w.components for w in analyse(load_text(source)).writes}
    assert writes == {("I.shared",), ("I.mid.leaf.own",)}


def test_struct_and_tuple_parameters() -> None:
    before = "struct sizes_t { bit<32> x; bit<32> y; }" + inner("sizes_t s", "s.x + s.y")
    source = text("Inner({ x = 2, y = 40 }) sub; apply { sub.apply(hdr); }", before=before)
    assert registers_for_all(source) == [("I.sub.r", 42)]


def test_tables_keys_and_value_sets() -> None:
    before = """
    control Inner(inout headers_t hdr)(bit<32> n) {
        action none() { }
        table t {
            key = { hdr.h.a: ternary; hdr.h.n: exact @name("who"); }
            actions = { none; }
            size = n + 1;
        }
        table zero { actions = { none; } size = 0; }
        table dead { actions = { none; } size = n; }
        apply { t.apply(); zero.apply(); if (n == 3) { dead.apply(); } }
    }"""
    source = text("Inner(20) sub; apply { sub.apply(hdr); }", before=before)
    program = load_text(source)
    tables = elaborate(program).tables()
    assert [(t.name, t.size) for t in tables] == [("I.sub.t", 21), ("I.sub.zero", 1024)]
    assert [(k.name, k.match, k.width) for k in tables[0].keys] == [("hdr.h.a", "ternary", 8), ("who", "exact", 32)]
    info = generate(program).info
    assert [(t.name, t.size) for t in info.tables] == [(t.name, t.size) for t in tables]
    assert [(t.preamble.name, t.size) for t in build_p4info(program).tables] == [(t.name, t.size) for t in tables]
    assert [(c.name, c.cells) for c in analyse(program).components] == [(t.name, t.size) for t in tables]


def test_widths_of_cells() -> None:
    before = "enum Colour { RED, GREEN } struct pair_t { bit<7> x; bool y; int<4> z; }"
    found = elaborated(
        "register<pair_t>(1) p; register<Colour>(1) c; register<int<9>>(1) i; register<Kind>(1) k; apply { }",
        before=before,
    ).externs("register")
    assert [(r.width, r.leaves, r.signed) for r in found] == [
        (12, (7, 1, 4), False),
        (32, (32,), False),
        (9, (9,), True),
        (8, (8,), False),
    ]


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ("8 / n", "the size of this register must be a compile-time integer: division by zero"),
        ("8 % n", "the size of this register must be a compile-time integer: modulo by zero"),
    ],
)
def test_a_size_without_a_value_is_refused_with_its_place(size: str, reason: str) -> None:
    source = text("Inner(0) sub; apply { sub.apply(hdr); }", before=inner("bit<32> n", size))
    program = load_text(source, "test.p4")
    for use in (elaborate, build_p4info, generate, analyse):
        with pytest.raises(P4Error) as error:
            use(program)
        (diagnostic,) = error.value.diagnostics
        assert diagnostic.message == reason
        assert diagnostic.span is not None and diagnostic.span.text == size


def test_code_behind_return_is_dead_for_everyone() -> None:
    source = text("""
        action none() { }
        table a { actions = { none; } } table b { actions = { none; } } table c { actions = { none; } }
        apply {
            a.apply();
            if (hdr.h.a == 1) { return; b.apply(); } else { return; }
            c.apply();
        }""")
    program = load_text(source)
    assert [t.name for t in elaborate(program).tables()] == ["I.a"]
    assert [t.name for t in generate(program).info.tables] == ["I.a"]
    assert [t.preamble.name for t in build_p4info(program).tables] == ["I.a"]


def test_two_objects_of_one_name_are_reported_with_both_places() -> None:
    source = text('@name(".r") register<bit<8>>(1) a; @name(".r") register<bit<8>>(1) b; apply { }')
    (clash,) = elaborate(load_text(source)).clashes
    assert clash.message == 'two registers have the control-plane name "r"'
    assert clash.span is not None and clash.span.text == "b" and clash.notes[0][1] is not None


def test_instances_that_multiply_are_refused() -> None:
    levels = ["control C0(inout headers_t hdr) { apply { } }"]
    for i in range(1, 20):
        body = f"C{i - 1}() a; C{i - 1}() b; apply {{ a.apply(hdr); b.apply(hdr); }}"
        levels.append(f"control C{i}(inout headers_t hdr) {{ {body} }}")
    source = text("C19() top; apply { top.apply(hdr); }", before="\n".join(levels))
    with pytest.raises(P4Error, match="more than 16384 instances"):
        elaborate(load_text(source))


def test_a_plan_for_a_program_with_constructor_parameters() -> None:
    """The instrumented program's own list of its registers has the names that its P4Info has."""
    source = text(
        "register<bit<32>>(n << 1) r; apply { r.write((bit<32>)hdr.h.a, n); }",
        constructor="(bit<32> n)",
        instance="I(32w8)",
    )
    program = load_text(source, "test.p4")
    instrumented = build_p4info(load_text(instrument(program, analyse(program)).text, "instrumented.p4"))
    plan = make_plan(instrumented, instrumented)
    registers = [(r.preamble.name, r.size) for r in instrumented.registers]
    assert ("I_0.r", 16) in registers
    assert "I_0.r" in {component.name for component in plan.components}
