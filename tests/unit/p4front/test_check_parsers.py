"""Parsers: states, transitions, select and its keysets, value sets, sub-parsers."""

from __future__ import annotations

import pytest

from p4front.load import load_text
from p4front.syntax import ast
from tests.unit.p4front.p4check import error_of, errors_of

HEAD = "#include <core.p4>\nheader H { bit<8> a; bit<16> b; } struct S { H h; H[3] st; } enum bit<8> K { X = 1 }\n"


def parser(states: str, local: str = "", before: str = "") -> str:
    """A parser whose states are on line 5, from column 1."""
    return f"{HEAD}{before}\nparser P(packet_in p, out S s, inout bit<8> m) {{ {local}\n{states}\n}}"


GOOD = [
    "state start { p.extract(s.h); transition select(s.h.a, s.h.b) { (1, 2): next; (3 &&& 7, _): next; (_, 4 .. 9): "
    "accept; default: reject; } } state next { p.extract(s.st.next); m = s.st.last.a; transition next; }",
    "state start { bit<8> x = p.lookahead<bit<8>>(); transition select(x) { K.X: accept; 8w5: accept; _: reject; } }",
    "state start { verify(s.h.a == 1, error.NoMatch); p.advance(8); bit<32> n = p.length(); s.st[s.h.a].setValid(); }",
    "state start { transition select(s.h.a, m) { vs: accept; (5, m): accept; } }",
    "state start { H g; p.extract(g); { s.h = g; } if (g.a == 1) { m = 2; } transition accept; }",
]


@pytest.mark.parametrize("states", GOOD)
def test_accepted(states: str) -> None:
    assert errors_of(parser(states, local="value_set<tuple<bit<8>, bit<8>>>(4) vs;")) == []


WRONG = [
    ("state begin { transition accept; }", '4:8 the parser "P" has no state "start"'),
    ("state start { transition nowhere; }", '5:26 unknown state "nowhere"'),
    ("state start { transition s; }", '5:26 "s" is not a state'),
    ("state start { transition Accept; }", '5:26 unknown state "Accept", did you mean "accept"?'),
    ("state start { transition start; }", '4:8 the parser "P" never reaches accept or reject'),
    (
        "state start { transition accept; } state start { transition accept; }",
        '5:42 "start" is declared twice in this scope',
    ),
    (
        "state start { transition accept; } state accept { }",
        '5:42 the state "accept" is built in and can\'t be declared',
    ),
    ("state start { transition select(s.h) { _: accept; } }", "5:33 select can't choose by a value of type header H"),
    ("state start { transition select(5) { 5: accept; } }", None),
    ("state start { transition select(m) { true: accept; } }", "5:38 a key of type bit<8> can't be matched with bool"),
    ("state start { transition select(m) { (1, 2): accept; } }", "5:38 this case has 2 keysets for 1 key(s)"),
    ("state start { transition select(m) { 1 .. m: accept; } }", "5:43 the ends of `..` must be known at compile time"),
    ("state start { transition select(m) { p.length(): accept; } }", None),
    ("state start { p.extract(s); transition accept; }", "5:25 `extract` takes a header, not struct S"),
    ("state start { p.extract(m); transition accept; }", "5:25 `extract` takes a header, not bit<8>"),
    ("state start { m = foo(); transition accept; }", '5:19 unknown name "foo"'),
    ("state start { NoAction(); transition accept; }", '5:15 the action "NoAction" can\'t be called in a parser'),
    ("state start { exit; }", None),
    ("state start { return; }", None),
    ("state start { s.st.last.a = 1; q.apply(p); transition accept; }", '5:32 unknown name "q"'),
    ("state start { bit<4> x = p.lookahead<bit<8>>(); transition accept; }", None),
]


@pytest.mark.parametrize(("states", "message"), WRONG)
def test_refused(states: str, message: str | None) -> None:
    found = errors_of(parser(states))
    assert len(found) == 1
    assert message is None or found == [message]


def test_states_and_keysets_are_resolved() -> None:
    program = load_text(parser(GOOD[0], local="value_set<bit<8>>(4) vs;"))
    cases = [n for n in program.syntax.walk() if isinstance(n, ast.SelectCase)]
    target = program.refs[cases[0].target]
    assert isinstance(target, ast.ParserState) and target.name.text == "next"
    assert cases[2].target not in program.refs  # accept is built in
    assert isinstance(cases[1].keyset, ast.KeysetTuple) and isinstance(cases[2].keyset, ast.KeysetTuple)
    mask, anything = cases[1].keyset.items
    assert program.constants[mask] == (3, 7) and str(program.types[mask]) == "set<bit<8>>"
    assert str(program.types[anything]) == "set<bit<16>>"
    assert program.constants[cases[2].keyset.items[1]] == (4, 9)


def test_sub_parsers() -> None:
    sub = (
        "parser Q(packet_in p, out H h)(bit<8> k) "
        "{ state start { p.extract(h); transition select(h.a) { k: accept; } } }"
    )
    states = "state start { q.apply(p, s.h); transition accept; }"
    assert errors_of(parser(states, local="Q(3) q;", before=sub)) == []
    assert error_of(parser("state start { transition accept; }", local="Q() q;", before=sub)).endswith(
        '"Q": no argument for the parameter "k"'
    )
    inside = "control c(packet_in p) { Q(1) q; apply { } }"
    assert error_of(HEAD + sub + "\n" + inside) == "4:31 a control can't instantiate a parser"


def test_varbit_needs_its_size() -> None:
    before = "header V { bit<8> n; varbit<64> o; }"
    assert errors_of(parser("state start { V v; p.extract(v, 16); transition accept; }", before=before)) == []
    assert error_of(parser("state start { V v; p.extract(v); transition accept; }", before=before)) == (
        "5:30 header V has a varbit field: give its size in bits as the second argument"
    )
