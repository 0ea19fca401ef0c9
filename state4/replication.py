"""Multicast groups and clone sessions of an operator's file. They belong to the switch, so they outlive programs.

A group that the switch does not have is made before the swap, as no program relies on it yet. One that it has in
another form is changed right after the swap, since the old program needs it as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Protocol

from finsy.proto import p4r


class HasReplication(Protocol):
    """What is needed of a target."""

    def clone_session(self, number: int) -> p4r.CloneSessionEntry | None: ...

    def multicast_group(self, number: int) -> p4r.MulticastGroupEntry | None: ...

    def write_entities(self, updates: Sequence[p4r.Update]) -> None: ...


class Replication:
    """The groups and sessions among some updates. `missing`: those that the switch does not have; `changed`: those that
    it has in another form. Raises TargetError."""

    def __init__(self, target: HasReplication, updates: Iterable[p4r.Update]) -> None:
        self._target = target
        self.missing: list[p4r.Update] = []
        self.changed: list[p4r.Update] = []
        for update in updates:
            if not is_replication(update):
                continue
            wanted = update.entity.packet_replication_engine_entry
            there = _there(target, wanted)
            if there is None:
                self.missing.append(p4r.Update(type=p4r.Update.INSERT, entity=update.entity))
            elif _meaning(there) != _meaning(_inner(wanted)):
                self.changed.append(p4r.Update(type=p4r.Update.MODIFY, entity=update.entity))

    def make(self) -> None:
        """Makes what is missing."""
        if self.missing:
            self._target.write_entities(self.missing)

    def unmake(self, written: Collection[bytes] = ()) -> None:
        """Takes away what was made, but for those that another controller has written since (`written`: `key_of`)."""
        own = [u for u in self.missing if key_of(u) not in written]
        if own:
            self._target.write_entities([p4r.Update(type=p4r.Update.DELETE, entity=u.entity) for u in own])

    def change(self, written: Collection[bytes] = ()) -> tuple[str, ...]:
        """Changes what is there in another form. Returns what is not as the operator wants it, in words: another
        controller has written it since (`written`)."""
        own = [u for u in self.changed if key_of(u) not in written]
        if own:
            self._target.write_entities(own)
        others = [u for u in (*self.changed, *self.missing) if key_of(u) in written]
        return tuple(
            f"{name_of(u)} was written by another controller in the meantime and keeps that value, not the given one"
            for u in others
        )


def key_of(update: p4r.Update) -> bytes:
    """A group's or session's number, as an entity without values."""
    entry, key = update.entity.packet_replication_engine_entry, p4r.Entity()
    if entry.HasField("clone_session_entry"):
        session = key.packet_replication_engine_entry.clone_session_entry
        session.session_id = entry.clone_session_entry.session_id
    else:
        group = key.packet_replication_engine_entry.multicast_group_entry
        group.multicast_group_id = entry.multicast_group_entry.multicast_group_id
    return bytes(key.SerializeToString(deterministic=True))


def name_of(update: p4r.Update) -> str:
    entry = update.entity.packet_replication_engine_entry
    if entry.HasField("clone_session_entry"):
        return f"clone session {entry.clone_session_entry.session_id}"
    return f"multicast group {entry.multicast_group_entry.multicast_group_id}"


def is_replication(update: p4r.Update) -> bool:
    """Whether an update is about a multicast group or a clone session."""
    return bool(update.entity.HasField("packet_replication_engine_entry"))


def sessions_in(updates: Iterable[p4r.Update]) -> frozenset[int]:
    """The clone sessions that some updates are about."""
    entries = [update.entity.packet_replication_engine_entry for update in updates]
    return frozenset(e.clone_session_entry.session_id for e in entries if e.HasField("clone_session_entry"))


def ports_of(entry: p4r.CloneSessionEntry | p4r.MulticastGroupEntry) -> tuple[int, ...]:
    """The ports of all replicas, in order. P4Runtime has two ways to name one."""
    return tuple(int.from_bytes(r.port, "big") if r.port else int(r.egress_port) for r in entry.replicas)


def _there(target: HasReplication, wanted: p4r.PacketReplicationEngineEntry) -> Any:
    if wanted.HasField("clone_session_entry"):
        return target.clone_session(wanted.clone_session_entry.session_id)
    return target.multicast_group(wanted.multicast_group_entry.multicast_group_id)


def _inner(entry: p4r.PacketReplicationEngineEntry) -> Any:
    return entry.clone_session_entry if entry.HasField("clone_session_entry") else entry.multicast_group_entry


def _meaning(entry: Any) -> tuple[Any, ...]:
    """What of an entry the data plane sees."""
    replicas = sorted(zip(ports_of(entry), (replica.instance for replica in entry.replicas), strict=True))
    return tuple(replicas), getattr(entry, "packet_length_bytes", 0)
