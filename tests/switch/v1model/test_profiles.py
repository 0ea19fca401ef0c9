"""Action profiles and selectors of a P4 program: shared members, groups, hashes, direct resources."""

from __future__ import annotations

from collections import Counter

import pytest

from softswitch.dataplane.entries import CounterValue, Entry, Exact, Group, GroupMember, Lpm, Member, WeightedAction
from softswitch.errors import EntryNotFound, TableFull
from tests.switch.scene import Scene, scene
from tests.switch.v1model.test_hash import ALGORITHMS

SET = "action set(bit<8> d) { hdr.h.d = d; } action off() { hdr.h.c = 0xee; }"

SHARED = (
    SET
    + """
action_profile(4) pool;
table exactly { key = { hdr.h.a: exact; } actions = { set; off; NoAction; } implementation = pool; }
table longest { key = { hdr.h.b: lpm; } actions = { NoAction; off; set; } implementation = pool; }
"""
)


def selecting(algorithm: str, width: int = 16) -> dict[str, str]:
    return {
        "fields": "bit<8> a; bit<12> b; bit<4> c; bit<8> d;",
        "locals": SET.replace("hdr.h.c = 0xee", "hdr.h.c = 14")
        + f"""
        action_selector(HashAlgorithm.{algorithm}, 32, {width}) choice;
        direct_counter(CounterType.packets) hits;
        table t {{
            key = {{ hdr.h.a: exact; hdr.h.c: selector; hdr.h.b: selector; }}
            actions = {{ set; off; }}
            implementation = choice;
            default_action = off();
            counters = hits;
        }}
        """,
        "ingress": "t.apply();",
    }


def frame(a: int, b: int, c: int) -> bytes:
    return bytes([a]) + (b << 4 | c).to_bytes(2, "big") + b"\0"


def selector_bytes(b: int, c: int) -> bytes:
    """The selector keys in the order of the table, concatenated and padded with zeros."""
    return (c << 12 | b).to_bytes(2, "big")


def chosen(s: Scene, a: int, b: int, c: int) -> int:
    return int(s.out(frame(a, b, c))[6:], 16)


def test_a_member_serves_tables_that_list_its_action_in_another_order() -> None:
    with scene(locals=SHARED, ingress="exactly.apply(); longest.apply();") as s:
        pool = s.pipeline.profiles["TestIngress.pool"]
        pool.insert_member(Member(1, "TestIngress.set", (0x11,)))
        pool.insert_member(Member(2, "TestIngress.off"))
        s.pipeline.tables["TestIngress.exactly"].insert(Entry((Exact(1),), member=1))
        s.pipeline.tables["TestIngress.longest"].insert(Entry((Lpm(0x80, 1),), member=2))
        s.pipeline.tables["TestIngress.longest"].insert(Entry((Lpm(0x40, 2),), member=1))
        assert s.out("01000000") == "01000011"
        assert s.out("00800000") == "0080ee00"
        assert s.out("01800000") == "0180ee11"
        assert s.out("00400000") == "00400011"
        pool.modify_member(Member(1, "TestIngress.set", (0x22,)))
        assert [s.out("01000000"), s.out("00400000")] == ["01000022", "00400022"]
        pool.modify_member(Member(1, "TestIngress.off"))
        assert s.out("01000000") == "0100ee00"


def test_a_profile_holds_as_many_members_as_it_was_declared_with() -> None:
    with scene(locals=SHARED, ingress="exactly.apply();") as s:
        pool = s.pipeline.profiles["TestIngress.pool"]
        for number in range(4):
            pool.insert_member(Member(number, "TestIngress.set", (number,)))
        with pytest.raises(TableFull):
            pool.insert_member(Member(4, "TestIngress.set", (4,)))
        with pytest.raises(EntryNotFound):
            s.pipeline.tables["TestIngress.exactly"].insert(Entry((Exact(1),), member=9))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_selector_takes_the_hash_of_its_keys_modulo_the_members(algorithm: str) -> None:
    with scene(**selecting(algorithm, 64)) as s:
        choice = s.pipeline.profiles["TestIngress.choice"]
        for number in range(3):
            choice.insert_member(Member(number, "TestIngress.set", (100 + number,)))
        choice.insert_group(Group(9, tuple(GroupMember(number) for number in range(3))))
        s.pipeline.tables["TestIngress.t"].insert(Entry((Exact(1),), group=9))
        for b in range(0, 4096, 97):
            for c in (0, 7, 15):
                assert chosen(s, 1, b, c) == 100 + ALGORITHMS[algorithm](selector_bytes(b, c)) % 3


def test_the_output_width_cuts_the_hash() -> None:
    with scene(**selecting("identity", 4)) as s:
        choice = s.pipeline.profiles["TestIngress.choice"]
        for number in range(5):
            choice.insert_member(Member(number, "TestIngress.set", (number,)))
        choice.insert_group(Group(9, tuple(GroupMember(number) for number in range(5))))
        s.pipeline.tables["TestIngress.t"].insert(Entry((Exact(1),), group=9))
        assert [chosen(s, 1, 0xAB0 + low, 6) for low in range(16)] == [low % 5 for low in range(16)]


def test_weights_and_one_shot_groups_share_traffic_out() -> None:
    with scene(**selecting("crc32", 32)) as s:
        table = s.pipeline.tables["TestIngress.t"]
        table.insert(
            Entry((Exact(1),), action_set=tuple(WeightedAction("TestIngress.set", (n,), weight=n) for n in (1, 2, 5)))
        )
        share = Counter(chosen(s, 1, b, c) for b in range(500) for c in (1, 9))
        assert share.keys() == {1, 2, 5}
        assert all(abs(share[n] - 125 * n) < 60 for n in (1, 2, 5))  # of 1000


def test_an_empty_group_is_a_hit_that_does_nothing() -> None:
    with scene(**selecting("crc16") | {"ingress": "if (t.apply().hit) { hdr.h.a = 0xaa; }"}) as s:
        table, choice = s.pipeline.tables["TestIngress.t"], s.pipeline.profiles["TestIngress.choice"]
        choice.insert_group(Group(1))
        entry = Entry((Exact(1),), group=1)
        table.insert(entry)
        assert s.out(frame(1, 0, 0)) == "aa000000"
        assert s.out(frame(2, 0, 0)) == "02000e00"  # a miss runs the default action
        assert table.direct_counter(entry) == CounterValue(1, 4)


def test_a_group_can_change_under_its_entries() -> None:
    with scene(**selecting("crc16")) as s:
        table, choice = s.pipeline.tables["TestIngress.t"], s.pipeline.profiles["TestIngress.choice"]
        for number in (3, 4):
            choice.insert_member(Member(number, "TestIngress.set", (number,)))
        choice.insert_group(Group(1, (GroupMember(3),)))
        table.insert_many([Entry((Exact(1),), group=1), Entry((Exact(2),), member=4)])
        assert [chosen(s, 1, 7, 7), chosen(s, 2, 7, 7)] == [3, 4]
        choice.modify_group(Group(1, (GroupMember(4),)))
        assert chosen(s, 1, 7, 7) == 4
        table.modify(Entry((Exact(2),), group=1))
        choice.modify_group(Group(1, (GroupMember(3),)))
        assert [chosen(s, 1, 7, 7), chosen(s, 2, 7, 7)] == [3, 3]
        assert table.direct_counter(Entry((Exact(1),))).packets == 3
