"""An operator's multicast groups and clone sessions, and which entities of the old program are carried at all."""

from __future__ import annotations

from typing import Any

import pytest
from finsy.proto import p4r

from softswitch.proto.update_kinds import DELETE, INSERT, MODIFY
from state4.errors import TargetError
from state4.plan.change import _is_empty
from state4.reconfigure import reconfigure
from state4.replication import Replication, ports_of, sessions_in
from state4.strategies import load_strategy
from tests.unit.state4.fake_switch import FakeSwitch, context_of, installed

TABLE = """
    action set(bit<8> v) { hdr.request.op = v; }
    table t {
        key = { hdr.request.op: exact; }
        actions = { set; NoAction; }
        default_action = set(5);
    }
    table fixed {
        key = { hdr.request.op: exact; }
        actions = { set; }
        const entries = { 1: set(1); }
    }
"""
INDIRECT = """
    action set(bit<8> v) { hdr.request.op = v; }
    table indirect {
        key = { hdr.request.op: exact; }
        actions = { set; NoAction; }
        implementation = action_selector(HashAlgorithm.crc16, 32w8, 32w8);
    }
"""
BODY = "t.apply(); fixed.apply();"
OLD = installed("register<bit<16>>(8) sums;", BODY + "sums.write(0, 1);", name="old", tables=TABLE)


def group(number: int, *ports: int, kind: Any = INSERT) -> p4r.Update:
    update = p4r.Update(type=kind)
    entry = update.entity.packet_replication_engine_entry.multicast_group_entry
    entry.multicast_group_id = number
    for instance, port in enumerate(ports):
        entry.replicas.add(egress_port=port, instance=instance)
    return update


def session(number: int, port: int, length: int = 0, kind: Any = INSERT) -> p4r.Update:
    update = p4r.Update(type=kind)
    entry = update.entity.packet_replication_engine_entry.clone_session_entry
    entry.session_id, entry.packet_length_bytes = number, length
    entry.replicas.add(egress_port=port)
    return update


def with_state(*there: p4r.Update) -> FakeSwitch:
    switch = FakeSwitch(OLD)
    for update in there:
        entry = update.entity.packet_replication_engine_entry
        if entry.HasField("clone_session_entry"):
            switch.sessions[entry.clone_session_entry.session_id] = entry.clone_session_entry
        else:
            switch.groups[entry.multicast_group_entry.multicast_group_id] = entry.multicast_group_entry
    return switch


def test_what_is_missing_is_made_before_and_what_differs_is_changed_after_the_swap() -> None:
    switch = with_state(group(1, 3), group(2, 3, 4), session(5, 3), session(6, 3))
    wanted = [group(1, 4), group(2, 3, 4), group(3, 1), session(5, 3, 100), session(6, 3), session(7, 2)]
    seen: list[list[p4r.Update]] = []
    context = context_of(switch, OLD, {("commit", "begin"): lambda: seen.append(list(switch.written))}, entries=wanted)
    outcome = reconfigure(load_strategy("controller"), context)
    made, changed = [wanted[2], wanted[5]], [group(1, 4, kind=MODIFY), session(5, 3, 100, kind=MODIFY)]
    assert seen == [made] and switch.written == [*made, *changed]
    assert outcome.own_entries == 6


def test_what_was_made_is_taken_away_where_the_change_fails() -> None:
    switch = with_state(group(1, 3))

    def fail() -> None:
        raise TargetError("gone")

    with pytest.raises(TargetError):
        reconfigure(
            load_strategy("controller"),
            context_of(switch, OLD, {("commit", "begin"): fail}, entries=[group(1, 4), session(7, 2)]),
        )
    assert switch.written == [session(7, 2), session(7, 2, kind=DELETE)]


def test_nothing_to_do_asks_nothing_of_the_switch() -> None:
    switch = with_state(group(1, 3))
    replication = Replication(switch, [group(1, 3), p4r.Update()])
    for step in (replication.make, replication.change, replication.unmake):
        step()
    assert "write_entities" not in switch.asked and (replication.missing, replication.changed) == ([], [])


def test_replicas_have_no_order_and_two_ways_to_name_a_port() -> None:
    there, wanted = group(1, 3), group(1)
    wanted.entity.packet_replication_engine_entry.multicast_group_entry.replicas.add(port=b"\0\3")
    entry = wanted.entity.packet_replication_engine_entry.multicast_group_entry
    assert ports_of(entry) == (3,)
    assert Replication(with_state(there), [wanted]).changed == []
    turned = group(1, 3, 4)
    replicas = turned.entity.packet_replication_engine_entry.multicast_group_entry.replicas
    same = group(1)
    same.entity.packet_replication_engine_entry.multicast_group_entry.replicas.extend(list(replicas)[::-1])
    assert Replication(with_state(turned), [same]).changed == []
    other = group(1, 3, 4)
    other.entity.packet_replication_engine_entry.multicast_group_entry.replicas[1].instance = 7
    assert len(Replication(with_state(turned), [other]).changed) == 1


def test_the_sessions_of_an_operator() -> None:
    assert sessions_in([session(5, 1), group(1, 2), p4r.Update(), session(9, 1)]) == {5, 9}


# ---------------------------------------------------------------- what is carried at all


def entry(table: str, key: int = 0, action: str = "set", *values: bytes, **fields: Any) -> p4r.Entity:
    info = next(t for t in OLD.p4info.tables if t.preamble.alias == table)
    found = p4r.TableEntry(table_id=info.preamble.id, **fields)
    if not found.is_default_action:
        found.match.add(field_id=1).exact.value = bytes([key])
    found.action.action.action_id = next(a.preamble.id for a in OLD.p4info.actions if a.preamble.alias == action)
    for number, value in enumerate(values, 1):
        found.action.action.params.add(param_id=number, value=value)
    return p4r.Entity(table_entry=found)


def carried(*entities: p4r.Entity, **options: Any) -> list[p4r.Entity]:
    context = context_of(FakeSwitch(OLD), OLD, **options)
    return [update.entity for update in context.translate(entities).updates]


def test_entries_and_changed_default_actions_are_carried() -> None:
    own = entry("t", 7, "set", b"\x01")
    default = entry("t", 0, "set", b"\x06", is_default_action=True)
    other = entry("t", 0, "NoAction", is_default_action=True)
    assert carried(own, default) == [own, default]
    assert carried(other) == [other]


def test_what_the_program_says_itself_is_not_carried() -> None:
    initial = entry("t", 0, "set", b"\0\x05", is_default_action=True)
    unset = p4r.Entity(table_entry=p4r.TableEntry(table_id=initial.table_entry.table_id, is_default_action=True))
    unset.table_entry.action.action.SetInParent()
    const = entry("t", 1, "set", b"\x01", is_const=True)
    assert carried(initial, unset, const, entry("fixed", 3, "set", b"\x01")) == []
    none = p4r.Entity(table_entry=p4r.TableEntry(table_id=initial.table_entry.table_id, is_default_action=True))
    assert carried(none) == [none]  # no action at all is none of the program's


def test_of_an_indirect_table_a_default_is_carried_that_is_a_member_or_group() -> None:
    program = installed("register<bit<16>>(8) sums;", "indirect.apply(); sums.write(0, 1);", tables=INDIRECT)
    context = context_of(FakeSwitch(program), program)
    (table,) = program.p4info.tables
    none, own, member, group = (
        p4r.Entity(table_entry=p4r.TableEntry(table_id=table.preamble.id, is_default_action=True)) for _ in range(4)
    )
    own.table_entry.action.action.action_id = table.action_refs[0].id
    member.table_entry.action.action_profile_member_id = 3
    group.table_entry.action.action_profile_group_id = 3
    for chosen in (member, group):
        assert [update.entity for update in context.translate([none, own, chosen]).updates] == [chosen]


def test_a_table_that_the_list_leaves_out_is_not_carried() -> None:
    own = entry("t", 7, "set", b"\x01")
    assert carried(own, only=["fixed"]) == []
    assert carried(own, only=["fixed", "t"]) == carried(own, only=["sums"]) == [own]  # of tables it says nothing


def test_meters_and_value_sets_as_they_begin_are_not_carried() -> None:
    meter, values = p4r.Entity(), p4r.Entity()
    meter.meter_entry.meter_id = values.value_set_entry.value_set_id = 1
    assert _is_empty(meter) and _is_empty(values)
    meter.meter_entry.config.cir = 1
    values.value_set_entry.members.add()
    assert not _is_empty(meter) and not _is_empty(values)
    assert not _is_empty(entry("t", 1))
