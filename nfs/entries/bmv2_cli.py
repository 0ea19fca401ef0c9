"""Checked entries as commands of bmv2's simple_switch_CLI, for a switch that is controlled through Thrift.

The tool wants every key field of a table, and it counts priorities the other way round: 0 wins.
"""

from __future__ import annotations

from finsy.proto import p4i

from nfs.entries.model import Entries, Match, TableRow

_HIGHEST_PRIORITY = 1 << 16
_WITH_PRIORITY = {"ternary", "range", "optional"}
_KINDS = {
    p4i.MatchField.EXACT: "exact",
    p4i.MatchField.LPM: "lpm",
    p4i.MatchField.TERNARY: "ternary",
    p4i.MatchField.RANGE: "range",
    p4i.MatchField.OPTIONAL: "optional",
}


def cli_commands(entries: Entries, p4info: p4i.P4Info) -> list[str]:
    """One command after the other: multicast groups, then entries and default actions, then register cells.

    Clone sessions are left out: a mirror session is the controller's affair.
    """
    keys = {table.preamble.name: tuple(table.match_fields) for table in p4info.tables}
    commands = []
    for node, row in enumerate(entries.multicast):
        ports = " ".join(str(replica.port) for replica in row.replicas)
        commands += [f"mc_mgrp_create {row.group}", f"mc_node_create {row.replicas[0].instance} {ports}"]
        commands.append(f"mc_node_associate {row.group} {node}")
    commands += [_table_command(row, keys[row.table]) for row in entries.rows]
    for register in entries.registers:
        for offset, value in enumerate(register.values):
            commands.append(f"register_write {register.register} {register.index + offset} {value}")
    return commands


def _table_command(row: TableRow, key: tuple[p4i.MatchField, ...]) -> str:
    params = "".join(f" {param.value:#x}" for param in row.params)
    if row.is_default:
        return f"table_set_default {row.table} {row.action}{params}"
    given = {match.id: match for match in row.matches}
    fields = " ".join(_field(given.get(field.id), field) for field in key)
    command = f"table_add {row.table} {row.action} {fields} =>{params}"
    if any(_KINDS.get(field.match_type) in _WITH_PRIORITY for field in key):
        command += f" {_HIGHEST_PRIORITY - row.priority}"
    return command


def _field(match: Match | None, field: p4i.MatchField) -> str:
    kind = _KINDS.get(field.match_type, "exact")
    value, operand = (0, 0) if match is None else (match.value, match.operand)
    if kind == "lpm":
        padding = -field.bitwidth % 8 if operand else 0  # bmv2 counts from the start of the field's first byte
        return f"{value:#x}/{operand + padding}"
    if kind == "range":
        return f"{value:#x}->{(1 << field.bitwidth) - 1 if match is None else operand:#x}"
    if kind == "ternary":
        return f"{value:#x}&&&{operand:#x}"
    if kind == "optional":
        return f"{value:#x}&&&{0 if match is None else (1 << field.bitwidth) - 1:#x}"
    return f"{value:#x}"
