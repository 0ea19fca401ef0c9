"""Everything else uses the one table of match kinds."""

from __future__ import annotations

import pytest
from finsy.proto import p4i, p4r
from hypothesis import given
from hypothesis import strategies as st

from p4front.load import load_text
from p4front.match_kinds import (
    LPM,
    MATCH_KINDS,
    MATCHED,
    Operand,
    field_match,
    kind_in_p4info,
    need_priority,
    table_needs_priority,
)
from p4front.p4info import build_p4info
from softswitch.dataplane.entries import MATCH_CLASSES
from softswitch.dataplane.interface import interface

KINDS = sorted(MATCHED)


def test_the_same_kinds_everywhere() -> None:
    assert tuple(kind.c_name for kind in MATCH_KINDS.values()) == interface().enums["ss_match"]
    known = {number for name, number in p4i.MatchField.MatchType.items() if name != "UNSPECIFIED"}
    assert {kind.in_p4info for kind in MATCHED.values()} == known
    members = {field.name for field in p4r.FieldMatch.DESCRIPTOR.oneofs_by_name["field_match_type"].fields}
    assert set(MATCHED) == members - {"other"}
    assert list(MATCH_CLASSES) == list(MATCHED)


@pytest.mark.parametrize("name", KINDS)
def test_the_message_of_a_kind_has_its_operand(name: str) -> None:
    fields = {field.name for field in p4r.FieldMatch.DESCRIPTOR.fields_by_name[name].message_type.fields}
    kind = MATCHED[name]
    if kind.operand is Operand.HIGH:
        assert fields == {"low", kind.operand_field}
    else:
        assert fields - {kind.operand_field} == {"value"}
    assert (kind.operand_field == "") == (kind.operand is Operand.NONE)


@given(st.sampled_from(KINDS), st.integers(1, 80), st.data())
def test_single_and_anything(name: str, width: int, data: st.DataObject) -> None:
    kind = MATCHED[name]
    value, other = (data.draw(st.integers(0, (1 << width) - 1)) for _ in range(2))

    def matches(low: int, operand: int) -> bool:
        if kind.operand is Operand.HIGH:
            return low <= other <= operand
        mask = (1 << width) - 1
        if kind.operand is Operand.PREFIX:
            mask = ((1 << operand) - 1) << (width - operand)
        elif kind.operand is Operand.MASK:
            mask = operand
        return other & mask == low & mask

    assert matches(value, kind.single(value, width)) == (value == other)
    if kind.operand is not Operand.NONE:
        assert matches(*kind.anything(width))


def test_field_match_writes_the_shortest_bytes() -> None:
    assert field_match(3, LPM, 0x0A00, 8).lpm == p4r.FieldMatch.LPM(value=b"\x0a\x00", prefix_len=8)
    assert field_match(1, MATCHED["range"], 0, 256).range == p4r.FieldMatch.Range(low=b"\0", high=b"\1\0")


@pytest.mark.parametrize("name", KINDS)
def test_p4info_has_the_kind_and_its_priority(name: str) -> None:
    text = f"""
        #include <core.p4>
        #include <v1model.p4>
        header h_t {{ bit<16> f; }}
        struct headers {{ h_t h; }}
        struct meta {{ }}
        parser P(packet_in b, out headers h, inout meta m, inout standard_metadata_t s) {{
            state start {{ transition accept; }}
        }}
        control V(inout headers h, inout meta m) {{ apply {{ }} }}
        control I(inout headers h, inout meta m, inout standard_metadata_t s) {{
            table t {{ key = {{ h.h.f : {name}; }} actions = {{ NoAction; }} }}
            apply {{ t.apply(); }}
        }}
        control E(inout headers h, inout meta m, inout standard_metadata_t s) {{ apply {{ }} }}
        control D(packet_out b, in headers h) {{ apply {{ }} }}
        V1Switch(P(), V(), I(), E(), V(), D()) main;
    """
    (table,) = build_p4info(load_text(text)).tables
    assert kind_in_p4info(table.match_fields[0].match_type) is MATCHED[name]
    assert table_needs_priority(table) == MATCHED[name].needs_priority == need_priority([name])
