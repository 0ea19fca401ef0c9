"""Shared by the tests of the checker: snippets in, diagnostics or facts out."""

from __future__ import annotations

from p4front.load import load_text
from p4front.program import Program
from p4front.syntax import ast
from p4front.text.source import P4Error


def errors_of(text: str) -> list[str]:
    """`line:col message` of each error of a program; empty if it is accepted."""
    try:
        load_text(text)
    except P4Error as error:
        found = []
        for diagnostic in error.diagnostics:
            assert diagnostic.span is not None, diagnostic.message
            found.append(f"{diagnostic.span.line}:{diagnostic.span.col} {diagnostic.message}")
        return found
    return []


def error_of(text: str) -> str:
    """The only error of a program."""
    found = errors_of(text)
    assert len(found) == 1, found
    return found[0]


def in_control(body: str, *, before: str = "", local: str = "", params: str = "inout bit<8> x, inout bit<16> y") -> str:
    """A program whose line 2 is the declarations `before`, line 3 the locals of a control, line 4 its apply block."""
    return f"#include <core.p4>\n{before}\ncontrol c({params}) {{ {local}\napply {{ {body} }} }}"


def expressions(program: Program, text: str) -> list[ast.Expr]:
    """All typed expressions whose source text is `text`."""
    return [e for e in program.types if e.span.text == text]


def type_of(program: Program, text: str) -> str:
    """The final type of the (first) expression written `text`."""
    return str(program.types[expressions(program, text)[0]])


def value_of(program: Program, text: str) -> object:
    return program.constants[expressions(program, text)[0]]


V1MODEL = """#include <core.p4>
#include <v1model.p4>
header eth_t { bit<48> dst; bit<48> src; bit<16> kind; }
struct hs_t { eth_t eth; eth_t[3] stack; }
struct meta_t { bit<32> a; bool flag; }
"""

PIPELINE = """
parser P(packet_in p, out hs_t h, inout meta_t m, inout standard_metadata_t s) {
  state start { p.extract(h.eth); transition accept; }
}
control V(inout hs_t h, inout meta_t m) { apply { } }
control E(inout hs_t h, inout meta_t m, inout standard_metadata_t s) { apply { } }
control C(inout hs_t h, inout meta_t m) { apply { } }
control D(packet_out p, in hs_t h) { apply { p.emit(h.eth); } }
V1Switch(P(), V(), I(), E(), C(), D()) main;
"""


def v1switch(ingress: str) -> str:
    """A whole V1Switch program around the body of its ingress control, which begins on line 7."""
    head = "control I(inout hs_t h, inout meta_t m, inout standard_metadata_t s) {\n"
    return V1MODEL + head + ingress + "\n}" + PIPELINE
