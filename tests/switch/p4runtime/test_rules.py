"""Single rules of the P4Runtime specification, each with a request that follows it and one that violates it."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from finsy.proto import p4r

from tests.switch.controller import (
    DELETE,
    EVERYTHING,
    INSERT,
    MODIFY,
    Controller,
    Running,
    body,
    codes,
    exact,
    frame,
    lpm,
    status,
    update_errors,
)

OneShot = p4r.ActionProfileActionSet


def host(c: Controller, number: int, **more: Any) -> p4r.TableEntry:
    return c.entry("hosts", exact(1, number), action=c.action("NoAction"), **more)


def one_shot(c: Controller, number: int, *ports: int, **more: Any) -> p4r.TableEntry:
    entry = c.entry("balanced", exact(1, number))
    chosen = entry.action.action_profile_action_set
    chosen.MergeFrom(OneShot(**more))
    for port in ports:
        chosen.action_profile_actions.add(action=c.action("forward", port=port), weight=1)
    return entry


# ---- reading (13) ----


def test_a_read_tells_of_each_entity_and_gives_what_it_can(c: Controller) -> None:
    c.insert(table_entry=host(c, 1))
    request = p4r.ReadRequest(device_id=1)
    request.entities.add(table_entry=c.entry("hosts"))
    request.entities.add(table_entry=p4r.TableEntry(table_id=12345))
    request.entities.add()
    request.entities.add(counter_entry=p4r.CounterEntry(counter_id=c.id("per_port"), index={"index": 2}))
    request.entities.add(counter_entry=p4r.CounterEntry(counter_id=c.id("per_port"), index={"index": 99}))
    assert codes(lambda: c.stub.Read(request)) == ["OK", "NOT_FOUND", "INVALID_ARGUMENT", "OK", "OUT_OF_RANGE"]
    seen: list[str | None] = []
    with pytest.raises(grpc.RpcError) as caught:
        seen.extend(e.WhichOneof("entity") for response in c.stub.Read(request) for e in response.entities)
    assert caught.value.code() is grpc.StatusCode.UNKNOWN
    assert seen == ["table_entry", "counter_entry"]


def test_errors_have_a_space_and_good_updates_only_their_code(c: Controller) -> None:
    request = c.request((INSERT, {"table_entry": host(c, 1)}), (DELETE, {"table_entry": host(c, 2)}))
    with pytest.raises(grpc.RpcError) as caught:
        c.stub.Write(request)
    details = dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    good, bad = update_errors(details)
    assert good == p4r.Error(canonical_code=0)
    assert (bad.canonical_code, bad.space) == (grpc.StatusCode.NOT_FOUND.value[0], "softswitch-v1model")


def test_the_default_entry_is_read_without_a_key(c: Controller) -> None:
    for wrong in ({"match": [lpm(1, 0, 8)]}, {"priority": 3}, {"idle_timeout_ns": 1}, {"time_since_last_hit": {}}):
        entry = p4r.TableEntry(table_id=c.id("hosts"), is_default_action=True, **wrong)  # type: ignore[arg-type]
        assert status(lambda entry=entry: c.read(table_entry=entry)) == "INVALID_ARGUMENT"  # type: ignore[misc]
    entry = c.entry("routes", lpm(1, 0, 8), time_since_last_hit={})
    assert status(lambda: c.read(table_entry=entry)) == "INVALID_ARGUMENT"  # no idle time-outs in this table


def test_the_time_since_the_last_hit_is_right_without_a_time_out(running: Running, c: Controller) -> None:
    running.switch.set_time(1_000_000)
    c.insert(table_entry=host(c, 0xD))
    running.switch.set_time(3_000_000)
    asked = c.entry("hosts", exact(1, 0xD), time_since_last_hit={})
    assert c.read(table_entry=asked)[0].time_since_last_hit.elapsed_ns == 2_000_000_000
    running.switch.inject(1, frame())
    running.switch.set_time(3_500_000)
    assert c.read(table_entry=asked)[0].time_since_last_hit.elapsed_ns == 500_000_000


# ---- writing (9, 12) ----


def test_an_id_of_zero_means_nothing_in_a_write(c: Controller) -> None:
    entities: list[dict[str, Any]] = [
        {"table_entry": p4r.TableEntry()},
        {"counter_entry": p4r.CounterEntry()},
        {"meter_entry": p4r.MeterEntry()},
        {"register_entry": p4r.RegisterEntry()},
        {"value_set_entry": p4r.ValueSetEntry()},
        {"digest_entry": p4r.DigestEntry()},
        {"action_profile_member": p4r.ActionProfileMember(member_id=1)},
        {"action_profile_group": p4r.ActionProfileGroup(group_id=1)},
        {"direct_counter_entry": p4r.DirectCounterEntry()},
        {"direct_meter_entry": p4r.DirectMeterEntry()},
    ]
    request = c.request(*((MODIFY, entity) for entity in entities))
    assert codes(lambda: c.stub.Write(request)) == ["INVALID_ARGUMENT"] * len(entities)


def test_an_unknown_atomicity_is_refused(c: Controller) -> None:
    request = c.request((INSERT, {"table_entry": host(c, 1)}), atomicity=7)
    assert codes(lambda: c.stub.Write(request)) == ["INVALID_ARGUMENT"]
    assert c.read(table_entry=c.entry("hosts")) == []


def test_a_delete_looks_at_the_key_only(c: Controller) -> None:
    c.insert(table_entry=host(c, 1))
    odd = c.entry("hosts", exact(1, 1), idle_timeout_ns=-5, metadata=b"x", counter_data={"packet_count": -1})
    odd.action.action.action_id = 99
    assert status(lambda: c.delete(table_entry=odd)) == "OK"


def test_a_modify_without_an_action_changes_nothing_else(c: Controller) -> None:
    entry = c.entry("routes", lpm(1, 0x0A000000, 8), action=c.action("forward", port=2))
    c.insert(table_entry=entry)
    c.modify(table_entry=c.entry("routes", lpm(1, 0x0A000000, 8)))
    assert c.read(table_entry=c.entry("routes")) == [entry]


def test_the_default_entry_of_an_indirect_table_is_const(c: Controller) -> None:
    default = c.entry("balanced", is_default_action=True, action=c.action("drop"))
    assert status(lambda: c.modify(table_entry=default)) == "PERMISSION_DENIED"
    (read,) = c.read(table_entry=c.entry("balanced", is_default_action=True))
    assert read.is_const and read.action.action == c.action("NoAction")


# ---- action selectors (9.2) ----


def test_a_watch_port_must_exist(running: Running, c: Controller) -> None:
    entry = one_shot(c, 1, 2)
    member = entry.action.action_profile_action_set.action_profile_actions[0]
    member.watch_port = b"\x09"
    assert status(lambda: c.insert(table_entry=entry)) == "INVALID_ARGUMENT"
    member.watch_port = b"\x02"
    c.insert(table_entry=entry)
    profile = c.id("paths")
    made = p4r.ActionProfileMember(action_profile_id=profile, member_id=1, action=c.action("forward", port=3))
    c.insert(action_profile_member=made)
    group = p4r.ActionProfileGroup(action_profile_id=profile, group_id=1)
    group.members.add(member_id=1, weight=1, watch_port=b"\x01\xff")
    assert status(lambda: c.insert(action_profile_group=group)) == "INVALID_ARGUMENT"
    group.members[0].watch_port = b"\x01\xfe"  # the CPU port
    assert status(lambda: c.insert(action_profile_group=group)) == "OK"


def test_all_entries_of_a_selector_are_of_one_style(c: Controller) -> None:
    member = p4r.ActionProfileMember(action_profile_id=c.id("paths"), member_id=1, action=c.action("forward", port=3))
    c.insert(action_profile_member=member)
    by_member = c.entry("balanced", exact(1, 1))
    by_member.action.action_profile_member_id = 1
    c.insert(table_entry=by_member)
    assert status(lambda: c.insert(table_entry=one_shot(c, 2, 2))) == "INVALID_ARGUMENT"
    c.modify(table_entry=one_shot(c, 1, 2))  # the only entry may change its style
    assert c.read(table_entry=c.entry("balanced")) == [one_shot(c, 1, 2)]
    c.insert(table_entry=one_shot(c, 2, 2))
    assert status(lambda: c.modify(table_entry=by_member)) == "INVALID_ARGUMENT"


def test_modes_of_a_one_shot_are_kept(running: Running, c: Controller) -> None:
    c.modify(table_entry=c.entry("routes", is_default_action=True, action=c.action("NoAction")))
    entry = one_shot(c, 1, 2, 3, action_selection_mode=OneShot.HASH, size_semantics=OneShot.SUM_OF_MEMBERS)
    c.insert(table_entry=entry)
    assert c.read(table_entry=c.entry("balanced")) == [entry]
    assert {p for n in range(40) for p, _ in running.switch.inject(1, frame(body=body(n, n * 7, 1)))} == {2, 3}
    random = one_shot(c, 2, 2, action_selection_mode=OneShot.RANDOM)
    assert status(lambda: c.insert(table_entry=random)) == "UNIMPLEMENTED"
    same_twice = one_shot(c, 3, 2, 2)
    c.insert(table_entry=same_twice)
    assert c.read(table_entry=c.entry("balanced", exact(1, 3))) == [same_twice]


def test_a_group_says_its_size_where_the_profile_has_a_limit(running: Running, c: Controller) -> None:
    limited = p4r.SetForwardingPipelineConfigRequest(device_id=1, action=3, election_id={"low": 1})
    text = EVERYTHING.read_text().replace("action_selector(", "@max_group_size(4) action_selector(")
    limited.config.p4_device_config = text.encode()
    c.stub.SetForwardingPipelineConfig(limited)
    c.p4info = c.get_config().p4info
    profile = c.id("paths")
    member = p4r.ActionProfileMember(action_profile_id=profile, member_id=1, action=c.action("forward", port=3))
    c.insert(action_profile_member=member)
    group = p4r.ActionProfileGroup(action_profile_id=profile, group_id=1)
    group.members.add(member_id=1, weight=4)
    for size, code in ((0, "INVALID_ARGUMENT"), (5, "INVALID_ARGUMENT"), (3, "INVALID_ARGUMENT"), (4, "OK")):
        group.max_size = size
        assert status(lambda: c.insert(action_profile_group=group)) == code


# ---- arbitration (5.4) ----


def test_a_second_primary_s_writes_count_from_its_answer_on(running: Running) -> None:
    with running.controller(1) as first, running.controller(5) as second:
        assert first.next("arbitration").election_id.low == 5
        assert status(lambda: first.insert(table_entry=host(first, 1))) == "PERMISSION_DENIED"
        second.insert(table_entry=host(second, 1))
        with running.controller(0) as third:  # 0 is an election id, unlike none
            assert third.answer.status.code == grpc.StatusCode.ALREADY_EXISTS.value[0]
            assert third.answer.election_id.low == 5
            second.close()
            lost = third.next("arbitration")
            assert lost.status.code == grpc.StatusCode.NOT_FOUND.value[0] and lost.election_id.low == 5
            third.arbitrate(3)  # still below the highest ever: no primary
            assert third.next("arbitration").status.code == grpc.StatusCode.NOT_FOUND.value[0]
            third.arbitrate(5)
            assert third.next("arbitration").status.code == 0
