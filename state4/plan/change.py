"""A program change: from which program, to which one, and what happens to the state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from finsy.proto import p4i, p4r

from state4.clones.header import CloneLayout
from state4.instrumentation.running import layout_of
from state4.plan.carried import Carried
from state4.plan.components import Plan
from state4.plan.state_map import StateMap
from state4.plan.translator import Translation, Translator
from state4.programs import InstalledProgram


@dataclass(kw_only=True)
class Change:
    """`old`: P4Info of the running program. `entries`: what the operator gives to the new program in addition to
    what is carried over."""

    old: p4i.P4Info
    new: InstalledProgram
    plan: Plan
    entries: Sequence[p4r.Update] = ()
    state_map: StateMap = field(default_factory=StateMap)

    @property
    def carried(self) -> tuple[Carried, ...]:
        return self.plan.registers

    @property
    def layout(self) -> CloneLayout:
        """Of the running program. Raises NotInstrumented."""
        return layout_of(self.old)

    @property
    def adding(self) -> frozenset[str]:
        """New names of carried registers that both programs only ever add to."""
        old, new = self.layout.adds, self.new.layout.adds
        plain = [c for c in self.carried if not c.converts]
        return frozenset(c.new.name for c in plain if c.old.name in old and c.new.name in new)

    def translate(self, entities: Sequence[p4r.Entity]) -> Translation:
        """What the control plane put into the running program, for the new one: what the plan keeps of it."""
        names = {t.preamble.id: t.preamble.name for t in self.old.tables}
        defaults = {t.preamble.id: t.initial_default_action for t in self.old.tables}
        indirect = {t.preamble.id for t in self.old.tables if t.implementation_id}
        wanted = []
        for entity in entities:
            entry = entity.table_entry
            if entity.HasField("table_entry"):
                initial = entry.is_default_action and is_initial(entry, defaults[entry.table_id])
                if entry.is_default_action and entry.table_id in indirect and not _refers(entry):
                    continue  # only a member or group can take the place of the program's own
                if entry.is_const or initial or names.get(entry.table_id) not in self.plan.tables:
                    continue
            if _is_empty(entity):
                continue
            wanted.append(entity)
        return self.translator.translate(wanted)

    def alike_tables(self) -> list[tuple[p4i.Table, p4i.Table]]:
        """(old, new) of the tables that the plan carries and whose entries mean the same in both programs."""
        translator = self.translator
        found = []
        for old in self.old.tables:
            if old.preamble.name in self.plan.tables and not old.is_const_table and translator.is_alike(old):
                found.append((old, translator.new_tables[translator.renamed(old.preamble.name)]))
        return found

    @property
    def translator(self) -> Translator:
        return Translator(self.old, self.new.p4info, self.state_map)


def _is_empty(entity: p4r.Entity) -> bool:
    """A meter without a configuration, a value set without members: as every program begins."""
    if entity.HasField("meter_entry"):
        return not entity.meter_entry.HasField("config")
    return bool(entity.HasField("value_set_entry") and not entity.value_set_entry.members)


def _refers(entry: p4r.TableEntry) -> bool:
    return entry.action.WhichOneof("type") in ("action_profile_member_id", "action_profile_group_id")


def is_initial(entry: p4r.TableEntry, initial: Any) -> bool:
    """Whether a default action is the one that the program itself declares."""
    action = entry.action.action
    if not entry.action.HasField("action"):
        return False
    if action.action_id != initial.action_id:
        return bool(action.action_id == 0)
    values = {p.param_id: p.value.lstrip(b"\0") for p in action.params}
    return bool(values == {a.param_id: a.value.lstrip(b"\0") for a in initial.arguments})
