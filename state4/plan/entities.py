"""P4Runtime's entities: what to ask a switch for, which two mean the same object, how two sets are merged."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from finsy.proto import p4i, p4r

ORDER = (
    "action_profile_member",
    "action_profile_group",
    "value_set_entry",
    "meter_entry",
    "digest_entry",
    "table_entry",
)
"""Kinds of entities in the order in which a program takes them."""


def kind_of(entity: p4r.Entity) -> str:
    """The field that is set, as in `ORDER`; "" of an entity that is empty."""
    return entity.WhichOneof("entity") or ""


def merge(
    carried: Sequence[p4r.Update], wanted: Sequence[p4r.Update], initial: Sequence[p4r.TableEntry] = ()
) -> list[p4r.Update]:
    """What is carried over, then of the new program's own updates those for which nothing is carried over.

    `initial`: entries that the new program has from its source; they are modified instead of inserted, and const ones
    stay. Groups and sessions belong to the switch and stay out."""
    keys = {identity(update) for update in carried}
    own = [u for u in wanted if u.entity.WhichOneof("entity") != "packet_replication_engine_entry"]
    own = [update for update in own if identity(update) not in keys]
    there = {entry_identity(entry): entry.is_const for entry in initial}
    result = []
    for update in [*carried, *own]:
        const = there.get(identity(update)) if update.entity.HasField("table_entry") else None
        if const:
            continue
        changed = _copied(update)
        if const is not None:
            changed.type = p4r.Update.MODIFY
        result.append(changed)
    return result


_KEYS = {
    "action_profile_member": ("action_profile_id", "member_id"),
    "action_profile_group": ("action_profile_id", "group_id"),
    "value_set_entry": ("value_set_id",),
    "digest_entry": ("digest_id",),
    "register_entry": ("register_id", "index"),
    "counter_entry": ("counter_id", "index"),
    "meter_entry": ("meter_id", "index"),
}
"""The fields that say what an entity is about."""


def identity(update: p4r.Update) -> bytes:
    """What two updates share if they mean the same thing."""
    return entity_identity(update.entity)


def entity_identity(entity: p4r.Entity) -> bytes:
    """What two entities share if they are about the same thing."""
    kind = kind_of(entity)
    if kind == "table_entry":
        return entry_identity(entity.table_entry)
    if kind not in _KEYS:
        return bytes(entity.SerializeToString(deterministic=True))
    key, found = p4r.Entity(), getattr(entity, kind)
    for name in _KEYS[kind]:
        if name != "index":
            setattr(getattr(key, kind), name, getattr(found, name))
        elif found.HasField("index"):
            getattr(key, kind).index.CopyFrom(found.index)
    return bytes(key.SerializeToString(deterministic=True))


def entry_identity(entry: p4r.TableEntry) -> bytes:
    key = p4r.TableEntry(table_id=entry.table_id, priority=entry.priority, is_default_action=entry.is_default_action)
    key.match.extend(sorted(entry.match, key=lambda match: match.field_id))
    for match in key.match:
        make_canonical(match)
    return bytes(key.SerializeToString(deterministic=True))


def make_canonical(message: Any) -> None:
    """Writes the numbers of a message in the fewest bytes (P4Runtime specification, section 8.3). Clients may use more,
    so the same entry can come in several ways."""
    for descriptor, value in message.ListFields():
        if descriptor.type == descriptor.TYPE_MESSAGE:
            for inner in value if hasattr(value, "append") else [value]:
                make_canonical(inner)
        elif descriptor.type == descriptor.TYPE_BYTES and isinstance(value, bytes):
            setattr(message, descriptor.name, value.lstrip(b"\0") or b"\0")


def wanted_entities(p4info: p4i.P4Info, but: Collection[int] = ()) -> list[p4r.Entity]:
    """What to ask a switch for, so that it answers with all that the control plane put into the program. `but`: tables
    whose entries are left out."""
    found: list[p4r.Entity] = []
    metered = {meter.direct_table_id for meter in p4info.direct_meters}
    counted = {counter.direct_table_id for counter in p4info.direct_counters}
    for table in p4info.tables:
        if not table.is_const_table and table.preamble.id not in but:
            entry = p4r.TableEntry(table_id=table.preamble.id)
            if table.preamble.id in metered:
                entry.meter_config.SetInParent()
            if table.preamble.id in counted:
                entry.counter_data.SetInParent()
            found.append(p4r.Entity(table_entry=entry))
        if not table.const_default_action_id:
            default = p4r.TableEntry(table_id=table.preamble.id, is_default_action=True)
            found.append(p4r.Entity(table_entry=default))
    for profile in p4info.action_profiles:
        number = profile.preamble.id
        found.append(p4r.Entity(action_profile_member=p4r.ActionProfileMember(action_profile_id=number)))
        if profile.with_selector:
            found.append(p4r.Entity(action_profile_group=p4r.ActionProfileGroup(action_profile_id=number)))
    found += [p4r.Entity(value_set_entry=p4r.ValueSetEntry(value_set_id=v.preamble.id)) for v in p4info.value_sets]
    found += [p4r.Entity(meter_entry=p4r.MeterEntry(meter_id=m.preamble.id)) for m in p4info.meters]
    found += [p4r.Entity(digest_entry=p4r.DigestEntry(digest_id=d.preamble.id)) for d in p4info.digests]
    return found


def _copied(message: Any) -> Any:
    result = type(message)()
    result.CopyFrom(message)
    return result
