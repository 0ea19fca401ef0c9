"""Entries that a switch carries by itself are those that a controller would have read, translated and written.

Each example is done twice: by a switch that carries entries, and by one that cannot. Both hold the same afterwards.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from finsy.proto import p4r
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.dataplane.entries import Entry, Exact, Lpm, Range, Ternary
from softswitch.errors import TableFull
from softswitch.proto import bulk_pb2
from state4.errors import TargetError
from state4.plan.entities import wanted_entities
from state4.programs import InstalledProgram, prepare_program
from state4.reconfigure import Outcome, prepare, reconfigure
from state4.strategies import load_strategy
from state4.targets.abilities import Abilities
from state4.targets.p4runtime.target import P4RuntimeTarget
from tests.state4_programs import program
from tests.switch.controller import Running
from tests.switch.state4.bench.target import BenchTarget, Schedule
from tests.switch.state4.generated import installed_program

PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
INGRESS = f"""
control MyIngress({PARAMS}) {{
    register<bit<16>>(4) r;
    direct_counter(CounterType.packets_and_bytes) hits;
    direct_meter<bit<2>>(MeterType.packets) rate;
    bit<2> colour;
    action set(bit<9> port, bit<70> wide) {{ standard_metadata.egress_spec = port; r.write(0, wide[15:0]); }}
    action counted(bit<9> port) {{ hits.count(); standard_metadata.egress_spec = port; }}
    action metered() {{ rate.read(colour); }}
    action drop() {{ mark_to_drop(standard_metadata); }}
    MORE
    table plain {{ key = {{ hdr.request.op: exact; hdr.request.cell: lpm; }} actions = {{ ORDER }}
                   support_timeout = true; }}
    table masks {{ key = {{ hdr.request.amount: ternary; hdr.request.op: range; }} actions = {{ counted; drop; }}
                   counters = hits; INITIAL }}
    table limits {{ key = {{ hdr.request.op: optional; }} actions = {{ metered; NoAction; }} meters = rate; }}
    action_selector(HashAlgorithm.crc16, 64, 10) choice;
    table spread {{ key = {{ hdr.request.op: exact; hdr.request.value: selector; }} actions = {{ set; drop; }}
                    implementation = choice; }}
    apply {{ plain.apply(); masks.apply(); limits.apply(); spread.apply(); r.write(1, hdr.request.amount); }}
}}
"""
INITIAL = "entries = { (1 &&& 1, 0..3): drop(); const (2 &&& 3, 1..2): drop(); }"
KEYS = {"plain": (8, 8), "masks": (16, 8), "limits": (8,), "spread": (8,)}


def _program(name: str, more: str = "", order: str = "set; drop;", initial: str = "") -> InstalledProgram:
    text = INGRESS.replace("MORE", more).replace("ORDER", order).replace("INITIAL", initial)
    return installed_program(name, program(text))


@functools.cache
def programs() -> tuple[InstalledProgram, ...]:
    """The running program, and others with other numbers, actions in another order, entries of their own."""
    return (
        _program("old"),
        _program(
            "more", "action first(bit<8> x) { } table other { key = { hdr.request.op: exact; } actions = { first; } }"
        ),
        _program("order", order="NoAction; drop; set;"),
        _program("own", initial=INITIAL),
    )


class WithoutCarrying(BenchTarget):
    @property
    def abilities(self) -> Abilities:
        return replace(super().abilities, carries=None)


def small(bits: int) -> st.SearchStrategy[bytes]:
    return st.integers(0, min(6, (1 << bits) - 1)).map(lambda value: bytes([value]))


@st.composite
def entries(draw: st.DrawFn) -> p4r.Entity:
    """An entry of one of the tables in the first program's terms, valid or nearly so."""
    p4info = programs()[0].p4info
    name = draw(st.sampled_from(sorted(KEYS)))
    table = next(t for t in p4info.tables if t.preamble.alias == name)
    actions = {a.preamble.alias: a for a in p4info.actions}
    entity = p4r.Entity()
    entry = entity.table_entry
    entry.table_id = table.preamble.id
    if name == "plain":
        entry.match.add(field_id=1).exact.value = draw(small(8))
        prefix = draw(st.integers(0, 8))
        if prefix:
            lpm = entry.match.add(field_id=2).lpm
            lpm.value, lpm.prefix_len = bytes([draw(st.integers(0, 255)) >> (8 - prefix) << (8 - prefix)]), prefix
        entry.idle_timeout_ns = draw(st.sampled_from((0, 10**9)))
    elif name == "masks":
        if mask := draw(st.integers(0, 7)):
            ternary = entry.match.add(field_id=1).ternary
            ternary.mask, ternary.value = bytes([mask]), bytes([draw(st.integers(0, 7)) & mask])
        low, high = sorted((draw(st.integers(0, 9)), draw(st.integers(0, 9))))
        entry.match.add(field_id=2).range.low = bytes([low])
        entry.match[-1].range.high = bytes([high])
        entry.priority = draw(st.integers(1, 4))
        entry.counter_data.packet_count = draw(st.integers(0, 9))
    elif name == "limits":
        if draw(st.booleans()):
            entry.match.add(field_id=1).optional.value = draw(small(8))
        entry.priority = 1
        if draw(st.booleans()):
            entry.meter_config.CopyFrom(p4r.MeterConfig(cir=1, cburst=2, pir=3, pburst=draw(st.integers(4, 9))))
    else:
        entry.match.add(field_id=1).exact.value = draw(small(8))
    entry.metadata = draw(st.sampled_from((b"", b"note")))

    def fill(action: p4r.Action, alias: str) -> None:
        action.action_id = actions[alias].preamble.id
        for param in actions[alias].params:
            action.params.add(param_id=param.id, value=draw(small(8)))

    if name == "spread":
        for _ in range(draw(st.integers(1, 2))):
            item = entry.action.action_profile_action_set.action_profile_actions.add(weight=1)
            fill(item.action, draw(st.sampled_from(("set", "drop"))))
    else:
        choice = {"plain": ("set", "drop"), "masks": ("counted", "drop"), "limits": ("metered", "NoAction")}[name]
        fill(entry.action.action, draw(st.sampled_from(choice)))
    return entity


def given_to(target: BenchTarget, wanted: Sequence[p4r.Entity]) -> None:
    for entity in wanted:
        update = p4r.Update(type=p4r.Update.INSERT, entity=entity)
        target.device.batches.attempt(target.config, update)  # some are there already


def found(target: BenchTarget) -> list[str]:
    """The entries of the running program in its order, with counts and meters."""
    request = p4r.ReadRequest(device_id=1, entities=wanted_entities(target.running()))
    for entity in request.entities:
        if entity.HasField("table_entry") and not entity.table_entry.is_default_action:
            entity.table_entry.time_since_last_hit.SetInParent() if _has_timeout(target, entity) else None
    return [str(e) for answer in target.device.batches.read(target.config, request) for e in answer.entities]


def _has_timeout(target: BenchTarget, entity: p4r.Entity) -> bool:
    tables = {t.preamble.id: t for t in target.running().tables}
    return bool(tables[entity.table_entry.table_id].idle_timeout_behavior)


def changed(
    kind: type[BenchTarget], wanted: Sequence[p4r.Entity], own: Sequence[p4r.Update], number: int, **options: Any
) -> tuple[list[str], Outcome]:
    target = kind([], Schedule())
    try:
        target.switch.set_time(1_000_000)
        target.install(programs()[0])
        given_to(target, wanted)
        outcome = reconfigure(
            load_strategy("controller"), prepare(target, programs()[number], entries=own, allow_loss=True, **options)
        )
        return found(target), outcome
    finally:
        target.close()


def own_updates(number: int, wanted: Sequence[p4r.Entity]) -> list[p4r.Update]:
    """The operator's entries, in the new program's terms: each key once."""
    old, new = programs()[0].p4info, programs()[number].p4info
    tables = {t.preamble.id: next(n for n in new.tables if n.preamble.name == t.preamble.name) for t in old.tables}
    actions = {a.preamble.id: next(n for n in new.actions if n.preamble.name == a.preamble.name) for a in old.actions}
    found: dict[bytes, p4r.Update] = {}
    for entity in wanted:
        update = p4r.Update(type=p4r.Update.INSERT, entity=entity)
        entry = update.entity.table_entry
        entry.table_id = tables[entry.table_id].preamble.id
        if entry.action.HasField("action"):
            entry.action.action.action_id = actions[entry.action.action.action_id].preamble.id
        for item in entry.action.action_profile_action_set.action_profile_actions:
            item.action.action_id = actions[item.action.action_id].preamble.id
        key = p4r.TableEntry(table_id=entry.table_id, match=entry.match, priority=entry.priority)
        found.setdefault(key.SerializeToString(deterministic=True), update)
    return list(found.values())


@pytest.mark.parametrize("number", (1, 2, 3))
@settings(max_examples=25, deadline=None)
@given(wanted=st.lists(entries(), max_size=25), own=st.lists(entries(), max_size=5))
def test_they_are_what_a_controller_would_have_carried(
    number: int, wanted: list[p4r.Entity], own: list[p4r.Entity]
) -> None:
    updates = own_updates(number, own)
    (here, done), (there, outcome) = (changed(kind, wanted, updates, number) for kind in (BenchTarget, WithoutCarrying))
    assert here == there
    assert (done.entries, done.skipped, done.inexact) == (outcome.entries, outcome.skipped, outcome.inexact)


@settings(max_examples=10, deadline=None)
@given(wanted=st.lists(entries(), max_size=15))
def test_a_verified_change_compares_them_with_what_was_read(wanted: list[p4r.Entity]) -> None:
    _, outcome = changed(BenchTarget, wanted, [], 1, verify=True)
    assert outcome.verified is not None
    assert outcome.verified.total == 0


def test_carrying_again_takes_away_what_is_gone() -> None:
    """And nothing else: the new program's own entries stay, and so do entries that were added to it."""
    target = BenchTarget([], Schedule())
    try:
        old, new = (target._load(programs()[n]).pipeline for n in (0, 3))
        plain, masks = ([p.tables[f"MyIngress.{name}"] for p in (old, new)] for name in ("plain", "masks"))
        _fill(target, old)
        before = masks[1].entries()
        assert [new_.carry_from(old_) for old_, new_ in (plain, masks)] == [len(plain[0]), len(masks[0])]
        assert plain[1].entries() == plain[0].entries()
        gone = plain[0].entries()[0]
        plain[0].delete(gone)
        assert plain[1].carry_from(plain[0]) == len(plain[0])
        assert gone.keys not in [e.keys for e in plain[1].entries()]
        masks[0].clear()
        assert masks[1].carry_from(masks[0]) == 0
        assert masks[1].entries() == before
    finally:
        target.close()


def _fill(target: BenchTarget, pipeline: Any) -> None:
    pipeline.tables["MyIngress.plain"].insert_many(
        Entry((Exact(i), Lpm(0, i)), "MyIngress.set", (i, i << 65), metadata=b"x" if i == 2 else b"") for i in range(5)
    )
    pipeline.tables["MyIngress.masks"].insert_many(
        Entry((Ternary(i, 7), Range(i, 9)), "MyIngress.counted", (i,), priority=3) for i in range(5)
    )


def test_a_table_that_is_too_small_is_full() -> None:
    target = BenchTarget([], Schedule())
    try:
        small_one = program(INGRESS.replace("MORE", "").replace("ORDER", "set; drop;").replace("INITIAL", "size = 3;"))
        new = target._load(installed_program("small", small_one)).pipeline
        old = target._load(programs()[0]).pipeline
        _fill(target, old)
        with pytest.raises(TableFull):
            new.tables["MyIngress.masks"].carry_from(old.tables["MyIngress.masks"])
    finally:
        target.close()


@pytest.fixture
def files(tmp_path: Path) -> tuple[InstalledProgram, InstalledProgram]:
    made = []
    for name, order in (("old", "set; drop;"), ("new", "drop; set;")):
        path = tmp_path / f"{name}.p4"
        path.write_text(program(INGRESS.replace("MORE", "").replace("ORDER", order).replace("INITIAL", "")))
        made.append(prepare_program(path))
    return made[0], made[1]


def test_the_service_is_for_the_client_that_saved(files: tuple[InstalledProgram, InstalledProgram]) -> None:
    """And for tables that are the same; otherwise it returns None, and the caller translates."""
    with Running(None) as running, P4RuntimeTarget(running.address) as target:
        target.install(files[0])
        names = [("MyIngress.plain", "MyIngress.plain")]
        with pytest.raises(TargetError, match="no program is saved"):
            target.carry_entries(names, [])
        target.save(files[1])
        assert target.can_carry()
        done = target.carry_entries(names, [])
        assert done is not None
        assert done.entries == 0
        with pytest.raises(TargetError, match="no table MyIngress"):
            target.carry_entries([("MyIngress.plain", "MyIngress.nowhere")], [])
        assert target.carry_entries([("MyIngress.plain", "MyIngress.masks")], []) is None
        fence = target._connection.fence(1)
        with pytest.raises(Exception, match="was replaced"):
            target._connection.bulk.CarryEntries(bulk_pb2.CarryEntriesRequest(device_id=1, fence=fence))
        with pytest.raises(Exception, match="fence is missing"):
            target._connection.bulk.CarryEntries(bulk_pb2.CarryEntriesRequest(device_id=1))
