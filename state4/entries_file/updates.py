"""Checked entries as P4Runtime updates (P4Runtime specification 1.4: 8.3 bytestrings, 9 entities)."""

from __future__ import annotations

from finsy.proto import p4r

from p4front.match_kinds import MATCHED, field_match
from state4.entries_file.model import CloneRow, Entries, Match, MulticastRow, RegisterRow, Replica, TableRow


def updates(entries: Entries) -> list[p4r.Update]:
    """One update for every object in the file, in an order that a switch accepts in one Write.

    Entries, groups and sessions are inserted; default actions and register cells are modified. The clone sessions
    and multicast groups belong to the switch, not to the program.
    """
    result = [_insert(p4r.Entity(packet_replication_engine_entry=_group(row))) for row in entries.multicast]
    result += [_insert(p4r.Entity(packet_replication_engine_entry=_session(row))) for row in entries.clones]
    for row in entries.rows:
        entity = p4r.Entity(table_entry=table_entry(row))
        result.append(_modify(entity) if row.is_default else _insert(entity))
    for register in entries.registers:
        result += [_modify(p4r.Entity(register_entry=cell)) for cell in _cells(register)]
    return result


def table_entry(row: TableRow) -> p4r.TableEntry:
    """The message for one entry or default action."""
    action = p4r.Action(action_id=row.action_id)
    for param in row.params:
        action.params.add(param_id=param.id, value=encode(param.value))
    return p4r.TableEntry(
        table_id=row.table_id,
        match=[_field_match(match) for match in row.matches],
        action=p4r.TableAction(action=action),
        priority=row.priority,
        is_default_action=row.is_default,
    )


def encode(value: int) -> bytes:
    """The canonical bytestring: big-endian, as short as it can be, one byte for 0."""
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def _field_match(match: Match) -> p4r.FieldMatch:
    return field_match(match.id, MATCHED[match.kind], match.value, match.operand)


def _group(row: MulticastRow) -> p4r.PacketReplicationEngineEntry:
    group = p4r.MulticastGroupEntry(multicast_group_id=row.group, replicas=_replicas(row.replicas))
    return p4r.PacketReplicationEngineEntry(multicast_group_entry=group)


def _session(row: CloneRow) -> p4r.PacketReplicationEngineEntry:
    session = p4r.CloneSessionEntry(
        session_id=row.session, replicas=_replicas(row.replicas), packet_length_bytes=row.truncate
    )
    return p4r.PacketReplicationEngineEntry(clone_session_entry=session)


def _replicas(replicas: tuple[Replica, ...]) -> list[p4r.Replica]:
    return [p4r.Replica(port=encode(replica.port), instance=replica.instance) for replica in replicas]


def _cells(row: RegisterRow) -> list[p4r.RegisterEntry]:
    cells = []
    for offset, value in enumerate(row.values):
        cell = p4r.RegisterEntry(register_id=row.register_id, index=p4r.Index(index=row.index + offset))
        cell.data.bitstring = encode(value)
        cells.append(cell)
    return cells


def _insert(entity: p4r.Entity) -> p4r.Update:
    return p4r.Update(type=p4r.Update.INSERT, entity=entity)


def _modify(entity: p4r.Entity) -> p4r.Update:
    return p4r.Update(type=p4r.Update.MODIFY, entity=entity)
