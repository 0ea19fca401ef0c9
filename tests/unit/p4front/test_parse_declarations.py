"""Grammar of declarations, parsers, controls and tables."""

from __future__ import annotations

from p4front.syntax import ast
from tests.unit.p4front.parsecheck import find, parse, statement


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
