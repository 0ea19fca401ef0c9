"""C expressions are parsed by C as they were built, without superfluous parentheses or warnings."""

from __future__ import annotations

import random
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.build.cc import find_compiler
from softswitch.codegen.values import cexpr
from softswitch.codegen.values.cexpr import BINARY, CExpr

# A tree is a leaf (a name or a number) or a tuple of an operator and its operands.
Tree = str | tuple[object, ...]


def trees() -> st.SearchStrategy[Tree]:
    def grown(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        return st.one_of(
            st.tuples(st.sampled_from(sorted(BINARY)), inner, inner),
            st.tuples(st.sampled_from(["!", "~", "-", "(uint64_t)"]), inner),
            st.tuples(st.just("?:"), inner, inner, inner),
            st.tuples(st.just("[]"), inner),
            st.tuples(st.just("f"), inner, inner),
        )

    return st.recursive(st.sampled_from(["a", "b", "c", "7"]), grown, max_leaves=12)


def build(tree: Tree) -> CExpr:
    if isinstance(tree, str):
        return cexpr.constant(tree) if tree.isdigit() else cexpr.name(tree)
    operator, *rest = tree
    operands = [build(operand) for operand in rest]  # type: ignore[arg-type]
    match operator:
        case "?:":
            return cexpr.ternary(*operands)
        case "[]":
            return cexpr.index(cexpr.name("v"), *operands)
        case "f":
            return cexpr.call("f", *operands)
        case "(uint64_t)":
            return cexpr.cast("uint64_t", *operands)
    if len(operands) == 1:
        return cexpr.unary(str(operator), *operands)
    return cexpr.binary(str(operator), *operands)


TOKEN = re.compile(r"\s*(\(uint64_t\)|->|<<|>>|<=|>=|==|!=|&&|\|\||--|\w+|.)")
LEVELS = [["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!="], ["<", "<=", ">", ">="], ["<<", ">>"], ["+", "-"], [*"*/%"]]


@dataclass
class Parser:
    """The expressions of C11 6.5, as far as the trees use them."""

    tokens: list[str]

    def take(self, *wanted: str) -> str:
        token = self.tokens.pop(0)
        assert not wanted or token in wanted, token
        return token

    def next(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def conditional(self) -> Tree:
        condition = self.binary(0)
        if self.next() != "?":
            return condition
        self.take("?")
        then = self.conditional()
        self.take(":")
        return ("?:", condition, then, self.conditional())

    def binary(self, level: int) -> Tree:
        if level == len(LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.next() in LEVELS[level]:
            left = (self.take(), left, self.binary(level + 1))
        return left

    def unary(self) -> Tree:
        if self.next() in ("!", "~", "-", "(uint64_t)"):
            return (self.take(), self.unary())
        token = self.take()
        if token == "(":
            inner = self.conditional()
            self.take(")")
            return inner
        assert token.isalnum(), token
        if self.next() == "[":
            self.take("[")
            at = self.conditional()
            self.take("]")
            return ("[]", at)
        if self.next() == "(":
            self.take("(")
            first = self.conditional()
            self.take(",")
            second = self.conditional()
            self.take(")")
            return ("f", first, second)
        return token


def parse(text: str) -> Tree:
    parser = Parser(TOKEN.findall(text))
    tree = parser.conditional()
    assert not parser.tokens, parser.tokens
    return tree


@given(trees())
def test_a_c_parser_reads_the_tree_that_was_built(tree: Tree) -> None:
    assert parse(build(tree).text) == tree


def test_compilers_have_nothing_to_say(tmp_path: Path) -> None:
    """Every pair of operators, one as the left and as the right operand of the other, and deeper random trees."""
    operators: list[Tree] = [(op, "a", "b") for op in BINARY]
    operators += [("!", "a"), ("~", "a"), ("-", "a"), ("(uint64_t)", "a"), ("?:", "a", "b", "c")]
    pairs: list[Tree] = []
    for inner in operators:
        pairs += [(op, inner, "c") for op in BINARY] + [(op, "c", inner) for op in BINARY]
        pairs += [(op, inner) for op in ("!", "~", "-", "(uint64_t)", "[]")]
        pairs += [("?:", inner, "b", "c"), ("?:", "a", inner, "c"), ("?:", "a", "b", inner), ("f", inner, inner)]
    chosen = random.Random(1)
    deeper: list[Tree] = [(chosen.choice(sorted(BINARY)), *chosen.sample(pairs, 2)) for _ in range(500)]
    lines = [f"    r += {build(tree)};" for tree in [*pairs, *deeper]]
    source = tmp_path / "expressions.c"
    source.write_text(
        "#include <stdint.h>\nextern uint64_t f(uint64_t, uint64_t);\n"
        "uint64_t g(uint64_t a, uint64_t b, uint64_t c, uint64_t *v)\n{\n    uint64_t r = 0;\n"
        + "\n".join(lines)
        + "\n    return r;\n}\n"
    )
    quiet = ["-Wno-bool-operation", "-Wno-int-in-bool-context", "-Wno-tautological-compare", "-Wno-bool-compare"]
    command = [find_compiler(), "-std=gnu11", "-fsyntax-only", "-Wall", "-Werror", *quiet, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]


A, B, C = (cexpr.name(text) for text in "abc")


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (cexpr.binary("+", cexpr.binary("*", A, B), C), "a * b + c"),
        (cexpr.binary("*", cexpr.binary("+", A, B), C), "(a + b) * c"),
        (cexpr.binary("-", A, cexpr.binary("-", B, C)), "a - (b - c)"),
        (cexpr.binary("-", cexpr.binary("-", A, B), C), "a - b - c"),
        (cexpr.binary("-", A, -1), "a - -1"),
        (cexpr.unary("-", cexpr.unary("-", A)), "-(-a)"),
        (cexpr.binary("&&", cexpr.binary("<", A, B), cexpr.binary("==", B, C)), "a < b && b == c"),
        (cexpr.cast("uint8_t", cexpr.binary(">>", A, 3)), "(uint8_t)(a >> 3)"),
        (cexpr.binary(">>", cexpr.cast("uint8_t", A), 3), "(uint8_t)a >> 3"),
        (cexpr.ternary(cexpr.binary("<", A, B), A, cexpr.ternary(C, A, B)), "a < b ? a : c ? a : b"),
        (cexpr.ternary(cexpr.ternary(A, B, C), A, B), "(a ? b : c) ? a : b"),
        (cexpr.member(cexpr.member(cexpr.dereference(A), "h"), "f"), "a->h.f"),
        (cexpr.arrow(A, "h", "f"), "a->h.f"),
        (cexpr.member(cexpr.dereference(cexpr.binary("+", A, 1)), "f"), "(a + 1)->f"),
        (cexpr.member(cexpr.compound("struct s", [".f = 1"]), "f"), "(struct s){.f = 1}.f"),
        (cexpr.index(cexpr.dereference(A), 2), "(*a)[2]"),
        (cexpr.address(cexpr.index(A, cexpr.binary("+", B, 1))), "&a[b + 1]"),
        (cexpr.address(cexpr.dereference(A)), "a"),
        (cexpr.macro("M", A, cexpr.member(cexpr.compound("struct s", ["1", "2"]), "f")), "M(a, ((struct s){1, 2}.f))"),
        (cexpr.negation(cexpr.binary("==", A, B)), "a != b"),
        (cexpr.negation(cexpr.binary("<", A, B)), "!(a < b)"),
        (cexpr.unlikely(cexpr.binary(">", A, B)), "__builtin_expect(a > b, 0)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_brackets_stand_where_c_needs_them(built: CExpr, text: str) -> None:
    assert built.text == text


def test_conditions_are_chained_without_brackets() -> None:
    assert str(cexpr.any_of([A, cexpr.binary("<=", cexpr.binary("+", A, 1), B), C])) == "a || a + 1 <= b || c"
    assert cexpr.all_of([]) is None


def test_an_object_has_an_address_and_a_value_has_none() -> None:
    objects = [A, cexpr.member(A, "f"), cexpr.index(A, 1), cexpr.dereference(A), cexpr.arrow(A, "f")]
    values = [
        cexpr.call("f"),
        cexpr.compound("struct s"),
        cexpr.ternary(A, B, C),
        cexpr.constant("7"),
        cexpr.cast("T", A),
    ]
    assert all(e.lvalue for e in objects)
    assert not any(e.lvalue for e in [*values, cexpr.member(cexpr.call("f"), "g")])
