"""Entities of a program by their keys: their current values, and writing them to a program that is not forwarding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from finsy.proto import p4r

from softswitch.proto.update_kinds import DELETE, INSERT, MODIFY
from softswitch.server.device.batches import Batches
from softswitch.server.device.changes import key_of
from softswitch.server.errors import Code, Refused
from softswitch.server.program.config import Config

_ALWAYS_THERE = ("value_set_entry", "meter_entry", "counter_entry", "register_entry")
_DELETED = ("table_entry", "digest_entry", "action_profile_group", "action_profile_member")
"""In an order in which they can be deleted."""
_MAX_PASSES = 4


def read_by_keys(
    batches: Batches, config: Config, keys: Sequence[p4r.Entity]
) -> Iterator[tuple[p4r.Entity, list[p4r.Entity]]]:
    """Each key from `changes.key_of` with its current value: one entity, all cells for a key without an index, or
    nothing. The contents of registers are left out, because they may be large."""
    for key in keys:
        yield key, _read(batches, config, key)


def _read(batches: Batches, config: Config, key: p4r.Entity) -> list[p4r.Entity]:
    kind = key.WhichOneof("entity")
    if kind == "register_entry":
        return []
    wanted = p4r.Entity()
    wanted.CopyFrom(key)
    entry = wanted.table_entry if kind == "table_entry" else None
    if entry is not None:
        view = config.index.table(entry.table_id)
        if view.info.direct_counter:
            entry.counter_data.SetInParent()
        if view.info.direct_meter:
            entry.meter_config.SetInParent()
    request = p4r.ReadRequest(entities=[wanted])
    found = [e for answer in batches.take(config, request).responses() for e in answer.entities]
    if entry is not None and not entry.match:  # in a Read, no match means every entry
        found = [e for e in found if not e.table_entry.match and e.table_entry.priority == entry.priority]
    return found


def bring(
    batches: Batches, config: Config, puts: Sequence[p4r.Entity], deletes: Sequence[p4r.Entity]
) -> list[tuple[p4r.Entity, Refused]]:
    """Writes the entities `puts`, whether or not they exist already, and deletes those with the keys `deletes`. Returns
    those that cannot be written, with the reason.

    An entity that changes is deleted first unless another one needs it, so that a full table, or a group that was
    recreated with another size, is not an obstacle."""
    for kind in _DELETED:
        for entity in [*puts, *deletes]:
            if entity.WhichOneof("entity") == kind and not entity.table_entry.is_default_action:
                batches.attempt(config, p4r.Update(type=DELETE, entity=entity))
    left = [(entity, True) for entity in puts] + [(entity, False) for entity in deletes]
    failed: list[tuple[p4r.Entity, Refused]] = []
    for _ in range(_MAX_PASSES):
        failed, again = [], []
        for entity, wanted in left:
            error = _put(batches, config, entity) if wanted else _delete(batches, config, entity)
            if error is not None:
                failed.append((entity, error))
                again.append((entity, wanted))
        if not again or len(again) == len(left):
            break
        left = again
    return failed


def _put(batches: Batches, config: Config, entity: p4r.Entity) -> Refused | None:
    if entity.WhichOneof("entity") in _ALWAYS_THERE or entity.table_entry.is_default_action:
        return batches.attempt(config, p4r.Update(type=MODIFY, entity=entity))
    error = batches.attempt(config, p4r.Update(type=INSERT, entity=entity))
    if error is not None and error.code == Code.ALREADY_EXISTS:
        error = batches.attempt(config, p4r.Update(type=MODIFY, entity=entity))
    return error


def _delete(batches: Batches, config: Config, entity: p4r.Entity) -> Refused | None:
    if entity.table_entry.is_default_action:  # restores the program's own
        return batches.attempt(config, p4r.Update(type=MODIFY, entity=key_of(entity)))
    error = batches.attempt(config, p4r.Update(type=DELETE, entity=entity))
    return error if error is not None and error.code != Code.NOT_FOUND else None
