"""A file of entries meets a program's P4Info: names to ids, values to integers, and every mismatch reported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from finsy.proto import p4i

from p4front.match_kinds import kind_in_p4info, table_needs_priority
from state4.entries_file.model import (
    CloneRow,
    Entries,
    EntryError,
    Match,
    MulticastRow,
    Param,
    Place,
    RegisterRow,
    Replica,
    TableRow,
)
from state4.entries_file.source import Block, EntrySource, parse
from state4.entries_file.values import BadValue, read_match, read_value

_PORT_BITS = 32  # P4Runtime's type for the port and the instance of a replica, for sessions and for groups
_CONST_TABLE = "the table's entries are const in the program"

T = TypeVar("T")


class _Problem(Exception):
    """Ends the work on one block; the message is one line."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"{place}: error: {message}")


def load_entries(path: Path, p4info: p4i.P4Info) -> Entries:
    """Read a file and check it against a program. Raises EntryError, OSError."""
    return resolve(parse(path.read_text(encoding="utf-8"), path), p4info)


def resolve(source: EntrySource, p4info: p4i.P4Info) -> Entries:
    """Check parsed entries against a program. Raises EntryError with every problem found."""
    resolver = _Resolver(source.names, p4info)
    problems: list[str] = []
    rows: list[TableRow] = []
    multicast: list[MulticastRow] = []
    clones: list[CloneRow] = []
    registers: list[RegisterRow] = []
    for block in source.blocks:
        try:
            if block.kind in ("entry", "default"):
                rows.append(resolver.table_row(block))
            elif block.kind == "multicast":
                multicast.append(resolver.multicast(block))
            elif block.kind == "clone":
                clones.append(resolver.clone(block))
            else:
                registers.append(resolver.register(block))
        except _Problem as problem:
            problems.append(str(problem))
    problems += _duplicates(rows, multicast, clones)
    problems += _too_many(rows, p4info)
    if problems:
        raise EntryError(problems)
    return Entries(tuple(rows), tuple(multicast), tuple(clones), tuple(registers))


@dataclass(frozen=True)
class _Resolver:
    names: Mapping[str, int | str]
    p4info: p4i.P4Info

    def table_row(self, block: Block) -> TableRow:
        table: p4i.Table = _find(self.p4info.tables, _text(block, "table"), "table", block.at("table"))
        is_default = block.kind == "default"
        if is_default and table.const_default_action_id:
            raise _Problem(block.place, f"the default action of '{table.preamble.name}' is const in the program")
        if not is_default and table.is_const_table:
            raise _Problem(block.place, f"'{table.preamble.name}': {_CONST_TABLE}")
        action, params = self._action(block, table, is_default)
        matches = () if is_default else self._matches(block, table)
        priority = 0 if is_default else self._priority(block, table)
        return TableRow(
            table=table.preamble.name,
            table_id=table.preamble.id,
            matches=matches,
            action=action.preamble.name,
            action_id=action.preamble.id,
            params=params,
            priority=priority,
            is_default=is_default,
            place=block.place,
        )

    def _matches(self, block: Block, table: p4i.Table) -> tuple[Match, ...]:
        given = _mapping(block, "match")
        fields = {field.name: field for field in table.match_fields}
        for name in given:
            if name not in fields:
                known = ", ".join(fields) or "none"
                raise _Problem(block.at("match"), f"'{table.preamble.name}' has no field '{name}'; its fields: {known}")
        matches = []
        for name, field in fields.items():
            kind = kind_in_p4info(field.match_type)
            if kind is None:
                raise _Problem(block.at("match"), f"the match kind of field '{name}' is not supported")
            if name not in given:
                if not kind.optional_field:
                    message = f"the {kind.name} field '{name}' of '{table.preamble.name}' is missing"
                    raise _Problem(block.at("match"), message)
                continue
            try:
                found = read_match(given[name], kind, field.bitwidth, self.names)
            except BadValue as error:
                raise _Problem(block.at("match"), f"field '{name}' ({kind.name}): {error}") from None
            if found is not None:
                matches.append(Match(name, field.id, field.bitwidth, kind.name, *found))
        return tuple(matches)

    def _priority(self, block: Block, table: p4i.Table) -> int:
        if not table_needs_priority(table):
            if "priority" in block.values:
                message = f"'{table.preamble.name}' has only exact and lpm fields: its entries take no priority"
                raise _Problem(block.at("priority"), message)
            return 0
        if "priority" not in block.values:
            message = f"'{table.preamble.name}' has a ternary, range or optional field: state a priority (larger wins)"
            raise _Problem(block.place, message)
        priority = self._number(block, "priority", 31)
        if priority == 0:
            raise _Problem(block.at("priority"), "a priority is at least 1")
        return priority

    def _action(self, block: Block, table: p4i.Table, is_default: bool) -> tuple[p4i.Action, tuple[Param, ...]]:
        scopes = {ref.id: ref.scope for ref in table.action_refs}
        own = [action for action in self.p4info.actions if action.preamble.id in scopes]
        action = _find(own, _text(block, "action"), f"action of '{table.preamble.name}'", block.at("action"))
        scope = scopes[action.preamble.id]
        if scope == p4i.ActionRef.DEFAULT_ONLY and not is_default:
            raise _Problem(block.at("action"), f"'{action.preamble.name}' can only be the default action")
        if scope == p4i.ActionRef.TABLE_ONLY and is_default:
            raise _Problem(block.at("action"), f"'{action.preamble.name}' can't be the default action")
        given = _mapping(block, "params")
        known = {param.name: param for param in action.params}
        for name in given:
            if name not in known:
                names = ", ".join(known) or "none"
                raise _Problem(
                    block.at("params"), f"'{action.preamble.name}' has no parameter '{name}'; its parameters: {names}"
                )
        params = []
        for name, param in known.items():
            if name not in given:
                raise _Problem(block.at("params"), f"the parameter '{name}' of '{action.preamble.name}' is missing")
            try:
                value = read_value(given[name], param.bitwidth, self.names)
            except BadValue as error:
                raise _Problem(block.at("params"), f"parameter '{name}': {error}") from None
            params.append(Param(name, param.id, param.bitwidth, value))
        return action, tuple(params)

    def multicast(self, block: Block) -> MulticastRow:
        group = self._number(block, "group", 16)
        if group == 0:
            raise _Problem(block.at("group"), "group 0 means no multicast: number groups from 1")
        return MulticastRow(group, self._replicas(block), block.place)

    def clone(self, block: Block) -> CloneRow:
        session = self._number(block, "session", _PORT_BITS)
        if session == 0:
            raise _Problem(block.at("session"), "number sessions from 1")
        truncate = self._number(block, "truncate", 16) if "truncate" in block.values else 0
        return CloneRow(session, self._replicas(block), truncate, block.place)

    def register(self, block: Block) -> RegisterRow:
        register: p4i.Register = _find(self.p4info.registers, _text(block, "name"), "register", block.at("name"))
        name, spec = register.preamble.name, register.type_spec
        if spec.WhichOneof("type_spec") != "bitstring" or spec.bitstring.WhichOneof("type_spec") != "bit":
            raise _Problem(block.at("name"), f"the cells of '{name}' are no plain bit<> values")
        width = spec.bitstring.bit.bitwidth
        index = self._number(block, "index", 32) if "index" in block.values else 0
        given = block.values.get("values")
        if not isinstance(given, list) or not given:
            raise _Problem(block.at("values"), "`values` has to be a list of the cells from `index` on")
        if index + len(given) > register.size:
            raise _Problem(block.at("values"), f"'{name}' has {register.size} cells, up to {register.size - 1}")
        try:
            values = tuple(read_value(value, width, self.names) for value in given)
        except BadValue as error:
            raise _Problem(block.at("values"), f"register '{name}': {error}") from None
        return RegisterRow(name, register.preamble.id, width, index, values, block.place)

    def _replicas(self, block: Block) -> tuple[Replica, ...]:
        """From `ports = [1, 2]` (instance 1, 2, ... in order) or `replicas = [{ port = 1, instance = 7 }]`."""
        if ("ports" in block.values) == ("replicas" in block.values):
            raise _Problem(block.place, "state either `ports` or `replicas`")
        key = "ports" if "ports" in block.values else "replicas"
        given = block.values[key]
        if not isinstance(given, list) or not given:
            raise _Problem(block.at(key), f"`{key}` has to be a list")
        replicas = []
        for number, item in enumerate(given, start=1):
            if key == "ports":
                item = {"port": item, "instance": number}
            if not isinstance(item, dict) or set(item) != {"port", "instance"}:
                raise _Problem(block.at(key), "a replica is { port = ..., instance = ... }")
            try:
                port = read_value(item["port"], _PORT_BITS, self.names)
                replicas.append(Replica(port, read_value(item["instance"], 16, self.names)))
            except BadValue as error:
                raise _Problem(block.at(key), f"replica {number}: {error}") from None
        if len(set(replicas)) != len(replicas):
            raise _Problem(block.at(key), "the same replica twice: give each copy a different instance")
        return tuple(replicas)

    def _number(self, block: Block, key: str, width: int) -> int:
        if key not in block.values:
            raise _Problem(block.place, f"`{key}` is missing in [[{block.kind}]]")
        try:
            return read_value(block.values[key], width, self.names)
        except BadValue as error:
            raise _Problem(block.at(key), f"`{key}`: {error}") from None


def _text(block: Block, key: str) -> str:
    value = block.values.get(key)
    if not isinstance(value, str) or not value:
        raise _Problem(block.at(key), f"`{key}` (a name) is missing in [[{block.kind}]]")
    return value


def _mapping(block: Block, key: str) -> dict[str, Any]:
    value = block.values.get(key, {})
    if not isinstance(value, dict):
        raise _Problem(block.at(key), f"`{key}` has to be {{ name = value, ... }}")
    return value


def _find(objects: Iterable[T], name: str, what: str, place: Place) -> T:
    """The object of that full name, or the only one whose name ends with `.name`."""
    by_name: dict[str, T] = {obj.preamble.name: obj for obj in objects}  # type: ignore[attr-defined]
    if name in by_name:
        return by_name[name]
    ends = [full for full in by_name if full.endswith("." + name)]
    if len(ends) == 1:
        return by_name[ends[0]]
    if ends:
        raise _Problem(place, f"the {what} '{name}' could be {' or '.join(sorted(ends))}")
    raise _Problem(place, f"no {what} named '{name}'; known: {', '.join(sorted(by_name)) or 'none'}")


def _duplicates(rows: list[TableRow], multicast: list[MulticastRow], clones: list[CloneRow]) -> list[str]:
    seen: dict[tuple[object, ...], Place] = {}
    problems = []
    keyed: list[tuple[tuple[object, ...], Place, str]] = [
        ((row.table, row.is_default, row.matches, row.priority), row.place, f"entry of '{row.table}'") for row in rows
    ]
    keyed += [(("group", group.group), group.place, f"multicast group {group.group}") for group in multicast]
    keyed += [(("session", clone.session), clone.place, f"clone session {clone.session}") for clone in clones]
    for key, place, what in keyed:
        if key in seen:
            problems.append(f"{place}: error: the same {what} is at {seen[key]}")
        seen.setdefault(key, place)
    return problems


def _too_many(rows: list[TableRow], p4info: p4i.P4Info) -> list[str]:
    problems = []
    for table in p4info.tables:
        own = [row for row in rows if row.table_id == table.preamble.id and not row.is_default]
        if len(own) > table.size:
            place = own[table.size].place
            problems.append(
                f"{place}: error: '{table.preamble.name}' holds {table.size} entries, the file has {len(own)}"
            )
    return problems
