"""Write and Read requests: dispatches the entities of a batch (specification 12 and 13)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any
from weakref import WeakKeyDictionary

from finsy.proto import p4r

from softswitch.dataplane import native
from softswitch.dataplane.switch import Switch
from softswitch.dataplane.tables import Table
from softswitch.errors import SwitchError
from softswitch.server.device.roles import Scope, object_id, shown
from softswitch.server.entities import arrays, profiles, table_reads, table_writes
from softswitch.server.entities.plain import MAX_ROWS, PlainTable, plain_table
from softswitch.server.entities.pre import ReplicationEngine
from softswitch.server.entities.runs import Run
from softswitch.server.errors import Code, Refused, denied, invalid, not_found, of_switch
from softswitch.server.program.config import Config

log = logging.getLogger(__name__)
Undo = Callable[[], None]
ENTITIES_PER_RESPONSE = 2000
_UPDATES_BETWEEN_LOOKS = 64
_NOBODY_WAITS = Refused(Code.CANCELLED, "the client no longer waits for the answer")

_WRITERS: dict[str, Callable[[Config, int, Any], Undo]] = {
    "table_entry": table_writes.write_table_entry,
    "direct_counter_entry": table_writes.write_direct_counter,
    "direct_meter_entry": table_writes.write_direct_meter,
    "register_entry": arrays.write_register,
    "counter_entry": arrays.write_counter,
    "meter_entry": arrays.write_meter,
    "action_profile_member": profiles.write_member,
    "action_profile_group": profiles.write_group,
    "value_set_entry": profiles.write_value_set,
}
_READERS: dict[str, Callable[[Config, Any], Iterator[Any]]] = {
    "table_entry": table_reads.read_table_entries,
    "direct_counter_entry": table_reads.read_direct_counters,
    "direct_meter_entry": table_reads.read_direct_meters,
    "register_entry": arrays.read_registers,
    "counter_entry": arrays.read_counters,
    "meter_entry": arrays.read_meters,
    "action_profile_member": profiles.read_members,
    "action_profile_group": profiles.read_groups,
    "value_set_entry": profiles.read_value_sets,
}
_KINDS = (p4r.Update.INSERT, p4r.Update.MODIFY, p4r.Update.DELETE)
_OPERATIONS = dict(zip(_KINDS, (native.INSERT, native.MODIFY, native.DELETE), strict=True))


class Batches:
    """Batches for one switch. The caller must write only one at a time."""

    def __init__(self, switch: Switch, pre: ReplicationEngine) -> None:
        self._switch = switch
        self._pre = pre
        self._plain: WeakKeyDictionary[Config, dict[int, PlainTable | None]] = WeakKeyDictionary()

    def write(
        self,
        config: Config,
        request: p4r.WriteRequest,
        scope: Scope | None = None,
        ended: Callable[[], bool] = lambda: False,
        note: Callable[[p4r.Entity], None] = lambda _: None,
    ) -> None:
        """Applies all updates; `scope`: what the client's role may write; `note` is called with what was written.
        Raises Refused (UNKNOWN) with one p4.v1.Error for each update if any failed. Once the client has stopped waiting
        (`ended`), the remaining updates are not applied."""
        atomicity = request.atomicity
        if atomicity not in p4r.WriteRequest.Atomicity.values():
            raise invalid(f"unknown atomicity {atomicity}")
        if atomicity == p4r.WriteRequest.CONTINUE_ON_ERROR:
            errors: list[Refused | None] = []
            looked = -_UPDATES_BETWEEN_LOOKS
            limit = MAX_ROWS
            while len(errors) < len(request.updates):
                if len(errors) - looked >= _UPDATES_BETWEEN_LOOKS:
                    looked = len(errors)
                    if ended():
                        raise Refused(Code.CANCELLED, f"{looked} of {len(request.updates)} updates were tried")
                wanted = request.updates[len(errors) : len(errors) + limit]
                done, _ = self._plain_ones(config, wanted, scope)
                # A refusal ends a run; after that runs are short, so that the rest is not read again and again.
                limit = min(4 * limit, MAX_ROWS) if done == len(wanted) else 1
                for update in wanted[:done]:
                    errors.append(None)
                    note(update.entity)
                if done < len(wanted) and len(errors) < len(request.updates):
                    update = request.updates[len(errors)]
                    errors.append(self._attempt(config, update, scope)[0])
                    if errors[-1] is None:
                        note(update.entity)
        else:
            whole = atomicity == p4r.WriteRequest.DATAPLANE_ATOMIC
            with self._switch.safe_point() if whole else nullcontext():
                errors = self._all_or_none(config, request, scope, ended)
            for update, error in zip(request.updates, errors, strict=True):
                if error is None:
                    note(update.entity)
        raise_failed(errors, "updates")

    def _plain_ones(
        self, config: Config, updates: Sequence[p4r.Update], scope: Scope | None, *, undoable: bool = False
    ) -> tuple[int, Undo]:
        """Applies the longest prefix of some updates that are of one kind, plain entries of one table, and not refused,
        all in one safe point. Returns their number, and how to undo them; `undoable`: only updates that can be
        undone."""
        kind, number = updates[0].type, updates[0].entity.table_entry.table_id
        table = self._plain_table(config, number) if kind in _KINDS and number else None
        if table is None or not table.takes(kind) or (undoable and kind != p4r.Update.INSERT):
            return 0, _nothing
        if scope is not None and not scope.has(number):
            return 0, _nothing
        rows: list[int] = []
        width = 0
        for update in updates:
            entry = update.entity.table_entry
            row = table.row(kind, entry) if update.type == kind and entry.table_id == number else None
            if row is None:
                break
            rows += row
            width = len(row)
        if not rows:
            return 0, _nothing
        done = table.table.write_rows(_OPERATIONS[kind], rows)
        return done, lambda: _take_back(table.table, rows[: done * width])

    def _plain_table(self, config: Config, number: int) -> PlainTable | None:
        known = self._plain.setdefault(config, {})
        if number not in known:
            known[number] = plain_table(config, number)
        return known[number]

    def attempt(self, config: Config, update: p4r.Update) -> Refused | None:
        """Applies one update; returns why it was refused, None if it was not."""
        return self._attempt(config, update, None)[0]

    def _all_or_none(
        self, config: Config, request: p4r.WriteRequest, scope: Scope | None, ended: Callable[[], bool]
    ) -> list[Refused | None]:
        done: list[Undo] = []
        error: Refused | None
        undo: Undo | None
        number = looked = -1
        while number + 1 < len(request.updates):
            number += 1
            if (looked < 0 or number - looked >= _UPDATES_BETWEEN_LOOKS) and ended():
                error, undo = _NOBODY_WAITS, None
            else:
                looked = number if looked < 0 or number - looked >= _UPDATES_BETWEEN_LOOKS else looked
                written, undo_rows = self._plain_ones(
                    config, request.updates[number : number + MAX_ROWS], scope, undoable=True
                )
                number += written
                if written:
                    done.append(undo_rows)
                if number == len(request.updates):
                    break
                error, undo = self._attempt(config, request.updates[number], scope)
            if undo is not None:
                done.append(undo)
            if error is not None:
                for step in reversed(done):
                    step()
                undone = Refused(Code.ABORTED, f"undone, since update {number} failed")
                skipped = Refused(Code.ABORTED, f"not tried, since update {number} failed")
                return [*[undone] * number, error, *[skipped] * (len(request.updates) - number - 1)]
        return [None] * len(request.updates)

    def _attempt(self, config: Config, update: p4r.Update, scope: Scope | None) -> tuple[Refused | None, Undo | None]:
        try:
            with self._switch.safe_point():  # packets see an entry and its counter or meter change together
                return None, self._write_one(config, update, scope)
        except Refused as refused:
            return refused, None
        except SwitchError as error:
            return of_switch(error), None
        except Exception:
            log.exception("update failed: %s", update)
            return Refused(Code.INTERNAL, "internal error; see the daemon's log"), None

    def _write_one(self, config: Config, update: p4r.Update, scope: Scope | None) -> Undo:
        if update.type not in _KINDS:
            raise invalid("the update's type is missing")
        kind = update.entity.WhichOneof("entity")
        if scope is not None and kind is not None:
            number = object_id(kind, getattr(update.entity, kind))
            if not scope.has(number):
                raise denied(f"object {number:#010x} is outside the client's role")
        if kind == "packet_replication_engine_entry":
            return self._pre.write(update.type, update.entity.packet_replication_engine_entry)
        if kind == "digest_entry":
            return config.digests.write(update.type, update.entity.digest_entry)
        if kind == "extern_entry":
            raise not_found("v1model has no externs beyond P4Runtime's own")
        if kind is None:
            raise invalid("the update's entity is empty")
        return _WRITERS[kind](config, update.type, getattr(update.entity, kind))

    def read(self, config: Config, request: p4r.ReadRequest) -> Iterator[p4r.ReadResponse]:
        """The entities that a request asks for, in messages of a limited size. Raises Refused."""
        return self.take(config, request).responses()

    def take(self, config: Config, request: p4r.ReadRequest, scope: Scope | None = None) -> Reading:
        """Reads the state that a request asks for, all at this moment; encoding it can wait. `scope`: what the role
        named in the request may see."""
        found: list[tuple[str, Iterator[Any]]] = []
        errors: list[Refused | None] = []
        for entity in request.entities:
            try:
                kind = entity.WhichOneof("entity")
                if kind is None:
                    raise invalid("an entity of the request is empty: it must name a kind")
                found.append((kind, shown(scope, kind, self._read_one(config, kind, entity))))
                errors.append(None)
            except Refused as refused:
                errors.append(refused)
            except SwitchError as error:
                errors.append(of_switch(error))
        return Reading(found, errors)

    def _read_one(self, config: Config, kind: str, entity: p4r.Entity) -> Iterator[Any]:
        if kind == "packet_replication_engine_entry":
            return self._pre.read(entity.packet_replication_engine_entry)
        if kind == "digest_entry":
            return iter(config.digests.read(entity.digest_entry))
        if kind == "extern_entry":
            if entity.extern_entry.extern_type_id:
                raise not_found("v1model has no externs beyond P4Runtime's own")
            return iter(())
        return _READERS[kind](config, getattr(entity, kind))


class Reading:
    """The result of a Read. `errors`: one for each entity of the request, None: it was read."""

    def __init__(self, found: Sequence[tuple[str, Iterator[Any]]], errors: Sequence[Refused | None]) -> None:
        self._found = found
        self._errors = errors

    def responses(self) -> Iterator[p4r.ReadResponse]:
        """Responses in messages of a limited size. Raises Refused (UNKNOWN) at the end if an entity of the request was
        refused."""
        response = p4r.ReadResponse()
        for kind, messages in self._found:
            for message in messages:
                count = message.count if isinstance(message, Run) else 1
                if response.entities and len(response.entities) + count > ENTITIES_PER_RESPONSE:
                    yield response
                    response = p4r.ReadResponse()
                if isinstance(message, Run):
                    response.MergeFromString(message.data)
                else:
                    getattr(response.entities.add(), kind).CopyFrom(message)
        if response.entities:
            yield response
        raise_failed(self._errors, "entities of the request")


def _nothing() -> None:
    pass


def _take_back(table: Table, rows: list[int]) -> None:
    """Entries that were just inserted."""
    if rows:
        table.write_rows(native.DELETE, rows)


def raise_failed(errors: Sequence[Refused | None], what: str) -> None:
    """Raises Refused (UNKNOWN) with one p4.v1.Error for each update or entity if any failed."""
    failed = [error for error in errors if error is not None]
    if failed:
        details = [p4r.Error(canonical_code=Code.OK) if e is None else e.to_proto() for e in errors]
        first = next(n for n, error in enumerate(errors) if error is not None)
        message = f"{len(failed)} of {len(errors)} {what} failed; number {first}: {failed[0].message}"
        raise Refused(Code.UNKNOWN, message[:1000], details)
