"""bmv2's JSON description of a program: its tables, actions and arrays, without code.

`simple_switch_CLI` and p4-utils read from it what a program contains. It has the keys that p4c writes for simple_switch
(`pipelines`, `actions`, `register_arrays` and so on), with parsers and primitives left empty, and next to them those of
the device config (softswitch/build/device_config.py), so the same file can be loaded into this switch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from p4front.match_kinds import EXACT, LPM, MATCH_KINDS, OPTIONAL, RANGE, TERNARY
from softswitch.build.device_config import DeviceConfig
from softswitch.model import CounterInfo, KeyField, PipelineInfo, TableInfo

Json = dict[str, Any]
_VERSION = [2, 23]
_METER_KINDS = {0: "packets", 1: "bytes"}
_VALIDITY = ("isValid()", "$valid$")


def config_json(info: PipelineInfo, device_config: DeviceConfig) -> str:
    """The compiled file of a program: device config and description in one JSON object."""
    content = describe(info)
    content.update(json.loads(device_config.to_bytes()))
    return json.dumps(content, indent=1, ensure_ascii=False)


def is_described(config: Json) -> bool:
    """Whether a device config in JSON includes bmv2's description."""
    return "pipelines" in config and "actions" in config


def describe(info: PipelineInfo) -> Json:
    """bmv2's description of a program. Ids count from 0 for each kind of object."""
    headers = _Headers()
    actions = _actions(info)
    tables = [_table(table, info, actions, headers, number) for number, table in enumerate(info.tables)]
    profiles = [_profile(profile.name, profile.selector, number) for number, profile in enumerate(info.profiles)]
    direct_counters = [(table.direct_counter, table.name) for table in info.tables if table.direct_counter]
    return {
        "program": info.name,
        "__meta__": {"version": _VERSION, "compiler": "softswitch"},
        **headers.sections(),
        "header_stacks": [],
        "header_union_types": [],
        "header_unions": [],
        "header_union_stacks": [],
        "field_lists": [],
        "errors": [[name, number] for number, name in enumerate(info.errors)],
        "enums": [],
        "parsers": [],
        "parse_vsets": [
            {"name": v.name, "id": number, "compressed_bitwidth": sum(key.width for key in v.keys)}
            for number, v in enumerate(info.value_sets)
        ],
        "deparsers": [],
        "meter_arrays": _meters(info),
        "counter_arrays": [
            *({"name": c.name, "id": n, "size": c.cells, "is_direct": False} for n, c in enumerate(info.counters)),
            *(
                {"name": name, "id": len(info.counters) + n, "is_direct": True, "binding": table}
                for n, (name, table) in enumerate(direct_counters)
            ),
        ],
        "register_arrays": [
            {"name": r.name, "id": number, "size": r.cells, "bitwidth": r.width}
            for number, r in enumerate(info.registers)
        ],
        "calculations": [
            {"name": crc.name, "id": number, "algo": f"crc{crc.width}_custom", "input": []}
            for number, crc in enumerate(info.crcs)
        ],
        "learn_lists": [
            {"id": number + 1, "name": digest.name, "elements": []} for number, digest in enumerate(info.digests)
        ],
        "actions": list(actions.values()),
        "pipelines": [
            {"name": "ingress", "id": 0, "init_table": None, "tables": tables, "action_profiles": profiles},
            {"name": "egress", "id": 1, "init_table": None, "tables": [], "action_profiles": []},
        ],
        "checksums": [],
        "force_arith": [],
        "extern_instances": [],
    }


def match_type(keys: Iterable[KeyField]) -> str:
    """bmv2's match type of a table, chosen from its keys as p4c does."""
    kinds = {key.match for key in keys}
    for kind in (RANGE, TERNARY, OPTIONAL, LPM):
        if kind.name in kinds:
            return key_type(kind.name)
    return EXACT.name


def key_type(match: str) -> str:
    """bmv2's match type of one key; optional becomes ternary, because bmv2 has no optional matches."""
    return TERNARY.name if match == OPTIONAL.name else match


def matched_keys(table: TableInfo) -> tuple[KeyField, ...]:
    """The keys of the table's match, without those of its selector."""
    return tuple(key for key in table.keys if MATCH_KINDS[key.match].matched)


class _Headers:
    """The headers that keys refer to: bmv2's JSON gives the width of a key only in the type of its header."""

    def __init__(self) -> None:
        self._fields: dict[str, dict[str, int]] = {}

    def target(self, key: KeyField) -> list[str]:
        """Header and field of a key: `hdr.ipv4.dst` is field `dst` of `ipv4`."""
        *path, field = key.name.split(".")
        if any(character in key.name for character in " (") and field not in _VALIDITY:
            path, field = [], key.name  # an expression
        header = ".".join(path[1:] if len(path) > 1 else path) or "scalars"
        if field in _VALIDITY:
            field = "$valid$"
        while self._fields.setdefault(header, {}).setdefault(field, key.width) != key.width:
            field += "_"  # a different expression with the same name
        return [header, field]

    def sections(self) -> Json:
        return {
            "header_types": [
                {"name": f"{name}_t", "id": n, "fields": [[field, width, False] for field, width in fields.items()]}
                for n, (name, fields) in enumerate(self._fields.items())
            ],
            "headers": [
                {"name": name, "id": n, "header_type": f"{name}_t", "metadata": False, "pi_omit": True}
                for n, name in enumerate(self._fields)
            ],
        }


def _actions(info: PipelineInfo) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for table in info.tables:
        for action in table.actions:
            if action.name not in found:
                params = [{"name": param.name, "bitwidth": param.width} for param in action.params]
                found[action.name] = {
                    "name": action.name,
                    "id": len(found),
                    "runtime_data": params,
                    "primitives": [],
                }
    return found


def _table(table: TableInfo, info: PipelineInfo, actions: dict[str, Json], headers: _Headers, number: int) -> Json:
    keys = matched_keys(table)
    names = [action.name for action in table.actions]
    result: Json = {
        "name": table.name,
        "id": number,
        "key": [
            {"match_type": key_type(key.match), "name": key.name, "target": headers.target(key), "mask": None}
            for key in keys
        ],
        "match_type": match_type(keys),
        "type": "simple",
        "max_size": table.size,
        "with_counters": bool(table.direct_counter),
        "support_timeout": table.idle_timeout,
        "direct_meters": table.direct_meter or None,
        "action_ids": [actions[name]["id"] for name in names],
        "actions": names,
        "base_default_next": None,
        "next_tables": dict.fromkeys(names),
    }
    if table.action_profile >= 0:
        profile = info.profiles[table.action_profile]
        result["type"] = "indirect_ws" if profile.selector else "indirect"
        result["action_profile"] = result["act_prof_name"] = profile.name
    return result


def _profile(name: str, selector: bool, number: int) -> Json:
    return {"name": name, "id": number, **({"selector": {"algo": "crc16", "input": []}} if selector else {})}


def _meters(info: PipelineInfo) -> list[Json]:
    direct = [(t.direct_meter, t.direct_meter_kind, t.name) for t in info.tables if t.direct_meter]
    indirect: Sequence[CounterInfo] = info.meters
    return [
        *(
            {
                "name": m.name,
                "id": number,
                "is_direct": False,
                "size": m.cells,
                "rate_count": 2,
                "type": _METER_KINDS[m.kind],
            }
            for number, m in enumerate(indirect)
        ),
        *(
            {
                "name": name,
                "id": len(indirect) + number,
                "is_direct": True,
                "size": 0,
                "binding": table,
                "rate_count": 2,
                "type": _METER_KINDS[kind],
            }
            for number, (name, kind, table) in enumerate(direct)
        ),
    ]
