"""Clone sessions and multicast groups. They belong to the switch, not to a program."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from softswitch.dataplane import native
from softswitch.dataplane.entries import CloneSession, MulticastGroup, Replica
from softswitch.dataplane.handle import SwitchHandle
from softswitch.dataplane.native import DELETE, INSERT, MODIFY
from softswitch.dataplane.rows import address, packed

Replicas = Sequence[Replica | tuple[int, int]]


class Replication:
    """The packet replication engine. `Switch` has these methods."""

    _handle: SwitchHandle

    def __init__(self) -> None:
        self._sessions: dict[int, CloneSession] = {}
        self._groups: dict[int, MulticastGroup] = {}

    def set_clone_session(self, id: int, replicas: Replicas, truncate: int = 0) -> None:
        """Makes or replaces a session; sessions outlive programs. `truncate`: most bytes of a clone, 0: all."""
        made = CloneSession(id, tuple(Replica(*replica) for replica in replicas), truncate)
        with self._handle.use() as switch:
            operation = MODIFY if id in self._sessions else INSERT
            memory = _replica_words(made.replicas)
            status = native.library().ss_pre_set_session(
                switch, operation, id, len(memory) // 3, address(memory), truncate
            )
            native.check(status)
            self._sessions[id] = made

    def delete_clone_session(self, id: int) -> None:
        """Raises EntryNotFound."""
        with self._handle.use() as switch:
            native.check(native.library().ss_pre_set_session(switch, DELETE, id, 0, None, 0))
            del self._sessions[id]

    def clone_sessions(self) -> list[CloneSession]:
        return list(self._sessions.values())

    def set_multicast_group(self, id: int, replicas: Replicas) -> None:
        """Makes or replaces a group; copies go out in the order of `replicas`."""
        made = MulticastGroup(id, tuple(Replica(*replica) for replica in replicas))
        with self._handle.use() as switch:
            operation = MODIFY if id in self._groups else INSERT
            memory = _replica_words(made.replicas)
            native.check(native.library().ss_pre_set_group(switch, operation, id, len(memory) // 3, address(memory)))
            self._groups[id] = made

    def delete_multicast_group(self, id: int) -> None:
        """Raises EntryNotFound."""
        with self._handle.use() as switch:
            native.check(native.library().ss_pre_set_group(switch, DELETE, id, 0, None))
            del self._groups[id]

    def multicast_groups(self) -> list[MulticastGroup]:
        return list(self._groups.values())


def _replica_words(replicas: Sequence[Replica]) -> array[int]:
    """Three words for each replica and each backup behind it."""
    rows: list[int] = []
    for replica in replicas:
        rows += (replica.port, replica.instance, 0)
        for port, instance in replica.backups:
            rows += (port, instance, 1)
    return packed(rows or [0])
