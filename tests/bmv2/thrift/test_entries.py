"""Entries, groups and sessions: P4Runtime messages as bmv2's calls, and back."""

from __future__ import annotations

import pytest
from bm_runtime.standard.ttypes import BmMatchParamType
from finsy.proto import p4i, p4r
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nfs
from state4.entries_file import load_entries, updates
from state4.errors import TargetError
from state4.plan.translator import Translator
from state4.programs import InstalledProgram
from state4.targets.bmv2.keys import key_of, matches_of, member_bytes, member_of, options_of, priority_of
from state4.targets.bmv2.target import Bmv2Target
from tests.bmv2.entities import everything, text_of
from tests.bmv2.thrift.bench import Bench


def _table(p4info: p4i.P4Info, name: str) -> p4i.Table:
    return next(table for table in p4info.tables if table.preamble.name == f"MyIngress.{name}")


def _matches(bits: tuple[int, ...], data: st.DataObject, table: p4i.Table) -> list[p4r.FieldMatch]:
    found = []
    for declared, width in zip(table.match_fields, bits, strict=True):
        if data.draw(st.booleans()):
            continue
        match = p4r.FieldMatch(field_id=declared.id)
        first, second = (data.draw(st.integers(1, (1 << width) - 1)) for _ in range(2))
        packed = [n.to_bytes((n.bit_length() + 7) // 8, "big") for n in (first, second)]
        if declared.match_type == p4i.MatchField.TERNARY:
            match.ternary.value, match.ternary.mask = packed
        elif declared.match_type == p4i.MatchField.LPM:
            match.lpm.value, match.lpm.prefix_len = packed[0], data.draw(st.integers(1, width))
        elif declared.match_type == p4i.MatchField.RANGE:
            match.range.low, match.range.high = sorted(packed)
        else:
            match.optional.value = packed[0]
        found.append(match)
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_keys_go_there_and_back(state: InstalledProgram, data: st.DataObject) -> None:
    table = _table(state.p4info, "ternaries")
    matches = _matches((64, 16, 8, 8), data, table)
    key = key_of(table, matches)
    assert [len(key[0].ternary.key), len(key[1].lpm.key), len(key[2].range.end_)] == [8, 2, 1]
    assert matches_of(table, key) == [m for m in matches if m.range.high != b"\xff" or m.range.low != b"\x00"]


@given(st.lists(st.integers(1, (1 << 31) - 1), min_size=2, max_size=2, unique=True))
def test_the_larger_priority_becomes_the_smaller_number(state: InstalledProgram, priorities: list[int]) -> None:
    table = _table(state.p4info, "ternaries")
    options = [options_of(table, priority) for priority in priorities]
    assert (priorities[0] > priorities[1]) == (options[0].priority < options[1].priority)
    assert [priority_of(table, o) for o in options] == priorities
    assert all(0 <= o.priority < 1 << 31 for o in options)


def test_optional_fields_are_ternary_and_need_every_bit(state: InstalledProgram) -> None:
    table = _table(state.p4info, "ternaries")
    key = key_of(
        table, [p4r.FieldMatch(field_id=table.match_fields[3].id, optional=p4r.FieldMatch.Optional(value=b"\5"))]
    )
    assert [param.type for param in key] == [
        BmMatchParamType.TERNARY,
        BmMatchParamType.LPM,
        BmMatchParamType.RANGE,
        BmMatchParamType.TERNARY,
    ]
    assert (key[3].ternary.key, key[3].ternary.mask) == (b"\5", b"\xff")


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0)), min_size=1, max_size=4))
def test_members_of_value_sets_go_there_and_back(fields: list[tuple[int, int]]) -> None:
    declared = [p4i.MatchField(id=n, bitwidth=bits) for n, (bits, _) in enumerate(fields, 1)]
    values = [value % (1 << bits) for bits, value in fields]
    member = p4r.ValueSetMember()
    for n, value in enumerate(values, 1):
        packed = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
        member.match.append(p4r.FieldMatch(field_id=n, exact=p4r.FieldMatch.Exact(value=packed)))
    packed = member_bytes(declared, member)
    assert len(packed) == -(-sum(bits for bits, _ in fields) // 8)
    assert member_of(declared, packed) == member


def test_everything_that_is_written_is_read_again(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    written = everything(state.p4info)
    translation = Translator(state.p4info, state.p4info).translate(written)
    assert not translation.left
    bench.target.write_entities(translation.updates)
    read, wanted = text_of(bench.target.read_entities()), text_of(written)
    assert [text for text in read if text in wanted] == wanted
    assert all("is_default_action" in text for text in read if text not in wanted)  # the program's own


def test_members_and_groups_of_others_get_numbers(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    for entity in everything(state.p4info)[:2]:
        bench.target.write_entities([p4r.Update(type=p4r.Update.INSERT, entity=entity)])
    with Bmv2Target(bench.served.address) as other:
        member, group = (e for e in other.read_entities() if not e.HasField("table_entry"))
    assert group.action_profile_group.members[0].member_id == member.action_profile_member.member_id > 0


def test_entries_are_changed_and_deleted_by_their_key(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    entity = everything(state.p4info)[5]
    bench.target.write_entities([p4r.Update(type=p4r.Update.INSERT, entity=entity)])
    with pytest.raises(TargetError, match=r"writing an entry of MyIngress\.ternaries: bmv2 says DUPLICATE_ENTRY"):
        bench.target.write_entities([p4r.Update(type=p4r.Update.INSERT, entity=entity)])
    entity.table_entry.action.action.params[0].value = b"\7"
    bench.target.write_entities([p4r.Update(type=p4r.Update.MODIFY, entity=entity)])
    ternaries = bench.served.forwarding.pipeline.tables["MyIngress.ternaries"]
    assert [entry.params for entry in ternaries.entries()] == [(7,)]
    bench.target.write_entities([p4r.Update(type=p4r.Update.DELETE, entity=entity)])
    assert not ternaries.entries()


def test_multicast_groups_and_entries_of_the_chained_program(bench: Bench, chained: InstalledProgram) -> None:
    bench.target.install(chained)
    wanted = updates(load_entries(nfs.entries_path(nfs.program_path("chained")), chained.p4info))
    bench.target.write_entities(wanted)
    groups = [u.entity.packet_replication_engine_entry.multicast_group_entry for u in wanted]
    (replicas,) = (group.replicas for group in groups if group.multicast_group_id == 1)
    assert replicas and sorted(bench.served.groups[1]) == sorted(
        (replica.instance, int.from_bytes(replica.port, "big")) for replica in replicas
    )
    inserted = [u.entity for u in wanted if u.entity.HasField("table_entry") and u.type == p4r.Update.INSERT]
    read = [e for e in bench.target.read_entities() if not e.table_entry.is_default_action]
    assert text_of(read) == text_of(inserted)
    with pytest.raises(TargetError, match="it exists already"):
        bench.target.write_entities(wanted[:1])
