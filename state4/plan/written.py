"""What other controllers wrote to the running program while it was being replaced, in the terms of the new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from finsy.proto import p4r

from state4.instrumentation.running import added_registers
from state4.plan.carried import Carried
from state4.plan.change import Change, is_initial
from state4.plan.entities import entity_identity, kind_of
from state4.plan.translator import NoPlace


@dataclass(frozen=True)
class WrittenCells:
    """`count` cells of a carried register, from `start` on in the running program's."""

    item: Carried
    start: int
    count: int


@dataclass
class WrittenChange:
    """`puts`: what the new program gets; `deletes`: keys of what it must not have; `cells`: registers whose contents go
    over as they are at the swap; `tables`: ids, in the running program, of those that have to be compared as a whole;
    `replication`: groups and sessions of the switch; `lost`: what has no place in the new program, in words."""

    puts: list[p4r.Entity] = field(default_factory=list)
    deletes: list[p4r.Entity] = field(default_factory=list)
    cells: list[WrittenCells] = field(default_factory=list)
    tables: set[int] = field(default_factory=set)
    replication: list[p4r.PacketReplicationEngineEntry] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def translate_written(change: Change, keys: Sequence[tuple[p4r.Entity, Sequence[p4r.Entity]]]) -> WrittenChange:
    """`keys`: entities without values, each with what the running program has there now."""
    translation = _Translation(change)
    for key, found in keys:
        translation.add(key, found)
    return translation.result


class _Translation:
    def __init__(self, change: Change) -> None:
        self.result = WrittenChange()
        self._plan = change.plan
        self._translator = change.translator
        self._tables = {table.preamble.id: table for table in change.old.tables}
        self._registers = {item.old.id: item for item in change.carried}
        self._register_names = {r.preamble.id: r.preamble.name for r in change.old.registers}
        self._added = added_registers(change.old)
        self._own = {entity_identity(update.entity): update.entity for update in change.entries}

    def add(self, key: p4r.Entity, found: Sequence[p4r.Entity]) -> None:
        kind = kind_of(key)
        if kind == "packet_replication_engine_entry":
            self.result.replication.append(key.packet_replication_engine_entry)
        elif kind == "register_entry":
            self._register(key.register_entry)
        elif kind == "table_entry":
            self._entry(key, found)
        else:
            for entity in found:
                self._put(entity, key)
            if not found:
                self._delete(key)

    def _register(self, key: p4r.RegisterEntry) -> None:
        item, name = self._registers.get(key.register_id), self._register_names.get(key.register_id, "")
        if item is not None:
            whole = not key.HasField("index")
            self.result.cells.append(
                WrittenCells(item, 0, item.old.cells) if whole else WrittenCells(item, int(key.index.index), 1)
            )
        elif name not in self._added:
            self._lose(f"register {name}: the plan does not carry it, but cells of it were written in the meantime")

    def _entry(self, key: p4r.Entity, found: Sequence[p4r.Entity]) -> None:
        table = self._tables[key.table_entry.table_id]
        name = table.preamble.name
        if name not in self._plan.tables and not table.is_const_table:
            self._lose(f"table {name}: the plan does not carry it, but entries of it were written in the meantime")
        elif self._translator.drops_keys(table.preamble.id) and not key.table_entry.is_default_action:
            self.result.tables.add(table.preamble.id)
        elif not found:
            self._delete(key)
        elif found[0].table_entry.is_const and not key.table_entry.is_default_action:
            self._resources(found[0].table_entry)
        elif key.table_entry.is_default_action and (
            found[0].table_entry.is_const or is_initial(found[0].table_entry, table.initial_default_action)
        ):
            self._delete(key)
        else:
            self._put(found[0], key)

    def _resources(self, entry: p4r.TableEntry) -> None:
        """The counter and meter of a const entry: all that can be written of it."""
        try:
            translated = self._translator.one(p4r.Entity(table_entry=entry)).table_entry
        except NoPlace:
            return  # const entries belong to the program, and the plan covers them
        place = p4r.TableEntry(table_id=translated.table_id, match=translated.match, priority=translated.priority)
        if translated.HasField("counter_data"):
            counter = p4r.DirectCounterEntry(table_entry=place, data=translated.counter_data)
            self.result.puts.append(p4r.Entity(direct_counter_entry=counter))
        if translated.HasField("meter_config"):
            meter = p4r.DirectMeterEntry(table_entry=place, config=translated.meter_config)
            self.result.puts.append(p4r.Entity(direct_meter_entry=meter))

    def _put(self, entity: p4r.Entity, key: p4r.Entity) -> None:
        try:
            self.result.puts.append(self._translator.one(entity))
        except NoPlace as error:
            self._lose(f"{error}: it was written in the meantime")
            self._delete(key)

    def _delete(self, key: p4r.Entity) -> None:
        try:
            place = self._translator.one(key)
        except NoPlace:
            return  # what was there is not in the new program either
        own = self._own.get(entity_identity(place))
        if own is not None:
            self.result.puts.append(own)
        else:
            self.result.deletes.append(place)

    def _lose(self, what: str) -> None:
        if what not in self.result.lost:
            self.result.lost.append(what)
