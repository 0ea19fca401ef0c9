"""The parser's messages for invalid programs, and that no input makes it fail in any other way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p4front.syntax.parse import parse_file
from p4front.syntax.parser.base import MAX_NESTING
from p4front.syntax.parser.program import parse_tokens
from p4front.syntax.printer.program import node_text
from p4front.text.lexer import EOF, KEYWORDS, Token, scan
from p4front.text.source import P4Error, Reporter, SourceFile
from tests.unit.p4front.parsecheck import errors, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("action a() { x = 1 }", "1:20 expected ';' after the assignment, found '}'"),
        ("struct S { bit<8> a bit<8> b; }", "1:21 expected ';' after the field, found keyword 'bit'"),
        ("action a() {\n  x = 1\n}", "2:8 expected ';' after the assignment, found '}'"),
        ("const bit<8> x = ;", "1:18 expected an expression, found ';'"),
        ("table t {}", "1:1 a table can only be declared inside a control"),
        ("bit<8> x;", "1:8 the variable 'x' cannot be declared here: make it 'const', or move it into a block"),
        ("x = 3;", "1:3 expected a function's name after its return type, found '='"),
        ("action a() { 3; }", "1:14 expected a statement, found '3'"),
        ("action a() { x; }", "1:15 expected '=' or '(' after this beginning of a statement, found ';'"),
        ("action a() { f() = 3; }", "1:14 only a variable, a field, an element or a slice can be assigned to"),
        ("action a() { f()(); }", "1:14 the result of a call cannot be called or selected from in a statement"),
        ("const bit<8 x = 3;", "1:13 expected '>' after the width, found 'x'"),
        ("enum E { }", "1:10 expected a member of 'E', found '}'"),
        ("enum E { A = 1 }", "1:12 'E' has no underlying type, so its members have no values; "
         "expected ',' or '}', found '='"),
        ("const bit x = 8w_;", "1:15 '8w_' is not a number"),
        ("const bit x = $;", "1:15 unexpected character '$'"),
        ('const string x = "abc;', "1:18 this string is not closed"),
        ("/* abc", "1:1 this comment is not closed"),
        ("@name(\"x\" struct S {}", "1:6 this '(' is not closed"),
        ("extern X { Y(); }", "1:12 expected a return type before 'Y', or a constructor 'X'"),
        ("control c() { }", "1:9 the control 'c' has no apply block"),
        ("parser p() { }", "1:8 the parser 'p' has no states; it needs a state 'start'"),
        ("action a() { for (i in x) {} }", "1:19 a loop over values declares its variable: give 'i' a type"),
    ],
)  # fmt: skip
def test_messages(text: str, expected: str) -> None:
    assert errors(text)[0] == expected


def test_one_run_reports_every_error() -> None:
    text = """
    struct S { bit<8> a }
    header H { bit<8> }
    control c(inout S s) {
        action x() { s.a = ; s.a = 2; s.b 3; }
        table t { key = { s.a exact; } actions = { x } size = 10 }
        apply { t.apply() }
    }
    const bit<8> last = 3
    """
    assert [int(e.split(":")[0]) for e in errors(text)] == [2, 3, 5, 5, 6, 6, 6, 7, 9]


def test_a_missing_brace_names_its_partner() -> None:
    with pytest.raises(P4Error) as caught:
        parse("control c() {\n  apply {\n    if (x) { y = 1;\n  }\n}\n")
    [diagnostic] = caught.value.diagnostics
    assert diagnostic.message == "expected '}' at the end of the control, found the end of file"
    note, span = diagnostic.notes[0]
    assert span is not None and span.line == 1 and note == "it would close this"


def test_two_equal_properties() -> None:
    text = "control c() { action a() {} table t { actions = { a; } actions = { a; } } apply {} }"
    assert errors(text) == ["1:56 the table 't' has two 'actions' properties"]


@pytest.mark.parametrize(
    "text",
    [
        "const bit x = " + "(" * 5000 + "1" + ")" * 5000 + ";",
        "const bit x = " + "1+" * 5000 + "1;",
        "const bit x = " + "!" * 5000 + "1;",
        "const bit x = a" + ".a" * 5000 + ";",
        "const " + "tuple<" * 5000 + "bit" + ">" * 5000 + " x = 1;",
        "const bit" + "[1]" * 5000 + " x = 1;",
        "const bit x" + "[1]" * 5000 + " = 1;",
        "action a() {" + "{" * 5000 + "}" * 5000 + "}",
        "action a() {" + "if (x) {} else " * 5000 + "{} }",
        "action a() {" + "{" * 5000,
    ],
)
def test_deep_nesting_is_one_located_error(text: str) -> None:
    [error] = errors(text)
    assert str(MAX_NESTING) in error or str(2 * MAX_NESTING) in error


def test_nesting_below_the_limit_is_fine() -> None:
    depth = MAX_NESTING - 10
    program = parse("const bit x = " + "(" * depth + "1" + ")" * depth + ";")
    assert node_text(program.declarations[0]) == "const bit x = 1;"


SYMBOLS = 'a B 1 8w3 "s" < > ( ) { } [ ] ; : , . = += + - &&& .. ... {#} @ @pragma >> ? ! ~ # $'


@given(st.lists(st.sampled_from(sorted(KEYWORDS) + SYMBOLS.split()), max_size=60))
def test_no_token_list_breaks_the_parser(words: list[str]) -> None:
    source = SourceFile("soup.p4", " ".join(words))
    reporter = Reporter()
    tokens = [Token(kind, text, source, start, end) for kind, text, start, end in scan(source.text)]
    parse_tokens([*tokens, Token(EOF, "", source, len(source.text), len(source.text))], reporter)
    for diagnostic in reporter.diagnostics:
        assert diagnostic.render().startswith("soup.p4:1:")


@given(st.binary(max_size=300))
def test_no_file_content_gives_anything_but_a_p4error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "binary.p4"
    path.write_bytes(data.replace(b"#", b""))
    try:
        parse_file(path)
    except P4Error as error:
        assert error.diagnostics
