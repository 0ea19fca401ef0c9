"""Each field of table entries that are read in runs, compared with messages that are put together here field by field.

No two numbers of an entry are alike, so a field that is mixed up with another one differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from finsy.proto import p4r

from softswitch.build.program import compile_text
from softswitch.dataplane.entries import ColourCounts, CounterValue, Entry, Exact, Member, MeterConfig
from softswitch.dataplane.switch import Switch
from softswitch.server.device.device import Device
from softswitch.server.device.roles import Scope
from tests.switch.p4runtime.reading import COUNT, TEXT, Reading, assert_same, exact, shortest

START_US, STEP_US, LATER_US = 1_000_000, 7_001, 90_000_000


@pytest.fixture(scope="module")
def scene() -> Iterator[Reading]:
    with Switch() as switch:
        device = Device(switch, 1)
        device.install(compile_text(TEXT, "fields.p4"), TEXT.encode())
        yield Reading(switch, device)


@pytest.fixture(autouse=True)
def _empty(scene: Reading) -> None:
    for name in ("exacts", "prefixes", "rules", "chosen", "by_name", "to_name"):
        scene.table(name).clear()
    scene.switch.set_time(START_US)


def exacts(scene: Reading, count: int = COUNT) -> list[p4r.TableEntry]:
    """Entries with all that a table can have but notes, each inserted at a time of its own."""
    messages = []
    for n in range(count):
        action = scene.action("drop")
        if n % 3:
            action = scene.action("forward", 0x1FF - n, (1 << 71) + n if n % 2 else n, 0x4000 + n)
        message = scene.entry(
            "exacts", exact(1, n), exact(2, 0x100 + n), exact(3, n << 64 | 5 if n % 2 else n), action=action
        )
        message.idle_timeout_ns = 10**12 + 100 * n if n % 4 else 0
        messages.append(message)
        scene.switch.set_time(START_US + STEP_US * n)
        scene.write([message])
    scene.switch.set_time(LATER_US)
    return messages


def key(n: int) -> Entry:
    return Entry((Exact(n), Exact(0x100 + n), Exact(n << 64 | 5 if n % 2 else n)))


def test_keys_actions_and_time_outs_of_exact_entries(scene: Reading) -> None:
    expected = exacts(scene)
    assert_same(scene.read("exacts"), expected)


def test_the_time_since_the_last_hit(scene: Reading) -> None:
    expected = exacts(scene)
    for n, message in enumerate(expected):
        message.time_since_last_hit.elapsed_ns = 1000 * (LATER_US - START_US - STEP_US * n)
    assert_same(scene.read("exacts", time_since_last_hit=p4r.TableEntry.IdleTimeout()), expected)


@pytest.mark.parametrize("large", [0, 1 << 62], ids=["small", "large"])
def test_counters(scene: Reading, large: int) -> None:
    expected = exacts(scene)
    for n, message in enumerate(expected):
        packets, bytes_ = (1000 + n + large, 200_000 + n + large) if n % 5 else (0, n)
        scene.table("exacts").set_direct_counter(key(n), CounterValue(packets, bytes_))
        message.counter_data.packet_count, message.counter_data.byte_count = packets, bytes_
    assert_same(scene.read("exacts", counter_data=p4r.CounterData()), expected)


def test_counts_beyond_63_bits_wrap_as_the_message_is_signed(scene: Reading) -> None:
    expected = exacts(scene)
    for n, message in enumerate(expected):
        scene.table("exacts").set_direct_counter(key(n), CounterValue((1 << 63) + n, (1 << 64) - 1 - n))
        message.counter_data.packet_count, message.counter_data.byte_count = n, (1 << 63) - 1 - n
    assert_same(scene.read("exacts", counter_data=p4r.CounterData()), expected)


def meters(scene: Reading, expected: list[p4r.TableEntry]) -> None:
    """Every third meter has two rates, every third a single one, the others are not configured."""
    for n, message in enumerate(expected):
        if n % 3 == 0:
            continue
        cir, cburst, pir, pburst, eburst = (10_000 * digit + n for digit in (1, 2, 3, 4, 5))
        shown = message.meter_config
        shown.cir, shown.cburst = cir, cburst
        if n % 3 == 1:
            scene.table("exacts").set_direct_meter(key(n), MeterConfig(cir, cburst, pir, pburst))
            shown.pir, shown.pburst = pir, pburst
        else:
            scene.table("exacts").set_direct_meter(key(n), MeterConfig(cir, cburst, cir, cburst, eburst))
            shown.pir, shown.pburst, shown.eburst = cir, cburst, eburst


def test_meters_of_two_rates_and_of_one(scene: Reading) -> None:
    expected = exacts(scene)
    meters(scene, expected)
    assert_same(scene.read("exacts", meter_config=p4r.MeterConfig()), expected)


def test_meters_with_rates_and_bursts_of_zero_are_there(scene: Reading) -> None:
    expected = exacts(scene)
    for n, message in enumerate(expected):
        scene.table("exacts").set_direct_meter(key(n), MeterConfig(0, 0, 0, 0))
        message.meter_config.SetInParent()
    assert_same(scene.read("exacts", meter_config=p4r.MeterConfig()), expected)


def test_counts_of_a_meters_colours(scene: Reading) -> None:
    expected = exacts(scene)
    for n, message in enumerate(expected):
        counts = [CounterValue(1000 * digit + n, 100_000 * digit + n) for digit in (1, 2, 3)]
        scene.table("exacts").set_meter_counts(key(n), ColourCounts(*counts))
        shown = message.meter_counter_data
        for colour, value in zip((shown.green, shown.yellow, shown.red), counts, strict=True):
            colour.packet_count, colour.byte_count = value.packets, value.bytes
    assert_same(scene.read("exacts", meter_counter_data=p4r.MeterCounterData()), expected)


def test_all_resources_at_once_and_none_that_was_not_requested(scene: Reading) -> None:
    bare = exacts(scene)
    expected = [p4r.TableEntry.FromString(message.SerializeToString()) for message in bare]
    meters(scene, expected)
    for n, message in enumerate(expected):
        scene.table("exacts").set_direct_counter(key(n), CounterValue(70 + n, 800 + n))
        scene.table("exacts").set_meter_counts(key(n), ColourCounts(red=CounterValue(9 + n, 90 + n)))
        message.counter_data.packet_count, message.counter_data.byte_count = 70 + n, 800 + n
        message.meter_counter_data.green.SetInParent()
        message.meter_counter_data.yellow.SetInParent()
        message.meter_counter_data.red.packet_count, message.meter_counter_data.red.byte_count = 9 + n, 90 + n
        message.time_since_last_hit.elapsed_ns = 1000 * (LATER_US - START_US - STEP_US * n)
    found = scene.read(
        "exacts",
        counter_data=p4r.CounterData(),
        meter_config=p4r.MeterConfig(),
        meter_counter_data=p4r.MeterCounterData(),
        time_since_last_hit=p4r.TableEntry.IdleTimeout(),
    )
    assert_same(found, expected)
    assert_same(scene.read("exacts"), bare)


def prefixes(scene: Reading) -> list[p4r.TableEntry]:
    messages = []
    for n in range(COUNT):
        action = scene.action("send", n) if n % 2 else scene.action("discard")
        message = scene.entry("prefixes", exact(1, n), action=action)
        length = 2 * n % 129  # 0: the field is left out
        if length:
            value = (0xF0E1_D2C3_B4A5_9687_7869_5A4B_3C2D_1E0F >> (128 - length)) << (128 - length)
            message.match.add(field_id=2).lpm.value = shortest(value)
            message.match[-1].lpm.prefix_len = length
        messages.append(message)
    return messages


def test_prefixes_of_each_length(scene: Reading) -> None:
    expected = prefixes(scene)
    assert {0, 64, 66, 128} <= {m.match[1].lpm.prefix_len if len(m.match) > 1 else 0 for m in expected}
    scene.write(expected)
    assert_same(scene.read("prefixes"), expected)


def rules(scene: Reading) -> list[p4r.TableEntry]:
    """Each combination of fields that are there and that are left out, and priorities in no order."""
    messages = []
    for n in range(COUNT):
        message = scene.entry("rules", action=scene.action("send", n) if n % 2 else scene.action("discard"))
        if n & 1:
            mask = 0x8300 + n
            message.match.add(field_id=1).ternary.value = shortest(0xFFF5 & mask)
            message.match[-1].ternary.mask = shortest(mask)
        if n & 2:
            mask = ((1 << 71) + (n << 64), 0x0F0F + n, (1 << 71) + (n << 62) + 0x0F0F)[n % 3]
            message.match.add(field_id=2).ternary.value = shortest(((1 << 71) + 0x0505) & mask)
            message.match[-1].ternary.mask = shortest(mask)
        if n & 4:
            message.match.add(field_id=3).optional.value = shortest(n & 0xF8)
        if n & 8:
            message.match.add(field_id=4).range.low = shortest(7 * n if n & 16 else 0)
            message.match[-1].range.high = shortest((1 << 32) - 1 if n & 1 else (1 << 31) + n)
        if n & 32:
            length = 64 + n
            value = (0xA5A5_A5A5_A5A5_A5A5_5A5A_5A5A_5A5A_5A5A >> (128 - length)) << (128 - length)
            message.match.add(field_id=5).lpm.value = shortest(value)
            message.match[-1].lpm.prefix_len = length
        message.priority = 1 + 37 * n % 101 if n != 7 else (1 << 31) - 1
        messages.append(message)
    return [m for m in messages if not _whole_range(m)]


def _whole_range(message: p4r.TableEntry) -> bool:
    """Which a client has to leave out."""
    return any(m.range.low == b"\0" and m.range.high == b"\xff" * 4 for m in message.match if m.HasField("range"))


def test_ternary_optional_range_and_priorities(scene: Reading) -> None:
    expected = rules(scene)
    scene.write(expected)
    assert_same(scene.read("rules"), expected)


@pytest.mark.parametrize("priority", [1, 38, (1 << 31) - 1, 777])
def test_a_priority_selects(scene: Reading, priority: int) -> None:
    entries = rules(scene)
    scene.write(entries)
    expected = [message for message in entries if message.priority == priority]
    assert bool(expected) is (priority != 777)
    assert_same(scene.read("rules", priority=priority), expected)


@pytest.mark.parametrize("name", ["send", "discard"])
def test_an_action_selects(scene: Reading, name: str) -> None:
    entries = rules(scene)
    scene.write(entries)
    wanted = p4r.TableAction(action=p4r.Action(action_id=scene.id(name)))
    expected = [m for m in entries if m.action.action.action_id == scene.id(name)]
    assert 0 < len(expected) < len(entries)
    assert_same(scene.read("rules", action=wanted), expected)


def test_entries_of_the_program_are_const(scene: Reading) -> None:
    expected = []
    for n in range(1, COUNT + 1):
        message = scene.entry("fixed", exact(1, n), action=scene.action(*(("send", n + 2) if n % 3 else ("discard",))))
        message.match.add(field_id=2).ternary.value = shortest(n)
        message.match[-1].ternary.mask = shortest(n | 0x100)
        message.priority, message.is_const = COUNT + 1 - n, True
        expected.append(message)
    assert_same(scene.read("fixed"), expected)


def chosen(scene: Reading) -> list[p4r.TableEntry]:
    """Entries that refer to members and groups; ids of members and groups differ."""
    profile = scene.id("choice")
    members, groups = [1, 300, 70_000], [2, 301, 70_001]
    with_action = [
        p4r.ActionProfileMember(action_profile_id=profile, member_id=number, action=scene.action("send", number % 256))
        for number in members
    ]
    with_members = [
        p4r.ActionProfileGroup(
            action_profile_id=profile,
            group_id=number,
            max_size=4,
            members=[p4r.ActionProfileGroup.Member(member_id=member, weight=1) for member in members[:2]],
        )
        for number in groups
    ]
    if not scene.config.pipeline.profiles["TestIngress.choice"].members():
        scene.insert(p4r.Entity(action_profile_member=member) for member in with_action)
        scene.insert(p4r.Entity(action_profile_group=group) for group in with_members)
    messages = []
    for n in range(COUNT):
        message = scene.entry("chosen", exact(1, n))
        if n % 2:
            message.action.action_profile_member_id = members[n % 3]
        else:
            message.action.action_profile_group_id = groups[n % 3]
        messages.append(message)
    return messages


def test_members_and_groups(scene: Reading) -> None:
    expected = chosen(scene)
    scene.write(expected)
    assert_same(scene.read("chosen"), expected)
    for name in ("send", "discard"):  # the numbers of members and groups are not those of actions
        wanted = p4r.TableAction(action=p4r.Action(action_id=scene.id(name)))
        assert scene.read("chosen", action=wanted) == []


def test_a_member_may_have_the_number_0(scene: Reading) -> None:
    """P4Runtime's clients cannot make one, but Thrift's count from 0."""
    expected = chosen(scene)
    profile = scene.config.pipeline.profiles["TestIngress.choice"]
    profile.insert_member(Member(0, "TestIngress.send", (1,)))
    for n, message in enumerate(expected):
        message.action.action_profile_member_id = 0
        scene.table("chosen").insert(Entry((Exact(n),), member=0))
    assert_same(scene.read("chosen"), expected)
    scene.table("chosen").clear()
    profile.delete_member(0)


def test_action_sets_are_read_one_by_one(scene: Reading) -> None:
    expected = chosen(scene)
    for n, message in enumerate(expected):
        of_set = message.action.action_profile_action_set
        for weight, action in ((2, scene.action("send", n)), (1 + n % 3, scene.action("discard"))):
            of_set.action_profile_actions.add(weight=weight, action=action)
    scene.write(expected)
    assert_same(scene.read("chosen", in_runs=False), expected)


def test_notes_are_read_one_by_one(scene: Reading) -> None:
    expected = chosen(scene)
    expected[2].metadata, expected[3].controller_metadata = b"a note", 1 << 40
    expected[4].metadata, expected[4].controller_metadata = b"another", 77
    scene.write(expected)
    assert_same(scene.read("chosen", in_runs=False), expected)
    assert_same(scene.read("chosen", in_runs=False, metadata=b"another"), [expected[4]])
    assert_same(scene.read("chosen", in_runs=False, controller_metadata=1 << 40), [expected[3]])


def test_translated_names_are_read_one_by_one(scene: Reading) -> None:
    by_name, to_name = [], []
    for n in range(COUNT):
        by_name.append(scene.entry("by_name", action=scene.action("discard")))
        by_name[-1].match.add(field_id=1).exact.value = f"name {n}".encode()
        action = scene.action("discard")
        if n == COUNT - 1:
            action = p4r.Action(action_id=scene.id("name"))
            action.params.add(param_id=1, value=b"the only name")
        to_name.append(scene.entry("to_name", exact(1, n), action=action))
    scene.write([*by_name, *to_name])
    assert_same(scene.read("by_name", in_runs=False), by_name)
    assert_same(scene.read("to_name", in_runs=False), to_name)


def test_no_entry_without_a_note_is_selected_by_one(scene: Reading) -> None:
    exacts(scene)
    assert scene.read("exacts", metadata=b"note") == []
    assert scene.read("exacts", controller_metadata=3) == []


def test_one_entry_by_its_key(scene: Reading) -> None:
    expected = exacts(scene)
    assert_same(scene.read("exacts", in_runs=False, match=expected[40].match), [expected[40]])


def test_the_default_entry_is_not_among_the_entries(scene: Reading) -> None:
    expected = prefixes(scene)
    scene.write(expected)
    default = scene.entry("prefixes", action=scene.action("send", 6))
    default.is_default_action = True
    assert_same(scene.read("prefixes", in_runs=False, is_default_action=True), [default])
    assert_same(scene.read("prefixes"), expected)


def test_entries_are_in_the_order_of_their_insertion(scene: Reading) -> None:
    expected = prefixes(scene)
    scene.write(expected)
    for n in (3, 40, 5):
        scene.table("prefixes").delete(scene.table("prefixes").entries()[n])
        expected.append(expected.pop(n))
        scene.write(expected[-1:])
    assert_same(scene.read("prefixes"), expected)


def test_a_role_sees_its_tables_only(scene: Reading) -> None:
    scene.write(prefixes(scene))
    scene.write(rules(scene))
    request = p4r.ReadRequest(device_id=1)
    request.entities.add().table_entry.SetInParent()
    scope = Scope(frozenset((scene.id("rules"),)), frozenset(), False, None, False)
    found = scene.device.batches.take(scene.config, request, scope).responses()
    assert [e.table_entry for part in found for e in part.entities] == scene.read("rules")


def test_a_read_of_all_tables_has_them_in_order(scene: Reading) -> None:
    made: list[tuple[str, Callable[[Reading], list[p4r.TableEntry]]]] = [
        ("exacts", exacts),
        ("prefixes", prefixes),
        ("rules", rules),
        ("chosen", chosen),
    ]
    expected: dict[str, list[p4r.TableEntry]] = {"by_name": [], "to_name": []}
    for name, make in made:
        expected[name] = make(scene)
        if name != "exacts":
            scene.write(expected[name])
    expected["fixed"] = scene.read("fixed")
    request = p4r.ReadRequest(device_id=1)
    request.entities.add().table_entry.SetInParent()
    found = [e.table_entry for part in scene.device.batches.read(scene.config, request) for e in part.entities]
    order = [table.preamble.alias for table in scene.config.p4info.tables]
    assert_same(found, [message for name in order for message in expected[name]])
