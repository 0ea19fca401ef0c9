"""What `python -m conformance.programs` generates for a program: packets, entries, clone sessions."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from conformance.program_check import CheckOptions, check_program
from conformance.program_entries import entries
from conformance.program_packets import PacketMaker
from conformance.program_values import Values
from p4front.load import load_text
from p4front.p4info import build_p4info
from p4front.syntax import ast
from tests.state4_programs import PARAMS, program

PORTS = range(3)
WRITE = "register<bit<64>>(8) r; action put() { r.write((bit<32>)hdr.request.cell & 7, hdr.request.value); }"


def ingress(locals_: str, body: str) -> str:
    return program(
        f"control MyIngress({PARAMS}) {{ {locals_} apply {{ standard_metadata.egress_spec = 2; {body} }} }}\n"
    )


def maker(text: str) -> PacketMaker:
    checked = load_text(text, "made.p4")
    parser = next(d for d in checked.syntax.declarations if isinstance(d, ast.ParserDecl) and d.name.text == "MyParser")
    return PacketMaker(checked, parser, "seed", PORTS)


TWO_KEYS = f"""{WRITE} action set(bit<8> next) {{ meta.noise = next; }}
    table deep {{ key = {{ hdr.request.value: exact; hdr.request.amount: exact;
                           standard_metadata.ingress_port: exact; }}
                  actions = {{ set; }} }}
    table then {{ key = {{ meta.noise: exact; }} actions = {{ put; }} }}"""


@pytest.mark.parametrize(
    ("locals_", "body"),
    [
        (f"{WRITE} table only {{ actions = {{ put; NoAction; }} }}", "only.apply();"),  # without keys: a default action
        (TWO_KEYS, "if (deep.apply().hit) { then.apply(); }"),  # keys that occur together in a packet
        (WRITE, "if (standard_metadata.ingress_port == 0 && hdr.request.value > 0x123456789) { put(); }"),
        (WRITE, "meta.noise = hdr.request.op; if (hdr.request.amount >= 0xbeef && meta.noise == 0x5a) { put(); }"),
        (WRITE, "if (hdr.request.value[39:8] == 0xcafe) { if (hdr.request.cell == 77) { put(); } }"),
    ],
)
def test_packets_and_entries_reach_the_write(tmp_path: Path, locals_: str, body: str) -> None:
    path = tmp_path / "writes.p4"
    path.write_text(ingress(locals_, body))
    verdict = check_program(path, CheckOptions())
    assert verdict.equal and verdict.writes > 0, verdict.reason


def test_sessions_that_entries_and_the_text_name_exist(tmp_path: Path) -> None:
    text = ingress(
        f"""{WRITE} bit<32> to = 300;
        action mirror(bit<32> session) {{ to = session; put(); }}
        table mirrors {{ key = {{ hdr.request.op: exact; }} actions = {{ mirror; put; }} default_action = put; }}""",
        "mirrors.apply(); clone(CloneType.I2E, to);",
    )
    path = tmp_path / "mirrors.p4"
    path.write_text(text)
    verdict = check_program(path, CheckOptions(strategies=("state4_exact",)))
    assert verdict.equal and verdict.clones and verdict.writes > 0, verdict.reason
    made = maker(text)
    list(made.packets(20))
    named = entries(build_p4info(load_text(text, "made.p4")), made, clones=True).sessions
    assert named and 0 not in named
    assert 300 in made.values.constants


def test_keys_are_those_of_one_packet() -> None:
    text = ingress(TWO_KEYS, "deep.apply(); then.apply();")
    made = maker(text)
    frames = {(frame[2:4], frame[4:12], port) for port, frame in made.packets(50)}
    updates = entries(build_p4info(load_text(text, "made.p4")), made, clones=False).updates
    keys = [u.entity.table_entry.match for u in updates if len(u.entity.table_entry.match) == 3]
    assert keys
    for value, amount, port in ([int.from_bytes(m.exact.value, "big") for m in match] for match in keys):
        assert (amount.to_bytes(2, "big"), value.to_bytes(8, "big"), port) in frames


def test_a_field_meets_what_its_copy_is_compared_with() -> None:
    checked = load_text(ingress(WRITE, "if (meta.noise == 0x77) { put(); }"), "copy.p4")
    values = Values(checked, random.Random(1), PORTS)
    drawn = [values.of_field("noise", 8) for _ in range(100)]
    assert 0x77 in drawn and len(set(drawn)) > 1
    assert {values.of_field("egress_port", 9) for _ in range(100)} == set(PORTS)


def test_what_the_parser_looks_ahead_for_is_in_the_next_header() -> None:
    text = program(f"control MyIngress({PARAMS}) {{ apply {{ standard_metadata.egress_spec = 2; }} }}\n").replace(
        "        packet.extract(hdr.request);\n        transition accept;",
        "        request_t ahead = packet.lookahead<request_t>();\n        transition select(ahead.op) {\n"
        "            0xab: wanted;\n            default: accept;\n        }\n    }\n"
        "    state wanted {\n        packet.extract(hdr.request);\n        transition accept;",
    )
    frames = [frame for _, frame in maker(text).packets(40)]
    whole = [frame for frame in frames if len(frame) >= 12 and frame[0] == 0xAB]
    assert len(whole) > 20
