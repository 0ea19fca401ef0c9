"""Printing: the output is readable and parses to the same tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p4front.syntax import ast
from p4front.syntax.parse import parse_file, parse_text
from p4front.syntax.printer.expressions import expression_text
from p4front.syntax.printer.program import node_text, print_program, same_tree
from p4front.text.source import P4Error, SourceFile, Span

NFS = Path(__file__).parents[3] / "nfs"

PROGRAM = """\
const bit<8> C = (1 + 2) * 3;

enum bit<8> E {
    A = 1,
    B = 0xff
}

@name("h.x") header H<T> {
    @note varbit<(C > 2 ? 8 : 16)> v;
    T[2] t;
}

typedef struct S {
    bit<8> x;
} Alias;

extern X<T> {
    X(bit<8> n);
    abstract void put<U>(in T x, in U y = 3);
}

parser p(in bit<8> b)(bit<8> n) {
    value_set<bit<8>>(4) vs;
    state start {
        transition select(b, C) {
            (1, 2 &&& 3): next;
            (1 .. 4, _): accept;
            default: reject;
        }
    }
    state next {}
}

control c(inout bit<8> b) {
    X<bit<8>>(3) x = {
        void put<U>(in bit<8> x, in U y) {}
    };
    action a(bit<8> y) {
        b = -(-y) + (bit<8>)(y ++ 4w3)[7:0];
    }
    table t {
        key = {
            b: exact @name("b");
        }
        actions = {
            @defaultonly a;
        }
        const default_action = a(3);
        const entries = {
            const priority = 10: 1 &&& 2: a(1) @note;
            _: a(2);
        }
        size = 16;
    }
    apply {
        if (b == 1) {
            t.apply();
        } else if (b == 2)
            exit;
        else {
            return;
        }
        switch (t.apply().action_run) {
            a:
            default: {}
        }
        for (bit<8> i = 0, bit<8> j = 1; i < 3; i += 1, j = i)
            b |+|= i;
        @unroll for (bit<8> k in 1 .. 3) {
            continue;
        }
        x.put<bit<4>>({ a = 1, ... }, { 1, 2 });
    }
}
"""


def test_text_in_this_style_comes_out_as_it_went_in() -> None:
    assert print_program(parse_text(PROGRAM)[0]) == PROGRAM


def test_library_declarations_come_out_as_includes() -> None:
    text = "#define V1MODEL_VERSION 20200408\n#include <core.p4>\n#include <v1model.p4>\nconst bit<8> x = 1;\n"
    program, _ = parse_text(text)
    printed = print_program(program)
    assert printed.split() == text.split()
    assert same_tree(parse_text(printed)[0], program)
    assert "extern packet_in" in print_program(program, includes=False)


def test_an_else_stays_with_its_if() -> None:
    """A tree made by a program, not by the parser: `if (a) { if (b) f(); } else g();` without the node of the
    braces."""
    outer = next(n for n in parse_text("action x() { if (a) f(); else g(); }")[0].walk() if isinstance(n, ast.If))
    inner = next(n for n in parse_text("action x() { if (b) f(); }")[0].walk() if isinstance(n, ast.If))
    outer.then = inner
    again = next(n for n in parse_text(f"action x() {{ {node_text(outer)} }}")[0].walk() if isinstance(n, ast.If))
    assert isinstance(again.then, ast.BlockStatement) and again.otherwise is not None


def test_same_tree_sees_differences() -> None:
    def tree(text: str) -> ast.P4Program:
        return parse_text(text)[0]

    assert same_tree(tree("const bit<8> x = 1;"), tree("const  bit<8>\nx=(1) ; // c"))
    for other in ("const bit<8> x = 2;", "const bit<8> y = 1;", "const int<8> x = 1;", "const bit<8> x = 1w1;", ""):
        assert not same_tree(tree("const bit<8> x = 1;"), tree(other))


PLACE = Span(SourceFile("made.p4", ""), 0, 0)
NAMES = st.sampled_from(["a", "b", "key", "x1"]).map(lambda text: ast.Name(PLACE, text))
TYPES = st.sampled_from([ast.BaseType(PLACE, "bool"), ast.BaseType(PLACE, "bit", ast.IntLiteral(PLACE, 8))])
LEAVES = st.one_of(
    st.builds(ast.PathExpr, st.just(PLACE), NAMES, st.booleans()),
    st.builds(
        ast.IntLiteral,
        st.just(PLACE),
        st.integers(0, 2**70),
        st.sampled_from([None, 1, 8, 128]),
        st.just(False),
        st.sampled_from([2, 8, 10, 16]),
    ),
    st.builds(ast.BoolLiteral, st.just(PLACE), st.booleans()),
    st.builds(ast.InvalidExpr, st.just(PLACE)),
)
BINARY = "* / % + - |+| |-| << >> <= >= < > == != & ^ | ++ && ||"


def larger(inner: st.SearchStrategy[ast.Expr]) -> st.SearchStrategy[ast.Expr]:
    place = st.just(PLACE)
    return st.one_of(
        st.builds(ast.Binary, place, st.sampled_from(BINARY.split()), inner, inner),
        st.builds(ast.Unary, place, st.sampled_from(list("!~-+")), inner),
        st.builds(ast.Ternary, place, inner, inner, inner),
        st.builds(ast.Cast, place, TYPES, inner),
        st.builds(ast.Member, place, inner, NAMES),
        st.builds(ast.Index, place, inner, inner),
        st.builds(ast.Slice, place, inner, inner, inner),
        st.builds(ast.PlusSlice, place, inner, inner, inner),
        st.builds(
            ast.Call, place, inner, st.just([]), st.lists(st.builds(ast.Argument, place, inner, st.none()), max_size=2)
        ),
        st.builds(ast.ListExpr, place, st.lists(inner, max_size=3), st.booleans()),
        st.builds(
            ast.StructExpr, place, st.lists(st.builds(ast.KeyValue, place, NAMES, inner), min_size=1, max_size=2)
        ),
    )


@given(st.recursive(LEAVES, larger, max_leaves=12))
def test_every_expression_parses_back(tree: ast.Expr) -> None:
    program, _ = parse_text(f"const bit<8> x = {expression_text(tree)};")
    declared = program.declarations[0]
    assert isinstance(declared, ast.ConstantDecl)
    assert same_tree(declared.value, tree), expression_text(tree)


def assert_prints_back(program: ast.P4Program, path: Path) -> None:
    for includes in (False, True):
        text = print_program(program, includes=includes)
        assert same_tree(parse_text(text, str(path))[0], program), f"{path}, includes={includes}"


@pytest.mark.parametrize("path", sorted(NFS.glob("*.p4")), ids=lambda path: path.stem)
def test_our_programs_print_back(path: Path) -> None:
    assert_prints_back(parse_file(path)[0], path)


@pytest.mark.skipif("P4C" not in os.environ, reason="set P4C to a checkout of p4c (testdata and p4include)")
def test_p4c_samples_print_back() -> None:
    root = Path(os.environ["P4C"])
    paths = [*(root / "testdata/p4_16_samples").rglob("*.p4"), *(root / "testdata/p4_16_errors").glob("*.p4")]
    printed = 0
    for path in filter(Path.is_file, paths):
        try:
            program, _ = parse_file(path, include_dirs=[root / "p4include", root / "p4include/bmv2"])
        except P4Error:
            continue
        assert_prints_back(program, path)
        printed += 1
    assert printed > 1000
