"""Tables by Thrift: handles, errors, and the view of P4Runtime clients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bm_runtime.standard.ttypes import (
    BmActionEntryType,
    BmAddEntryOptions,
    BmCounterValue,
    BmMatchParam,
    BmMatchParamLPM,
    BmMatchParamTernary,
    BmMatchParamType,
    BmMeterRateConfig,
    InvalidTableOperation,
    TableOperationErrorCode,
)
from finsy.proto import p4r, stratum
from hypothesis import given
from hypothesis import strategies as st
from sswitch_runtime.ttypes import MirroringSessionConfig

from softswitch.compat.thrift.handles import EntryHandles, IdHandles
from softswitch.dataplane.entries import Entry, EntryState, Exact
from softswitch.server.device.arbitration import Client
from softswitch.server.device.changes import Change
from softswitch.server.device.fence import Fence
from tests.state4_programs import request
from tests.switch.compat.thrift.bench import ANY, ThriftBench, exact, ternaries, thrift_bench

EXACTS, TERNARIES = "MyIngress.exacts", "MyIngress.ternaries"
PACED, TO = "MyIngress.paced", "MyIngress.to"


def refusal(call: Callable[..., Any], *arguments: Any) -> str:
    """The name of the code with which a call on tables is refused."""
    with pytest.raises(InvalidTableOperation) as caught:
        call(*arguments)
    return str(TableOperationErrorCode._VALUES_TO_NAMES[caught.value.code])


def add(bench: ThriftBench, value: int, port: int = 3) -> int:
    return int(bench.standard.bm_mt_add_entry(0, EXACTS, [exact(value)], PACED, [bytes([0, port])], ANY))


def test_a_packet_meets_the_entry_and_p4runtime_reads_it(bench: ThriftBench) -> None:
    handle = bench.standard.bm_mt_add_entry(
        0, TERNARIES, ternaries(7, 0xFF), TO, [b"\0\3"], BmAddEntryOptions(priority=10)
    )
    assert [port for port, _ in bench.device.switch.inject(1, request(value=7))] == [3]
    table = p4r.Entity(table_entry=p4r.TableEntry(table_id=bench.id("ternaries")))
    (found,) = bench.p4runtime_read(table)
    assert found.table_entry.priority == (1 << 31) - 1 - 10
    assert found.table_entry.match[0].ternary.value == b"\7"
    bench.standard.bm_mt_modify_entry(0, TERNARIES, handle, TO, [b"\0\4"])
    assert [port for port, _ in bench.device.switch.inject(1, request(value=7))] == [4]
    bench.standard.bm_mt_delete_entry(0, TERNARIES, handle)
    assert not bench.p4runtime_read(table)


def test_the_smaller_priority_wins(bench: ThriftBench) -> None:
    for priority, port in ((5, 3), (4, 4), (6, 2)):
        options = BmAddEntryOptions(priority=priority)
        bench.standard.bm_mt_add_entry(0, TERNARIES, ternaries(), TO, [bytes([port])], options)
    assert [port for port, _ in bench.device.switch.inject(1, request())] == [4]
    row = bench.standard.bm_mt_get_entry_from_key(0, TERNARIES, ternaries(), BmAddEntryOptions(priority=6))
    assert (row.entry_handle, row.options.priority, row.action_entry.action_data) == (2, 6, [b"\2"])


def test_a_handle_is_the_smallest_free_index_and_says_how_often_it_was_freed(bench: ThriftBench) -> None:
    assert [add(bench, value) for value in (7, 8, 9)] == [0, 1, 2]
    for handle in (1, 0):
        bench.standard.bm_mt_delete_entry(0, EXACTS, handle)
    assert [add(bench, value) for value in (10, 11, 12)] == [1 << 24, 1 << 24 | 1, 3]
    rows = bench.standard.bm_mt_get_entries(0, EXACTS)
    assert [(row.entry_handle, row.match_key[0].exact.key) for row in rows] == [
        (1 << 24, b"\x0a"),
        (1 << 24 | 1, b"\x0b"),
        (2, b"\x09"),
        (3, b"\x0c"),
    ]
    assert {row.options.priority for row in rows} == {-1}
    delete = bench.standard.bm_mt_delete_entry
    assert (refusal(delete, 0, EXACTS, 0), refusal(delete, 0, EXACTS, 77)) == ("EXPIRED_HANDLE", "INVALID_HANDLE")


def test_entries_of_p4runtime_have_handles_and_keep_them(bench: ThriftBench) -> None:
    add(bench, 7)
    bench.become_primary()
    entry = p4r.TableEntry(table_id=bench.id("exacts"))
    entry.match.add(field_id=1).exact.value = b"\x08"
    entry.action.action.action_id = bench.id("paced")
    entry.action.action.params.add(param_id=1, value=b"\4")
    bench.p4runtime_write(p4r.Update(type=p4r.Update.INSERT, entity=p4r.Entity(table_entry=entry)))
    assert [add(bench, 9), add(bench, 10)] == [2, 3]
    assert bench.standard.bm_mt_get_entry(0, EXACTS, 1).match_key == [exact(8)]
    bench.p4runtime_write(p4r.Update(type=p4r.Update.DELETE, entity=p4r.Entity(table_entry=entry)))
    assert refusal(bench.standard.bm_mt_get_entry, 0, EXACTS, 1) == "INVALID_HANDLE"
    assert add(bench, 11) == 1 << 24 | 1


def test_entries_that_a_change_of_program_keeps_have_the_same_handles(bench: ThriftBench) -> None:
    assert [add(bench, value) for value in (7, 8, 9)] == [0, 1, 2]
    bench.standard.bm_mt_delete_entry(0, EXACTS, 0)
    bench.become_primary()
    change = p4r.SetForwardingPipelineConfigRequest(
        device_id=1, action=p4r.SetForwardingPipelineConfigRequest.RECONCILE_AND_COMMIT
    )
    change.election_id.low = 1
    assert bench.device.active is not None
    change.config.p4_device_config = bench.device.active.device_config
    before = bench.device.active
    bench.device.set_config(change)
    assert bench.device.active is not before
    assert [row.entry_handle for row in bench.standard.bm_mt_get_entries(0, EXACTS)] == [1, 2]
    assert add(bench, 10) == 1 << 24


def test_what_thrift_writes_is_noted_for_a_change_of_program(bench: ThriftBench) -> None:
    bench.become_primary()
    assert bench.device.active is not None
    change = Change(Fence("", 1), bench.device.active)
    bench.device.changes.begin(change, lambda _: True)
    handle = add(bench, 7)
    bench.standard.bm_mt_set_meter_rates(0, EXACTS, handle, [BmMeterRateConfig(0.1, 1), BmMeterRateConfig(0.2, 2)])
    bench.standard.bm_register_write(0, "MyIngress.small", 5, 1)
    bench.standard.bm_register_write_range(0, "MyIngress.small", 5, 9, 1)
    bench.standard.bm_mt_act_prof_add_member(0, "MyIngress.ways", TO, [b"\3"])
    bench.tree.bm_mc_mgrp_create(0, 4)
    bench.simple.mirroring_session_add(9, MirroringSessionConfig(port=2))
    keys, overflow = change.take()
    assert [key.WhichOneof("entity") for key in keys] == [
        "table_entry",
        "register_entry",
        "register_entry",
        "action_profile_member",
        "packet_replication_engine_entry",
        "packet_replication_engine_entry",
    ]
    assert not overflow and [key.register_entry.HasField("index") for key in keys[1:3]] == [True, False]
    bench.standard.bm_reset_state()
    assert change.take()[1]  # more than can be named


def test_a_role_keeps_what_it_has_for_itself(bench: ThriftBench) -> None:
    update = p4r.MasterArbitrationUpdate(device_id=1)
    update.election_id.low, update.role.name = 1, "fabric"
    update.role.config.Pack(stratum.P4RoleConfig(exclusive_p4_ids=[bench.id("exacts"), bench.id("small")]))
    bench.device.arbitration.update(Client(send=lambda _: None), update)
    assert refusal(add, bench, 7) == "ERROR"
    with pytest.raises(Exception, match="InvalidRegisterOperation"):
        bench.standard.bm_register_write(0, "MyIngress.small", 5, 1)
    with pytest.raises(Exception, match="'fabric' has exclusive access to object"):
        bench.standard.bm_reset_state()
    bench.standard.bm_register_write(0, "MyIngress.large", 1, 1)


def _lpm(length: int, value: bytes = b"\0\0") -> Any:
    return BmMatchParam(type=BmMatchParamType.LPM, lpm=BmMatchParamLPM(value, length))


def test_wrong_calls_get_bmv2s_codes(bench: ThriftBench) -> None:
    call = bench.standard
    add(bench, 7)
    key, data = [exact(8)], [b"\3"]
    assert refusal(call.bm_mt_add_entry, 0, "none", key, PACED, data, ANY) == "INVALID_TABLE_NAME"
    assert refusal(call.bm_mt_add_entry, 0, "MyIngress.chosen", key, TO, data, ANY) == "WRONG_TABLE_TYPE"
    assert refusal(call.bm_mt_indirect_add_entry, 0, EXACTS, key, 0, ANY) == "WRONG_TABLE_TYPE"
    assert refusal(call.bm_mt_add_entry, 0, EXACTS, key, TO, data, ANY) == "INVALID_ACTION_NAME"
    assert refusal(call.bm_mt_add_entry, 0, EXACTS, key, PACED, [], ANY) == "BAD_ACTION_DATA"
    assert refusal(call.bm_mt_add_entry, 0, EXACTS, [exact(8, 2)], PACED, data, ANY) == "BAD_MATCH_KEY"
    assert refusal(call.bm_mt_add_entry, 0, EXACTS, [], PACED, data, ANY) == "BAD_MATCH_KEY"
    assert refusal(call.bm_mt_add_entry, 0, EXACTS, [_lpm(3)], PACED, data, ANY) == "BAD_MATCH_KEY"
    assert refusal(call.bm_mt_add_entry, 0, EXACTS, [exact(7)], PACED, data, ANY) == "DUPLICATE_ENTRY"
    assert refusal(call.bm_mt_add_entry, 1, EXACTS, key, PACED, data, ANY) == "BAD_MATCH_KEY"
    assert refusal(call.bm_mt_get_entry_from_key, 0, EXACTS, key, ANY) == "BAD_MATCH_KEY"
    assert refusal(call.bm_mt_modify_entry, 0, EXACTS, 3, PACED, data) == "INVALID_HANDLE"
    assert refusal(call.bm_mt_set_entry_ttl, 0, EXACTS, 0, 100) == "AGEING_DISABLED"
    assert refusal(call.bm_mt_read_counter, 0, EXACTS, 0) == "COUNTERS_DISABLED"
    assert refusal(call.bm_mt_get_meter_rates, 0, TERNARIES, 0) == "METERS_DISABLED"
    for number in (-1, (1 << 31) - 1):
        options = BmAddEntryOptions(priority=number)
        assert refusal(call.bm_mt_add_entry, 0, TERNARIES, ternaries(), TO, data, options) == "ERROR"
    long = [*ternaries()[:1], _lpm(17), *ternaries()[2:]]
    assert refusal(call.bm_mt_add_entry, 0, TERNARIES, long, TO, data, ANY) == "BAD_MATCH_KEY"
    half = BmMatchParam(type=BmMatchParamType.TERNARY, ternary=BmMatchParamTernary(b"\1", b"\1"))
    assert refusal(call.bm_mt_add_entry, 0, TERNARIES, [*ternaries()[:3], half], TO, data, ANY) == "BAD_MATCH_KEY"
    empty = BmMatchParam(type=BmMatchParamType.EXACT)
    assert refusal(call.bm_mt_add_entry, 0, EXACTS, [empty], PACED, data, ANY) == "BAD_MATCH_KEY"
    assert len(call.bm_mt_get_entries(0, EXACTS)) == 1 and call.bm_mt_get_entries(0, "none") == []


def test_a_full_table_and_const_ones(tmp_path: Path) -> None:
    with thrift_bench(tmp_path, _SMALL) as bench:
        call = bench.standard
        for value in (1, 2):
            call.bm_mt_add_entry(0, "MyIngress.small", [exact(value)], TO, [b"\3"], ANY)
        assert refusal(call.bm_mt_add_entry, 0, "MyIngress.small", [exact(3)], TO, [b"\3"], ANY) == "TABLE_FULL"
        fixed = "MyIngress.fixed"
        assert refusal(call.bm_mt_add_entry, 0, fixed, [exact(3)], TO, [b"\3"], ANY) == "IMMUTABLE_TABLE_ENTRIES"
        assert refusal(call.bm_mt_delete_entry, 0, fixed, 0) == "IMMUTABLE_TABLE_ENTRIES"
        assert refusal(call.bm_mt_clear_entries, 0, fixed, True) == "IMMUTABLE_TABLE_ENTRIES"
        assert refusal(call.bm_mt_set_default_action, 0, fixed, TO, [b"\3"]) == "DEFAULT_ENTRY_IS_CONST"
        assert [row.entry_handle for row in call.bm_mt_get_entries(0, fixed)] == [0]
        newer = hasattr(TableOperationErrorCode, "NO_TABLE_KEY")  # bindings of bmv2 before 2023 lack it
        no_key = "NO_TABLE_KEY" if newer else "ERROR"
        assert refusal(call.bm_mt_add_entry, 0, "MyIngress.keyless", [], TO, [b"\3"], ANY) == no_key


_SMALL = """
control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    action to(bit<9> port) { standard_metadata.egress_spec = port; }
    table small { key = { hdr.request.op: exact; } actions = { to; NoAction; } size = 2; }
    table keyless { actions = { to; NoAction; } }
    table fixed {
        key = { hdr.request.op: exact; }
        actions = { to; NoAction; }
        const default_action = to(1);
        const entries = { 5: to(2); }
    }
    apply { small.apply(); keyless.apply(); fixed.apply(); }
}
"""


def test_default_actions(bench: ThriftBench) -> None:
    call = bench.standard
    call.bm_mt_set_default_action(0, TERNARIES, TO, [b"\2"])
    found = call.bm_mt_get_default_entry(0, TERNARIES)
    assert (found.action_type, found.action_name, found.action_data) == (BmActionEntryType.ACTION_DATA, TO, [b"\2"])
    assert [port for port, _ in bench.device.switch.inject(1, request())] == [2]
    assert call.bm_mt_get_entry_from_key(0, TERNARIES, [], ANY).action_entry == found
    call.bm_mt_reset_default_entry(0, TERNARIES)
    assert call.bm_mt_get_default_entry(0, TERNARIES).action_name == "NoAction"
    assert refusal(call.bm_mt_set_default_action, 0, TERNARIES, "none", []) == "INVALID_ACTION_NAME"
    assert call.bm_mt_get_default_entry(0, "MyIngress.chosen").action_type == BmActionEntryType.NONE


def test_a_change_of_an_entry_keeps_its_counter_meter_and_time_out(bench: ThriftBench) -> None:
    call = bench.standard
    handle = call.bm_mt_add_entry(0, TERNARIES, ternaries(), TO, [b"\2"], ANY)
    call.bm_mt_set_entry_ttl(0, TERNARIES, handle, 2500)
    call.bm_mt_write_counter(0, TERNARIES, handle, BmCounterValue(bytes=900, packets=9))
    call.bm_mt_modify_entry(0, TERNARIES, handle, TO, [b"\3"])
    assert call.bm_mt_read_counter(0, TERNARIES, handle) == BmCounterValue(bytes=900, packets=9)
    assert call.bm_mt_get_entry(0, TERNARIES, handle).life.timeout_ms == 2500
    call.bm_mt_reset_counters(0, TERNARIES)
    assert call.bm_mt_read_counter(0, TERNARIES, handle).packets == 0
    rates = [BmMeterRateConfig(0.25, 10), BmMeterRateConfig(0.5, 20)]
    handle = add(bench, 7)
    call.bm_mt_set_meter_rates(0, EXACTS, handle, rates)
    call.bm_mt_modify_entry(0, EXACTS, handle, PACED, [b"\2"])
    assert call.bm_mt_get_meter_rates(0, EXACTS, handle) == rates
    assert refusal(call.bm_mt_set_meter_rates, 0, EXACTS, handle, rates[:1]) == "ERROR"
    assert refusal(call.bm_mt_set_meter_rates, 0, EXACTS, handle, rates[::-1]) == "ERROR"


def test_a_table_is_cleared_with_and_without_its_default(bench: ThriftBench) -> None:
    call = bench.standard
    for value in (7, 8):
        add(bench, value)
    call.bm_mt_set_default_action(0, EXACTS, PACED, [b"\2"])
    call.bm_mt_clear_entries(0, EXACTS, False)
    assert call.bm_mt_get_num_entries(0, EXACTS) == 0
    assert call.bm_mt_get_default_entry(0, EXACTS).action_name == PACED
    call.bm_mt_clear_entries(0, EXACTS, True)
    assert call.bm_mt_get_default_entry(0, EXACTS).action_name == "NoAction"


class _Table:
    """A table from the handles' point of view."""

    def __init__(self) -> None:
        self.revision = 0
        self.keys: list[int] = []

    def states(self) -> list[EntryState]:
        return [EntryState(Entry((Exact(key),)), None, 0) for key in self.keys]  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 7)), max_size=40))
def test_handles_are_bmv2s_for_writes_of_all_clients(steps: list[tuple[bool, bool, int]]) -> None:
    """Compared with a list of slots with versions, as in bmv2; half of the writes come from other clients."""
    table, handles = _Table(), EntryHandles()
    slots: list[int | None] = []
    versions: dict[int, int] = {}
    for ours, adds, value in steps:
        key = ((Exact(value),), 0)
        handles.follow(table)  # type: ignore[arg-type]
        if adds == (value in table.keys):
            continue
        table.revision += 1
        if adds:
            table.keys.append(value)
            free = next((at for at, slot in enumerate(slots) if slot is None), len(slots))
            slots[free : free + 1] = [value]
            if ours:
                assert handles.added(table, key) == versions.get(free, 0) << 24 | free  # type: ignore[arg-type]
        else:
            table.keys.remove(value)
            at = slots.index(value)
            slots[at], versions[at] = None, versions.get(at, 0) + 1
            if ours:
                handles.removed(table, key)  # type: ignore[arg-type]
    handles.follow(table)  # type: ignore[arg-type]
    expected = [(versions.get(at, 0) << 24 | at, slot) for at, slot in enumerate(slots) if slot is not None]
    assert [(handle, key[0][0].value) for handle, key in handles.in_order()] == expected  # type: ignore[union-attr]


def test_a_version_wraps_and_makes_a_handle_negative() -> None:
    table, handles = _Table(), EntryHandles()
    key = ((Exact(1),), 0)
    seen = []
    for _ in range(257):
        handles.follow(table)  # type: ignore[arg-type]
        seen.append(handles.added(table, key))  # type: ignore[arg-type]
        assert handles.key(seen[-1]) == key
        handles.removed(table, key)  # type: ignore[arg-type]
    assert seen[127] == 127 << 24 and seen[128] == -(1 << 31) and seen[256] == 0


@given(st.lists(st.sets(st.integers(1, 9)), max_size=12))
def test_numbers_of_members_are_never_shared(rounds: list[set[int]]) -> None:
    handles = IdHandles()
    for ids in rounds:
        handles.follow(ids)
        assert sorted(number for _, number in handles.in_order()) == sorted(ids)
        assert all(handles.id(handle) == number for handle, number in handles.in_order())
        assert handles.unused_id() not in ids
