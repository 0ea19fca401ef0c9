"""Pipelines written by hand in C, for tests and measurements of the runtime alone.

`prober`: a packet names a table and carries key words; the answer carries what was found.
`scripted`: a packet says what its ingress and egress shall ask of the runtime, and comes out with what they saw.
`forwarder`: port 1 to port 2 and back, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from softswitch.build.cache import cached_directory, content_key
from softswitch.build.cc import INTERFACE_DIR, SANITIZE_FLAGS, build_shared_object
from softswitch.build.runtime import sanitize_wanted
from softswitch.model import ActionInfo, KeyField, PipelineInfo, TableInfo, words

HERE = Path(__file__).parent
_MATCHES = {match: f"SS_{match.upper()}" for match in ("exact", "lpm", "ternary", "range", "optional", "selector")}


@dataclass(frozen=True)
class Handmade:
    so_path: Path
    info: PipelineInfo


def build(behaviour: str, info: PipelineInfo, const_entries: str = "") -> Handmade:
    """Compiles `<behaviour>.c` with the descriptions of the objects in `info`."""
    source = (HERE / f"{behaviour}.c").read_text().replace("/* DESCRIPTIONS */", descriptions(info, const_entries))
    flags = ("-O1", *SANITIZE_FLAGS) if sanitize_wanted() else ("-O2",)
    headers = [file.read_bytes() for file in sorted(INTERFACE_DIR.glob("*.h"))]
    key = content_key(source, *flags, *headers)

    def make(folder: Path) -> None:
        (folder / "pipeline.c").write_text(source)
        build_shared_object([folder / "pipeline.c"], folder / "pipeline.so", flags=("-Wall", *flags))

    return Handmade(cached_directory("handmade", key, make) / "pipeline.so", info)


def descriptions(info: PipelineInfo, const_entries: str) -> str:
    lines = [const_entries]
    for table in info.tables:
        lines += _table(table)
    lines.append("static const ss_table_desc tables[] = {")
    for table in info.tables:
        key_words = sum(words(key.width) for key in table.keys if key.match != "selector")
        constant = f"entries_{table.index}" in const_entries
        count = f"sizeof entries_{table.index} / sizeof entries_{table.index}[0]" if constant else "0"
        entries = f"entries_{table.index}" if constant else "0"
        lines.append(
            f'    {{"{table.name}", {len(table.keys)}, {key_words}, keys_{table.index}, {len(table.actions)},'
            f" actions_{table.index}, {table.default_action}, 0, {int(table.const_default)},"
            f" {int(table.const_entries)}, {table.size}, {count}, {entries},"
            f" {int(bool(table.direct_counter))}, {int(bool(table.direct_meter))},"
            f" {table.direct_meter_kind}, {table.action_profile}, {int(table.idle_timeout)}}},"
        )
    lines.append("    {0}};")
    lines.append("static const ss_array_desc arrays[] = {")
    lines += [f'    {{"{r.name}", {r.cells}, {r.width}, {int(r.signed)}}},' for r in info.registers]
    lines.append("    {0}};")
    for kind, objects in (("counters", info.counters), ("meters", info.meters)):
        lines.append(f"static const ss_counter_desc {kind}[] = {{")
        lines += [f'    {{"{c.name}", {c.cells}, {c.kind}}},' for c in objects]
        lines.append("    {0}};")
    lines.append("static const ss_profile_desc profiles[] = {")
    lines += [f'    {{"{p.name}", {p.size}, 0, {int(p.selector)}, 16}},' for p in info.profiles]
    lines.append("    {0}};")
    for value_set in info.value_sets:
        lines += _keys(f"set_keys_{value_set.index}", value_set.keys)
    lines.append("static const ss_value_set_desc value_sets[] = {")
    for value_set in info.value_sets:
        key_words = sum(words(key.width) for key in value_set.keys)
        lines.append(
            f'    {{"{value_set.name}", {len(value_set.keys)}, {key_words}, {value_set.size},'
            f" set_keys_{value_set.index}}},"
        )
    lines.append("    {0}};")
    lines.append("static const ss_digest_desc digests[] = {")
    lines += [f'    {{"{d.name}", {sum(words(w) for _, w in d.fields)}}},' for d in info.digests]
    lines.append("    {0}};")
    sizes = (info.tables, info.registers, info.counters, info.meters, info.profiles, info.value_sets, info.digests)
    lines.append("#define COUNTS " + ", ".join(str(len(objects)) for objects in sizes) + ", 0")  # no fields
    lines.append("#define LISTS tables, arrays, counters, meters, profiles, value_sets, digests, 0")
    return "\n".join(lines)


def _keys(name: str, keys: tuple[KeyField, ...]) -> list[str]:
    lines = [f"static const ss_key_desc {name}[] = {{"]
    lines += [f'    {{"{key.name}", {key.width}, {_MATCHES[key.match]}}},' for key in keys]
    return [*lines, "    {0}};"]


def _table(table: TableInfo) -> list[str]:
    lines = _keys(f"keys_{table.index}", table.keys)
    lines.append(f"static const ss_action_desc actions_{table.index}[] = {{")
    lines += [f'    {{"{action.name}", {_data_words(action)}}},' for action in table.actions]
    return [*lines, "    {0}};"]


def _data_words(action: ActionInfo) -> int:
    return sum(words(param.width) for param in action.params)
