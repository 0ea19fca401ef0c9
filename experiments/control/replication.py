"""Multicast groups and clone sessions that a control process made.

They belong to the switch, not to a program (P4Runtime specification, section 9.5): they are still there when the next
trial installs its program on the same switch.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from finsy.proto import p4r

Key = tuple[str, int]
"""The kind of a replication entry (its field in the protobuf message), and its id."""


class MadeReplication:
    """What was made of it on one switch, so that entries can be written whatever an earlier trial left there."""

    def __init__(self) -> None:
        self._made: dict[Key, p4r.Entity] = {}

    def updates(
        self, wanted: Sequence[p4r.Update], *, left_out_groups: Collection[int] = (), replace: bool
    ) -> list[p4r.Update]:
        """The updates to write so that `wanted` (insertions) is there.

        A group or session that is there already is modified if it differs and skipped if not; multicast groups of
        `left_out_groups` are skipped. `replace`: what was made before and is not wanted any more is deleted, too.
        """
        new: dict[Key, p4r.Entity] = {}
        others = []
        for update in wanted:
            key = _key(update.entity)
            if key is None:
                others.append(update)
            elif key not in {("multicast_group_entry", group) for group in left_out_groups}:
                new[key] = update.entity
        gone = [key for key in self._made if key not in new] if replace else []
        found = [_update(p4r.Update.DELETE, self._made[key]) for key in gone]
        for key, entity in new.items():
            if (old := self._made.get(key)) != entity:
                found.append(_update(p4r.Update.INSERT if old is None else p4r.Update.MODIFY, entity))
        return [*found, *others]

    def note(self, written: Sequence[p4r.Update]) -> None:
        """What `updates` returned was written."""
        for update in written:
            if (key := _key(update.entity)) is None:
                continue
            if update.type == p4r.Update.DELETE:
                self._made.pop(key, None)
            else:
                self._made[key] = update.entity


def _key(entity: p4r.Entity) -> Key | None:
    entry = entity.packet_replication_engine_entry
    if entry.HasField("multicast_group_entry"):
        return "multicast_group_entry", entry.multicast_group_entry.multicast_group_id
    if entry.HasField("clone_session_entry"):
        return "clone_session_entry", entry.clone_session_entry.session_id
    return None


def _update(kind: p4r.Update.Type.ValueType, entity: p4r.Entity) -> p4r.Update:
    return p4r.Update(type=kind, entity=entity)
