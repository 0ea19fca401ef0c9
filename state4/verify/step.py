"""The comparison that `state4 reconfigure --verify` makes in the step that swaps: while packets wait, the cells of the
new program with those of the old one, in the form that the plan gives them."""

from __future__ import annotations

from collections.abc import Sequence

from finsy.proto import p4i, p4r

from state4.plan.carried import Carried
from state4.plan.entities import entity_identity
from state4.targets.abilities import Hold
from state4.targets.base import Target
from state4.verify.compare import Comparison
from state4.verify.expected import set_by_controllers


def compare_held(comparison: Comparison, held: Hold, carried: Sequence[Carried]) -> None:
    """Just before COMMIT; nothing else was compared before, except in holds that the switch has ended. Raises
    TargetError."""
    comparison.start_again()
    old = held.read_registers([item.old for item in carried])
    new = held.read_saved([item.new for item in carried])
    for item in carried:
        comparison.register(item.new, item.contents(old[item.old.name]), new[item.new.name])


def compare_entries(comparison: Comparison, target: Target, p4info: p4i.P4Info, given: Sequence[p4r.Entity]) -> None:
    """What the new program was given, with what it has; while other controllers wait, where the switch lets them.
    Entries that it begins with are no difference. Raises TargetError."""
    found = set_by_controllers(p4info, target.read_entities())
    wanted = {entity_identity(entity) for entity in given}
    begins = {table.preamble.id for table in p4info.tables if table.has_initial_entries}
    there = [e for e in found if entity_identity(e) in wanted or e.table_entry.table_id not in begins]
    comparison.entities(list(given), there, p4info, complete=False)
