"""Reading a table in runs is like reading it entry by entry: the same entries, in the same order and form."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from finsy.proto import p4r
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.build.program import compile_text
from softswitch.dataplane.entries import (
    ColourCounts,
    CounterValue,
    Entry,
    Exact,
    Group,
    GroupMember,
    KeyMatch,
    Lpm,
    Member,
    MeterConfig,
    Optional,
    Range,
    Ternary,
    WeightedAction,
)
from softswitch.dataplane.switch import Switch
from softswitch.dataplane.tables import Table
from softswitch.errors import EntryExists
from softswitch.model import KeyField
from softswitch.server.device.device import Device
from softswitch.server.device.roles import Scope
from softswitch.server.entities import runs
from tests.switch.scene import program

TEXT = program(
    fields="bit<8> a; bit<9> b; bit<8> c; bit<6> pad; bit<1> d; bit<72> wide; bit<128> wider;",
    locals="""
    direct_counter(CounterType.packets_and_bytes) hits;
    direct_meter<bit<2>>(MeterType.packets) rate;
    direct_meter<bit<2>>(MeterType.bytes) bytes_rate;
    bit<2> colour;
    action set(bit<9> port, bit<70> wide) { std.egress_spec = port; hdr.h.wide = (bit<72>)wide; }
    action drop() { mark_to_drop(std); }
    action one(bit<1> x, bit<64> y, bit<65> z) { hdr.h.d = x; hdr.h.wide = (bit<72>)(z + (bit<65>)y); }
    action coloured(bit<8> x) { rate.read(colour); hdr.h.a = x; }
    action metered() { bytes_rate.read(colour); }
    action_selector(HashAlgorithm.crc16, 64, 8) choice;
    table exacts { key = { hdr.h.a: exact; hdr.h.wide: exact; hdr.h.wider: exact; } actions = { set; drop; one; }
                   support_timeout = true; counters = hits; }
    table prefixes { key = { hdr.h.wide: lpm; } actions = { coloured; } meters = rate; }
    table wide_prefixes { key = { hdr.h.a: exact; hdr.h.wider: lpm; } actions = { metered; } meters = bytes_rate; }
    table masks { key = { hdr.h.b: ternary; hdr.h.wide: optional; hdr.h.wider: range; } actions = { set; drop; one; } }
    table fixed { key = { hdr.h.a: ternary; hdr.h.d: exact; } actions = { drop; one; }
                  const entries = { (1 &&& 3, 1): drop(); (_, 0): one(1, 2, 1 << 64); } }
    table chosen { key = { hdr.h.a: exact; hdr.h.c: selector; } actions = { set; drop; } implementation = choice; }
    """,
    ingress="exacts.apply(); prefixes.apply(); wide_prefixes.apply(); masks.apply(); fixed.apply(); chosen.apply();",
)
WRITABLE = ("exacts", "prefixes", "wide_prefixes", "masks", "chosen")
ACTIONS = {
    "exacts": {"set": (9, 70), "drop": (), "one": (1, 64, 65)},
    "prefixes": {"coloured": (8,)},
    "wide_prefixes": {"metered": ()},
    "masks": {"set": (9, 70), "drop": (), "one": (1, 64, 65)},
}


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    compiled = compile_text(TEXT, "reads.p4")
    with Switch() as switch:
        made = Device(switch, 1)
        made.install(compiled, TEXT.encode())
        assert made.active is not None
        (profile,) = made.active.pipeline.profiles.values()
        for number in (1, 7, 300):
            profile.insert_member(Member(number, "TestIngress.drop"))
        profile.insert_group(Group(9, (GroupMember(1), GroupMember(300))))
        switch.set_time(5_000_000)  # or the time since the last hit would differ
        yield made


def values(width: int) -> st.SearchStrategy[int]:
    full = (1 << width) - 1
    return st.one_of(st.integers(0, full), st.sampled_from((0, 1, full, 1 << (width - 1), full >> 1)))


@st.composite
def matches(draw: st.DrawFn, key: KeyField) -> KeyMatch:
    width = key.width
    full = (1 << width) - 1
    value = draw(values(width))
    if key.match == "exact":
        return Exact(value)
    if key.match == "lpm":
        prefix = draw(st.integers(0, width))
        return Lpm(value & (full >> (width - prefix) << (width - prefix)), prefix)
    if key.match == "ternary":
        mask = draw(values(width))
        return Ternary(value & mask, mask)
    if key.match == "range":
        return Range(*sorted((value, draw(values(width)))))
    return Optional(draw(st.one_of(st.none(), st.just(value))))


@st.composite
def entries(draw: st.DrawFn, name: str, table: Table) -> Entry:
    keys = tuple(draw(matches(key)) for key in table.info.keys if key.match != "selector")
    more: dict[str, Any] = {}
    if table.has_priorities:
        more["priority"] = draw(st.integers(1, (1 << 31) - 1))
    if table.info.idle_timeout:
        more["idle_timeout_ns"] = draw(st.integers(0, (1 << 63) - 1))
    if draw(st.integers(0, 30)) == 0:
        more["metadata"] = bytes(8) + b"note"
    if name == "chosen":
        chosen = draw(st.sampled_from(("member", "group", "set")))
        if chosen == "set" and draw(st.booleans()):
            return Entry(keys, action_set=(WeightedAction("TestIngress.drop"),), **more)
        return Entry(
            keys, **({"group": 9} if chosen == "group" else {"member": draw(st.sampled_from((1, 7, 300)))}), **more
        )
    action = draw(st.sampled_from(sorted(ACTIONS[name])))
    params = tuple(draw(values(width)) for width in ACTIONS[name][action])
    return Entry(keys, f"TestIngress.{action}", params, **more)


numbers = st.integers(0, (1 << 63) - 1)
counts = st.builds(CounterValue, numbers, numbers)


def fill(data: st.DataObject, tables: dict[str, Table]) -> None:
    """New entries for some of the tables."""
    for name in data.draw(st.sets(st.sampled_from(WRITABLE), min_size=1, max_size=2)):
        table = tables[f"TestIngress.{name}"]
        table.clear()
        for entry in data.draw(st.lists(entries(name, table), max_size=7)):
            try:
                table.insert(entry)
            except EntryExists:
                continue
            if table.info.direct_counter and data.draw(st.booleans()):
                table.set_direct_counter(entry, data.draw(counts))
            if table.info.direct_meter and data.draw(st.booleans()):
                eburst = data.draw(st.one_of(st.none(), numbers))
                cir, cburst, pir, pburst = (data.draw(numbers) for _ in range(4))
                pair = (pir, pburst) if eburst is None else (cir, cburst)
                table.set_direct_meter(entry, MeterConfig(cir, cburst, *pair, eburst))
                table.set_meter_counts(entry, ColourCounts(*(data.draw(counts) for _ in range(3))))


@st.composite
def requests(draw: st.DrawFn, device: Device) -> p4r.ReadRequest:
    assert device.active is not None
    index = device.active.index
    request = p4r.ReadRequest(device_id=1)
    for _ in range(draw(st.integers(1, 3))):
        entry = request.entities.add().table_entry
        entry.table_id = draw(st.sampled_from((0, *index.tables)))
        view = index.tables.get(entry.table_id)
        every = view is None
        if draw(st.booleans()) and (every or view.info.direct_counter):  # type: ignore[union-attr]
            entry.counter_data.SetInParent()
        if draw(st.booleans()) and (every or view.info.direct_meter):  # type: ignore[union-attr]
            entry.meter_config.SetInParent()
            if draw(st.booleans()):
                entry.meter_counter_data.SetInParent()
        if draw(st.booleans()) and (every or view.info.idle_timeout):  # type: ignore[union-attr]
            entry.time_since_last_hit.SetInParent()
        if not every and draw(st.integers(0, 2)) == 0:
            entry.action.action.action_id = draw(st.sampled_from((*index.actions, 12345)))
        if not every and draw(st.integers(0, 3)) == 0:
            entry.priority = draw(st.sampled_from((1, 2, (1 << 31) - 1)))
        entry.metadata = draw(st.sampled_from((b"", b"", b"", b"note", b"other")))
    return request


def answers(device: Device, request: p4r.ReadRequest, scope: Scope | None) -> list[p4r.Entity]:
    assert device.active is not None
    found = device.batches.take(device.active, request, scope)
    return list(chain.from_iterable(response.entities for response in found.responses()))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=60
)
@given(data=st.data())
def test_runs_are_the_entries_one_by_one(device: Device, monkeypatch: pytest.MonkeyPatch, data: st.DataObject) -> None:
    assert device.active is not None
    fill(data, dict(device.active.pipeline.tables))
    own = frozenset(data.draw(st.sets(st.sampled_from(sorted(device.active.index.tables)))))
    scope = data.draw(st.sampled_from((None, Scope(own, frozenset(), False, None, False))))
    request = data.draw(requests(device))
    monkeypatch.setattr(runs, "MIN_ENTRIES", 1 << 30)
    one_by_one = answers(device, request, scope)
    monkeypatch.setattr(runs, "MIN_ENTRIES", 0)
    monkeypatch.setattr(runs, "MAX_ENTRIES", data.draw(st.integers(1, 5)))
    assert answers(device, request, scope) == one_by_one


def exacts(device: Device, number: int) -> p4r.ReadRequest:
    """A request for all entries of a table with so many."""
    assert device.active is not None
    table = device.active.pipeline.tables["TestIngress.exacts"]
    table.clear()
    table.insert_many(Entry((Exact(n & 255), Exact(n), Exact(n)), "TestIngress.drop") for n in range(number))
    request = p4r.ReadRequest(device_id=1)
    request.entities.add().table_entry.table_id = next(
        view.id for view in device.active.index.tables.values() if view.name == "TestIngress.exacts"
    )
    return request


def test_a_read_is_of_the_moment_of_its_request(device: Device) -> None:
    request = exacts(device, 100)
    assert device.active is not None
    taken = device.batches.take(device.active, request)
    device.active.pipeline.tables["TestIngress.exacts"].clear()
    assert sum(len(response.entities) for response in taken.responses()) == 100
    assert answers(device, request, None) == []


def test_messages_of_many_runs_are_of_a_limited_size(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MAX_ENTRIES", 300)
    request = exacts(device, 1000)
    monkeypatch.setattr("softswitch.server.device.batches.ENTITIES_PER_RESPONSE", 700)
    assert device.active is not None
    sizes = [len(r.entities) for r in device.batches.take(device.active, request).responses()]
    assert sizes == [600, 400]


def test_an_entity_after_a_full_message_begins_the_next_one(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    request = exacts(device, 100)
    assert device.active is not None
    request.entities.add().action_profile_member.action_profile_id = next(iter(device.active.index.profiles))
    monkeypatch.setattr("softswitch.server.device.batches.ENTITIES_PER_RESPONSE", 100)
    sizes = [len(r.entities) for r in device.batches.take(device.active, request).responses()]
    assert sizes == [100, 3]
