"""P4Info of small programs: names, ids, aliases, annotations, types. (p4c's own samples are `make conformance`.)"""

from __future__ import annotations

import pytest
from finsy.proto import p4i
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

from p4front.load import load_text
from p4front.p4info import build_p4info, stable_id
from p4front.p4info.ids import Kind, SymbolTable, field_ids, one_at_a_time
from p4front.text.source import P4Error

START = "state start { transition accept; }"
PROGRAM = """
#include <core.p4>
#include <v1model.p4>
header ethernet_t {{ bit<48> dst; @name("source") bit<48> src; bit<16> type; }}
struct meta_t {{ bit<16> a; bit<8> b; }}
struct headers_t {{ ethernet_t eth; ethernet_t[2] stack; }}
{before}
parser P(packet_in p, out headers_t hdr, inout meta_t meta, inout standard_metadata_t std) {{
    {parser}
}}
control V(inout headers_t hdr, inout meta_t meta) {{ apply {{ }} }}
control I(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t std) {{
    {ingress}
    apply {{ {apply} }}
}}
control E(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t std) {{ apply {{ }} }}
control D(packet_out p, in headers_t hdr) {{ apply {{ p.emit(hdr.eth); }} }}
{main}
V1Switch(P(), V(), {name}, E(), V(), D()) main;
"""


def info(ingress: str, *, before: str = "", apply: str = "", main: str = "", parser: str = "") -> p4i.P4Info:
    """P4Info of a program whose ingress control has these locals and this apply block."""
    text = PROGRAM.format(before=before, ingress=ingress, apply=apply, parser=parser or START, main=main, name="I()")
    return build_p4info(load_text(text, "test.p4"))


def names(items: list[p4i.Table]) -> list[str]:
    return [item.preamble.name for item in items]


def test_a_table_in_full() -> None:
    found = info(
        """
    @brief("sets the port") action forward(@id(9) bit<9> port, bit<8> mark) { std.egress_spec = port; }
    direct_counter(CounterType.packets) hits;
    @my_note(one two "three") @description("by destination")
    table t {
        key = { hdr.eth.dst: ternary; hdr.eth.src: exact @name("who"); meta.a[7:0]: range; hdr.eth.isValid(): exact; }
        actions = { forward; @tableonly NoAction; }
        default_action = forward(5, 0xAB);
        counters = hits;
        size = 77;
    }""",
        apply="t.apply();",
    )
    expected = """
        preamble {
          id: %d name: "I.t" alias: "t" annotations: "@my_note(one two \\"three\\")"
          doc { description: "by destination" }
        }
        match_fields { id: 1 name: "hdr.eth.dst" bitwidth: 48 match_type: TERNARY }
        match_fields { id: 2 name: "who" bitwidth: 48 match_type: EXACT }
        match_fields { id: 3 name: "meta.a[7:0]" bitwidth: 8 match_type: RANGE }
        match_fields { id: 4 name: "hdr.eth.$valid$" bitwidth: 1 match_type: EXACT }
        action_refs { id: %d }
        action_refs { id: %d scope: TABLE_ONLY annotations: "@tableonly" }
        initial_default_action {
          action_id: %d arguments { param_id: 9 value: "\\000\\005" } arguments { param_id: 2 value: "\\253" }
        }
        direct_resource_ids: %d
        size: 77
    """
    forward, no_action = stable_id(Kind.ACTION, "I.forward"), stable_id(Kind.ACTION, "NoAction")
    numbers = (stable_id(Kind.TABLE, "I.t"), forward, no_action, forward, stable_id(Kind.DIRECT_COUNTER, "I.hits"))
    assert list(found.tables) == [text_format.Parse(expected % numbers, p4i.Table())]
    assert found.actions[1].preamble.doc.brief == "sets the port"
    assert [(p.id, p.name, p.bitwidth) for p in found.actions[1].params] == [(9, "port", 9), (2, "mark", 8)]
    assert found.direct_counters[0].direct_table_id == numbers[0]
    assert found.direct_counters[0].spec.unit == p4i.CounterSpec.PACKETS


def test_missing_default_action_is_no_action_for_the_default_entry_only() -> None:
    (table,) = info(
        "action a() { } table t { key = { hdr.eth.dst: exact; } actions = { a; } }", apply="t.apply();"
    ).tables
    assert [(r.scope, list(r.annotations)) for r in table.action_refs] == [
        (p4i.ActionRef.TABLE_AND_DEFAULT, []),
        (p4i.ActionRef.DEFAULT_ONLY, ["@defaultonly"]),
    ]
    assert table.initial_default_action.action_id == stable_id(Kind.ACTION, "NoAction")
    assert not table.const_default_action_id and table.size == 1024


def test_what_nothing_applies_is_left_out_but_externs_stay() -> None:
    found = info(
        """
    register<bit<8>>(4) unused;
    action a() { } action b() { } action c() { }
    table applied { actions = { a; } }
    table dead { actions = { b; } }
    table behind_false { actions = { b; } }""",
        apply="applied.apply(); c(); if (false) { behind_false.apply(); }",
    )
    assert names(found.tables) == ["I.applied"]
    assert names(found.actions) == ["NoAction", "I.a", "I.c"]
    assert names(found.registers) == ["I.unused"]


def test_nested_controls_prefix_names_and_constants_reach_them() -> None:
    found = info(
        'Inner(16) first; @name("other") Inner(32) second;',
        before="""
control Leaf(inout meta_t m) {
    action set(bit<8> b) { m.b = b; }
    @name(".top") table shared { actions = { set; } }
    apply { shared.apply(); }
}
control Inner(inout meta_t m)(bit<32> cells) {
    register<bit<16>>(cells) reg;
    @name("renamed") table t { key = { m.a: exact; } actions = { NoAction; } }
    apply { t.apply(); reg.write(0, m.a); if (cells == 16) { Leaf.apply(m); } }
}""",
        apply="first.apply(meta); second.apply(meta);",
    )
    assert names(found.tables) == ["I.first.renamed", "top", "I.other.renamed"]
    assert [(r.preamble.name, r.size) for r in found.registers] == [("I.first.reg", 16), ("I.other.reg", 32)]
    assert "I.first.Leaf.set" in names(found.actions)
    assert [t.preamble.alias for t in found.tables] == ["first.renamed", "top", "other.renamed"]


def test_the_first_part_of_a_name_is_the_control_that_the_package_was_given() -> None:
    before = """
@name("elsewhere") control J(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t std)(bit<32> cells) {
    register<bit<8>>(cells) r;
    apply { }
}"""
    found = build_p4info(
        load_text(PROGRAM.format(before=before, ingress="", apply="", parser=START, main="", name="J(7)"))
    )
    assert [(r.preamble.name, r.size) for r in found.registers] == [("J_0.r", 7)]


def test_ids_given_by_the_program() -> None:
    found = info(
        "@id(5) table t { actions = { NoAction; } } @id(0x16000007) register<bit<8>>(1) r;", apply="t.apply();"
    )
    assert found.tables[0].preamble.id == 0x02000005
    assert found.registers[0].preamble.id == 0x16000007
    assert not found.tables[0].preamble.annotations
    with pytest.raises(P4Error, match="wrong prefix"):
        info("@id(0x03000007) register<bit<8>>(1) r;")
    with pytest.raises(P4Error, match="two objects"):
        info("@id(7) register<bit<8>>(1) r; @id(7) register<bit<8>>(1) s;")


def test_types_of_every_kind() -> None:
    found = info(
        """
    action a(port_t p, kind_t k, bool flag, name_t n) { }
    table t { key = { meta.a: exact; } actions = { a; } }
    register<small_t>(4) r;""",
        before="""
@p4runtime_translation("example.org/port", 32) type bit<9> port_t;
@p4runtime_translation("example.org/name", string) type bit<16> name_t;
type bit<8> small_t;
enum bit<16> kind_t { one = 1, big = 0x1234 }
struct learned_t { bit<48> who; kind_t kind; bool flag; port_t port; int<4> small; }""",
        apply="t.apply(); learned_t d = { hdr.eth.src, kind_t.one, true, (port_t)9w1, 0 }; digest<learned_t>(1, d);",
    )
    action = next(a for a in found.actions if a.preamble.alias == "a")
    assert [(p.bitwidth, p.type_name.name) for p in action.params] == [(32, "port_t"), (16, ""), (1, ""), (0, "name_t")]
    types = found.type_info
    assert types.new_types["port_t"].translated_type.sdn_bitwidth == 32
    assert types.new_types["name_t"].translated_type.HasField("sdn_string")
    assert types.new_types["small_t"].original_type.bitstring.bit.bitwidth == 8
    assert [m.value for m in types.serializable_enums["kind_t"].members] == [b"\0\1", b"\x12\x34"]
    assert found.registers[0].type_spec.new_type.name == "small_t"
    (digest,) = found.digests
    assert digest.preamble.name == "learned_t" and digest.type_spec.struct.name == "learned_t"
    kinds = [m.type_spec.WhichOneof("type_spec") for m in types.structs["learned_t"].members]
    assert kinds == ["bitstring", "serializable_enum", "bool", "new_type", "bitstring"]


def test_profiles_meters_counters_value_sets() -> None:
    found = info(
        """
    @max_group_size(4) @selector_size_semantics("sum_of_members") @max_member_weight(9)
    action_selector(HashAlgorithm.crc16, 64, 10) paths;
    meter(16, MeterType.bytes) rates;
    counter(8, CounterType.packets_and_bytes) counts;
    table t {
        key = { meta.a: exact; meta.b: selector; }
        actions = { NoAction; }
        implementation = paths;
        support_timeout = true;
    }
    table u { key = { meta.a: exact; } actions = { NoAction; } @name("mine") implementation = action_profile(5); }""",
        before="struct pair_t { bit<16> a; @match(lpm) @id(9) bit<32> b; }",
        apply="t.apply(); u.apply();",
        parser="""value_set<pair_t>(7) pairs;
    state start { transition select(16w1, 32w2) { pairs: accept; default: reject; } }""",
    )
    selector, profile = found.action_profiles
    assert (selector.with_selector, selector.size, selector.max_group_size) == (True, 64, 4)
    assert selector.sum_of_members.max_member_weight == 9
    assert list(selector.table_ids) == [found.tables[0].preamble.id]
    assert (profile.preamble.name, profile.size, profile.with_selector) == ("mine", 5, False)
    assert found.tables[1].implementation_id == profile.preamble.id
    assert [f.id for f in found.tables[0].match_fields] == [1]
    assert found.tables[0].idle_timeout_behavior == p4i.Table.NOTIFY_CONTROL
    assert (found.meters[0].spec.unit, found.meters[0].size) == (p4i.MeterSpec.BYTES, 16)
    assert (found.counters[0].spec.unit, found.counters[0].size) == (p4i.CounterSpec.BOTH, 8)
    (pairs,) = found.value_sets
    assert (pairs.preamble.name, pairs.size) == ("P.pairs", 7)
    assert [(m.id, m.name, m.match_type) for m in pairs.match] == [
        (1, "a", p4i.MatchField.EXACT),
        (9, "b", p4i.MatchField.LPM),
    ]


def test_controller_headers_and_the_package() -> None:
    found = info(
        "",
        before='@controller_header("packet_in") header in_t { bit<9> port; @padding bit<7> pad; }',
        main='@pkginfo(name="demo", version="3") @platform_property(multicast_group_table_size = 10) @brief("a demo")',
    )
    (header,) = found.controller_packet_metadata
    assert header.preamble.id == stable_id(Kind.CONTROLLER_HEADER, "in_t")
    assert (header.preamble.name, header.preamble.annotations) == ("packet_in", ['@controller_header("packet_in")'])
    assert [(m.id, m.name, m.bitwidth, list(m.annotations)) for m in header.metadata] == [
        (1, "port", 9, []),
        (2, "pad", 7, ["@padding"]),
    ]
    package = found.pkg_info
    assert (package.name, package.version, package.arch, package.doc.brief) == ("demo", "3", "v1model", "a demo")
    assert package.platform_properties.multicast_group_table_size == 10


def test_structured_annotations() -> None:
    found = info(
        '@mine[1, true, "x"] @pairs[a = 2, b = "y"] @none[] table t { actions = { NoAction; } }', apply="t.apply();"
    )
    mine, pairs, none = found.tables[0].preamble.structured_annotations
    values = [e.WhichOneof("value") for e in mine.expression_list.expressions]
    assert values == ["int64_value", "bool_value", "string_value"]
    assert [(p.key, p.value.WhichOneof("value")) for p in pairs.kv_pair_list.kv_pairs] == [
        ("a", "int64_value"),
        ("b", "string_value"),
    ]
    assert none.WhichOneof("body") is None


# ---- the rules by themselves ----


def test_known_hashes() -> None:
    assert one_at_a_time("") == 0
    assert one_at_a_time("a") == 0xCA2E9442
    assert one_at_a_time("The quick brown fox jumps over the lazy dog") == 0x519E91F5


def test_equal_hashes_get_the_next_number_by_name() -> None:
    by_hash: dict[int, str] = {}
    clash: tuple[str, str] | None = None
    for number in range(100_000):
        name = f"t{number}"
        other = by_hash.setdefault(one_at_a_time(name) & 0xFFFFFF, name)
        if other != name:
            clash = (other, name)
            break
    assert clash is not None
    symbols = SymbolTable()
    for name in clash:
        symbols.add(Kind.TABLE, name)
    first, second = sorted(clash)
    assert symbols.id(Kind.TABLE, first) == stable_id(Kind.TABLE, first)
    assert symbols.id(Kind.TABLE, second) == stable_id(Kind.TABLE, first) + 1


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(".".join), unique=True, min_size=1))
def test_an_alias_is_the_shortest_suffix_that_nobody_else_has(given_names: list[str]) -> None:
    symbols = SymbolTable()
    for name in given_names:
        symbols.add(Kind.TABLE, name)

    def users(suffix: str) -> int:
        return sum(n == suffix or n.endswith(f".{suffix}") for n in given_names)

    for name in given_names:
        alias = symbols.alias(name)
        assert name == alias or name.endswith(f".{alias}")
        if alias != name:
            assert users(alias) == 1
        if "." in alias:
            assert users(alias.partition(".")[2]) > 1


def test_field_ids_go_round_those_that_are_given() -> None:
    def ids(*given: int | None) -> list[int]:
        annotations = [f"@id({n})" if n else "" for n in given]
        params = ", ".join(f"{a} bit<8> p{n}" for n, a in enumerate(annotations))
        found = info(f"action a({params}) {{ }} table t {{ actions = {{ a; }} }}", apply="t.apply();")
        return [p.id for p in next(a for a in found.actions if a.preamble.alias == "a").params]

    assert field_ids([[], [], []]) == [1, 2, 3]
    assert ids(None, 1, None) == [2, 1, 3]
    assert ids(3, None, None) == [3, 2, 4]
