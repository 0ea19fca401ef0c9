"""Tables in generated code: kinds of keys, entries in the program, actions and their arguments, results."""

from __future__ import annotations

import pytest

from p4front.text.source import P4Error
from softswitch.build.program import compile_text
from softswitch.dataplane import entries as soft
from tests.switch.scene import program, scene

SET = "action set(bit<8> v) { hdr.h.d = v; }"


def test_every_kind_of_match_in_one_table() -> None:
    with scene(
        fields="bit<8> a; bit<8> b; bit<8> c; bit<8> d; bit<16> e;",
        locals=SET
        + """
        table t {
            key = { hdr.h.a: exact; hdr.h.b: ternary; hdr.h.c: range; hdr.h.e: optional @name("e"); }
            actions = { set; NoAction; }
        }
        """,
        ingress="t.apply();",
    ) as s:
        table = s.pipeline.tables["TestIngress.t"]
        assert [(key.name, key.width, key.match) for key in table.info.keys] == [
            ("hdr.h.a", 8, "exact"),
            ("hdr.h.b", 8, "ternary"),
            ("hdr.h.c", 8, "range"),
            ("e", 16, "optional"),
        ]
        keys = (soft.Exact(1), soft.Ternary(0x20, 0xF0), soft.Range(3, 5), soft.Optional(None))
        table.insert(soft.Entry(keys, "TestIngress.set", (7,), 10))
        table.insert(soft.Entry((*keys[:3], soft.Optional(0xABCD)), "TestIngress.set", (8,), 20))
        assert s.out("012f04000000") == "012f04070000"
        assert s.out("012f0400abcd") == "012f0408abcd"
        assert s.out("012f06000000") == "012f06000000"
        assert s.out("013f04000000") == "013f04000000"


def test_wide_keys_and_wide_action_data() -> None:
    with scene(
        fields="bit<128> a; bit<200> b; bit<72> c;",
        locals="""
        action set(bit<200> v, bit<72> w, bit<128> x) { hdr.h.b = v; hdr.h.c = w; hdr.h.a = x; }
        table t { key = { hdr.h.a: lpm; hdr.h.b: exact; hdr.h.c: exact; } actions = { set; NoAction; } }
        """,
        ingress="t.apply();",
    ) as s:
        a, b, c = 0x2001_0DB8 << 96 | 5, 0xAB << 192 | 7, 0xFF << 64 | 9
        frame = a.to_bytes(16, "big") + b.to_bytes(25, "big") + c.to_bytes(9, "big")
        data = (0x12 << 192 | 1, 0x34 << 64 | 2, 0x56 << 120 | 3)
        table = s.pipeline.tables["TestIngress.t"]
        table.insert(
            soft.Entry((soft.Lpm(0x2001_0DB8 << 96, 32), soft.Exact(b), soft.Exact(c)), "TestIngress.set", data)
        )
        assert bytes.fromhex(s.out(frame)) == data[2].to_bytes(16, "big") + data[0].to_bytes(25, "big") + data[
            1
        ].to_bytes(9, "big")
        other = frame[:3] + b"\0" + frame[4:]
        assert bytes.fromhex(s.out(other)) == other


def test_entries_of_the_program_first_one_wins_unless_priorities_say_otherwise() -> None:
    table = """
    table {name} {{
        key = {{ hdr.h.a: ternary; }}
        actions = {{ {action}; }}
        {properties}
        entries = {{ {entries} }}
    }}
    """
    with scene(
        locals="action b(bit<8> v) { hdr.h.b = v; } action c(bit<8> v) { hdr.h.c = v; }"
        + "action d(bit<8> v) { hdr.h.d = v; }"
        + table.format(
            name="t1", action="b", properties="", entries="0x10 &&& 0xf0: b(1); 0x11: b(2); _: b(3);"
        ).replace("actions = { b; }", "actions = { b; } default_action = b(0);")
        + table.format(
            name="t2",
            action="c",
            properties="default_action = c(0);",
            entries="priority = 10: 0x10 &&& 0xf0: c(1); priority = 20: 0x11: c(2);",
        )
        + table.format(
            name="t3",
            action="d",
            properties="default_action = d(0); largest_priority_wins = false;",
            entries="priority = 10: 0x10 &&& 0xf0: d(1); priority = 20: 0x11: d(2);",
        ),
        ingress="t1.apply(); t2.apply(); t3.apply();",
    ) as s:
        assert s.out("11000000") == "11010201"
        assert s.out("22000000") == "22030000"


def test_hit_miss_and_action_run() -> None:
    with scene(
        locals="""
        action one() { } action two() { } action three() { }
        table t {
            key = { hdr.h.a: exact; }
            actions = { one; two; three; }
            default_action = three();
            const entries = { 1: one(); 2: two(); 3: three(); }
        }
        """,
        ingress="""
        if (t.apply().hit) { hdr.h.b = 1; } else { hdr.h.b = 2; }
        switch (t.apply().action_run) { one: two: { hdr.h.c = 1; } three: { hdr.h.c = 3; } default: { hdr.h.c = 9; } }
        if (!t.apply().miss && hdr.h.a == 3) { hdr.h.d = 1; }
        """,
    ) as s:
        assert [s.out(f"{a:02x}000000") for a in (1, 2, 3, 4)] == ["01010100", "02010100", "03010301", "04020300"]


def test_arguments_bound_in_the_list_of_actions() -> None:
    with scene(
        locals="""
        action add(inout bit<8> target, in bit<8> source, bit<8> data) { target = target + source + data; }
        table t {
            key = { hdr.h.a: exact; }
            actions = { add(hdr.h.b, hdr.h.c); NoAction; }
            default_action = NoAction();
        }
        """,
        ingress="t.apply();",
    ) as s:
        table = s.pipeline.tables["TestIngress.t"]
        assert [param.name for param in table.info.actions[0].params] == ["data"]
        table.insert(soft.Entry((soft.Exact(1),), "TestIngress.add", (5,)))
        assert s.out("01101000") == "01251000"


def test_two_instances_of_a_control_have_tables_of_their_own() -> None:
    with scene(
        declarations="""
        control Choose(inout bit<8> a, inout bit<8> v)(bit<8> fallback) {
            action put(bit<8> x) { v = x; }
            action keep() { v = fallback; }
            table t { key = { a: exact @name("a"); } actions = { put; keep; } default_action = keep(); }
            apply { t.apply(); }
        }
        """,
        locals='@name("left") Choose(1) first; Choose(2) second;',
        ingress="first.apply(hdr.h.a, hdr.h.b); second.apply(hdr.h.a, hdr.h.c);",
    ) as s:
        assert sorted(s.pipeline.tables) == ["TestIngress.left.t", "TestIngress.second.t"]
        s.pipeline.tables["TestIngress.left.t"].insert(soft.Entry((soft.Exact(9),), "TestIngress.left.put", (0x33,)))
        assert s.out("09000000") == "09330200"
        assert s.out("08000000") == "08010200"


def test_a_table_without_a_default_action_does_nothing_on_a_miss() -> None:
    with scene(locals=SET + "table t { key = { hdr.h.a: exact; } actions = { set; } }", ingress="t.apply();") as s:
        assert s.out("01020304") == "01020304"
        assert s.pipeline.tables["TestIngress.t"].info.actions[1].scope == "defaultonly"


def test_enum_error_and_boolean_keys() -> None:
    with scene(
        declarations="enum kind_t { none, small, large }",
        locals=SET
        + """
        kind_t kind = kind_t.none;
        table t {
            key = { kind: exact; hdr.h.isValid(): exact; std.parser_error: exact; }
            actions = { set; NoAction; }
            const entries = {
                (kind_t.small, true, error.NoError): set(1);
                (kind_t.large, true, error.NoError): set(2);
            }
        }
        """,
        ingress="if (hdr.h.a > 9) { kind = kind_t.large; } else if (hdr.h.a > 0) { kind = kind_t.small; } t.apply();",
    ) as s:
        assert [s.out(f"{a:02x}000000")[-1] for a in (0, 1, 10)] == ["0", "1", "2"]


def test_direct_counters_and_meters() -> None:
    with scene(
        locals="""
        direct_counter(CounterType.packets_and_bytes) seen;
        direct_meter<bit<8>>(MeterType.packets) speed;
        action mark() { speed.read(hdr.h.d); }
        action plain() { }
        table t { key = { hdr.h.a: exact; } actions = { mark; plain; } default_action = plain(); counters = seen;
                  meters = speed; }
        """,
        ingress="t.apply();",
    ) as s:
        table = s.pipeline.tables["TestIngress.t"]
        assert (table.info.direct_counter, table.info.direct_counter_kind) == ("TestIngress.seen", 2)
        assert (table.info.direct_meter, table.info.direct_meter_kind) == ("TestIngress.speed", 0)
        entry = soft.Entry((soft.Exact(1),), "TestIngress.mark")
        table.insert(entry)
        table.set_direct_meter(entry, soft.MeterConfig(1, 1, 1, 2))
        assert [s.out("01000077aa") for _ in range(3)] == ["01000000aa", "01000001aa", "01000002aa"]
        assert table.direct_counter(entry) == soft.CounterValue(3, 15)
        assert s.out("02000077aa") == "02000077aa"


def test_a_selector_chooses_by_the_hash_of_its_keys() -> None:
    with scene(
        locals=SET
        + """
        action_selector(HashAlgorithm.crc16, 32w16, 32w8) choice;
        table t {
            key = { hdr.h.a: exact; hdr.h.b: selector; hdr.h.c: selector; }
            actions = { set; NoAction; }
            implementation = choice;
        }
        """,
        ingress="t.apply();",
    ) as s:
        profile = s.pipeline.profiles["TestIngress.choice"]
        for number in (1, 2, 3):
            profile.insert_member(soft.Member(number, "TestIngress.set", (number,)))
        profile.insert_group(soft.Group(1, tuple(soft.GroupMember(n) for n in (1, 2, 3))))
        s.pipeline.tables["TestIngress.t"].insert(soft.Entry((soft.Exact(5),), group=1))
        chosen = {s.out(f"05{b:02x}{c:02x}00")[-2:] for b in range(8) for c in range(8)}
        assert chosen == {"01", "02", "03"}
        assert len({s.out("05010200") for _ in range(5)}) == 1  # the same flow, the same member


@pytest.mark.parametrize(
    ("declaration", "kind"),
    [
        ('@name(".x") table t { actions = { NoAction; } }', "table"),
        ('@name(".x") register<bit<8>, bit<8>>(4) t;', "register"),
        ('@name(".x") counter<bit<8>>(4, CounterType.packets) t;', "counter"),
        ('@name(".x") action_profile(4) t;', "action profile"),
    ],
)
def test_two_objects_cannot_have_one_control_plane_name(declaration: str, kind: str) -> None:
    two_instances = program(
        declarations=f"control Inner() {{ {declaration} apply {{ {'t.apply();' if kind == 'table' else ''} }} }}",
        locals="Inner() one; Inner() two;",
        ingress="one.apply(); two.apply();",
    )
    with pytest.raises(P4Error, match=f'"x" would stand for a {kind} of each of several instances'):
        compile_text(two_instances, "scene.p4")
    if kind != "table":  # the front end knows of tables
        with pytest.raises(P4Error, match=f'two {kind}s have the control-plane name "x"'):
            compile_text(program(locals=declaration + declaration.replace(" t;", " u;")), "scene.p4")


def test_two_actions_of_a_table_cannot_have_one_control_plane_name() -> None:
    actions = '@name("x") action a() { } @name("x") action b() { }'
    text = program(locals=f"{actions} table t {{ actions = {{ a; b; }} }}", ingress="t.apply();")
    with pytest.raises(P4Error, match='control-plane name "TestIngress'):
        compile_text(text, "scene.p4")
