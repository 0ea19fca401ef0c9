"""Table entries through P4Runtime: every match kind, defaults, const tables, direct resources, refusals."""

from __future__ import annotations

import pytest
from finsy.proto import p4r

from tests.switch.controller import (
    DELETE,
    INSERT,
    MODIFY,
    Controller,
    Running,
    body,
    encode,
    exact,
    frame,
    lpm,
    optional,
    span,
    status,
    ternary,
)


def out(running: Running, content: bytes) -> list[int]:
    return [port for port, _ in running.switch.inject(1, frame(body=content))]


def test_lpm_entries_forward_and_read_back(running: Running, c: Controller) -> None:
    near = c.entry("routes", lpm(1, 0x0A010000, 16), action=c.action("forward", port=3))
    far = c.entry("routes", lpm(1, 0x0A000000, 8), action=c.action("forward", port=2))
    c.write((INSERT, {"table_entry": near}), (INSERT, {"table_entry": far}))
    assert out(running, body(0x0A010203)) == [3]
    assert out(running, body(0x0AFF0000)) == [2]
    assert out(running, body(0x0B000000)) == []
    assert c.read(table_entry=p4r.TableEntry(table_id=c.id("routes"))) == [near, far]
    c.delete(table_entry=near)
    assert out(running, body(0x0A010203)) == [2]


def test_entries_are_sent_in_canonical_form(c: Controller) -> None:
    match = p4r.FieldMatch(field_id=1, lpm=p4r.FieldMatch.LPM(value=b"\0\0\x0a\0\0\0", prefix_len=8))
    action = c.action("forward", port=0)
    action.params[0].value = b"\0\0\0\2"
    c.insert(table_entry=c.entry("routes", match, action=action))
    (read,) = c.read(table_entry=p4r.TableEntry(table_id=c.id("routes")))
    assert read.match[0].lpm.value == b"\x0a\0\0\0"
    assert read.action.action.params[0].value == b"\2"


def test_ternary_range_optional_by_priority(running: Running, c: Controller) -> None:
    c.modify(table_entry=c.entry("routes", is_default_action=True, action=c.action("NoAction")))
    low = c.entry("rules", ternary(1, 0x0A000000, 0xFF000000), action=c.action("forward", port=2), priority=1)
    high = c.entry(
        "rules", span(2, 100, 200), optional(3, 7), action=c.action("forward", port=4), priority=9, metadata=b"note"
    )
    c.write((INSERT, {"table_entry": low}), (INSERT, {"table_entry": high}))
    assert out(running, body(0x0A000001, 150, 0, 7)) == [4]
    assert out(running, body(0x0A000001, 150, 0, 8)) == [2]
    assert out(running, body(0x0A000001, 201, 0, 7)) == [2]
    found = c.read(table_entry=p4r.TableEntry(table_id=c.id("rules"), priority=9))
    assert found == [high]
    assert c.read(table_entry=p4r.TableEntry(table_id=c.id("rules"), metadata=b"note")) == [high]
    by_action = p4r.TableEntry(table_id=c.id("rules"))
    by_action.action.action.action_id = c.id("drop")
    assert c.read(table_entry=by_action) == []
    assert c.read(table_entry=c.entry("rules", ternary(1, 0x0A000000, 0xFF000000), priority=1)) == [low]


def test_modify_keeps_the_action_unless_it_is_given(running: Running, c: Controller) -> None:
    entry = c.entry("routes", lpm(1, 0x0A000000, 8), action=c.action("forward", port=2), controller_metadata=77)
    c.insert(table_entry=entry)
    assert status(lambda: c.insert(table_entry=entry)) == "ALREADY_EXISTS"
    c.modify(table_entry=c.entry("routes", lpm(1, 0x0A000000, 8), metadata=b"new"))
    (read,) = c.read(table_entry=c.entry("routes"))
    assert (read.metadata, read.controller_metadata, out(running, body(0x0A000001))) == (b"new", 0, [2])
    c.modify(table_entry=c.entry("routes", lpm(1, 0x0A000000, 8), action=c.action("forward", port=4)))
    assert out(running, body(0x0A000001)) == [4]


def test_default_entries(running: Running, c: Controller) -> None:
    default = c.entry("routes", is_default_action=True, action=c.action("forward", port=4))
    c.modify(table_entry=default)
    assert out(running, body()) == [4]
    assert c.read(table_entry=c.entry("routes", is_default_action=True)) == [default]
    c.modify(table_entry=c.entry("routes", is_default_action=True))
    assert out(running, body()) == []
    (read,) = c.read(table_entry=c.entry("routes", is_default_action=True))
    assert read.action.action.action_id == c.id("drop")
    (const,) = c.read(table_entry=c.entry("rules", is_default_action=True))
    assert const.is_const
    every = c.read(table_entry=p4r.TableEntry(is_default_action=True))
    assert {e.table_id for e in every} == {t.preamble.id for t in c.p4info.tables}


def test_const_tables_can_be_read_only(running: Running, c: Controller) -> None:
    entries = c.read(table_entry=c.entry("fixed"))
    assert [(e.match[0].exact.value, e.is_const) for e in entries] == [(b"\xf1", True), (b"\xf2", True)]
    new = c.entry("fixed", exact(1, 1), action=c.action("forward", port=2))
    old = c.entry("fixed", exact(1, 0xF1), action=c.action("forward", port=2))
    assert status(lambda: c.insert(table_entry=new)) == "PERMISSION_DENIED"
    assert status(lambda: c.modify(table_entry=old)) == "PERMISSION_DENIED"
    assert status(lambda: c.delete(table_entry=old)) == "PERMISSION_DENIED"


def test_direct_counters_in_entries_and_by_themselves(running: Running, c: Controller) -> None:
    counted = p4r.CounterData(packet_count=5, byte_count=500)
    c.insert(
        table_entry=c.entry("routes", lpm(1, 1 << 24, 8), action=c.action("forward", port=2), counter_data=counted)
    )
    running.switch.inject(1, frame(body=body(1 << 24)))
    wanted = c.entry("routes", counter_data=p4r.CounterData())
    (read,) = c.read(table_entry=wanted)
    assert (read.counter_data.packet_count, read.counter_data.byte_count) == (6, 522)
    key = c.entry("routes", lpm(1, 1 << 24, 8))
    c.modify(direct_counter_entry=p4r.DirectCounterEntry(table_entry=key, data=p4r.CounterData(packet_count=1)))
    (direct,) = c.read(direct_counter_entry=p4r.DirectCounterEntry(table_entry=key))
    assert (direct.data.packet_count, direct.data.byte_count) == (1, 0)
    assert len(c.read(direct_counter_entry=p4r.DirectCounterEntry())) == 1
    c.modify(table_entry=c.entry("routes", lpm(1, 1 << 24, 8), action=c.action("drop")))
    (kept,) = c.read(table_entry=wanted)
    assert kept.counter_data.packet_count == 1


def test_direct_meters(c: Controller) -> None:
    meter = p4r.MeterConfig(cir=10, cburst=20, pir=30, pburst=40)
    c.insert(table_entry=c.entry("hosts", exact(1, 9), action=c.action("metered", port=2), meter_config=meter))
    key = c.entry("hosts", exact(1, 9))
    assert c.read(direct_meter_entry=p4r.DirectMeterEntry(table_entry=key))[0].config == meter
    (read,) = c.read(table_entry=c.entry("hosts", meter_config=p4r.MeterConfig()))
    assert read.meter_config == meter
    c.modify(table_entry=c.entry("hosts", exact(1, 9)))  # an absent meter_config resets the meter
    (read,) = c.read(table_entry=c.entry("hosts", meter_config=p4r.MeterConfig()))
    assert not read.HasField("meter_config")
    c.modify(direct_meter_entry=p4r.DirectMeterEntry(table_entry=key, config=meter))
    assert c.read(direct_meter_entry=p4r.DirectMeterEntry())[0].config == meter
    bad = p4r.MeterConfig(cir=10, cburst=1, pir=9, pburst=1)
    assert status(lambda: c.modify(direct_meter_entry=p4r.DirectMeterEntry(table_entry=key, config=bad))) == (
        "INVALID_ARGUMENT"
    )


def test_what_is_refused(c: Controller) -> None:
    forward, route = c.action("forward", port=2), lpm(1, 1 << 24, 8)

    def insert(*match: p4r.FieldMatch, table: str = "routes", action: p4r.Action = forward, **more: object) -> str:
        return status(lambda: c.insert(table_entry=c.entry(table, *match, action=action, **more)))

    assert insert(exact(1, 5)) == "INVALID_ARGUMENT"  # wrong kind of match
    assert insert(lpm(2, 1 << 24, 8)) == "INVALID_ARGUMENT"  # no such field
    assert insert(route, route) == "INVALID_ARGUMENT"
    assert insert(lpm(1, 1 << 32, 8)) == "OUT_OF_RANGE"
    assert insert(lpm(1, 0, 0)) == "INVALID_ARGUMENT"  # anything is said by leaving the match out
    assert insert(lpm(1, 1 << 24, 33)) == "INVALID_ARGUMENT"
    assert insert(lpm(1, 0x01000001, 8)) == "INVALID_ARGUMENT"
    assert insert(route, priority=3) == "INVALID_ARGUMENT"
    assert insert(route, is_const=True) == "INVALID_ARGUMENT"
    assert insert(route, idle_timeout_ns=5) == "INVALID_ARGUMENT"
    assert insert(route, meter_config=p4r.MeterConfig()) == "INVALID_ARGUMENT"
    assert insert(route, action=c.action("metered", port=1)) == "INVALID_ARGUMENT"  # another table's
    assert insert(route, action=c.action("NoAction")) == "PERMISSION_DENIED"  # @defaultonly
    assert insert(route, action=p4r.Action(action_id=c.id("forward"))) == "INVALID_ARGUMENT"
    assert insert(route, action=c.action("forward", port=512)) == "OUT_OF_RANGE"
    assert insert(table="rules") == "INVALID_ARGUMENT"  # needs a priority
    assert insert(ternary(1, 3, 1), table="rules", priority=1) == "INVALID_ARGUMENT"
    assert insert(ternary(1, 0, 0), table="rules", priority=1) == "INVALID_ARGUMENT"
    assert insert(span(2, 9, 8), table="rules", priority=1) == "INVALID_ARGUMENT"
    assert insert(span(2, 0, 65535), table="rules", priority=1) == "INVALID_ARGUMENT"
    assert insert(table="hosts", action=c.action("metered", port=1)) == "INVALID_ARGUMENT"  # exact is missing
    assert insert(table="keyless") == "INVALID_ARGUMENT"
    assert insert(is_default_action=True) == "INVALID_ARGUMENT"
    missing = c.entry("routes", route)
    assert status(lambda: c.insert(table_entry=missing)) == "INVALID_ARGUMENT"  # no action
    assert status(lambda: c.modify(table_entry=missing)) == "NOT_FOUND"
    assert status(lambda: c.delete(table_entry=missing)) == "NOT_FOUND"
    empty = p4r.FieldMatch(field_id=1, exact=p4r.FieldMatch.Exact(value=b""))
    assert insert(empty, table="hosts", action=c.action("metered", port=1)) == "OUT_OF_RANGE"
    assert status(lambda: c.insert(table_entry=p4r.TableEntry(table_id=0x02000001))) == "NOT_FOUND"
    assert status(lambda: c.insert(table_entry=p4r.TableEntry())) == "INVALID_ARGUMENT"
    default = c.entry("rules", is_default_action=True, action=c.action("NoAction"))
    assert status(lambda: c.modify(table_entry=default)) == "PERMISSION_DENIED"
    bad_default = c.entry("routes", route, is_default_action=True, action=forward)
    assert status(lambda: c.modify(table_entry=bad_default)) == "INVALID_ARGUMENT"
    assert c.read(table_entry=c.entry("routes")) == []
    assert status(lambda: c.read(table_entry=p4r.TableEntry(table_id=5))) == "NOT_FOUND"
    wrong = c.entry("routes", time_since_last_hit=p4r.TableEntry.IdleTimeout())
    assert status(lambda: c.read(table_entry=wrong)) == "INVALID_ARGUMENT"


def test_a_full_table_says_so(c: Controller) -> None:
    for number in range(4):
        c.insert(table_entry=c.entry("hosts", exact(1, number), action=c.action("metered", port=2)))
    fifth = c.entry("hosts", exact(1, 4), action=c.action("metered", port=2))
    assert status(lambda: c.insert(table_entry=fifth)) == "RESOURCE_EXHAUSTED"
    c.delete(table_entry=c.entry("hosts", exact(1, 0)))
    c.insert(table_entry=fifth)


def test_reading_everything_at_once(c: Controller) -> None:
    c.insert(table_entry=c.entry("routes", lpm(1, 1 << 24, 8), action=c.action("drop")))
    c.insert(table_entry=c.entry("hosts", exact(1, 4), action=c.action("metered", port=2), idle_timeout_ns=10**12))
    wanted = p4r.TableEntry(time_since_last_hit=p4r.TableEntry.IdleTimeout(), counter_data=p4r.CounterData())
    found = {e.table_id: e for e in c.read(table_entry=wanted)}
    assert set(found) == {c.id("routes"), c.id("hosts"), c.id("fixed")}
    assert found[c.id("hosts")].idle_timeout_ns == 10**12
    assert found[c.id("hosts")].HasField("time_since_last_hit")
    assert found[c.id("routes")].HasField("counter_data")


@pytest.mark.parametrize("kind", [INSERT, MODIFY, DELETE])
def test_profiles_and_groups(running: Running, c: Controller, kind: int) -> None:
    """Members and groups throughout their life; the last step of each case is a different mistake."""
    c.modify(table_entry=c.entry("routes", is_default_action=True, action=c.action("NoAction")))
    profile = c.id("paths")
    for number in (1, 2):
        c.insert(
            action_profile_member=p4r.ActionProfileMember(
                action_profile_id=profile, member_id=number, action=c.action("forward", port=number + 1)
            )
        )
    group = p4r.ActionProfileGroup(action_profile_id=profile, group_id=5)
    group.members.add(member_id=1, weight=1)
    group.members.add(member_id=2, weight=3)
    c.insert(action_profile_group=group)
    entry = c.entry("balanced", exact(1, 7))
    entry.action.action_profile_group_id = 5
    c.insert(table_entry=entry)
    assert {p for n in range(40) for p in out(running, body(n, n * 7, 7))} == {2, 3}
    assert c.read(action_profile_group=p4r.ActionProfileGroup()) == [group]
    assert [m.member_id for m in c.read(action_profile_member=p4r.ActionProfileMember())] == [1, 2]
    assert c.read(table_entry=c.entry("balanced")) == [entry]
    member = p4r.ActionProfileMember(action_profile_id=profile, member_id=1, action=c.action("drop"))
    if kind == INSERT:
        assert status(lambda: c.insert(action_profile_member=member)) == "ALREADY_EXISTS"
        assert status(lambda: c.insert(action_profile_group=group)) == "ALREADY_EXISTS"
        group.group_id = 6
        group.members.add(member_id=3, weight=1)
        assert status(lambda: c.insert(action_profile_group=group)) == "NOT_FOUND"
        member.action_profile_id = c.id("bundles")
        member.ClearField("action")
        assert status(lambda: c.insert(action_profile_member=member)) == "INVALID_ARGUMENT"
    elif kind == MODIFY:
        c.modify(action_profile_member=member)
        assert {p for n in range(40) for p in out(running, body(n, n * 7, 7))} == {3}
        group.max_size = 9
        assert status(lambda: c.modify(action_profile_group=group)) == "INVALID_ARGUMENT"
        member.member_id = 9
        assert status(lambda: c.modify(action_profile_member=member)) == "NOT_FOUND"
    else:
        assert status(lambda: c.delete(action_profile_member=member)) == "FAILED_PRECONDITION"
        assert status(lambda: c.delete(action_profile_group=group)) == "FAILED_PRECONDITION"
        c.delete(table_entry=entry)
        c.delete(action_profile_group=group)
        c.delete(action_profile_member=member)
        assert status(lambda: c.delete(action_profile_group=group)) == "NOT_FOUND"


def test_one_shot_groups(running: Running, c: Controller) -> None:
    c.modify(table_entry=c.entry("routes", is_default_action=True, action=c.action("NoAction")))
    entry = c.entry("balanced", exact(1, 9))
    chosen = entry.action.action_profile_action_set.action_profile_actions
    chosen.add(action=c.action("forward", port=2), weight=1)
    chosen.add(action=c.action("forward", port=4), weight=2)
    c.insert(table_entry=entry)
    assert {p for n in range(40) for p in out(running, body(n, n * 7, 9))} == {2, 4}
    assert c.read(table_entry=c.entry("balanced")) == [entry]
    assert c.read(action_profile_member=p4r.ActionProfileMember()) == []
    entry.action.action_profile_action_set.action_profile_actions[0].weight = 0
    assert status(lambda: c.modify(table_entry=entry)) == "INVALID_ARGUMENT"
    direct = c.entry("balanced", exact(1, 10), action=c.action("drop"))
    assert status(lambda: c.insert(table_entry=direct)) == "INVALID_ARGUMENT"
    unknown = c.entry("balanced", exact(1, 10))
    unknown.action.action_profile_member_id = 99
    assert status(lambda: c.insert(table_entry=unknown)) == "NOT_FOUND"


def test_value_sets(running: Running, c: Controller) -> None:
    running.switch.set_time(1)
    c.modify(table_entry=c.entry("routes", is_default_action=True, action=c.action("forward", port=4)))
    other = frame(0x5555, body())
    assert running.switch.inject(1, other)[0][0] == 0
    entry = p4r.ValueSetEntry(value_set_id=c.id("extra_kinds"))
    entry.members.add(match=[exact(1, 0x5555)])
    c.modify(value_set_entry=entry)
    assert running.switch.inject(1, other)[0][0] == 4
    assert c.read(value_set_entry=p4r.ValueSetEntry()) == [entry]
    assert status(lambda: c.insert(value_set_entry=entry)) == "INVALID_ARGUMENT"
    entry.members.add(match=[exact(1, 0x5555)])
    assert status(lambda: c.modify(value_set_entry=entry)) == "ALREADY_EXISTS"
    many = p4r.ValueSetEntry(value_set_id=entry.value_set_id)
    for number in range(5):
        many.members.add(match=[exact(1, number)])
    assert status(lambda: c.modify(value_set_entry=many)) == "RESOURCE_EXHAUSTED"
    c.modify(value_set_entry=p4r.ValueSetEntry(value_set_id=entry.value_set_id))
    assert c.read(value_set_entry=p4r.ValueSetEntry(value_set_id=entry.value_set_id))[0].members == []
    assert encode(0) == b"\0"
