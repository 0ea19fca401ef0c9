"""Writes entries, groups and sessions to a running switch, whether or not they exist already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from finsy.proto import p4r

from state4.plan.entities import entry_identity
from state4.replication import Replication, is_replication
from state4.targets.base import Target


@dataclass(frozen=True)
class Loaded:
    """How many entries, groups and sessions were made, changed, and there already as wanted. Default actions and
    register cells count as changed."""

    made: int
    changed: int
    same: int


def load(target: Target, updates: Sequence[p4r.Update]) -> Loaded:
    """Existing objects are modified to match; nothing is deleted. Raises TargetError."""
    entries = [e.table_entry for e in target.read_entities() if e.HasField("table_entry")]
    there = {entry_identity(entry): entry for entry in entries if not entry.is_default_action}
    replication = Replication(target, updates)
    replication.make()
    replication.change()
    groups = sum(is_replication(update) for update in updates)
    made, changed = len(replication.missing), len(replication.changed)
    same = groups - made - changed
    wanted: list[p4r.Update] = []
    for update in updates:
        entry = update.entity.table_entry
        if is_replication(update):
            continue
        found = there.get(entry_identity(entry)) if update.entity.HasField("table_entry") else None
        if found is not None and found.action == entry.action:
            same += 1
        elif found is not None:
            wanted.append(p4r.Update(type=p4r.Update.MODIFY, entity=update.entity))
        else:
            wanted.append(update)
    inserted = sum(update.type == p4r.Update.INSERT for update in wanted)
    if wanted:
        target.write_entities(wanted)
    return Loaded(made + inserted, changed + len(wanted) - inserted, same)
