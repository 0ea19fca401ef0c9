"""The description of a program for bmv2's tools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from softswitch.build.device_config import collect, parse
from softswitch.build.program import compile_program
from softswitch.compat.bmv2_config import config_json, is_described
from tests.bmv2.entities import STATE
from tests.state4_programs import program


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "state.p4"
    path.write_text(program(STATE))
    return path


def test_a_compiled_file_is_a_device_config_and_a_description(source: Path) -> None:
    text = config_json(compile_program(source).info, collect(source))
    assert parse(text.encode()) == collect(source)
    assert is_described(json.loads(text)) and not is_described(json.loads(collect(source).to_bytes()))


def test_the_description_has_what_a_client_asks_by_name(source: Path) -> None:
    found = json.loads(config_json(compile_program(source).info, collect(source)))
    widths = {kind["name"]: {field: bits for field, bits, _ in kind["fields"]} for kind in found["header_types"]}
    types = {header["name"]: header["header_type"] for header in found["headers"]}
    tables = {table["name"]: table for table in found["pipelines"][0]["tables"]}
    ternaries = tables["MyIngress.ternaries"]
    assert [(key["match_type"], key["target"]) for key in ternaries["key"]] == [
        ("ternary", ["request", "value"]),
        ("lpm", ["request", "amount"]),
        ("range", ["request", "cell"]),
        ("ternary", ["request", "op"]),
    ]
    assert [widths[types[header]][field] for header, field in (key["target"] for key in ternaries["key"])] == [
        64,
        16,
        8,
        8,
    ]
    assert (ternaries["match_type"], ternaries["type"], ternaries["with_counters"]) == ("range", "simple", True)
    chosen = tables["MyIngress.chosen"]
    assert (chosen["match_type"], chosen["type"], chosen["act_prof_name"]) == ("exact", "indirect_ws", "MyIngress.ways")
    actions = {action["name"]: action for action in found["actions"]}
    assert actions["MyIngress.to"]["runtime_data"] == [{"name": "port", "bitwidth": 9}]
    assert [actions[name]["id"] for name in chosen["actions"]] == chosen["action_ids"]
    registers = [(register["name"], register["size"], register["bitwidth"]) for register in found["register_arrays"]]
    assert ("MyIngress.small", 100, 16) in registers and ("MyIngress.wide", 4, 80) in registers
    meters = {meter["name"]: (meter["is_direct"], meter["type"]) for meter in found["meter_arrays"]}
    assert meters == {"MyIngress.rate": (False, "bytes"), "MyIngress.pace": (True, "packets")}
    counters = {counter["name"]: counter.get("binding", counter.get("size")) for counter in found["counter_arrays"]}
    assert counters == {"MyIngress.seen": 8, "MyIngress.hits": "MyIngress.ternaries"}


def test_two_keys_of_one_name_keep_their_widths(tmp_path: Path) -> None:
    path = tmp_path / "names.p4"
    path.write_text(program(_SAME_NAME))
    found = json.loads(config_json(compile_program(path).info, collect(path)))
    fields = {field: bits for kind in found["header_types"] for field, bits, _ in kind["fields"]}
    keys = [key["target"][1] for table in found["pipelines"][0]["tables"] for key in table["key"]]
    assert [fields[key] for key in keys] == [8, 64, 1] and keys[2] == "$valid$"


_SAME_NAME = """
control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    table one { key = { hdr.request.op: exact @name("x"); } actions = { NoAction; } }
    table two { key = { hdr.request.value: exact @name("x"); hdr.request.isValid(): exact; } actions = { NoAction; } }
    apply { one.apply(); two.apply(); }
}
"""
