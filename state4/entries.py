"""Table entries of one program in the terms of another: names stay, P4Runtime's numbers change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from finsy.proto import p4i, p4r


@dataclass(frozen=True)
class Translation:
    """`updates`: for the new program; `left`: why an entry cannot go over, one line each."""

    updates: list[p4r.Update] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class Translator:
    """From the ids of program `old` to those of `new`. `renames`: old name -> new name of tables and actions."""

    def __init__(self, old: p4i.P4Info, new: p4i.P4Info, renames: dict[str, str] | None = None) -> None:
        self.renames = renames or {}
        self.old_tables = {t.preamble.id: t for t in old.tables}
        self.new_tables = {t.preamble.name: t for t in new.tables}
        self.old_actions = {a.preamble.id: a for a in old.actions}
        self.new_actions = {a.preamble.name: a for a in new.actions}

    def translate(self, entries: Sequence[p4r.TableEntry]) -> Translation:
        """Inserts for entries, modifications for default actions."""
        result = Translation()
        for entry in entries:
            try:
                entity = p4r.Entity(table_entry=self._entry(entry))
            except _Changed as error:
                result.left.append(str(error))
                continue
            kind = p4r.Update.MODIFY if entry.is_default_action else p4r.Update.INSERT
            result.updates.append(p4r.Update(type=kind, entity=entity))
        return result

    def table_problem(self, old: p4i.Table) -> str:
        """Why entries of a table cannot go over, "" if they can."""
        name = self.renames.get(old.preamble.name, old.preamble.name)
        new = self.new_tables.get(name)
        if new is None:
            return "is not in the new program"
        if _key(old) != _key(new):
            return "has another key"
        if bool(old.implementation_id) != bool(new.implementation_id):
            return "has another implementation"
        if new.is_const_table:
            return "has const entries in the new program"
        return ""

    def action_problem(self, old: p4i.Action, table: p4i.Table) -> str:
        """Why an action cannot go over to a table of the new program, "" if it can."""
        name = self.renames.get(old.preamble.name, old.preamble.name)
        new = self.new_actions.get(name)
        if new is None or all(ref.id != new.preamble.id for ref in table.action_refs):
            return f"has no action {name} in the new program"
        if _params(old) != _params(new):
            return f"has other parameters of action {name}"
        return ""

    def _entry(self, entry: p4r.TableEntry) -> p4r.TableEntry:
        old = self.old_tables[entry.table_id]
        name = old.preamble.name
        problem = self.table_problem(old)
        if problem:
            raise _Changed(f"table {name} {problem}")
        new = self.new_tables[self.renames.get(name, name)]
        result = p4r.TableEntry()
        result.CopyFrom(entry)
        result.table_id = new.preamble.id
        ids = {f.name: f.id for f in new.match_fields}
        names = {f.id: f.name for f in old.match_fields}
        for match in result.match:
            match.field_id = ids[names[match.field_id]]
        result.ClearField("time_since_last_hit")
        if not new.idle_timeout_behavior:
            result.ClearField("idle_timeout_ns")
        if result.action.HasField("action"):
            self._action(result.action.action, new, name)
        elif result.action.HasField("action_profile_action_set"):
            for item in result.action.action_profile_action_set.action_profile_actions:
                self._action(item.action, new, name)
        return result

    def _action(self, action: p4r.Action, table: p4i.Table, name: str) -> None:
        old = self.old_actions[action.action_id]
        problem = self.action_problem(old, table)
        if problem:
            raise _Changed(f"table {name} {problem}")
        new = self.new_actions[self.renames.get(old.preamble.name, old.preamble.name)]
        ids = {p.name: p.id for p in new.params}
        names = {p.id: p.name for p in old.params}
        action.action_id = new.preamble.id
        for param in action.params:
            param.param_id = ids[names[param.param_id]]


class _Changed(Exception):
    """An entry that the new program has no place for."""


def _key(table: p4i.Table) -> dict[str, tuple[int, int]]:
    return {f.name: (f.bitwidth, f.match_type) for f in table.match_fields}


def _params(action: p4i.Action) -> dict[str, int]:
    return {p.name: p.bitwidth for p in action.params}


def merge(carried: Sequence[p4r.Update], wanted: Sequence[p4r.Update]) -> list[p4r.Update]:
    """What is carried over, then of the new program's own updates those for which nothing is carried over. Groups and
    sessions belong to the switch and stay out."""
    keys = {_identity(update) for update in carried}
    own = [u for u in wanted if u.entity.WhichOneof("entity") != "packet_replication_engine_entry"]
    return [*carried, *(update for update in own if _identity(update) not in keys)]


def _identity(update: p4r.Update) -> bytes:
    """What two updates share if they mean the same entry."""
    if not update.entity.HasField("table_entry"):
        return bytes(update.entity.SerializeToString(deterministic=True))
    entry = update.entity.table_entry
    key = p4r.TableEntry(table_id=entry.table_id, priority=entry.priority, is_default_action=entry.is_default_action)
    key.match.extend(sorted(entry.match, key=lambda match: match.field_id))
    return bytes(key.SerializeToString(deterministic=True))
