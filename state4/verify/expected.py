"""Compares a running switch with a snapshot or a file of entries.

A snapshot may be of the program before a change: what the plan of that change carries is expected in its new form.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from finsy.proto import p4i, p4r

from state4.clones.header import CloneLayout
from state4.instrumentation.running import user_registers
from state4.plan.change import Change
from state4.plan.compare import make_plan
from state4.plan.entities import kind_of
from state4.plan.state_map import StateMap
from state4.programs import InstalledProgram
from state4.replication import Replication, is_replication
from state4.targets.base import Target
from state4.verify.compare import DEFAULT_LIMIT, Comparison
from state4.verify.snapshot import Snapshot, take


def against_snapshot(
    target: Target,
    snapshot: Snapshot,
    *,
    only: Collection[str] | None = None,
    state_map: StateMap | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Comparison:
    """`only`: registers and tables to compare, as for a plan; `state_map`: what the new program has elsewhere.

    Raises TargetError, UnknownComponent, BadMap."""
    found = take(target)
    state_map = state_map or StateMap()
    plan = make_plan(snapshot.p4info, found.p4info, only=only, state_map=state_map, problem_of=target.register_problem)
    change = Change(old=snapshot.p4info, new=_installed(found.p4info), plan=plan, state_map=state_map)
    comparison = Comparison(limit)
    for item in plan.registers:
        if item.old.name in snapshot.registers:
            contents = item.contents(snapshot.registers[item.old.name])
            comparison.register(item.new, contents, found.registers[item.new.name])
        else:
            comparison.unchecked.append(f"register {item.old.name} is not in the snapshot")
    comparison.unchecked += [f"{component}: {component.why}" for component in plan.components if component.losses]
    for old, new in plan.counters:
        size = min(len(snapshot.counters[old]), len(found.counters[new]))
        comparison.counter(new, snapshot.counters[old][:size], found.counters[new][:size])
    translation = change.translate(snapshot.entities)
    comparison.unchecked += translation.left
    expected = [update.entity for update in translation.updates]
    there = set_by_controllers(found.p4info, found.entities)
    if only is not None:
        names = {t.preamble.id: t.preamble.name for t in found.p4info.tables}
        kept = {
            component.new_name for component in plan.components if component.kind == "table" and component.is_carried
        }
        there = [e for e in there if not e.HasField("table_entry") or names[e.table_entry.table_id] in kept]
    comparison.entities(expected, there, found.p4info, complete=True, counts=True)
    return comparison


def against_file(target: Target, updates: Sequence[p4r.Update], *, limit: int = DEFAULT_LIMIT) -> Comparison:
    """Entries, multicast groups and clone sessions of an operator's file. An entry that the file does not name is a
    difference in a table that it does name. Raises TargetError."""
    p4info = target.running()
    comparison = Comparison(limit)
    replication = Replication(target, updates)
    different = {id_of(update): update for update in (*replication.missing, *replication.changed)}
    for update in updates:
        if is_replication(update):
            wrong = different.get(id_of(update))
            found = "" if wrong is None or wrong.type == p4r.Update.INSERT else "other ports"
            comparison.one(id_of(update), "ports", "as in the file", found or "not there", differs=wrong is not None)
    cells = {update.entity.register_entry.register_id for update in updates} - {0}
    comparison.unchecked += [
        f"register {spec.name}: the file gives it a start, which packets may have changed"
        for spec in user_registers(p4info)
        if spec.id in cells
    ]
    kinds = ("packet_replication_engine_entry", "register_entry")
    wanted = [update.entity for update in updates if kind_of(update.entity) not in kinds]
    there = set_by_controllers(p4info, target.read_entities())
    comparison.entities(wanted, there, p4info, complete=False)
    return comparison


def id_of(update: p4r.Update) -> str:
    """The name of a multicast group or clone session."""
    entry = update.entity.packet_replication_engine_entry
    if entry.HasField("clone_session_entry"):
        return f"clone session {entry.clone_session_entry.session_id}"
    return f"multicast group {entry.multicast_group_entry.multicast_group_id}"


def set_by_controllers(p4info: p4i.P4Info, entities: Sequence[p4r.Entity]) -> list[p4r.Entity]:
    """Without const entries, and without default actions and settings that are as the program has them."""
    change = Change(old=p4info, new=_installed(p4info), plan=make_plan(p4info, p4info))
    return [update.entity for update in change.translate(entities).updates]


def _installed(p4info: p4i.P4Info) -> InstalledProgram:
    """A program of which only the P4Info is known."""
    return InstalledProgram("running", "", p4info, CloneLayout((), 0, 0))
