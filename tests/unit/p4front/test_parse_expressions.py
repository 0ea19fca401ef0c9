"""Grammar of expressions and types: precedence, casts, type arguments, lists, slices."""

from __future__ import annotations

import pytest

from p4front.syntax import ast
from p4front.syntax.printer.expressions import expression_text, type_text
from tests.unit.p4front.parsecheck import errors, expression, find, parse


@pytest.mark.parametrize(
    ("text", "grouped"),
    [
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("a & b == c", "(a & b) == c"),
        ("a | b ^ c & d", "a | (b ^ (c & d))"),
        ("a || b && c", "a || (b && c)"),
        ("a == b < c", "a == (b < c)"),
        ("a << b + c", "a << (b + c)"),
        ("a >> b < c", "(a >> b) < c"),
        ("a ++ b + c", "(a ++ b) + c"),
        ("a |+| b |-| c", "(a |+| b) |-| c"),
        ("!a && b", "(!a) && b"),
        ("-a.b", "-(a.b)"),
        ("a ? b : c ? d : e", "a ? b : (c ? d : e)"),
        ("(T)a + b", "((T)a) + b"),
        ("(T)a[3:0]", "(T)(a[3:0])"),
        ("~a[1:0] & b", "(~(a[1:0])) & b"),
    ],
)
def test_precedence(text: str, grouped: str) -> None:
    types = "typedef bit<8> T;"
    assert expression_text(expression(text, types)) == expression_text(expression(grouped, types))


def test_brackets_make_a_difference() -> None:
    tree = expression("(a + b) * c")
    assert isinstance(tree, ast.Binary) and tree.op == "*"
    assert isinstance(tree.left, ast.Binary) and tree.left.op == "+"


def test_less_than_or_type_arguments() -> None:
    generic = "extern T f<T>(in T x); header H { bit<8> y; }"
    assert isinstance(expression("a < b", generic), ast.Binary)
    assert isinstance(expression("a < b && c > (d)", generic), ast.Binary)
    call = expression("f<H>(h)", generic)
    assert isinstance(call, ast.Call) and [type_text(t) for t in call.type_args] == ["H"]
    nested = expression("p.lookahead<tuple<bit<8>>>()", generic)
    assert isinstance(nested, ast.Call) and type_text(nested.type_args[0]) == "tuple<bit<8>>"


def test_shift_right_of_adjacent_angles_only() -> None:
    tree = expression("a >> b")
    assert isinstance(tree, ast.Binary) and tree.op == ">>"
    assert errors("const bit a = b > > c;") == ["1:19 expected an expression, found '>'"]


def test_cast_or_brackets_by_what_is_a_type() -> None:
    assert isinstance(expression("(T)-x", "typedef bit<8> T;"), ast.Cast)
    assert isinstance(expression("(t)-x"), ast.Binary)
    assert isinstance(expression("(bit<8>)x"), ast.Cast)
    assert isinstance(expression("(error.NoError == x)"), ast.Binary)
    assert isinstance(expression("(E.A)", "enum E { A }"), ast.Member)
    assert isinstance(expression("(Unknown)x"), ast.Cast)  # left for the checker to name


def test_constructor_call_and_type_member() -> None:
    call = expression("C<bit<8>>(3)", "extern C<T> { C(bit<8> n); }")
    assert isinstance(call, ast.Call) and isinstance(call.callee, ast.TypeNameExpr)
    member = expression("E.A", "enum E { A }")
    assert isinstance(member, ast.Member) and isinstance(member.base, ast.TypeNameExpr)
    error = expression("error.NoMatch")
    assert isinstance(error, ast.Member) and isinstance(error.base, ast.TypeNameExpr)


def test_leading_dot_means_the_top_level() -> None:
    program = parse("const bit X = 1; bit f<X>() { return .X; }")
    value = next(n for n in program.walk() if isinstance(n, ast.Return)).value
    assert isinstance(value, ast.PathExpr) and value.absolute


def test_lists_structs_and_defaults() -> None:
    items = expression("{ 1, 2, }")
    assert isinstance(items, ast.ListExpr) and len(items.items) == 2 and not items.has_default
    fields = expression("{ a = 1, b = { 2, ... }, ... }")
    assert isinstance(fields, ast.StructExpr) and fields.has_default
    inner = fields.fields[1].value
    assert isinstance(inner, ast.ListExpr) and inner.has_default and len(inner.items) == 1
    assert isinstance(expression("..."), ast.DefaultExpr)
    assert isinstance(expression("{#}"), ast.InvalidExpr)
    assert isinstance(expression("{}"), ast.ListExpr)


def test_slices_and_named_arguments() -> None:
    assert isinstance(expression("a[7:4]"), ast.Slice)
    assert isinstance(expression("a[i +: 4]"), ast.PlusSlice)
    assert isinstance(expression("a[i]"), ast.Index)
    call = expression("f(x = 1, y = _, z = a)")
    assert isinstance(call, ast.Call)
    assert [argument.name.text for argument in call.args if argument.name] == ["x", "y", "z"]
    assert isinstance(call.args[1].expr, ast.DontCare)


@pytest.mark.parametrize(
    "text",
    [
        "bit",
        "bit<8>",
        "bit<(A + 1)>",
        "int<A>",
        "int",
        "varbit<320>",
        "bool",
        "string",
        "error",
        "match_kind",
        "tuple<bit<8>, bool>",
        "tuple<tuple<bit<8>>>",
        "list<tuple<bit<8>, bool>>",
        "H[4]",
        "H[4][2]",
        "G<bit<8>, _>",
        ".H",
    ],
)
def test_types(text: str) -> None:
    program = parse(f"header H {{}} struct G<T, U> {{}} const {text} x = 1;")
    declared = program.declarations[-1]
    assert isinstance(declared, ast.ConstantDecl)
    assert type_text(declared.type) == text


def test_width_may_compare_and_choose() -> None:
    width = find("const bit<a < 3 ? 5 : 4> b = 6;", ast.BaseType).width
    assert isinstance(width, ast.Ternary)


def test_array_sizes_after_the_name() -> None:
    program = parse("header H {} struct S { H old[2]; H[2] new; }")
    struct = program.declarations[-1]
    assert isinstance(struct, ast.StructDecl)
    assert [type_text(f.type) for f in struct.fields] == ["H[2]", "H[2]"]
