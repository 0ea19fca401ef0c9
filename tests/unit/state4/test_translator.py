"""Every kind of entity of a program, translated for one in which everything has a different name and number."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
from finsy.proto import p4i, p4r

from p4front.load import load_text
from p4front.p4info import build_p4info
from softswitch.proto.update_kinds import INSERT, MODIFY
from state4.plan.entities import ORDER, identity, kind_of, merge, wanted_entities
from state4.plan.state_map import StateMap
from state4.plan.translator import Translator

TEXT = (Path(__file__).parents[2] / "switch" / "programs" / "everything.p4").read_text()


@functools.cache
def _built(control: str, parser: str, digest: str) -> p4i.P4Info:
    text = TEXT.replace("MyIngress", control).replace("MyParser", parser).replace("learned_t", digest)
    return build_p4info(load_text(text, "everything.p4"))


def old() -> p4i.P4Info:
    return _built("MyIngress", "MyParser", "learned_t")


def new() -> p4i.P4Info:
    """A copy that a test may change."""
    result = p4i.P4Info()
    result.CopyFrom(_built("Ours", "Reader", "news_t"))
    return result


def names() -> dict[str, str]:
    kinds = ("tables", "actions", "action_profiles", "value_sets", "meters", "counters", "digests")
    found = [item.preamble.name for kind in kinds for item in getattr(old(), kind)]
    return {
        name: name.replace("MyIngress", "Ours").replace("MyParser", "Reader").replace("learned_t", "news_t")
        for name in found
    }


def number(p4info: p4i.P4Info, kind: str, alias: str) -> int:
    return next(i.preamble.id for i in getattr(p4info, kind) if i.preamble.name.rpartition(".")[2] == alias)


def item(p4info: p4i.P4Info, kind: str, alias: str) -> Any:
    return next(i for i in getattr(p4info, kind) if i.preamble.name.rpartition(".")[2] == alias)


def digest_name(p4info: p4i.P4Info) -> str:
    return p4info.digests[0].preamble.name.rpartition(".")[2]


def action(p4info: p4i.P4Info, alias: str, *values: bytes) -> p4r.Action:
    return p4r.Action(
        action_id=number(p4info, "actions", alias),
        params=[
            p4r.Action.Param(param_id=p.id, value=v)
            for p, v in zip(item(p4info, "actions", alias).params, values, strict=True)
        ],
    )


def entry(p4info: p4i.P4Info, table: str, *keys: bytes, act: tuple[Any, ...] = (), **fields: Any) -> p4r.Entity:
    found = p4r.TableEntry(table_id=number(p4info, "tables", table), **fields)
    for field, value in zip(item(p4info, "tables", table).match_fields, keys, strict=False):
        match = found.match.add(field_id=field.id)
        if field.match_type == p4i.MatchField.EXACT:
            match.exact.value = value
        elif field.match_type == p4i.MatchField.TERNARY:
            match.ternary.value, match.ternary.mask = value, b"\xff"
        else:
            match.lpm.value, match.lpm.prefix_len = value, 32
    if act:
        found.action.action.CopyFrom(action(p4info, *act))
    return p4r.Entity(table_entry=found)


def everything(p4info: p4i.P4Info) -> list[p4r.Entity]:
    """One or two of each kind, in the order in which a program takes them."""
    profile = number(p4info, "action_profiles", "paths")
    member = p4r.ActionProfileMember(action_profile_id=profile, member_id=1, action=action(p4info, "forward", b"\x02"))
    group = p4r.ActionProfileGroup(action_profile_id=profile, group_id=9, max_size=4)
    group.members.add(member_id=1, weight=2)
    values = p4r.ValueSetEntry(value_set_id=number(p4info, "value_sets", "extra_kinds"))
    values.members.add().match.add(field_id=item(p4info, "value_sets", "extra_kinds").match[0].id).exact.value = b"\x99"
    meter = p4r.MeterEntry(meter_id=number(p4info, "meters", "port_rate"))
    meter.index.index, meter.config.cir, meter.config.pir = 3, 10, 20
    digest = p4r.DigestEntry(digest_id=p4info.digests[0].preamble.id)
    digest.config.max_list_size = 7
    balanced = entry(p4info, "balanced", b"\x05")
    balanced.table_entry.action.action_profile_group_id = 9
    oneshot = entry(p4info, "balanced", b"\x06")
    chosen = oneshot.table_entry.action.action_profile_action_set.action_profile_actions
    chosen.add(weight=3).action.CopyFrom(action(p4info, "forward", b"\x04"))
    counted = entry(p4info, "routes", b"\x0a\0\0\1", act=("forward", b"\x07"))
    counted.table_entry.counter_data.packet_count = 5
    timed = entry(p4info, "hosts", b"\x01", act=("metered", b"\x01"), idle_timeout_ns=9)
    timed.table_entry.meter_config.cir = 1
    return [
        p4r.Entity(action_profile_member=member),
        p4r.Entity(action_profile_group=group),
        p4r.Entity(value_set_entry=values),
        p4r.Entity(meter_entry=meter),
        p4r.Entity(digest_entry=digest),
        counted,
        timed,
        entry(p4info, "rules", b"\x01", act=("drop",), priority=4),
        entry(p4info, "routes", act=("multicast", b"\x03"), is_default_action=True),
        balanced,
        oneshot,
    ]


def translated(entities: list[p4r.Entity], program: p4i.P4Info | None = None, **more: Any) -> Any:
    return Translator(old(), program or new(), StateMap(names=names(), **more)).translate(entities)


def test_each_kind_gets_the_new_programs_names_and_numbers() -> None:
    result = translated(everything(old()))
    assert result.left == []
    assert [update.entity for update in result.updates] == everything(new())
    modified = [
        kind_of(update.entity) for update in result.updates if update.type == MODIFY
    ]  # what every program has from the start
    assert modified == ["value_set_entry", "meter_entry", "table_entry"]
    assert {update.type for update in result.updates} == {INSERT, MODIFY}


def test_they_come_in_the_order_in_which_a_program_takes_them() -> None:
    result = translated(everything(old())[::-1])
    kinds = [ORDER.index(kind_of(update.entity)) for update in result.updates]
    assert kinds == sorted(kinds) and len(kinds) == len(everything(old()))


def test_what_only_the_old_program_knows_is_left_out() -> None:
    """Hit times, counts and rates if the new table has none, time-outs if it does not support them."""
    stale = entry(old(), "hosts", b"\x01", act=("metered", b"\x01"), idle_timeout_ns=9)
    stale.table_entry.time_since_last_hit.elapsed_ns = 1
    stale.table_entry.meter_counter_data.green.packet_count = 1
    stale.table_entry.meter_config.cir = 4
    counted = entry(old(), "routes", b"\x0a\0\0\1", act=("forward", b"\x07"))
    counted.table_entry.counter_data.packet_count = 5
    default = entry(old(), "routes", act=("drop",), is_default_action=True)
    default.table_entry.counter_data.packet_count = 5
    default.table_entry.meter_config.cir = 5
    meter = p4r.MeterEntry(meter_id=number(old(), "meters", "port_rate"))
    meter.counter_data.green.byte_count = 3
    poor = new()
    del poor.direct_counters[:], poor.direct_meters[:]
    item(poor, "tables", "hosts").idle_timeout_behavior = p4i.Table.NO_TIMEOUT
    hosts = p4r.Entity(table_entry=stale.table_entry)
    made = {kind_of(u.entity) + str(n): u.entity for n, u in enumerate(translated([hosts, counted], poor).updates)}
    assert [e.table_entry for e in made.values()] == [
        entry(poor, "hosts", b"\x01", act=("metered", b"\x01")).table_entry,
        entry(poor, "routes", b"\x0a\0\0\1", act=("forward", b"\x07")).table_entry,
    ]
    rich = translated([hosts, default, p4r.Entity(meter_entry=meter)]).updates
    kept = rich[1].entity.table_entry
    assert kept.idle_timeout_ns == 9 and kept.meter_config.cir == 4
    assert not kept.HasField("time_since_last_hit") and not kept.HasField("meter_counter_data")
    assert rich[2].entity == entry(new(), "routes", act=("drop",), is_default_action=True)
    assert not rich[0].entity.meter_entry.HasField("counter_data")


def changed(kind: str, alias: str, **fields: Any) -> p4i.P4Info:
    """The new program with one object changed or removed."""
    program = new()
    if not fields:
        objects = getattr(program, kind)
        kept = [i for i in objects if i.preamble.name.rpartition(".")[2] != alias]
        del objects[:]
        objects.extend(kept)
    for name, value in fields.items():
        found = item(program, kind, alias)
        if name == "unit":
            found.spec.unit = value
        elif name == "bitwidth":
            found.match[0].bitwidth = value
        else:
            setattr(found, name, value)
    return program


@pytest.mark.parametrize(
    ("program", "place", "why"),
    [
        (changed("action_profiles", "paths"), 0, "action profile MyIngress.paths is not in the new program"),
        (changed("action_profiles", "paths", with_selector=False), 1, "is of another kind in the new program"),
        (changed("action_profiles", "paths", size=8), 1, "has fewer places in the new program"),
        (changed("actions", "forward"), 0, "action profile Ours.paths has no action MyIngress.forward"),
        (changed("value_sets", "extra_kinds"), 2, "value set MyParser.extra_kinds is not in the new program"),
        (changed("value_sets", "extra_kinds", bitwidth=8), 2, "has other members in the new program"),
        (changed("value_sets", "extra_kinds", size=3), 2, "has fewer places"),
        (changed("meters", "port_rate"), 3, "meter MyIngress.port_rate is not in the new program"),
        (changed("meters", "port_rate", unit=p4i.MeterSpec.PACKETS), 3, "counts something else in the new program"),
        (changed("meters", "port_rate", size=7), 3, "has fewer places"),
        (changed("digests", digest_name(new())), 4, "digest "),
        (changed("tables", "routes"), 5, "table MyIngress.routes is not in the new program"),
        (changed("tables", "routes", is_const_table=True), 5, "has const entries in the new program"),
        (changed("tables", "balanced", implementation_id=0), 9, "has another implementation"),
        (changed("actions", "forward"), 5, "table MyIngress.routes has no action Ours.forward in the new program"),
        (changed("actions", "forward"), 10, "table MyIngress.balanced has no action Ours.forward in the new program"),
    ],
)
def test_what_has_no_place_is_reported_and_the_rest_is_carried(program: p4i.P4Info, place: int, why: str) -> None:
    entities = everything(old())
    result = translated([entities[place]], program)
    assert result.updates == [] and len(result.left) == 1 and why in result.left[0]
    twice = translated([entities[place], entities[place], entities[7]], program)
    assert len(twice.left) == 1 and [kind_of(u.entity) for u in twice.updates] == ["table_entry"]


def test_a_size_that_is_not_given_is_no_smaller_one() -> None:
    assert translated([everything(old())[3]], changed("meters", "port_rate", size=0)).left == []
    assert translated([everything(old())[0]], changed("action_profiles", "paths", size=16)).left == []


def test_an_action_that_is_no_action_of_that_table() -> None:
    program = new()
    table = item(program, "tables", "rules")
    kept = [ref for ref in table.action_refs if ref.id != number(program, "actions", "drop")]
    del table.action_refs[:]
    table.action_refs.extend(kept)
    assert translated([everything(old())[7]], program).left == [
        "table MyIngress.rules has no action Ours.drop in the new program"
    ]


# ---------------------------------------------------------------- what a switch is asked for


def test_a_switch_is_asked_for_all_that_the_control_plane_may_have_put_there() -> None:
    asked = wanted_entities(old())
    tables = [e.table_entry for e in asked if e.HasField("table_entry") and not e.table_entry.is_default_action]
    by_name = {t.preamble.id: t.preamble.name.rpartition(".")[2] for t in old().tables}
    assert [by_name[t.table_id] for t in tables] == [
        "routes", "hosts", "rules", "balanced", "bundled", "keyless",
    ]  # fmt: skip
    assert [by_name[t.table_id] for t in tables if t.HasField("counter_data")] == ["routes"]
    assert [by_name[t.table_id] for t in tables if t.HasField("meter_config")] == ["hosts"]
    defaults = [by_name[e.table_entry.table_id] for e in asked if e.table_entry.is_default_action]
    assert defaults == ["routes", "hosts", "fixed", "balanced", "bundled", "keyless"]  # not those that are const
    rest = [e for e in asked if not e.HasField("table_entry")]
    profiles = [number(old(), "action_profiles", name) for name in ("paths", "bundles")]
    assert sorted(e.action_profile_member.action_profile_id for e in rest if e.HasField("action_profile_member")) == (
        sorted(profiles)
    )
    groups = [e.action_profile_group.action_profile_id for e in rest if e.HasField("action_profile_group")]
    assert groups == profiles[:1]
    others = {kind_of(e): getattr(e, kind_of(e)) for e in rest[3:]}
    assert others["value_set_entry"].value_set_id == number(old(), "value_sets", "extra_kinds")
    assert others["meter_entry"].meter_id == number(old(), "meters", "port_rate")
    assert others["digest_entry"].digest_id == old().digests[0].preamble.id
    assert kind_of(p4r.Entity()) == ""


# ---------------------------------------------------------------- merging


def update(entity: p4r.Entity, kind: int = INSERT) -> p4r.Update:
    return p4r.Update(type=kind, entity=entity)  # type: ignore[arg-type]


def test_two_entries_are_the_same_by_table_key_and_priority() -> None:
    base = entry(old(), "rules", b"\x01", act=("drop",), priority=4)
    same = entry(old(), "rules", b"\x01", act=("forward", b"\x01"), priority=4)
    others = [
        entry(old(), "rules", b"\x02", act=("drop",), priority=4),
        entry(old(), "rules", b"\x01", act=("drop",), priority=5),
        entry(old(), "hosts", b"\x01", act=("metered", b"\x01")),
        entry(old(), "rules", b"\x01", act=("drop",), priority=4, is_default_action=True),
    ]
    assert identity(update(base)) == identity(update(same))
    assert len({identity(update(one)) for one in (base, *others)}) == 5
    turned = p4r.Entity()
    turned.CopyFrom(base)
    extra = turned.table_entry.match.add(field_id=99)
    extra.exact.value = b"\x01"
    swapped = p4r.Entity()
    swapped.CopyFrom(turned)
    del swapped.table_entry.match[:]
    swapped.table_entry.match.extend(list(turned.table_entry.match)[::-1])
    assert identity(update(turned)) == identity(update(swapped))
    digests = [everything(old())[place] for place in (3, 4)]
    assert identity(update(digests[0])) != identity(update(digests[1]))


def test_what_is_carried_goes_before_the_operators_own_and_const_entries_stay() -> None:
    carried = [update(entry(old(), "hosts", b"\x01", act=("metered", b"\x01")))]
    own = [
        update(entry(old(), "hosts", b"\x01", act=("metered", b"\x02"))),
        update(entry(old(), "hosts", b"\x02", act=("metered", b"\x02"))),
        update(entry(old(), "fixed", b"\xf1", act=("forward", b"\x02"))),
        update(entry(old(), "fixed", b"\xf3", act=("forward", b"\x02"))),
        update(everything(old())[3], MODIFY),
    ]
    session = p4r.Update(type=INSERT)
    session.entity.packet_replication_engine_entry.clone_session_entry.session_id = 5
    initial = [
        entry(old(), "fixed", b"\xf1", act=("forward", b"\x03"), is_const=True).table_entry,
        entry(old(), "hosts", b"\x02", act=("metered", b"\x07")).table_entry,
    ]
    result = merge(carried, [*own, session], initial)
    assert [u.entity for u in result] == [carried[0].entity, own[1].entity, own[3].entity, own[4].entity]
    assert [u.type for u in result] == [INSERT, MODIFY, INSERT, MODIFY]
    assert own[1].type == INSERT and result[0] is not carried[0]  # what was given stays as it is
