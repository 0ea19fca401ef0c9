"""Multicast groups and clone sessions (P4Runtime specification 9.5). They belong to the switch, not to the program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from finsy.proto import p4r

from softswitch.dataplane.entries import CloneSession, MulticastGroup, Replica
from softswitch.dataplane.switch import Switch
from softswitch.errors import EntryExists, EntryNotFound
from softswitch.server.errors import invalid
from softswitch.server.values.bytestrings import decode, encode

PORT_BITS = 32
INSTANCE_BITS = 16
"""Width of v1model's egress_rid."""

Undo = Callable[[], None]


@dataclass(frozen=True)
class _Note:
    """What the switch does not store. `old_ports`: the client used the deprecated number field `egress_port`."""

    metadata: bytes = b""
    class_of_service: int = 0
    old_ports: bool = False


class ReplicationEngine:
    """Reads and writes the switch's groups and sessions. `class_of_service` and `metadata` are stored but not used; so
    is which of the two port fields the client used, because reads return ports in the same field."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._group_notes: dict[int, _Note] = {}
        self._session_notes: dict[int, _Note] = {}
        self._bound: dict[int, tuple[int, tuple[Replica, ...]]] = {}

    def put_group(self, number: int, replicas: tuple[Replica, ...] | None) -> None:
        """Creates, replaces or (None) removes a multicast group. Raises SwitchError."""
        self._group_notes.pop(number, None)
        if replicas is None:
            self._switch.delete_multicast_group(number)
        else:
            self._switch.set_multicast_group(number, replicas)
        self._follow_group(number)

    def put_session(self, number: int, replicas: tuple[Replica, ...] | None, group: int | None = None) -> None:
        """Creates, replaces or removes a clone session. `group`: a multicast group whose replicas the session sends to
        as well, following later changes of the group."""
        self._session_notes.pop(number, None)
        self._bound.pop(number, None)
        if replicas is None:
            self._switch.delete_clone_session(number)
        elif group is None:
            self._switch.set_clone_session(number, replicas)
        else:
            self._bound[number] = group, replicas
            self._follow_group(group)

    def group_of(self, session: int) -> int | None:
        """The multicast group that a session is bound to."""
        return self._bound[session][0] if session in self._bound else None

    def own_replicas(self, session: int) -> tuple[Replica, ...]:
        """What a session that is bound to a group sends to in addition."""
        return self._bound[session][1]

    def _follow_group(self, number: int) -> None:
        """Updates the sessions that are bound to a group with its replicas."""
        group = self._groups().get(number)
        for session, (bound, own) in self._bound.items():
            if bound == number:
                self._switch.set_clone_session(session, (*own, *(group.replicas if group is not None else ())))

    def write(self, kind: int, message: p4r.PacketReplicationEngineEntry) -> Undo:
        """Applies one update and returns its undo. Raises Refused or SwitchError."""
        which = message.WhichOneof("type")
        if which == "multicast_group_entry":
            return self._write_group(kind, message.multicast_group_entry)
        if which == "clone_session_entry":
            return self._write_session(kind, message.clone_session_entry)
        raise invalid("the packet_replication_engine_entry is empty")

    def _groups(self) -> dict[int, MulticastGroup]:
        return {g.id: g for g in self._switch.multicast_groups()}

    def _sessions(self) -> dict[int, CloneSession]:
        return {s.id: s for s in self._switch.clone_sessions()}

    def _write_group(self, kind: int, entry: p4r.MulticastGroupEntry) -> Undo:
        number = entry.multicast_group_id
        if number == 0:
            raise invalid("multicast group id 0 means no multicast")
        old, old_note = self._groups().get(number), self._group_notes.get(number, _Note())
        _check_presence(kind, old is not None, f"multicast group {number}")

        def put(group: MulticastGroup | None, note: _Note) -> None:
            if group is None:
                self._switch.delete_multicast_group(number)
                self._group_notes.pop(number, None)
            else:
                self._switch.set_multicast_group(number, list(group.replicas))
                self._group_notes[number] = note
            self._follow_group(number)

        if kind == p4r.Update.DELETE:
            put(None, _Note())
        else:
            replicas = _replicas(entry.replicas, f"multicast group {number}")
            put(MulticastGroup(number, replicas), _Note(entry.metadata, old_ports=_old_ports(entry.replicas)))
        return lambda: put(old, old_note)

    def _write_session(self, kind: int, entry: p4r.CloneSessionEntry) -> Undo:
        number = entry.session_id
        if number == 0:
            raise invalid("clone session id 0 is not valid")
        old, old_note = self._sessions().get(number), self._session_notes.get(number, _Note())
        old_bound = self._bound.get(number)
        _check_presence(kind, old is not None, f"clone session {number}")

        def put(
            session: CloneSession | None, note: _Note, bound: tuple[int, tuple[Replica, ...]] | None = None
        ) -> None:
            self._bound.pop(number, None)
            if bound is not None:
                self._bound[number] = bound
            if session is None:
                self._switch.delete_clone_session(number)
                self._session_notes.pop(number, None)
            else:
                self._switch.set_clone_session(number, list(session.replicas), session.truncate)
                self._session_notes[number] = note

        if kind == p4r.Update.DELETE:
            put(None, _Note())
        else:
            if entry.packet_length_bytes < 0:
                raise invalid(f"clone session {number}: packet_length_bytes {entry.packet_length_bytes} is negative")
            replicas = _replicas(entry.replicas, f"clone session {number}")
            note = _Note(class_of_service=entry.class_of_service, old_ports=_old_ports(entry.replicas))
            put(CloneSession(number, replicas, entry.packet_length_bytes), note)
        return lambda: put(old, old_note, old_bound)

    def read(self, message: p4r.PacketReplicationEngineEntry) -> Iterator[p4r.PacketReplicationEngineEntry]:
        """Entries that match the request; id 0 means all. Raises Refused for an empty request."""
        which = message.WhichOneof("type")
        if which == "multicast_group_entry":
            wanted = message.multicast_group_entry.multicast_group_id
            groups = [group for number, group in sorted(self._groups().items()) if wanted in (0, number)]
            return iter([self._group_message(group) for group in groups])
        if which == "clone_session_entry":
            wanted = message.clone_session_entry.session_id
            sessions = [session for number, session in sorted(self._sessions().items()) if wanted in (0, number)]
            return iter([self._session_message(session) for session in sessions])
        raise invalid("the packet_replication_engine_entry is empty: name a multicast group or a clone session")

    def _group_message(self, group: MulticastGroup) -> p4r.PacketReplicationEngineEntry:
        message = p4r.PacketReplicationEngineEntry()
        entry = message.multicast_group_entry
        entry.multicast_group_id = group.id
        note = self._group_notes.get(group.id, _Note())
        entry.metadata = note.metadata
        entry.replicas.extend(_messages(group.replicas, note))
        return message

    def _session_message(self, session: CloneSession) -> p4r.PacketReplicationEngineEntry:
        message = p4r.PacketReplicationEngineEntry()
        entry = message.clone_session_entry
        entry.session_id = session.id
        entry.packet_length_bytes = session.truncate
        note = self._session_notes.get(session.id, _Note())
        entry.class_of_service = note.class_of_service
        entry.replicas.extend(_messages(session.replicas, note))
        return message


def _check_presence(kind: int, present: bool, what: str) -> None:
    if kind == p4r.Update.INSERT and present:
        raise EntryExists(f"{what} already exists")
    if kind in (p4r.Update.MODIFY, p4r.Update.DELETE) and not present:
        raise EntryNotFound(f"there is no {what}")


def _replicas(messages: Iterable[p4r.Replica], what: str) -> tuple[Replica, ...]:
    replicas = []
    pairs: set[tuple[int, int]] = set()
    for message in messages:
        if message.WhichOneof("port_kind") == "port":
            port = decode(message.port, PORT_BITS, f"{what}, port")
        else:
            port = int(message.egress_port)
        backups = []
        for backup in message.backup_replicas:
            other = decode(backup.port, PORT_BITS, f"{what}, port of a backup")
            if other == port:
                raise invalid(f"{what}: port {port} can't be its own backup")
            backups.append((other, _instance(backup.instance, what)))
        replica = Replica(port, _instance(message.instance, what), tuple(backups))
        for pair in ((replica.port, replica.instance), *backups):
            if pair in pairs:
                raise invalid(f"{what}: two replicas or backups have port {pair[0]} and instance {pair[1]}")
            pairs.add(pair)
        replicas.append(replica)
    return tuple(replicas)


def _instance(instance: int, what: str) -> int:
    if instance >> INSTANCE_BITS:
        raise invalid(f"{what}: instance {instance} does not fit in {INSTANCE_BITS} bits")
    return int(instance)


def _old_ports(messages: Iterable[p4r.Replica]) -> bool:
    return any(message.WhichOneof("port_kind") == "egress_port" for message in messages)


def _messages(replicas: Iterable[Replica], note: _Note) -> list[p4r.Replica]:
    messages = []
    for replica in replicas:
        message = p4r.Replica(instance=replica.instance)
        if note.old_ports:
            message.egress_port = replica.port
        else:
            message.port = encode(replica.port)
        for port, instance in replica.backups:
            message.backup_replicas.add(port=encode(port), instance=instance)
        messages.append(message)
    return messages
