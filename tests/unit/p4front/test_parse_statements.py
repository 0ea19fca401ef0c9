"""Grammar of statements, and the locations of nodes."""

from __future__ import annotations

import pytest

from p4front.syntax import ast
from tests.unit.p4front.parsecheck import parse, statement


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("x = 1;", ast.Assignment),
        ("x.y[3:0] |+|= 1;", ast.Assignment),
        ("x >>= 1;", ast.Assignment),
        ("(x) = 1;", ast.Assignment),
        ("f(1);", ast.CallStatement),
        ("h.setValid();", ast.CallStatement),
        ("p.extract<H>(h);", ast.CallStatement),
        ("C.apply(x);", ast.DirectApply),
        ("G<bit<8>>.apply(x);", ast.DirectApply),
        ("H h;", ast.VariableDecl),
        ("bit<8> y = 3;", ast.VariableDecl),
        ("Unknown u;", ast.VariableDecl),
        ("Unknown<bit<8>> u;", ast.VariableDecl),
        ("Unknown(3) u;", ast.Instantiation),
        ("C() c;", ast.Instantiation),
        ("const bit<8> c = 3;", ast.ConstantDecl),
        ("if (a) b(); else if (c) d(); else {}", ast.If),
        ("switch (t.apply().action_run) { a: b: {} default: {} }", ast.Switch),
        ("switch (x) { 1: {} 2 + 3: {} (4): {} }", ast.Switch),
        ("for (bit<8> i = 0, bit<8> j = 1; i < 3; i = i + 1, j += 2) x = i;", ast.For),
        ("for (; a;) { break; }", ast.For),
        ("@unroll for (bit<8> i in 1 .. 3) { continue; }", ast.ForIn),
        ("for (@note H h in hs) {}", ast.ForIn),
        ("return;", ast.Return),
        ("exit;", ast.Exit),
        (";", ast.EmptyStatement),
        ("@atomic { x = 1; }", ast.BlockStatement),
    ],
)
def test_statements(text: str, kind: type[ast.Node]) -> None:
    before = "header H {} control C(inout bit<8> x) { apply {} } control G<T>(in T x) { apply {} }"
    node = statement(text, before)
    assert isinstance(node, kind)
    assert node.span.text == text


def test_a_name_can_hide_a_type() -> None:
    node = statement("bit<8> H; H = 3;", "header H {}")
    assert isinstance(node, ast.Assignment)
    again = parse("header H {} control c(inout bit<8> H) { apply { H = (H) - 1; } } const H x = {};")
    assert isinstance(again.declarations[-1], ast.ConstantDecl)


def test_spans_are_the_nodes_text() -> None:
    text = "control c(inout bit<8> x) {\n    @a action f() { x = (x + 1) * 2; }\n    apply { f(); } }"
    program = parse(text)
    for node in program.walk():
        if isinstance(node, ast.Binary) and node.op == "*":
            assert node.span.text == "(x + 1) * 2"
        elif isinstance(node, ast.Binary):
            assert node.span.text == "x + 1"
        elif isinstance(node, ast.ActionDecl):
            assert node.span.text == "@a action f() { x = (x + 1) * 2; }"
        elif isinstance(node, ast.Name):
            assert node.span.text == node.text
    assert program.span.text == text
