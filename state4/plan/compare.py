"""Compares two programs: what a change means for every stateful component, before anything is changed.

A plan compares declarations. What the switch holds is not considered, so a component that is dropped counts as a loss
even if it is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from finsy.proto import p4i

from state4.errors import UnknownComponent
from state4.instrumentation.running import added_registers, hashes_of, user_registers
from state4.plan.carried import Carried, type_problem
from state4.plan.components import Fate, Plan, PlannedComponent
from state4.plan.conversion import Conversion
from state4.plan.state_map import StateMap
from state4.plan.state_map_check import check_map
from state4.plan.translator import GONE, Translator
from state4.values import RegisterSpec

_NOT_NAMED = "--only does not name it"
_UNKNOWN_WIDTH = "has cells whose width P4Info does not tell"
_CONST_COUNTS = "its table has const entries: their counts start at 0 unless the switch moves them"
_OBJECTS = {
    "counters": ("counter", ""),
    "meters": ("meter", "its configurations"),
    "action_profiles": ("action profile", "its members and groups"),
    "value_sets": ("value set", "its members"),
    "digests": ("digest", "its settings"),
}
"""P4Info's lists of objects that are carried whatever --only says: their kinds, and what of them is carried."""
_DIRECT = {"direct_counters": "direct counter", "direct_meters": "direct meter"}


def make_plan(
    old: p4i.P4Info,
    new: p4i.P4Info,
    *,
    only: Collection[str] | None = None,
    renames: dict[str, str] | None = None,
    state_map: StateMap | None = None,
    problem_of: Callable[[RegisterSpec], str] = lambda _register: "",
    hashes: tuple[Mapping[str, str], Mapping[str, str]] | None = None,
    needless: Mapping[str, str] | None = None,
) -> Plan:
    """`only`: the registers and tables to keep, by control-plane name or its end; tables are left behind only if it
    names at least one. `state_map`: what goes elsewhere and how, or just `renames`: old name -> new name. `problem_of`:
    why the switch cannot carry a register, "" if it can. `hashes`: how each program computes the index of its
    registers; None: as its annotations say. `needless`: registers of the new program that are not to be carried, with
    the reason. Raises UnknownComponent, BadMap."""
    state_map = state_map or StateMap(names=renames or {})
    check_map(state_map, old, new)
    comparison = _Comparison(old, new, state_map, problem_of, only, needless or {})
    components = [*comparison.registers(), *comparison.tables(), *comparison.objects(), *comparison.direct()]
    components += comparison.new_ones(components)
    before, after = hashes or (hashes_of(old), hashes_of(new))
    return Plan(tuple(components), tuple(comparison.carried), tuple(_hash_warnings(comparison.carried, before, after)))


class _Comparison:
    """The components of the running program one kind after the other, then those that only the new one has."""

    def __init__(
        self,
        old: p4i.P4Info,
        new: p4i.P4Info,
        state_map: StateMap,
        problem_of: Callable[[RegisterSpec], str],
        only: Collection[str] | None,
        needless: Mapping[str, str],
    ) -> None:
        self._old = old
        self._new = new
        self._map = state_map
        self._problem_of = problem_of
        self._needless = needless
        self._translator = Translator(old, new, state_map)
        self._old_registers = {spec.name: spec for spec in user_registers(old)}
        self._new_registers = {spec.name: spec for spec in user_registers(new)}
        self._tables = {table.preamble.name: table for table in old.tables}
        self._only = None if only is None else resolve_names(only, [*_user_register_names(old), *self._tables])
        self.carried: list[Carried] = []

    def _leaves(self, name: str, kind: Collection[str]) -> bool:
        """Whether --only leaves a component behind; `kind`: those that it has to name one of for that."""
        return self._only is not None and name not in self._only and any(n in self._only for n in kind)

    # ------------------------------------------------------------ registers

    def registers(self) -> Iterator[PlannedComponent]:
        for name in _user_register_names(self._old):
            if self._only is not None and name not in self._only:
                yield PlannedComponent("register", name, Fate.LEFT_BEHIND, self._there(name), _NOT_NAMED)
            elif reason := self._needless.get(self._there(name)):
                yield PlannedComponent("register", name, Fate.LEFT_BEHIND, self._there(name), reason)
            else:
                yield self._register(name)

    def _register(self, name: str) -> PlannedComponent:
        renamed = self._map.renamed(name)
        if renamed not in _user_register_names(self._new):
            return _dropped("register", name, GONE)
        spec, target = self._old_registers.get(name), self._new_registers.get(renamed)
        if spec is None or target is None:
            return _dropped("register", name, _UNKNOWN_WIDTH, renamed)
        problem = type_problem(spec, target) or self._problem_of(spec) or self._problem_of(target)
        if problem:
            return _dropped("register", name, problem, renamed)
        conversion = self._map.registers.get(name)
        carried = Carried(spec, target, None if conversion == Conversion() else conversion)
        self.carried.append(carried)
        losses = (f"loses {carried.loses}",) if carried.loses else ()
        same = not [c for c in carried.changes if not c.startswith("renamed to")]
        fate = Fate.CARRIED if same else Fate.CONVERTED
        return PlannedComponent("register", name, fate, renamed, ", ".join((*carried.changes, *losses)), losses)

    def _there(self, name: str) -> str:
        """The new program's name of a register, "" if it has none."""
        renamed = self._map.renamed(name)
        return renamed if renamed in _user_register_names(self._new) else ""

    # ------------------------------------------------------------ tables

    def tables(self) -> Iterator[PlannedComponent]:
        for name, table in self._tables.items():
            renamed = self._map.renamed(name)
            there = renamed if renamed in self._translator.new_tables else ""
            if table.is_const_table:
                yield PlannedComponent("table", name, Fate.EMPTY, there, "its entries are const in the program")
            elif self._leaves(name, self._tables):
                yield PlannedComponent("table", name, Fate.LEFT_BEHIND, there, _NOT_NAMED)
            elif problem := self._translator.table_problem(table) or self._action_problem(table):
                yield _dropped("table", name, problem, there)
            else:
                losses = tuple(f"loses {loss}" for loss in self._translator.losses(name))
                changes = self._translator.changes(name)
                fate = Fate.CONVERTED if changes else Fate.CARRIED
                yield PlannedComponent("table", name, fate, there, ", ".join(changes), losses)

    def _action_problem(self, table: p4i.Table) -> str:
        translator = self._translator
        new = translator.new_tables[self._map.renamed(table.preamble.name)]
        actions = [translator.old_actions[ref.id] for ref in table.action_refs if ref.id in translator.old_actions]
        return next((p for a in actions if (p := translator.action_problem(a, new))), "")

    # ------------------------------------------------------------ everything else

    def objects(self) -> Iterator[PlannedComponent]:
        for field, (kind, what) in _OBJECTS.items():
            for item in getattr(self._old, field):
                name = item.preamble.name
                renamed = self._translator.renamed(name)
                problem = self._translator.object_problem(field, item)
                if problem:
                    lost = () if field == "digests" else (problem,)  # messages that are no longer sent need no settings
                    yield PlannedComponent(kind, name, Fate.DROPPED, "" if problem == GONE else renamed, problem, lost)
                else:
                    changes = [f"renamed to {renamed}"] if renamed != name else []
                    yield PlannedComponent(kind, name, Fate.CARRIED, renamed, ", ".join(filter(None, (*changes, what))))

    def direct(self) -> Iterator[PlannedComponent]:
        """What belongs to the entries of a table goes where these go."""
        kept = [table.preamble.name for table in self._old.tables if not table.is_const_table]
        for field, kind in _DIRECT.items():
            there = {item.direct_table_id: item for item in getattr(self._new, field)}
            for item in getattr(self._old, field):
                table = self._translator.old_tables[item.direct_table_id].preamble.name
                new_table = self._translator.new_tables.get(self._map.renamed(table))
                target = there.get(new_table.preamble.id) if new_table is not None else None
                yield self._direct_one(kind, item, target, table, table in kept)

    def _direct_one(self, kind: str, item: Any, target: Any, table: str, has_entries: bool) -> PlannedComponent:
        name = item.preamble.name
        if self._leaves(table, self._tables):
            there = target.preamble.name if target is not None else ""
            return PlannedComponent(kind, name, Fate.LEFT_BEHIND, there, f"--only does not name table {table}")
        if target is None:
            return _dropped(kind, name, GONE)
        if target.spec.unit != item.spec.unit:
            return _dropped(kind, name, "counts something else in the new program", target.preamble.name)
        there = target.preamble.name
        if not has_entries:
            return PlannedComponent(kind, name, Fate.EMPTY, there, _CONST_COUNTS)
        return PlannedComponent(kind, name, Fate.CARRIED, there, f"with the entries of table {table}")

    def new_ones(self, known: Sequence[PlannedComponent]) -> Iterator[PlannedComponent]:
        """What no component of the running program goes to."""
        taken = {(c.kind, c.new_name) for c in known}
        for kind, name, why in self._declared_new():
            if (kind, name) not in taken:
                yield PlannedComponent(kind, name, Fate.NEW, name, why)

    def _declared_new(self) -> Iterator[tuple[str, str, str]]:
        for name in _user_register_names(self._new):
            yield "register", name, "starts empty"
        for table in self._new.tables:
            own = "starts with its const entries" if table.is_const_table else "starts with its initial entries"
            yield "table", table.preamble.name, own if table.has_initial_entries else "starts empty"
        kinds = {**{field: kind for field, (kind, _) in _OBJECTS.items()}, **_DIRECT}
        for field, kind in kinds.items():
            for item in getattr(self._new, field):
                yield kind, item.preamble.name, "" if kind == "digest" else "starts empty"


def _dropped(kind: str, name: str, problem: str, new_name: str = "") -> PlannedComponent:
    return PlannedComponent(kind, name, Fate.DROPPED, new_name, problem, (problem,))


def _user_register_names(p4info: p4i.P4Info) -> list[str]:
    """Also of those whose width P4Info does not tell."""
    added = added_registers(p4info)
    return [r.preamble.name for r in p4info.registers if r.preamble.name not in added]


def _hash_warnings(carried: Sequence[Carried], old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    """Registers that are indexed by another hash: their contents are carried, but packets look elsewhere for them."""
    for item in carried:
        before, after = old.get(item.old.name, ""), new.get(item.new.name, "")
        if before and after and before != after:
            yield (
                f"{item.old.name} is indexed by {before} in the running program, by {after} in the new one: its cells "
                "keep their places, and the new program looks for them elsewhere"
            )


def resolve_names(wanted: Collection[str], known: Sequence[str]) -> set[str]:
    """Full names for names or their ends (`pk_reg` for "MyIngress.knocking.pk_reg"). Raises UnknownComponent."""
    found: set[str] = set()
    for name in wanted:
        matches = [k for k in known if k == name] or [k for k in known if k.endswith(f".{name}")]
        if len(matches) != 1:
            what = "is no register or table of the running program" if not matches else "is ambiguous"
            choices = ", ".join(matches or known) or "none"
            raise UnknownComponent(f"'{name}' {what}; {'it could be' if matches else 'there are'}: {choices}")
        found.add(matches[0])
    return found
