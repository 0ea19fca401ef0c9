"""Tables: keys, actions, default action, entries and their forms, priorities."""

from __future__ import annotations

from pathlib import Path

import pytest

from p4front.check.entry_priorities import entry_priorities
from p4front.load import load_program, load_text
from p4front.syntax import ast
from tests.unit.p4front.p4check import V1MODEL, error_of, errors_of, in_control

LOCAL = (
    "action set(bit<9> p) { s.egress_spec = p; } action both(inout bit<16> v, bit<16> d) { v = d; } action nop() { } "
)


def table(properties: str, body: str = "t.apply();") -> str:
    """A control whose table properties are on line 8, from column 1."""
    head = "control I(inout hs_t h, inout meta_t m, inout standard_metadata_t s) {\n"
    return f"{V1MODEL}{head}{LOCAL} table t {{\n{properties}\n}} apply {{ {body} }} }}"


GOOD = [
    "key = { h.eth.dst : exact; } actions = { set; nop; } default_action = nop(); size = 1024;",
    "key = { h.eth.kind : lpm; m.a : ternary; h.eth.isValid() : exact; m.a[7:0] : range; } "
    "actions = { set; NoAction; }",
    'key = { m.a & 0xFF : exact @name("low"); } actions = { nop; } const default_action = nop;',
    "actions = { both(h.eth.kind); nop; } default_action = both(h.eth.kind, 7);",
    "key = { m.flag : optional; } actions = { @tableonly set; @defaultonly nop; } default_action = nop();",
    "key = { h.eth.kind : exact; m.a : ternary; } actions = { set; nop; } const entries = "
    "{ (1, 5 &&& 7) : set(1); (2, _) : nop; (3, 9) : set(p = 3); }",
    "key = { h.eth.kind : range; } actions = { set; } const entries = { 1 .. 5 : set(1); 7 : set(2); _ : set(3); }",
    "key = { h.eth.dst : lpm; } actions = { set; nop; } "
    "entries = { const 48w0xFF0000000000 &&& 48w0xFF0000000000 : nop; }",
    "key = { m.a : ternary; } actions = { nop; } largest_priority_wins = false; priority_delta = 10; "
    "entries = { const priority = 5: 1 &&& 1 : nop; priority = 20: 2 : nop; }",
]


@pytest.mark.parametrize("properties", GOOD)
def test_accepted(properties: str) -> None:
    assert errors_of(table(properties)) == []


WRONG = [
    ("key = { h.eth.dst : best; } actions = { nop; }", None),
    ("key = { h.eth : exact; } actions = { nop; }", "8:9 a key can't have the type header eth_t"),
    (
        "key = { m.a + 1 : exact; } actions = { nop; }",
        "8:9 a key that is not a plain field needs a name for the control plane: add @name(...)",
    ),
    ("actions = { sett; }", '8:13 unknown action "sett", did you mean "set"?'),
    ("actions = { nop; nop; }", '8:18 the action "nop" is listed twice'),
    ("actions = { both; }", '8:13 "both": no argument for the parameter "v"'),
    (
        "actions = { set(3); }",
        '8:17 "set": 1 argument for 0 parameters: parameters without a direction are set by the control plane',
    ),
    ("actions = { both(m.a); }", None),
    ("actions = { nop; } default_action = set(1);", '8:37 the action "set" is not in the list of the table "t"'),
    ("actions = { set; } default_action = set();", '8:37 "set": no argument for the parameter "p"'),
    ("actions = { set; } default_action = set((bit<9>)m.a);", '8:41 the value of "p" must be known at compile time'),
    (
        "actions = { both(h.eth.kind); } default_action = both(m.a[15:0], 1);",
        '8:55 the argument for "v" differs from the one in the list of actions',
    ),
    ("key = { m.a : exact; } actions = { nop; } size = true;", "8:50 the size of a table must be a number, not bool"),
    ("actions = { nop; } const entries = { 1 : nop; }", None),
    (
        "key = { m.a : exact; } actions = { nop; } const entries = { (1, 2) : nop; }",
        "8:61 this entry has 2 keysets for 1 key(s)",
    ),
    (
        "key = { m.a : exact; } actions = { nop; } const entries = { 1 &&& 3 : nop; }",
        "8:61 an exact key is matched by one value only",
    ),
    (
        "key = { m.a : lpm; } actions = { nop; } const entries = { 5 &&& 5 : nop; }",
        "8:59 the mask 0x5 of an lpm key is not a prefix: its ones must all be at the top",
    ),
    (
        "key = { m.a : ternary; } actions = { nop; } const entries = { 1 .. 5 : nop; }",
        "8:63 a ternary key is matched by `value &&& mask`, a value or `_`",
    ),
    (
        "key = { m.a : exact; } actions = { nop; } const entries = { true : nop; }",
        "8:61 a key of type bit<32> can't be matched with bool",
    ),
    (
        "key = { m.a : exact; } actions = { nop; } const entries = { m.a : nop; }",
        "8:61 the keyset of an entry must be known at compile time",
    ),
    (
        "key = { m.a : exact; } actions = { set; } const entries = { 1 : set(16w3); }",
        '8:69 cannot pass bit<16> for the parameter "p", of type bit<9>: add a cast `(bit<9>)`',
    ),
    (
        "key = { m.a : exact; } actions = { nop; @defaultonly set; } const entries = { 1 : set(3); }",
        '8:83 the action "set" is @defaultonly: no entry can use it',
    ),
    (
        "key = { m.a : ternary; } actions = { nop; } entries = { 1 : nop; priority = 3: 2 : nop; }",
        "8:57 the first entry needs a priority, since another entry has one",
    ),
    (
        "key = { m.a : exact; } actions = { nop; } entries = { priority = 3: 2 : nop; }",
        "8:66 entries of a table with only exact and lpm keys have no priority",
    ),
    (
        "default_action = nop; actions = { nop; }",
        "8:18 the default action of a table stands after its list of actions",
    ),
]


@pytest.mark.parametrize(("properties", "message"), WRONG)
def test_refused(properties: str, message: str | None) -> None:
    found = errors_of(table(properties))
    assert len(found) == 1
    assert message is None or found == [message]


def test_a_table_without_default_needs_no_action_of_core() -> None:
    text = "match_kind { exact } control c(in bit<8> x) { table t { key = { x : exact; } actions = { } } apply { } }"
    assert "include core.p4" in error_of(text)


def test_results_of_a_table() -> None:
    properties = "key = { m.a : exact; } actions = { set; nop; } default_action = nop();"
    good = (
        "if (t.apply().hit) { } bool b = !t.apply().miss; switch (t.apply().action_run) { set: { } nop: default: { } }"
    )
    assert errors_of(table(properties, good)) == []
    program = load_text(table(properties, good))
    labels = [n for n in program.syntax.walk() if isinstance(n, ast.SwitchCase)]
    assert [isinstance(program.refs.get(case.label), ast.ActionDecl) for case in labels] == [True, True, False]
    assert error_of(table(properties, "switch (t.apply().action_run) { both: { } }")).endswith(
        'this is no action of the table "t"; it has set, nop'
    )
    assert error_of(table(properties, "bool b = t.apply();")).endswith("cannot assign t.apply()'s result to bool")
    assert "subject of a switch" in error_of(table(properties, "bool b = t.apply().action_run;"))


def test_entries_keep_their_values() -> None:
    program = load_text(table(GOOD[5]))
    (found,) = [n for n in program.syntax.walk() if isinstance(n, ast.TableDecl)]
    first, second, third = found.entries
    assert isinstance(first.keyset, ast.KeysetTuple)
    value, mask = first.keyset.items
    assert program.constants[value] == 1 and str(program.types[value]) == "bit<16>"
    assert program.constants[mask] == (5, 7) and str(program.types[mask]) == "set<bit<32>>"
    call = program.calls[third.action]
    assert [program.constants[a.expr] for a in call.args if a.expr is not None] == [3]
    assert call.args[0].type == program.declared[call.callee_type.params[0].decl]  # type: ignore[union-attr, index]
    assert program.calls[second.action].args == ()


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("entries = { 1 : nop; 2 : nop; 3 : nop; }", [3, 2, 1]),
        ("largest_priority_wins = false; entries = { 1 : nop; 2 : nop; }", [1, 2]),
        (
            "priority_delta = 5; entries = { priority = 50: 1 : nop; 2 : nop; priority = 7: 3 : nop; 4 : nop; }",
            [50, 45, 7, 2],
        ),
    ],
)
def test_priorities_follow_from_order_and_delta(properties: str, expected: list[int]) -> None:
    program = load_text(table("key = { m.a : ternary; } actions = { nop; } default_action = nop; " + properties))
    (found,) = [n for n in program.syntax.walk() if isinstance(n, ast.TableDecl)]
    assert entry_priorities(program, found) == expected


def test_two_actions_cannot_share_a_control_plane_name() -> None:
    text = 'control c() { @name(".x") action a() { } @name(".x") action b() { } apply { } }'
    assert error_of(text) == '1:61 the control-plane name "x" is used twice'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('@p4runtime_translation("u", bool) type bit<8> t;', "1:1 @p4runtime_translation takes a string and one of"),
        (
            '@p4runtime_translation("u", bit<5 + 3>) type bit<8> t;',
            "1:1 @p4runtime_translation takes a string and one of",
        ),
        ("@pkginfo const bit<8> x = 0;", "1:1 @pkginfo takes name = value pairs"),
        ('@p4runtime_translation("u", bit<32>) type bit<8> t;', ""),
        ('@p4runtime_translation("u", string) type bit<8> t;', ""),
        ('@p4runtime_translation("u", 0x20) type bit<8> t;', ""),
        ('@pkginfo(name = "p", version = "1") const bit<8> x = 0;', ""),
    ],
)
def test_arguments_of_annotations(text: str, message: str) -> None:
    found = errors_of(text)
    assert len(found) == bool(message) and all(error.startswith(message) for error in found)


def test_a_repeated_exact_key_is_a_warning() -> None:
    properties = "key = { m.a : exact; } actions = { nop; } default_action = nop; const entries = { 1 : nop; 1 : nop; }"
    program = load_text(table(properties))
    assert [f"{w.span.line}:{w.span.col} {w.message}" for w in program.warnings if w.span is not None] == [
        "8:92 an entry before this one has the same key"
    ]


def test_parts_of_a_table_from_included_files(tmp_path: Path) -> None:
    body = """action set(bit<8> v) { x = v; }
    table t { key = { x: exact; } actions = {
#include "long_list.inc"
    } default_action = set(1); const entries = {
#include "entries.inc"
    } }"""
    (tmp_path / "long_list.inc").write_text(" " * 2000 + "set;\n")
    (tmp_path / "entries.inc").write_text("1: set(1);\n2: set(2);\n")
    main = tmp_path / "main.p4"
    main.write_text(in_control("t.apply();", local=body))
    program = load_program(main)
    (found,) = [d for d in program.declared if isinstance(d, ast.TableDecl)]
    assert len(found.entries) == 2


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        (
            "actions = { nop; } const entries = { 1: nop(); } key = { m.flag: exact; }",
            "the entries of a table stand after its key",
        ),
        (
            "key = { m.flag: exact; } default_action = nop(); actions = { nop; }",
            "the default action of a table stands after its list of actions",
        ),
    ],
)
def test_the_order_of_a_table_s_properties(properties: str, message: str) -> None:
    assert message in error_of(table(properties))
