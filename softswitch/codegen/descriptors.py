"""The static tables of a generated program that describe its objects to the runtime (runtime/pipeline.h)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from p4front.elaborate.objects import ExternObject
from p4front.match_kinds import MATCH_KINDS
from softswitch.codegen.controls.tables import TableInstance
from softswitch.codegen.names import c_string
from softswitch.codegen.values.hashes import hash_name
from softswitch.model import ActionInfo, KeyField, PipelineInfo, ProfileInfo, TableInfo, words


def text(
    info: PipelineInfo,
    tables: Sequence[TableInstance],
    profiles: Sequence[ExternObject],
    fields: Iterable[tuple[str, Sequence[str], int]],
    max_emit: int,
) -> str:
    """All descriptions and `ss_program_main`. `tables` and `profiles` are those of `info`, in its order; `fields`:
    name, C members and width of the metadata fields that are preserved."""
    parts = [_table(described, table) for described, table in zip(info.tables, tables, strict=True)]
    counts: list[str] = []
    lists: list[str] = []

    def array(kind: str, name: str, items: Sequence[str]) -> None:
        count_name = name.removesuffix("s") + "_count"
        counts.append(f".{count_name} = {len(items)}")
        if items:
            body = "".join(f"    {item},\n" for item in items)
            parts.append(f"static const {kind} {name}_[] = {{\n{body}}};")
            lists.append(f".{name} = {name}_")

    array("ss_table_desc", "tables", [f"TABLE_{i}" for i in range(len(info.tables))])
    array(
        "ss_array_desc",
        "arrays",
        [f"{{{_string(r.name)}, {r.cells}, {r.width}, {_bool(r.signed)}}}" for r in info.registers],
    )
    for name, items in (("counters", info.counters), ("meters", info.meters)):
        array("ss_counter_desc", name, [f"{{{_string(c.name)}, {c.cells}, {c.kind}}}" for c in items])
    array(
        "ss_profile_desc",
        "profiles",
        [_profile(described, obj) for described, obj in zip(info.profiles, profiles, strict=True)],
    )
    for value_set in info.value_sets:
        parts.append(_keys(f"value_set_keys_{value_set.index}", value_set.keys))
    array(
        "ss_value_set_desc",
        "value_sets",
        [
            f"{{{_string(v.name)}, {len(v.keys)}, {_words(v.keys)}, {v.size}, value_set_keys_{v.index}}}"
            for v in info.value_sets
        ],
    )
    array(
        "ss_digest_desc",
        "digests",
        [f"{{{_string(d.name)}, {sum(words(width) for _, width in d.fields)}}}" for d in info.digests],
    )
    array("ss_crc_desc", "crcs", [f"{{{_string(c.name)}, {c.width}}}" for c in info.crcs])
    array("ss_field_desc", "fields", [_field(*field) for field in fields])
    functions = ["reset", "reset_metadata", "copy_fields", "parse", "ingress", "egress", "deparse"]
    members = [
        ".abi = SS_ABI",
        f".name = {_string(info.name)}",
        ".user_size = sizeof(struct user)",
        f".max_emit = {max_emit}",
        *counts,
        *lists,
        *(f".{name} = main_{name}" for name in functions),
    ]
    body = "".join(f"    {member},\n" for member in members)
    parts.append(f"const ss_program ss_program_main = {{\n{body}}};")
    return "\n\n".join(parts)


def _field(name: str, path: Sequence[str], width: int) -> str:
    member = ".".join(("meta", *path))
    return f"{{{_string(name)}, offsetof(struct user, {member}), sizeof(((struct user *)0)->{member}), {width}}}"


def _string(value: str) -> str:
    return f'"{c_string(value)}"'


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _words(keys: Sequence[KeyField]) -> int:
    return sum(words(key.width) for key in keys if MATCH_KINDS[key.match].matched)


def _keys(name: str, keys: Sequence[KeyField]) -> str:
    items = [f"    {{{_string(k.name)}, {k.width}, {MATCH_KINDS[k.match].c_name}}},\n" for k in keys]
    return f"static const ss_key_desc {name}[] = {{\n{''.join(items) or '    {0}'}}};"


def _numbers(values: Sequence[int]) -> str:
    return ", ".join(f"{v:#x}ull" for v in values) or "0"


def _table(info: TableInfo, instance: TableInstance) -> str:
    """The description of one table as the macro TABLE_<index>, and what it points to."""
    index = info.index
    parts = [_keys(f"table_keys_{index}", info.keys)]
    actions = "".join(f"    {_action(action)},\n" for action in info.actions)
    parts.append(f"static const ss_action_desc table_actions_{index}[] = {{\n{actions}}};")
    parts.append(f"static const uint64_t table_default_{index}[] = {{{_numbers(instance.default_data)}}};")
    # One array for the words of all entries: for thousands of small ones a C compiler takes quadratic time.
    pool: list[int] = []
    rows: list[str] = []
    for entry in instance.entries:
        words_at: list[str] = []
        for part in (entry.value, entry.mask, entry.data):
            words_at.append(f"table_words_{index} + {len(pool)}")
            pool += part or (0,)
        value, mask, data = words_at
        rows.append(f"    {{{value}, {mask}, {entry.priority}, {entry.action}, {data}, {_bool(entry.const)}}},\n")
    entries = "NULL"
    if rows:
        entries = f"table_entries_{index}"
        parts.append(f"static const uint64_t table_words_{index}[] = {{{_numbers(pool)}}};")
        parts.append(f"static const ss_const_entry {entries}[] = {{\n{''.join(rows)}}};")
    fields = [
        f".name = {_string(info.name)}",
        f".key_count = {len(info.keys)}",
        f".key_words = {_words(info.keys)}",
        f".keys = table_keys_{index}",
        f".action_count = {len(info.actions)}",
        f".actions = table_actions_{index}",
        f".default_action = {info.default_action}",
        f".default_data = table_default_{index}",
        f".const_default = {_bool(info.const_default)}",
        f".const_entries = {_bool(info.const_entries)}",
        f".size = {info.size}",
        f".entry_count = {len(rows)}",
        f".entries = {entries}",
        f".direct_counter = {_bool(bool(info.direct_counter))}",
        f".direct_meter = {_bool(bool(info.direct_meter))}",
        f".direct_meter_bytes = {int(info.direct_meter_kind == 1)}",
        f".action_profile = {info.action_profile}",
        f".idle_timeout = {_bool(info.idle_timeout)}",
    ]
    parts.append(f"#define TABLE_{index} {{{', '.join(fields)}}}")
    return "\n".join(parts)


def _action(info: ActionInfo) -> str:
    params = ", ".join(f"{{{_string(param.name)}, {param.width}}}" for param in info.params)
    listed = f"(const ss_param_desc[]){{{params}}}" if params else "NULL"
    return f"{{{_string(info.name)}, {sum(words(p.width) for p in info.params)}, {len(info.params)}, {listed}}}"


def _profile(info: ProfileInfo, obj: ExternObject) -> str:
    algorithm = hash_name(obj.arguments.get("algorithm"))
    width = obj.arguments.get("outputWidth")
    bits = width if isinstance(width, int) else 0
    return f"{{{_string(info.name)}, {info.size}, SS_HASH_{algorithm.upper()}, {_bool(info.selector)}, {bits}}}"
