"""Arrays, action profiles, multicast and mirroring by Thrift, and the state as a whole."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bm_runtime.simple_pre_lag.ttypes import InvalidMcOperation, McOperationErrorCode
from bm_runtime.standard.ttypes import (
    BmActionEntryType,
    BmCounterValue,
    BmMeterRateConfig,
    InvalidCounterOperation,
    InvalidMeterOperation,
    InvalidParseVSetOperation,
    InvalidRegisterOperation,
    MeterOperationErrorCode,
    RegisterOperationErrorCode,
)
from finsy.proto import p4r
from sswitch_runtime.ttypes import InvalidMirroringOperation, MirroringSessionConfig

from softswitch.server.errors import Refused
from tests.state4_programs import request
from tests.switch.compat.thrift.bench import ANY, ThriftBench, exact, thrift_bench
from tests.switch.compat.thrift.test_entries import TO, refusal

WAYS, CHOSEN = "MyIngress.ways", "MyIngress.chosen"


def _code(kind: type[Exception], names: Any, call: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(kind) as caught:
        call(*arguments)
    return str(names._VALUES_TO_NAMES[caught.value.code])  # type: ignore[attr-defined]


# ---- arrays ----


def test_registers_of_all_widths(bench: ThriftBench) -> None:
    call, registers = bench.standard, bench.device.target().pipeline.registers
    call.bm_register_write(0, "MyIngress.small", 99, 0x12345)
    assert registers["MyIngress.small"].read_cell(99) == 0x2345  # bits that it has no room for are cut off
    call.bm_register_write_range(0, "MyIngress.small", 1, 4, 7)
    assert call.bm_register_read_all(0, "MyIngress.small") == [0, 7, 7, 7, *[0] * 95, 0x2345]
    for name in ("MyIngress.large", "MyIngress.wide"):
        call.bm_register_write(0, name, 1, -1)
        assert registers[name].read_cell(1) == (1 << registers[name].info.width) - 1
        assert call.bm_register_read(0, name, 1) == (1 << 63) - 1  # as bmv2 shows what Thrift cannot carry
        assert call.bm_register_read_all(0, name) == [0, (1 << 63) - 1, 0, 0]
        call.bm_register_write(0, name, 2, 1 << 40)
        assert call.bm_register_read(0, name, 2) == 1 << 40
    call.bm_register_write(0, "MyIngress.signed_ones", 0, -3)
    assert registers["MyIngress.signed_ones"].read_cell(0) == 253
    call.bm_register_reset(0, "MyIngress.small")
    assert not registers["MyIngress.small"].read().any()


def test_wrong_cells(bench: ThriftBench) -> None:
    call, kind = bench.standard, InvalidRegisterOperation
    names: Any = RegisterOperationErrorCode
    for arguments in (("MyIngress.small", 100), ("MyIngress.small", -1)):
        assert _code(kind, names, call.bm_register_read, 0, *arguments) == "INVALID_INDEX"
        assert _code(kind, names, call.bm_register_write, 0, *arguments, 1) == "INVALID_INDEX"
    for start, end in ((0, 101), (5, 4), (-1, 4)):
        assert _code(kind, names, call.bm_register_write_range, 0, "MyIngress.small", start, end, 1) == "INVALID_INDEX"
    assert _code(kind, names, call.bm_register_read_all, 0, "none") == "INVALID_REGISTER_NAME"
    assert _code(kind, names, call.bm_register_read, 3, "MyIngress.small", 0) == "ERROR"


def test_counters_and_meters(bench: ThriftBench) -> None:
    call = bench.standard
    call.bm_counter_write(0, "MyIngress.seen", 3, BmCounterValue(bytes=-1, packets=7))
    assert call.bm_counter_read(0, "MyIngress.seen", 3) == BmCounterValue(bytes=-1, packets=7)
    assert bench.device.target().pipeline.counters["MyIngress.seen"].read_cell(3) == (7, (1 << 64) - 1)
    call.bm_counter_reset_all(0, "MyIngress.seen")
    assert call.bm_counter_read(0, "MyIngress.seen", 3).packets == 0
    with pytest.raises(InvalidCounterOperation):
        call.bm_counter_read(0, "MyIngress.seen", 8)
    rates = [BmMeterRateConfig(0.0005, 100), BmMeterRateConfig(0.001, 200)]
    call.bm_meter_set_rates(0, "MyIngress.rate", 1, rates)
    assert call.bm_meter_get_rates(0, "MyIngress.rate", 1) == rates
    assert call.bm_meter_get_rates(0, "MyIngress.rate", 0) == []  # nobody has configured it
    entry = p4r.MeterEntry(meter_id=bench.id("rate"), index=p4r.Index(index=1))
    (found,) = bench.p4runtime_read(p4r.Entity(meter_entry=entry))
    assert (found.meter_entry.config.cir, found.meter_entry.config.pir) == (500, 1000)
    call.bm_meter_array_set_rates(0, "MyIngress.rate", rates)
    assert all(call.bm_meter_get_rates(0, "MyIngress.rate", index) == rates for index in range(3))


@pytest.mark.parametrize(
    ("rates", "code"),
    [
        ([(0.1, 1)], "BAD_RATES_LIST"),
        ([(0.2, 1), (0.1, 1)], "INVALID_INFO_RATE_VALUE"),
        ([(float("nan"), 1), (0.1, 1)], "INVALID_INFO_RATE_VALUE"),
        ([(float("inf"), 1), (float("inf"), 1)], "INVALID_INFO_RATE_VALUE"),
        ([(-0.1, 1), (0.1, 1)], "INVALID_INFO_RATE_VALUE"),
        ([(0.1, -1), (0.1, 1)], "INVALID_BURST_SIZE_VALUE"),
    ],
)
def test_rates_that_cannot_be(bench: ThriftBench, rates: list[tuple[float, int]], code: str) -> None:
    given = [BmMeterRateConfig(rate, burst) for rate, burst in rates]
    call = bench.standard.bm_meter_set_rates
    assert _code(InvalidMeterOperation, MeterOperationErrorCode, call, 0, "MyIngress.rate", 0, given) == code


def test_value_sets_that_are_not_there(bench: ThriftBench) -> None:
    for call in (bench.standard.bm_parse_vset_get, bench.standard.bm_parse_vset_clear):
        with pytest.raises(InvalidParseVSetOperation):
            call(0, "none")


# ---- action profiles ----


def test_members_and_groups_and_who_uses_them(bench: ThriftBench) -> None:
    call = bench.standard
    assert [call.bm_mt_act_prof_add_member(0, WAYS, TO, [bytes([port])]) for port in (2, 3)] == [0, 1]
    assert call.bm_mt_act_prof_create_group(0, WAYS) == 0
    ws_add = call.bm_mt_indirect_ws_add_entry
    assert refusal(ws_add, 0, CHOSEN, [exact(0)], 0, ANY) == "EMPTY_GRP"
    assert refusal(ws_add, 0, CHOSEN, [exact(0)], 5, ANY) == "INVALID_GRP_HANDLE"
    call.bm_mt_act_prof_add_member_to_group(0, WAYS, 1, 0)
    assert refusal(call.bm_mt_act_prof_add_member_to_group, 0, WAYS, 1, 0) == "MBR_ALREADY_IN_GRP"
    assert refusal(call.bm_mt_act_prof_remove_member_from_group, 0, WAYS, 0, 0) == "MBR_NOT_IN_GRP"
    assert refusal(call.bm_mt_act_prof_add_member_to_group, 0, WAYS, 9, 0) == "INVALID_MBR_HANDLE"
    handle = ws_add(0, CHOSEN, [exact(0)], 0, ANY)
    assert [port for port, _ in bench.device.switch.inject(1, request())] == [3]
    assert call.bm_mt_get_entry(0, CHOSEN, handle).action_entry.grp_handle == 0
    call.bm_mt_indirect_modify_entry(0, CHOSEN, handle, 0)
    assert [port for port, _ in bench.device.switch.inject(1, request())] == [2]
    action = call.bm_mt_get_entry(0, CHOSEN, handle).action_entry
    assert (action.action_type, action.mbr_handle) == (BmActionEntryType.MBR_HANDLE, 0)
    for member in (0, 1):
        assert refusal(call.bm_mt_act_prof_delete_member, 0, WAYS, member) == "MBR_STILL_USED"
    call.bm_mt_indirect_delete_entry(0, CHOSEN, handle)
    call.bm_mt_act_prof_delete_member(0, WAYS, 0)
    call.bm_mt_act_prof_delete_group(0, WAYS, 0)
    assert [member.mbr_handle for member in call.bm_mt_act_prof_get_members(0, WAYS)] == [1]
    assert call.bm_mt_act_prof_get_groups(0, WAYS) == []
    assert call.bm_mt_act_prof_add_member(0, WAYS, TO, [b"\4"]) == 0
    assert refusal(call.bm_mt_act_prof_add_member, 0, "none", TO, [b"\4"]) == "INVALID_ACTION_PROFILE_NAME"


def test_a_member_or_group_takes_the_place_of_the_default_action(bench: ThriftBench) -> None:
    call, inject = bench.standard, bench.device.switch.inject
    for port in (2, 3):
        call.bm_mt_act_prof_add_member(0, WAYS, TO, [bytes([port])])
    call.bm_mt_act_prof_create_group(0, WAYS)
    call.bm_mt_indirect_set_default_member(0, CHOSEN, 1)
    assert [port for port, _ in inject(1, request())] == [3]
    found = call.bm_mt_get_default_entry(0, CHOSEN)
    assert (found.action_type, found.mbr_handle) == (BmActionEntryType.MBR_HANDLE, 1)
    assert refusal(call.bm_mt_act_prof_delete_member, 0, WAYS, 1) == "MBR_STILL_USED"
    call.bm_mt_act_prof_modify_member(0, WAYS, 1, TO, [b"\4"])
    assert [port for port, _ in inject(1, request())] == [4]
    call.bm_mt_indirect_ws_set_default_group(0, CHOSEN, 0)  # empty yet: then nothing is done
    call.bm_mt_act_prof_delete_member(0, WAYS, 1)
    assert call.bm_mt_get_default_entry(0, CHOSEN).grp_handle == 0
    nothing = inject(1, request())
    call.bm_mt_act_prof_add_member_to_group(0, WAYS, 0, 0)
    assert [port for port, _ in inject(1, request())] == [2]
    assert refusal(call.bm_mt_act_prof_delete_group, 0, WAYS, 0) == "GRP_STILL_USED"
    call.bm_mt_indirect_reset_default_entry(0, CHOSEN)
    assert inject(1, request()) == nothing
    assert call.bm_mt_get_default_entry(0, CHOSEN).action_type == BmActionEntryType.NONE
    call.bm_mt_act_prof_delete_group(0, WAYS, 0)


def test_defaults_that_cannot_be(bench: ThriftBench) -> None:
    call = bench.standard
    assert refusal(call.bm_mt_indirect_set_default_member, 0, CHOSEN, 5) == "INVALID_MBR_HANDLE"
    assert refusal(call.bm_mt_indirect_ws_set_default_group, 0, CHOSEN, 5) == "INVALID_GRP_HANDLE"
    assert refusal(call.bm_mt_indirect_set_default_member, 0, "MyIngress.exacts", 0) == "WRONG_TABLE_TYPE"
    assert refusal(call.bm_mt_indirect_reset_default_entry, 0, "MyIngress.exacts") == "WRONG_TABLE_TYPE"


def test_a_default_member_is_cleared_and_reset_with_the_rest(bench: ThriftBench) -> None:
    call = bench.standard
    for reset in (lambda: call.bm_mt_clear_entries(0, CHOSEN, True), call.bm_reset_state):
        call.bm_mt_act_prof_add_member(0, WAYS, TO, [b"\3"])
        call.bm_mt_indirect_set_default_member(0, CHOSEN, 0)
        call.bm_mt_clear_entries(0, CHOSEN, False)
        assert call.bm_mt_get_default_entry(0, CHOSEN).action_type == BmActionEntryType.MBR_HANDLE
        reset()
        assert call.bm_mt_get_default_entry(0, CHOSEN).action_type == BmActionEntryType.NONE
        for member in call.bm_mt_act_prof_get_members(0, WAYS):
            call.bm_mt_act_prof_delete_member(0, WAYS, member.mbr_handle)


def test_p4runtime_reads_writes_and_keeps_a_default_member(bench: ThriftBench) -> None:
    bench.become_primary()
    bench.standard.bm_mt_act_prof_add_member(0, WAYS, TO, [b"\3"])
    wanted = p4r.Entity(table_entry=p4r.TableEntry(table_id=bench.id("chosen"), is_default_action=True))
    (own,) = bench.p4runtime_read(wanted)
    assert own.table_entry.is_const and own.table_entry.action.HasField("action")
    bench.standard.bm_mt_indirect_set_default_member(0, CHOSEN, 0)
    (found,) = bench.p4runtime_read(wanted)
    assert not found.table_entry.is_const and found.table_entry.action.action_profile_member_id == 1
    change = p4r.SetForwardingPipelineConfigRequest(
        device_id=1, action=p4r.SetForwardingPipelineConfigRequest.RECONCILE_AND_COMMIT
    )
    change.election_id.low = 1
    assert bench.device.active is not None
    change.config.p4_device_config = bench.device.active.device_config
    bench.device.set_config(change)
    assert bench.p4runtime_read(wanted) == [found]
    bench.p4runtime_write(p4r.Update(type=p4r.Update.MODIFY, entity=wanted))  # without an action: the program's own
    assert bench.p4runtime_read(wanted) == [own]
    bench.p4runtime_write(p4r.Update(type=p4r.Update.MODIFY, entity=found))
    assert bench.p4runtime_read(wanted) == [found]
    with pytest.raises(Refused, match="the action of its default entry is const"):
        wanted.table_entry.action.CopyFrom(own.table_entry.action)
        bench.p4runtime_write(p4r.Update(type=p4r.Update.MODIFY, entity=wanted))
    found.table_entry.action.action_profile_member_id = 77
    with pytest.raises(Refused, match="no member 77"):
        bench.p4runtime_write(p4r.Update(type=p4r.Update.MODIFY, entity=found))


def test_members_of_p4runtime_have_handles(bench: ThriftBench) -> None:
    bench.become_primary()
    member = p4r.ActionProfileMember(action_profile_id=bench.id("ways"), member_id=70)
    member.action.action_id = bench.id("to")
    member.action.params.add(param_id=1, value=b"\3")
    bench.p4runtime_write(p4r.Update(type=p4r.Update.INSERT, entity=p4r.Entity(action_profile_member=member)))
    (found,) = bench.standard.bm_mt_act_prof_get_members(0, WAYS)
    assert (found.mbr_handle, found.action_name, found.action_data) == (0, TO, [b"\3"])
    bench.standard.bm_mt_act_prof_modify_member(0, WAYS, 0, TO, [b"\4"])
    (entity,) = bench.p4runtime_read(p4r.Entity(action_profile_member=member))
    assert entity.action_profile_member.member_id == 70
    assert entity.action_profile_member.action.params[0].value == b"\4"


# ---- multicast and mirroring ----


def _tree(bench: ThriftBench) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bench.tree.bm_mc_get_entries(0))
    return found


def _replicas(bench: ThriftBench, group: int) -> list[tuple[int, int]]:
    groups = {one.id: one.replicas for one in bench.device.switch.multicast_groups()}
    return [(replica.port, replica.instance) for replica in groups[group]]


def test_a_group_sends_to_the_ports_of_its_nodes(bench: ThriftBench) -> None:
    tree = bench.tree
    assert tree.bm_mc_mgrp_create(0, 5) == 5
    assert [tree.bm_mc_node_create(0, *node) for node in ((0, "110", ""), (7, "1000", "1"))] == [0, 1]
    assert _replicas(bench, 5) == []
    for node in (1, 0):
        tree.bm_mc_node_associate(0, 5, node)
    assert _replicas(bench, 5) == [(3, 7), (1, 0), (2, 0)]
    tree.bm_mc_set_lag_membership(0, 0, "10000")
    assert _replicas(bench, 5) == [(3, 7), (4, 7), (1, 0), (2, 0)]
    tree.bm_mc_node_update(0, 0, "10", "")
    assert _replicas(bench, 5) == [(3, 7), (4, 7), (1, 0)]
    assert _tree(bench)["mgrps"] == [{"id": 5, "l1_handles": [1, 0]}]
    tree.bm_mc_node_dissociate(0, 5, 1)
    tree.bm_mc_node_destroy(0, 0)
    assert _replicas(bench, 5) == []
    assert tree.bm_mc_node_create(0, 1, "1", "") == 0
    tree.bm_mc_mgrp_destroy(0, 5)
    assert bench.device.switch.multicast_groups() == []


def test_wrong_nodes(bench: ThriftBench) -> None:
    tree, names = bench.tree, McOperationErrorCode
    kind = InvalidMcOperation
    tree.bm_mc_mgrp_create(0, 5)
    tree.bm_mc_node_create(0, 1, "1", "")
    assert _code(kind, names, tree.bm_mc_node_associate, 0, 5, 9) == "INVALID_L1_HANDLE"
    assert _code(kind, names, tree.bm_mc_node_associate, 0, 6, 0) == "INVALID_MGRP_HANDLE"
    tree.bm_mc_node_associate(0, 5, 0)
    assert _code(kind, names, tree.bm_mc_node_associate, 0, 5, 0) == "ERROR"
    assert _code(kind, names, tree.bm_mc_node_create, 0, 1, "12", "") == "ERROR"
    assert _code(kind, names, tree.bm_mc_node_create, 0, 1, "1" * 513, "") == "ERROR"
    assert _code(kind, names, tree.bm_mc_set_lag_membership, 0, 256, "1") == "ERROR"
    assert _code(kind, names, tree.bm_mc_mgrp_create, 0, -1) == "INVALID_MGID"


def test_a_group_of_p4runtime_is_a_tree_too(bench: ThriftBench) -> None:
    bench.become_primary()
    update = p4r.Update(type=p4r.Update.INSERT)
    group = update.entity.packet_replication_engine_entry.multicast_group_entry
    group.multicast_group_id = 8
    for port, instance in ((4, 1), (2, 1), (3, 2)):
        group.replicas.add(port=bytes([port]), instance=instance)
    bench.p4runtime_write(update)
    found = _tree(bench)
    assert found["mgrps"] == [{"id": 8, "l1_handles": [0, 1]}]
    assert [leaf["ports"] for leaf in found["l2_handles"]] == [[2, 4], [3]]
    assert _replicas(bench, 8) == [(4, 1), (2, 1), (3, 2)]  # only looked at
    bench.tree.bm_mc_node_destroy(0, 1)
    (read,) = bench.p4runtime_read(update.entity)
    replicas = read.packet_replication_engine_entry.multicast_group_entry.replicas
    assert [(replica.port, replica.instance) for replica in replicas] == [(b"\2", 1), (b"\4", 1)]
    update.type = p4r.Update.DELETE
    bench.p4runtime_write(update)
    assert _tree(bench)["mgrps"] == []


def test_mirror_sessions_to_a_port_and_to_a_group(bench: ThriftBench) -> None:
    simple, tree = bench.simple, bench.tree

    def sends_to(session: int) -> list[tuple[int, int]]:
        sessions = {one.id: one.replicas for one in bench.device.switch.clone_sessions()}
        return [(replica.port, replica.instance) for replica in sessions[session]]

    simple.mirroring_session_add(100, MirroringSessionConfig(port=3))
    assert sends_to(100) == [(3, 0)] and simple.mirroring_session_get(100).port == 3
    simple.mirroring_session_add(101, MirroringSessionConfig(port=1, mgid=5))
    assert sends_to(101) == [(1, 0)]  # the group will come
    tree.bm_mc_mgrp_create(0, 5)
    tree.bm_mc_node_associate(0, 5, tree.bm_mc_node_create(0, 9, "110", ""))
    assert sends_to(101) == [(1, 0), (1, 9), (2, 9)]
    assert simple.mirroring_session_get(101) == MirroringSessionConfig(port=1, mgid=5)
    tree.bm_mc_mgrp_destroy(0, 5)
    assert sends_to(101) == [(1, 0)]
    simple.mirroring_session_delete(100)
    with pytest.raises(InvalidMirroringOperation):
        simple.mirroring_session_get(100)
    with pytest.raises(InvalidMirroringOperation):
        simple.mirroring_session_delete(100)
    assert simple.mirroring_mapping_get_egress_port(100) == -1
    with pytest.raises(Exception, match="mirror session 32768"):
        simple.mirroring_session_add(1 << 15, MirroringSessionConfig(port=3))


def test_a_session_that_p4runtime_rewrites_leaves_its_group(bench: ThriftBench) -> None:
    bench.tree.bm_mc_mgrp_create(0, 5)
    bench.simple.mirroring_session_add(7, MirroringSessionConfig(mgid=5))
    bench.become_primary()
    update = p4r.Update(type=p4r.Update.MODIFY)
    session = update.entity.packet_replication_engine_entry.clone_session_entry
    session.session_id = 7
    session.replicas.add(port=b"\2", instance=1)
    bench.p4runtime_write(update)
    bench.tree.bm_mc_node_associate(0, 5, bench.tree.bm_mc_node_create(0, 9, "110", ""))
    assert [tuple(one.replicas) for one in bench.device.switch.clone_sessions()] == [((2, 1, ()),)]
    assert bench.simple.mirroring_session_get(7) == MirroringSessionConfig(port=2)


# ---- as a whole ----


def test_a_reset_leaves_the_program_as_it_was_loaded(bench: ThriftBench) -> None:
    call = bench.standard
    call.bm_mt_add_entry(0, "MyIngress.exacts", [exact(7)], "MyIngress.paced", [b"\3"], ANY)
    call.bm_register_write(0, "MyIngress.small", 3, 7)
    call.bm_counter_write(0, "MyIngress.seen", 3, BmCounterValue(bytes=1, packets=7))
    call.bm_mt_set_default_action(0, "MyIngress.ternaries", TO, [b"\3"])
    call.bm_mt_act_prof_add_member(0, WAYS, TO, [b"\3"])
    bench.tree.bm_mc_mgrp_create(0, 5)
    bench.simple.mirroring_session_add(7, MirroringSessionConfig(port=3))
    call.bm_reset_state()
    assert call.bm_mt_get_num_entries(0, "MyIngress.exacts") == 0
    assert call.bm_register_read(0, "MyIngress.small", 3) == 0
    assert call.bm_counter_read(0, "MyIngress.seen", 3).packets == 0
    assert call.bm_mt_get_default_entry(0, "MyIngress.ternaries").action_name == "NoAction"
    assert call.bm_mt_act_prof_get_members(0, WAYS) == [] and _tree(bench)["mgrps"] == []
    assert bench.simple.mirroring_session_get(7).port == 3  # as in bmv2
    assert call.bm_mt_add_entry(0, "MyIngress.exacts", [exact(7)], "MyIngress.paced", [b"\3"], ANY) == 1 << 24


def test_the_whole_state_as_one_text(bench: ThriftBench) -> None:
    call = bench.standard
    call.bm_mt_add_entry(0, "MyIngress.exacts", [exact(7)], "MyIngress.paced", [b"\3"], ANY)
    call.bm_register_write(0, "MyIngress.small", 3, 7)
    state = json.loads(call.bm_serialize_state())
    assert state["config_md5"] == call.bm_get_config_md5().hex()
    kinds = {kind for entity in state["entities"] for kind in entity}
    assert {"tableEntry", "counterEntry", "meterEntry"} <= kinds
    cells = base64.b64decode(state["registers"]["MyIngress.small"]["cells"])
    assert int.from_bytes(cells[6:8], "little") == 7


def test_values_of_a_parser_value_set(tmp_path: Path) -> None:
    text = Path(__file__).parents[2].joinpath("programs", "everything.p4").read_text()
    with thrift_bench(tmp_path, text, whole=True) as bench:
        call, (name,) = bench.standard, bench.device.target().pipeline.value_sets
        assert call.bm_parse_vset_get(0, name) == []
        for value in (b"\x12\x34", b"\x00\x05", b"\x12\x34"):  # bmv2 does not mind one twice
            call.bm_parse_vset_add(0, name, value)
        assert call.bm_parse_vset_get(0, name) == [b"\x12\x34", b"\x00\x05"]
        call.bm_parse_vset_remove(0, name, b"\x12\x34")
        call.bm_parse_vset_remove(0, name, b"\x99\x99")
        assert call.bm_parse_vset_get(0, name) == [b"\x00\x05"]
        with pytest.raises(InvalidParseVSetOperation):
            call.bm_parse_vset_add(0, name, b"\1\0\0")
        call.bm_parse_vset_clear(0, name)
        assert call.bm_parse_vset_get(0, name) == []
