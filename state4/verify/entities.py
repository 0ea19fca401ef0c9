"""P4Runtime's entities as they are compared: what they say, how they are called."""

from __future__ import annotations

from typing import Any

from finsy.proto import p4i, p4r

from state4.plan.entities import kind_of, make_canonical

_INDEXED = ("meter_entry", "counter_entry", "register_entry")


def says(entity: p4r.Entity) -> bytes:
    """Equal for two entities of one key that say the same; counts are left out."""
    own = p4r.Entity()
    own.CopyFrom(entity)
    kind = kind_of(entity)
    if kind == "table_entry":
        entry = own.table_entry
        for name in ("counter_data", "meter_counter_data", "time_since_last_hit", "controller_metadata", "metadata"):
            entry.ClearField(name)
        if not entry.meter_config.ByteSize():
            entry.ClearField("meter_config")
        del entry.match[:]
        if entry.HasField("action") and entry.action.HasField("action"):
            _sort_parameters(entry.action.action)
        for one in entry.action.action_profile_action_set.action_profile_actions:
            _sort_parameters(one.action)
    elif kind == "action_profile_member":
        _sort_parameters(own.action_profile_member.action)
    elif kind == "meter_entry":
        own.meter_entry.ClearField("counter_data")
    make_canonical(own)
    return bytes(own.SerializeToString(deterministic=True))


def name_of(entity: p4r.Entity, p4info: p4i.P4Info) -> tuple[str, str]:
    """(component, what of it), such as ("table MyIngress.dmac", "dst=0xa, priority 3")."""
    kind = kind_of(entity)
    inner: Any = getattr(entity, kind)
    lists: dict[str, tuple[str, Any, str]] = {
        "action_profile_member": ("action profile", p4info.action_profiles, "action_profile_id"),
        "action_profile_group": ("action profile", p4info.action_profiles, "action_profile_id"),
        "meter_entry": ("meter", p4info.meters, "meter_id"),
        "counter_entry": ("counter", p4info.counters, "counter_id"),
        "register_entry": ("register", p4info.registers, "register_id"),
        "digest_entry": ("digest", p4info.digests, "digest_id"),
        "value_set_entry": ("value set", p4info.value_sets, "value_set_id"),
    }
    if kind == "table_entry":
        return _entry_name(entity.table_entry, p4info)
    word, objects, field = lists[kind]
    number = getattr(inner, field)
    name = next((o.preamble.name for o in objects if o.preamble.id == number), str(number))
    if kind == "action_profile_member":
        return f"{word} {name}", f"member {inner.member_id}"
    if kind == "action_profile_group":
        return f"{word} {name}", f"group {inner.group_id}"
    return f"{word} {name}", f"[{inner.index.index}]" if kind in _INDEXED else "settings"


def _entry_name(entry: p4r.TableEntry, p4info: p4i.P4Info) -> tuple[str, str]:
    table = next((t for t in p4info.tables if t.preamble.id == entry.table_id), None)
    if table is None:
        return f"table {entry.table_id}", "an entry"
    if entry.is_default_action:
        return f"table {table.preamble.name}", "default action"
    names = {field.id: field.name for field in table.match_fields}
    parts = [
        f"{names.get(m.field_id, m.field_id)}={_operand(m)}" for m in sorted(entry.match, key=lambda m: m.field_id)
    ]
    parts += [f"priority {entry.priority}"] if entry.priority else []
    return f"table {table.preamble.name}", ", ".join(parts) or "the entry that matches everything"


def _operand(match: p4r.FieldMatch) -> str:
    kind = match.WhichOneof("field_match_type") or ""
    one: Any = getattr(match, kind) if kind else None
    if kind in ("exact", "optional"):
        return _hex(one.value)
    if kind == "lpm":
        return f"{_hex(one.value)}/{one.prefix_len}"
    if kind == "ternary":
        return f"{_hex(one.value)}&&&{_hex(one.mask)}"
    return f"{_hex(one.low)}..{_hex(one.high)}" if kind == "range" else "?"


def _hex(value: bytes) -> str:
    return f"0x{int.from_bytes(value, 'big'):x}"


def _sort_parameters(action: p4r.Action) -> None:
    parameters = sorted(action.params, key=lambda p: p.param_id)
    kept = [p4r.Action.Param(param_id=p.param_id, value=p.value) for p in parameters]
    del action.params[:]
    action.params.extend(kept)
