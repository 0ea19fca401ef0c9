"""Entries as commands of bmv2's own tool."""

from __future__ import annotations

from pathlib import Path

from finsy.proto import p4i, p4r

import nfs
from nfs.entries import load_entries, parse, resolve
from nfs.entries.bmv2_cli import cli_commands
from p4front.load import load_program
from p4front.p4info import build_p4info
from state4.targets.bmv2_keys import key_of, matches_of


def test_the_chained_program() -> None:
    path = nfs.program_path("chained")
    p4info = build_p4info(load_program(path))
    commands = cli_commands(load_entries(nfs.entries_path(path), p4info), p4info)
    assert "mc_mgrp_create 1" in commands
    assert "mc_node_associate 2 1" in commands
    assert "table_add MyIngress.l2.dmac MyIngress.l2.forward 0x6 => 0x6" in commands
    assert "table_add MyIngress.l2.smac NoAction 0x1 0x1 =>" in commands
    assert "table_add MyIngress.knocking.allowed MyIngress.knocking.allow 0xa000001/32 =>" in commands
    knock = "table_add MyIngress.knocking.services MyIngress.knocking.knock"
    assert f"{knock} 0xa000006&&&0xffffffff 0x6&&&0xff 0x4e20&&&0xffff => 0x1 {65536 - 30}" in commands
    watch = "table_add MyIngress.knocking.services MyIngress.knocking.watch"
    assert f"{watch} 0xa000006&&&0xffffffff 0x0&&&0x0 0x0&&&0x0 => {65536 - 10}" in commands


def test_ranges_and_fields_left_out() -> None:
    path = nfs.program_path("chained_v2")
    p4info = build_p4info(load_program(path))
    commands = cli_commands(load_entries(nfs.entries_path(path), p4info), p4info)
    acl = [command for command in commands if ".acl " in command]
    assert acl[0].endswith("0x0&&&0x0 0x0&&&0x0 0x0&&&0x0 0x6&&&0xff 0x17->0x17 => 65516")
    assert "0x0->0xffff" in acl[1]


def test_default_actions_and_registers() -> None:
    text = """
[[default]]
table = "dmac"
action = "flood"
params = { group = 7 }
"""
    path = nfs.program_path("byte_counter")
    p4info = build_p4info(load_program(path))
    assert cli_commands(resolve(parse(text, Path("x.toml")), p4info), p4info) == [
        "table_set_default MyIngress.l2.dmac MyIngress.l2.flood 0x7"
    ]


def test_a_prefix_of_a_field_that_is_not_whole_bytes() -> None:
    """bmv2 keeps 9 bits in two bytes, and counts a prefix from the first bit of those."""
    field = p4i.MatchField(id=1, name="port", bitwidth=9, match_type=p4i.MatchField.LPM)
    table = p4i.Table(match_fields=[field])
    match = p4r.FieldMatch(field_id=1, lpm=p4r.FieldMatch.LPM(value=b"\x01\x00", prefix_len=1))
    (param,) = key_of(table, [match])
    assert (param.lpm.key, param.lpm.prefix_length) == (b"\x01\x00", 8)
    assert matches_of(table, [param]) == [match]
    (nothing,) = key_of(table, [])
    assert nothing.lpm.prefix_length == 0
    assert matches_of(table, [nothing]) == []
