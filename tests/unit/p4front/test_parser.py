"""The grammar (specification 1.2.5, appendix G): what is accepted, as which tree, and what is said otherwise."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p4front.syntax import ast
from p4front.syntax.parse import parse_file, parse_text
from p4front.syntax.parser.base import MAX_NESTING
from p4front.syntax.parser.program import parse_tokens
from p4front.syntax.printer.expressions import expression_text, type_text
from p4front.syntax.printer.program import node_text
from p4front.text.includes import LIBRARY
from p4front.text.lexer import EOF, KEYWORDS, Token, scan
from p4front.text.source import P4Error, Reporter, SourceFile

N = TypeVar("N", bound=ast.Node)


def parse(text: str) -> ast.P4Program:
    return parse_text(text, "t.p4")[0]


def find(text: str, kind: type[N]) -> N:
    """The first node of a kind in a program."""
    return next(node for node in parse(text).walk() if isinstance(node, kind))


def expression(text: str, before: str = "") -> ast.Expr:
    node = parse(f"{before} const bit<8> result = {text};").declarations[-1]
    assert isinstance(node, ast.ConstantDecl)
    return node.value


def statement(text: str, before: str = "") -> ast.Node:
    action = parse(f"{before} action a() {{ {text} }}").declarations[-1]
    assert isinstance(action, ast.ActionDecl)
    return action.body.statements[-1]


def errors(text: str) -> list[str]:
    """`line:col message` of each error."""
    with pytest.raises(P4Error) as caught:
        parse(text)
    return [f"{d.span.line}:{d.span.col} {d.message}" for d in caught.value.diagnostics if d.span is not None]


# ---------------------------------------------------------------- expressions


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


# ---------------------------------------------------------------- types


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


# ---------------------------------------------------------------- declarations


def test_every_kind_of_declaration() -> None:
    program = parse(
        """
        const bit<8> C = 1;
        error { Mine }
        match_kind { fancy, }
        struct S { @note bit<8> a; }
        header H { bit<8> a; varbit<16> b; }
        header_union U { H a; }
        enum E { A, B, }
        enum bit<8> SE { A = 1, B = 2 }
        typedef bit<9> Port;
        type Port NewPort;
        typedef struct Inline { bit x; } InlineAlias;
        extern X<T> { X(bit<8> n); T get(); void put<U>(in T x, in U y); abstract bit<8> over(in bit<8> z); }
        extern void fn<T>(in T x, out bit<8> y);
        action act(in bit<8> x, bit<8> y) {}
        bit<8> add(in bit<8> x, in bit<8> y = 3) { return x + y; }
        T id<T>(in T x) { return x; }
        parser PT<H>(packet b, out H h);
        control CT(inout S s);
        package Pack<H>(PT<H> p, CT c);
        ;
        """.replace("packet", "X<bit<8>>")
    )
    assert [type(node).__name__ for node in program.declarations] == [
        "ConstantDecl",
        "ErrorDecl",
        "MatchKindDecl",
        "StructDecl",
        "StructDecl",
        "StructDecl",
        "EnumDecl",
        "EnumDecl",
        "TypedefDecl",
        "TypedefDecl",
        "TypedefDecl",
        "ExternDecl",
        "ExternFunctionDecl",
        "ActionDecl",
        "FunctionDecl",
        "FunctionDecl",
        "ParserTypeDecl",
        "ControlTypeDecl",
        "PackageDecl",
    ]
    extern = program.declarations[11]
    assert isinstance(extern, ast.ExternDecl)
    assert [(m.name.text, m.return_type is None, m.abstract) for m in extern.methods] == [
        ("X", True, False),
        ("get", False, False),
        ("put", False, False),
        ("over", False, True),
    ]


def test_instance_with_abstract_methods() -> None:
    instance = find(
        """extern V { V(); abstract bit<16> f(in bit<16> ix); }
        control c(inout bit<16> p) {
            V() v = { bit<16> f(in bit<16> ix) { return this.g(ix); } };
            apply { p = v.f(6); }
        }""",
        ast.Instantiation,
    )
    assert instance.initializer is not None
    assert isinstance(instance.initializer.statements[0], ast.FunctionDecl)


def test_keywords_that_may_be_names() -> None:
    parse("struct S { bit<8> key; bit<8> state; bit<8> type; bit<8> apply; bit<8> actions; bit<8> priority; }")
    node = statement("key = state + s.entries;")
    assert isinstance(node, ast.Assignment)


def test_annotations() -> None:
    struct = find(
        """@name("x.y") @deprecated("a" "b") @plain @kv(a = 1, b = 2) @list[1, 2 + 3] @pairs[k = "v"]
        @any(does not (parse) ;;)
        @pragma old style 3
        struct S {}""",
        ast.StructDecl,
    )
    notes = {note.name: note for note in struct.annotations}
    name = notes["name"].exprs[0]
    assert isinstance(name, ast.StringLiteral) and name.value == "x.y"
    assert notes["deprecated"].exprs == [] and notes["deprecated"].tokens == ['"a"', '"b"']
    assert [pair.key.text for pair in notes["kv"].pairs] == ["a", "b"]
    assert notes["list"].structured and len(notes["list"].exprs) == 2
    assert [pair.key.text for pair in notes["pairs"].pairs] == ["k"]
    assert notes["any"].raw == "does not (parse) ;;"
    assert notes["old"].tokens == ["style", "3"]


# ---------------------------------------------------------------- parsers, controls, tables


def test_parser_states() -> None:
    parser = find(
        """parser p(in bit<8> b)(bit<8> n) {
            const bit<8> c = 1;
            value_set<tuple<bit<8>, bit<8>>>(4) vs;
            bit<8> x;
            @atomic state start {
                x = b;
                { x = 2; }
                transition select(b, x) {
                    (1, 2 &&& 3): next;
                    (4 .. 5, _): next;
                    (default, (bit<8>)7): next;
                    vs: accept;
                    default: reject;
                }
            }
            state next { transition accept; }
            state implicit { }
        }""",
        ast.ParserDecl,
    )
    assert [type(node).__name__ for node in parser.locals] == ["ConstantDecl", "ValueSetDecl", "VariableDecl"]
    start, following, implicit = parser.states
    assert start.transition is not None and start.transition.select is not None
    keysets = [case.keyset for case in start.transition.select.cases]
    assert [type(k).__name__ for k in keysets] == ["KeysetTuple"] * 3 + ["PathExpr", "DefaultExpr"]
    assert following.transition is not None and following.transition.target is not None
    assert implicit.transition is None


def test_keysets_in_brackets() -> None:
    text = """parser p(in bit<8> b) { state start { transition select(b) {
        (1): accept; (1 &&& 2): accept; (a) + 1: accept; (a + b)[3:0]: accept; (0, {0, 0}): accept; } } }"""
    cases = find(text, ast.SelectExpr).cases
    kinds = [type(case.keyset).__name__ for case in cases]
    assert kinds == ["IntLiteral", "KeysetTuple", "Binary", "Slice", "KeysetTuple"]


def test_table() -> None:
    table = find(
        """control c(inout bit<8> x) {
            action a() {} action b(bit<8> y) {}
            table t {
                key = { x: exact @name("x"); x + 1 : ternary; }
                actions = { a; @defaultonly .b; b(x); }
                const default_action = b(3);
                const entries = {
                    (1, 2): a();
                    const priority = 10: (3, _): b(4) @note;
                    priority = (5 + 5): (3, 1 &&& 2): b(4);
                    _: a;
                }
                size = 1024;
                @meta counters = direct(CounterType.packets);
            }
            apply { t.apply(); }
        }""",
        ast.TableDecl,
    )
    assert table.keys is not None
    assert [key.match_kind.text for key in table.keys] == ["exact", "ternary"]
    assert [(a.name.text, a.absolute, a.args is None) for a in table.actions] == [
        ("a", False, True),
        ("b", True, True),
        ("b", False, False),
    ]
    assert table.default_const and table.default_action is not None and table.default_action.args is not None
    assert table.entries_const and [entry.const for entry in table.entries] == [False, True, False, False]
    assert [prop.name.text for prop in table.properties] == ["size", "counters"]


# ---------------------------------------------------------------- statements


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


# ---------------------------------------------------------------- spans


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


# ---------------------------------------------------------------- errors


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


# ---------------------------------------------------------------- the library


@pytest.mark.parametrize(("version", "index"), [("20180101", "bit<32>"), ("20200408", "I")])
def test_v1model_by_version(version: str, index: str) -> None:
    program, files = parse_text("#include <v1model.p4>\n", defines=[f"V1MODEL_VERSION={version}"])
    assert [Path(file.path).name for file in files] == ["<text>", "v1model.p4", "core.p4"]
    register = next(d for d in program.declarations if isinstance(d, ast.ExternDecl) and d.name.text == "register")
    assert [type_text(p.type) for p in register.methods[1].params] == ["T", index]
    errors_declared = next(d for d in program.declarations if isinstance(d, ast.ErrorDecl))
    assert [m.name.text for m in errors_declared.members] == [
        "NoError",
        "PacketTooShort",
        "NoMatch",
        "StackOutOfBounds",
        "HeaderTooShort",
        "ParserTimeout",
        "ParserInvalidArgument",
    ]
    assert Path(register.span.file.path).parent == LIBRARY


# ---------------------------------------------------------------- a checkout of p4c, if there is one

P4C = Path(os.environ["P4C"]) if "P4C" in os.environ else None
needs_p4c = pytest.mark.skipif(P4C is None, reason="set P4C to a checkout of p4c (testdata and p4include)")


def samples(folder: str) -> list[Path]:
    return [] if P4C is None else [p for p in sorted((P4C / "testdata" / folder).rglob("*.p4")) if p.is_file()]


def p4c_includes() -> list[Path]:
    assert P4C is not None
    return [P4C / "p4include", P4C / "p4include" / "bmv2"]


@needs_p4c
def test_p4c_samples_parse() -> None:
    """Files that are parts of other programs use types that they do not declare; their syntax is right all the same."""
    for path in samples("p4_16_samples"):
        parse_file(path, include_dirs=p4c_includes())


@needs_p4c
def test_p4c_errors_give_no_traceback() -> None:
    refused = []
    for path in samples("p4_16_errors"):
        try:
            parse_file(path, include_dirs=p4c_includes())
        except P4Error as error:
            refused.append(path.stem)
            assert all(d.span is not None for d in error.diagnostics)
    assert {"shift_e", "expression_e", "globalVar_e", "underscore_e", "type-in-expr-lex0", "loop3-err"} <= set(refused)
