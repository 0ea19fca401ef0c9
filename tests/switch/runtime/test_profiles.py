"""Action profiles, selectors and parser value sets of the runtime."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from softswitch.dataplane.entries import Entry, Exact, Group, GroupMember, Lpm, Member, Range, Ternary, WeightedAction
from softswitch.errors import BadEntry, EntryExists, EntryNotFound, InUse, TableFull
from softswitch.model import ActionInfo, ActionParam, KeyField, ProfileInfo, TableInfo, ValueSetInfo
from tests.switch.runtime.bench import Prober, table

ONE = table("one", 0, (8, "exact"), (16, "selector"), action_profile=0, direct_counter="c")
# The same profile, with its actions numbered another way.
OTHER = TableInfo(
    name="other",
    index=1,
    keys=(KeyField("k", 8, "exact"),),
    actions=(ActionInfo("NoAction", 0, ()), ActionInfo("set", 1, (ActionParam("value", 32),))),
    size=10,
    default_action=0,
    const_default=False,
    const_entries=False,
    action_profile=0,
)
PLAIN = table("plain", 2, (8, "exact"), action_profile=1)
SETS = (
    ValueSetInfo("ports", 0, (KeyField("port", 16, "exact"),), 3),
    ValueSetInfo("mixed", 1, (KeyField("a", 72, "ternary"), KeyField("b", 8, "range"), KeyField("c", 32, "lpm")), 10),
)
NO_ACTION = 0xFFFFFFFF


@pytest.fixture
def probe() -> Iterator[Prober]:
    made = Prober(
        ONE,
        OTHER,
        PLAIN,
        profiles=(ProfileInfo("selector", 0, 8, True), ProfileInfo("profile", 1, 8, False)),
        value_sets=SETS,
    )
    yield made
    made.close()


def test_members_serve_all_tables_of_the_profile(probe: Prober) -> None:
    profile = probe.pipeline.profiles["selector"]
    one, other = probe.pipeline.tables["one"], probe.pipeline.tables["other"]
    profile.insert_member(Member(7, "set", (70,)))
    one.insert(Entry((Exact(1),), member=7))
    other.insert(Entry((Exact(2),), member=7))
    answer = probe.ask(ONE, (1,))
    assert (answer.hit, answer.action, answer.data[0]) == (True, 0, 70)
    answer = probe.ask(OTHER, (2,))
    assert (answer.hit, answer.action, answer.data[0]) == (True, 1, 70)
    profile.modify_member(Member(7, "set", (71,)))
    assert (probe.ask(ONE, (1,)).data[0], probe.ask(OTHER, (2,)).data[0]) == (71, 71)
    assert one.entries() == [Entry((Exact(1),), member=7)]
    with pytest.raises(InUse):
        profile.delete_member(7)
    one.delete(Entry((Exact(1),)))
    other.delete(Entry((Exact(2),)))
    profile.delete_member(7)
    assert profile.members() == []
    with pytest.raises(EntryNotFound):
        one.insert(Entry((Exact(1),), member=7))
    assert one.direct_counter is not None


def test_direct_counters_count_by_entry(probe: Prober) -> None:
    profile = probe.pipeline.profiles["selector"]
    one = probe.pipeline.tables["one"]
    profile.insert_member(Member(1, "set", (1,)))
    entries = [Entry((Exact(i),), member=1) for i in range(3)]
    one.insert_many(entries)
    for key in (0, 2, 2):
        probe.ask(ONE, (key,))
    assert [one.direct_counter(e).packets for e in entries] == [1, 0, 2]


def test_groups_choose_by_hash_and_weight(probe: Prober) -> None:
    profile = probe.pipeline.profiles["selector"]
    one = probe.pipeline.tables["one"]
    for i in range(3):
        profile.insert_member(Member(i, "set", (10 + i,)))
    profile.insert_group(Group(4, (GroupMember(0), GroupMember(1, weight=2), GroupMember(2))))
    one.insert(Entry((Exact(1),), group=4))
    assert [probe.ask(ONE, (1,), selector=h).data[0] for h in range(8)] == [10, 11, 11, 12, 10, 11, 11, 12]
    profile.modify_group(Group(4, (GroupMember(2),)))
    assert {probe.ask(ONE, (1,), selector=h).data[0] for h in range(8)} == {12}
    profile.delete_member(0)
    with pytest.raises(InUse):
        profile.delete_member(2)
    with pytest.raises(InUse):
        profile.delete_group(4)
    profile.modify_group(Group(4))
    answer = probe.ask(ONE, (1,))
    assert (answer.hit, answer.action) == (True, NO_ACTION)
    assert profile.groups() == [Group(4)]


def test_members_of_ports_that_are_not_there_do_not_count(probe: Prober) -> None:
    profile = probe.pipeline.profiles["selector"]
    for i in range(2):
        profile.insert_member(Member(i, "set", (10 + i,)))
    profile.insert_group(Group(1, (GroupMember(0, watch_port=5), GroupMember(1, watch_port=6))))
    probe.pipeline.tables["one"].insert(Entry((Exact(1),), group=1))
    assert probe.ask(ONE, (1,)).action == NO_ACTION
    probe.switch.add_memory_port(6)
    assert {probe.ask(ONE, (1,), selector=h).data[0] for h in range(4)} == {11}
    probe.switch.add_memory_port(5)
    assert {probe.ask(ONE, (1,), selector=h).data[0] for h in range(4)} == {10, 11}
    probe.switch.remove_port(6)
    assert {probe.ask(ONE, (1,), selector=h).data[0] for h in range(4)} == {10}


def test_action_sets(probe: Prober) -> None:
    profile = probe.pipeline.profiles["selector"]
    one = probe.pipeline.tables["one"]
    weighted = (WeightedAction("set", (5,)), WeightedAction("set", (6,), weight=3))
    entry = Entry((Exact(1),), action_set=weighted)
    one.insert(entry)
    assert [probe.ask(ONE, (1,), selector=h).data[0] for h in range(4)] == [5, 6, 6, 6]
    assert one.entries() == [entry]
    assert (profile.members(), profile.groups()) == ([], [])
    with pytest.raises(EntryExists):
        one.insert(entry)
    for _ in range(20):  # each time, the members of before are given back
        one.modify(entry)
    one.delete(entry)
    one.insert(entry)
    one.clear()
    with pytest.raises(BadEntry):
        one.insert(Entry((Exact(1),), action_set=(WeightedAction("set", (1,)), WeightedAction("sett", ()))))
    for i in range(8):
        profile.insert_member(Member(i, "NoAction"))
    with pytest.raises(TableFull):
        one.insert(entry)
    for i in range(8):
        profile.delete_member(i)
    one.insert(entry)
    probe.pipeline.reset()
    assert one.entries() == []


def test_wrong_use_of_profiles(probe: Prober) -> None:
    profile = probe.pipeline.profiles["selector"]
    plain = probe.pipeline.profiles["profile"]
    profile.insert_member(Member(1, "set", (1,)))
    with pytest.raises(EntryExists):
        profile.insert_member(Member(1, "set", (1,)))
    with pytest.raises(EntryNotFound):
        profile.modify_member(Member(2, "set", (1,)))
    with pytest.raises(EntryNotFound):
        profile.delete_member(2)
    with pytest.raises(BadEntry, match="no table of profile"):
        profile.insert_member(Member(2, "nothing"))
    with pytest.raises(BadEntry, match="32 bits"):
        profile.insert_member(Member(2, "set", (1 << 32,)))
    with pytest.raises(EntryNotFound):
        profile.insert_group(Group(1, (GroupMember(9),)))
    with pytest.raises(EntryNotFound):
        profile.delete_group(1)
    with pytest.raises(BadEntry, match="weight 0"):
        profile.insert_group(Group(1, (GroupMember(1, weight=0),)))
    with pytest.raises(BadEntry, match="exceed its size"):
        profile.insert_group(Group(1, (GroupMember(1, weight=3),), max_size=2))
    with pytest.raises(BadEntry, match="not a selector"):
        plain.insert_group(Group(1))
    with pytest.raises(BadEntry, match="needs a member"):
        probe.pipeline.tables["one"].insert(Entry((Exact(1),), "set", (1,)))


def test_value_sets(probe: Prober) -> None:
    ports, mixed = probe.pipeline.value_sets["ports"], probe.pipeline.value_sets["mixed"]
    assert not probe.in_set(SETS[0], (80,))
    ports.insert((Exact(80),))
    ports.insert((Exact(443),))
    assert [probe.in_set(SETS[0], (port,)) for port in (80, 443, 22)] == [True, True, False]
    with pytest.raises(EntryExists):
        ports.insert((Exact(80),))
    ports.delete((Exact(80),))
    with pytest.raises(EntryNotFound):
        ports.delete((Exact(80),))
    assert ports.members() == [(Exact(443),)]
    ports.set([(Exact(i),) for i in range(3)])
    assert ports.members() == [(Exact(0),), (Exact(1),), (Exact(2),)]
    with pytest.raises(TableFull):
        ports.set([(Exact(i),) for i in range(10, 14)])
    assert ports.members() == [(Exact(0),), (Exact(1),), (Exact(2),)]
    high = 1 << 71
    member = (Ternary(high, high), Range(3, 9), Lpm(10 << 24, 8))
    mixed.insert(member)
    assert mixed.members() == [member]
    assert probe.in_set(SETS[1], (high | 5, 9, 10 << 24 | 1))
    assert not probe.in_set(SETS[1], (5, 9, 10 << 24))
    assert not probe.in_set(SETS[1], (high, 10, 10 << 24))
    assert not probe.in_set(SETS[1], (high, 3, 11 << 24))
    probe.pipeline.reset()
    assert (ports.members(), mixed.members()) == ([], [])
