"""What a change of programs means for the state, known before anything happens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from finsy.proto import p4i

from state4.errors import PlanRefused, UnknownComponent
from state4.instrumentation.running import user_registers
from state4.plan.carried import Carried, type_problem
from state4.plan.conversion import Conversion
from state4.plan.state_map import StateMap
from state4.plan.state_map_check import check_map
from state4.plan.translator import Translator
from state4.values import RegisterSpec

_OTHERS = {"action_profiles": "action profile", "value_sets": "value set", "meters": "meter", "counters": "counter"}
"""P4Info's lists of what goes over by itself, as far as the new program has it too."""


@dataclass(frozen=True)
class Plan:
    """`registers`: what is carried over. `new`: registers that begin empty. `dropped`: state with no place in the new
    program, with the reason. `left_out`: what the operator's list leaves behind. `tables`: names of those whose entries
    go over. `counters`: old and new names of the indirect counters that go over. `converted`: tables whose entries a
    map changes, with what changes; `given_up`: what of entries is lost by that."""

    registers: tuple[Carried, ...]
    new: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...]
    tables: tuple[str, ...]
    new_tables: tuple[str, ...] = ()
    counters: tuple[tuple[str, str], ...] = ()
    converted: tuple[tuple[str, str], ...] = ()
    given_up: tuple[str, ...] = ()

    @property
    def losses(self) -> tuple[str, ...]:
        """Every loss of state, in words."""
        found = [f"{name} {reason}" for name, reason in self.dropped]
        found += [f"{c.old.name} loses {c.loses}" for c in self.registers if c.loses]
        return (*found, *self.given_up)

    @property
    def cells(self) -> int:
        """Register cells that are read and written."""
        return sum(c.old.cells for c in self.registers)

    def check(self, *, allow_loss: bool = False) -> None:
        """Raises PlanRefused if state would be lost that the operator did not give up."""
        if self.losses and not allow_loss:
            raise PlanRefused(
                "the new program has no place for some of the state: " + "; ".join(self.losses) + " "
                "(give --allow-loss to go on without it, or --map to say where it goes)"
            )


def make_plan(
    old: p4i.P4Info,
    new: p4i.P4Info,
    *,
    only: Collection[str] | None = None,
    renames: dict[str, str] | None = None,
    state_map: StateMap | None = None,
    problem_of: Callable[[RegisterSpec], str] = lambda _register: "",
) -> Plan:
    """Compares two programs. `only`: the components to keep (registers and tables, by control-plane name or its end);
    `state_map`: what goes elsewhere and how, or just `renames`: old name -> new name; `problem_of`: why the switch
    cannot carry a register, "" if it can. Raises UnknownComponent, BadMap."""
    state_map = state_map or StateMap(names=renames or {})
    check_map(state_map, old, new)
    renames = dict(state_map.names)
    old_registers = {spec.name: spec for spec in user_registers(old)}
    new_registers = {spec.name: spec for spec in user_registers(new)}
    tables = {t.preamble.name: t for t in old.tables}
    kept = None if only is None else resolve_names(only, [*old_registers, *tables])
    carried: list[Carried] = []
    dropped: list[tuple[str, str]] = []
    left_out: list[str] = []
    for name, spec in old_registers.items():
        target = new_registers.get(renames.get(name, name))
        if kept is not None and name not in kept:
            left_out.append(name)
        elif target is None:
            dropped.append((name, "is not in the new program"))
        elif problem := type_problem(spec, target) or problem_of(spec) or problem_of(target):
            dropped.append((name, problem))
        else:
            conversion = state_map.registers.get(name)
            carried.append(Carried(spec, target, None if conversion == Conversion() else conversion))
    translator = Translator(old, new, state_map)
    kept_tables: list[str] = []
    for name, table in tables.items():
        if table.is_const_table:
            continue
        problem = translator.table_problem(table) or _action_problem(translator, table, renames)
        # The list names registers as a rule; tables are left out only if it names at least one of them.
        if kept is not None and name not in kept and any(t in kept for t in tables):
            left_out.append(name)
        elif problem:
            dropped.append((f"table {name}", problem))
        else:
            kept_tables.append(name)
    for kind, word in _OTHERS.items():
        for item in getattr(old, kind):
            problem = translator.object_problem(kind, item)
            if problem:
                dropped.append((f"{word} {item.preamble.name}", problem))
    counters = [c for c in old.counters if not translator.object_problem("counters", c)]
    targets = {c.new.name for c in carried}
    renamed = {renames.get(name, name) for name in tables}
    return Plan(
        tuple(carried),
        tuple(name for name in new_registers if name not in targets),
        tuple(dropped),
        tuple(left_out),
        tuple(kept_tables),
        tuple(t.preamble.name for t in new.tables if t.preamble.name not in renamed),
        tuple((c.preamble.name, translator.renamed(c.preamble.name)) for c in counters) if kept is None else (),
        tuple((name, words) for name in kept_tables if (words := ", ".join(translator.changes(name)))),
        tuple(loss for name in kept_tables for loss in translator.losses(name)),
    )


def _action_problem(translator: Translator, table: p4i.Table, renames: dict[str, str]) -> str:
    new = translator.new_tables[renames.get(table.preamble.name, table.preamble.name)]
    actions = [translator.old_actions[ref.id] for ref in table.action_refs if ref.id in translator.old_actions]
    return next((p for a in actions if (p := translator.action_problem(a, new))), "")


def resolve_names(wanted: Collection[str], known: Sequence[str]) -> set[str]:
    """Full names for names or their ends (`pk_reg` for "MyIngress.knocking.pk_reg"). Raises UnknownComponent."""
    found: set[str] = set()
    for name in wanted:
        matches = [k for k in known if k == name] or [k for k in known if k.endswith(f".{name}")]
        if len(matches) != 1:
            what = "is no component of the running program" if not matches else "is ambiguous"
            choices = ", ".join(matches or known) or "none"
            raise UnknownComponent(f"'{name}' {what}; {'it could be' if matches else 'its components'}: {choices}")
        found.add(matches[0])
    return found
