"""RECONCILE_AND_COMMIT: carrying the forwarding state over to a changed program (P4Runtime specification 14).

Everything declared identically in both programs is kept: table entries and default actions, registers, counters,
meters, action profiles, value sets, digest settings. State of the client or the packets that cannot be kept is listed,
and then nothing is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from softswitch.dataplane.entries import Entry, EntryState
from softswitch.dataplane.handover import Component, Handover
from softswitch.dataplane.tables import Table
from softswitch.model import ActionInfo, CounterInfo, RegisterInfo, TableInfo
from softswitch.server.device.carry import difference
from softswitch.server.program.config import Config
from softswitch.server.program.index import TableView


def _same_action(old: ActionInfo, new: TableInfo) -> bool:
    return any(a.name == old.name and a.params == old.params for a in new.actions)


def _same_table(old: TableInfo, new: TableInfo) -> bool:
    return old.keys == new.keys and (old.action_profile < 0) == (new.action_profile < 0)


class Reconciliation:
    """One change from `old` to `new`, both loaded. Call `problems` first, then `copy_control`, then `handover`.
    `renames`: old name -> new name of tables, counters and meters."""

    def __init__(self, old: Config, new: Config, renames: Mapping[str, str] | None = None) -> None:
        self._old = old
        self._new = new
        self._renames = renames or {}
        self._new_tables = {t.name: t for t in new.compiled.info.tables}

    # ---- what would be lost ----

    def problems(self, given_up: frozenset[str] = frozenset()) -> list[str]:
        """Everything that can't be kept, in words; empty if all can. `given_up`: registers whose contents need not be
        kept."""
        found = [p for view in self._old.index.tables.values() for p in self._table_problems(view)]
        found += self._register_problems(given_up) + self._array_problems() + self._profile_problems()
        for name, value_set in self._old.pipeline.value_sets.items():
            other = self._new.pipeline.value_sets.get(name)
            members = value_set.members()
            if members and (other is None or other.info.keys != value_set.info.keys or other.info.size < len(members)):
                found.append(f"the members of value set {name}")
        return found

    def _table_problems(self, view: TableView) -> list[str]:
        table = self._old.pipeline.tables[view.name]
        new = self._new_tables.get(view.name)
        if self._keeps_all(view):
            return []
        states = table.states()
        entries = [state.entry for state in states if not state.const]
        own = len(entries)
        default_changed = self._default_changed(view)
        if new is None or not _same_table(view.info, new):
            if not own and not default_changed:
                return []
            why = "is gone" if new is None else "is declared differently"
            return [f"{own} entries of table {view.name}, which {why}"]
        if own and new.const_entries:
            return [f"{own} entries of table {view.name}, whose entries are const now"]
        found = self._resource_problems(view, new, states)
        fixed = sum(self._is_fixed(new, entry) for entry in entries)
        if fixed:
            found.append(f"{fixed} entries of table {view.name}, in whose place const ones are now")
        if own > new.size:
            found.append(f"{own} entries of table {view.name}, which has room for {new.size} only")
        missing = {a.name for a in view.info.actions if not _same_action(a, new)}
        used = {e.action for e in entries} | {a.action for e in entries for a in e.action_set}
        found += [f"entries of table {view.name} with action {name}" for name in sorted(used & missing)]
        if default_changed and not new.const_default and table.default().action in missing:
            found.append(f"the default action of table {view.name}")
        return found

    def _keeps_all(self, view: TableView) -> bool:
        """Whether the new table has room for everything the old one can hold, so that it need not be counted."""
        new = next((v for v in self._new.index.tables.values() if v.name == view.name), None)
        if new is None or difference(self._old, self._new, view, new) or self._default_changed(view):
            return False
        keeps_counters = not view.info.direct_counter or bool(new.info.direct_counter)
        keeps_meters = not view.info.direct_meter or _same_meter(view.info, new.info)
        empty = not len(self._new.pipeline.tables[new.name])
        return empty and keeps_counters and keeps_meters and len(self._old.pipeline.tables[view.name]) <= new.info.size

    def _resource_problems(self, view: TableView, new: TableInfo, states: Sequence[EntryState]) -> list[str]:
        found = []
        table = self._old.pipeline.tables[view.name]
        counted = any(table.default_counter()) or any(any(state.counter) for state in states)
        if view.info.direct_counter and not new.direct_counter and counted:
            found.append(f"the direct counters of table {view.name}")
        if view.info.direct_meter and not _same_meter(view.info, new):
            meters = [table.direct_meter_state(None), *(state.meter for state in states)]
            if any(meter is not None and meter.config is not None for meter in meters):
                found.append(f"the direct meters of table {view.name}")
        return found

    def _is_fixed(self, new: TableInfo, entry: Entry) -> bool:
        """Whether the new program declares a const entry with the same key."""
        state = self._new.pipeline.tables[new.name].find(entry)
        return state is not None and state.const

    def _default_changed(self, view: TableView) -> bool:
        if view.info.const_default:
            return False
        initial = view.proto.initial_default_action
        default = self._old.pipeline.tables[view.name].default()
        values = tuple(int.from_bytes(argument.value, "big") for argument in initial.arguments)
        return self._old.index.action_ids.get(default.action) != initial.action_id or default.params != values

    def _register_problems(self, given_up: frozenset[str]) -> list[str]:
        new = {r.name: r for r in self._new.compiled.info.registers}
        found = []
        for name, register in self._old.pipeline.registers.items():
            kept = name in given_up or self._same_register(register.info, new.get(name))
            if not kept and bool(register.read().any()):
                found.append(f"register {name}")
        return found

    def _array_problems(self) -> list[str]:
        found = []
        counters = {c.name: c for c in self._new.compiled.info.counters}
        for name, counter in self._old.pipeline.counters.items():
            if not _same_array(counter.info, counters.get(name)) and bool(counter.read().any()):
                found.append(f"counter {name}")
        meters = {m.name: m for m in self._new.compiled.info.meters}
        for name, meter in self._old.pipeline.meters.items():
            if not _same_array(meter.info, meters.get(name)) and any(meter.read()):
                found.append(f"meter {name}")
        return found

    def _profile_problems(self) -> list[str]:
        found = []
        new_actions = {a.name: a.params for t in self._new.compiled.info.tables for a in t.actions}
        old_actions = {a.name: a.params for t in self._old.compiled.info.tables for a in t.actions}
        for name, profile in self._old.pipeline.profiles.items():
            members = profile.members()
            new = self._new.pipeline.profiles.get(name)
            if not members and not profile.groups():
                continue
            if new is None or new.info.selector != profile.info.selector or new.info.size < len(members):
                found.append(f"members and groups of action profile {name}")
                continue
            lost = {m.action for m in members if new_actions.get(m.action) != old_actions.get(m.action)}
            found += [f"members of action profile {name} with action {action}" for action in sorted(lost)]
        return found

    # ---- carrying over ----

    def copy_control(self) -> int:
        """Copies what only the control plane changes: profiles, entries, default actions, value sets, digests. Returns
        the number of entries."""
        entries = 0
        for name, profile in self._old.pipeline.profiles.items():
            new = self._new.pipeline.profiles.get(name)
            if new is not None:
                for member in profile.members():
                    new.insert_member(member)
                for group in profile.groups():
                    new.insert_group(group)
        for view, old_table, new_table in self._kept_tables():
            if not view.info.const_entries and not new_table.info.const_entries:
                new_table.clear()
                entries += new_table.carry_from(old_table)
            if self._default_changed(view) and not new_table.info.const_default:
                new_table.put_default(old_table.default())
        for name, value_set in self._old.pipeline.value_sets.items():
            if name in self._new.pipeline.value_sets and value_set.members():
                self._new.pipeline.value_sets[name].set(value_set.members())
        self._new.digests.take_over(self._old.digests)
        ids = self._new.index.tables
        self._new.default_notes.update({n: note for n, note in self._old.default_notes.items() if n in ids})
        return entries

    def handover(self) -> Handover:
        """Moves what packets change: registers, counters and meters, indirect and direct. No cells of arrays are
        copied, so packets wait no longer if there are many."""
        registers = [
            (new, old)
            for name, old in self._old.pipeline.registers.items()
            if (new := self._new.pipeline.registers.get(name)) is not None and self._same_register(old.info, new.info)
        ]
        return replace(self.counts(), registers=registers)

    def counts(self, components: Mapping[int, Component] | None = None) -> Handover:
        """Moves only counters and meters, and the cloned updates of `components`."""
        old, new = self._old.pipeline, self._new.pipeline
        return Handover(
            components=components,
            counters=[
                (found, counter)
                for name, counter in old.counters.items()
                if (found := new.counters.get(self._renamed(name))) and _same_array(counter.info, found.info)
            ],
            meters=[
                (other, meter)
                for name, meter in old.meters.items()
                if (other := new.meters.get(self._renamed(name))) and _same_array(meter.info, other.info)
            ],
            tables=[(new_table, old_table) for _, old_table, new_table in self._kept_tables()],
        )

    def copy_counts(self) -> None:
        """Moves only counters and the per-colour counts of meters, for a client that holds packets itself."""
        for name, counter in self._old.pipeline.counters.items():
            new_counter = self._new.pipeline.counters.get(self._renamed(name))
            if new_counter is not None and _same_array(counter.info, new_counter.info):
                new_counter.write(0, counter.read())
        for view, old_table, new_table in self._kept_tables():
            if view.info.direct_counter and new_table.info.direct_counter:
                for state in old_table.states():
                    if any(state.counter) and new_table.find(state.entry) is not None:
                        new_table.set_direct_counter(state.entry, state.counter)
                new_table.set_default_counter(old_table.default_counter())
            if _same_meter(view.info, new_table.info):
                for state in old_table.states():
                    if state.meter is not None and new_table.find(state.entry) is not None:
                        new_table.set_meter_counts(state.entry, state.meter.counts)
                new_table.set_meter_counts(None, old_table.direct_meter_state(None).counts)
        for name, meter in self._old.pipeline.meters.items():
            new_meter = self._new.pipeline.meters.get(self._renamed(name))
            if new_meter is not None and _same_array(meter.info, new_meter.info):
                new_meter.set_counts(0, [state.counts for state in meter.states()])

    def _kept_tables(self) -> list[tuple[TableView, Table, Table]]:
        kept = []
        for view in self._old.index.tables.values():
            new = self._new_tables.get(self._renamed(view.name))
            if new is not None and _same_table(view.info, new):
                kept.append((view, self._old.pipeline.tables[view.name], self._new.pipeline.tables[new.name]))
        return kept

    def _same_register(self, old: RegisterInfo, new: RegisterInfo | None) -> bool:
        """Whether a register is declared identically: not only its layout, but also the names and types of its
        members."""
        if new is None or replace(old, index=new.index) != new:
            return False
        before, after = (_declaration(config, old.name) for config in (self._old, self._new))
        return before == after

    def _renamed(self, name: str) -> str:
        return self._renames.get(name, name)


def _same_meter(old: TableInfo, new: TableInfo) -> bool:
    return bool(old.direct_meter and new.direct_meter) and old.direct_meter_kind == new.direct_meter_kind


def _declaration(config: Config, register: str) -> list[tuple[str, str]]:
    """The names and types of the members of a register's cells."""
    spec = next(r.type_spec for r in config.index.info.registers if r.preamble.name == register)
    return list(config.index.data.declaration(spec))


def _same_array(old: CounterInfo, new: CounterInfo | None) -> bool:
    return new is not None and replace(old, index=new.index, name=new.name) == new
