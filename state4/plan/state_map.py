"""The file of --map: where state goes if its place differs in the new program, and how it is converted.

TOML (or the same as JSON). A file that has names only may be one table of old and new names.

[names]                                  # of anything: old name = new name
"MyIngress.flows" = "MyIngress.streams"

[[register]]
old = "MyIngress.byte_reg"
new = "MyIngress.kilobytes"              # default: as [names] says, else the same
scale = "1/1024"                         # number or fraction; rounded down
overflow = "saturate"                    # or "truncate", the default
first = 0                                # cell i becomes stride * (i - first) + offset,
count = 1024                             # for so many cells; default: all
stride = 1
offset = 16
initial = 0                              # of cells that nothing becomes
members = { "bytes" = "octets" }         # renamed members of a cell that is a struct

[[table]]
old = "MyIngress.routes"
new = "MyIngress.lpm"
keys = { "hdr.ipv4.dst" = "hdr.ip.dst" } # renamed key fields
drop_keys = ["meta.vrf"]                 # key fields that the new table does not have
add_keys = { "hdr.vlan" = 5, "meta.x" = "*" }   # key fields that the old one does not have; "*": any value

[[action]]
old = "MyIngress.set"
new = "MyIngress.forward"
params = { port = "out_port" }           # renamed parameters
drop_params = ["queue"]
add_params = { class = 3 }
drop = true                              # instead: entries with it are left behind
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from state4.errors import BadMap
from state4.plan.conversion import Conversion

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ANY = "*"


@dataclass(frozen=True)
class TableChange:
    """`keys`: renamed key fields; `drop`: fields to leave out; `add`: new fields, with a value or None for any."""

    keys: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    add: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class ActionChange:
    """`params`: renamed parameters; `drop`: those to leave out; `add`: new ones, with their value; `left_behind`:
    entries with this action are not carried over."""

    params: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    add: Mapping[str, int] = field(default_factory=dict)
    left_behind: bool = False


@dataclass(frozen=True)
class StateMap:
    """What a map says, by old names. `places`: where in the file, for messages."""

    names: Mapping[str, str] = field(default_factory=dict)
    registers: Mapping[str, Conversion] = field(default_factory=dict)
    tables: Mapping[str, TableChange] = field(default_factory=dict)
    actions: Mapping[str, ActionChange] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    def renamed(self, name: str) -> str:
        return self.names.get(name, name)

    def place(self, name: str) -> str:
        """Where the file speaks of an old name; the beginning of a message."""
        return self.places.get(name, f"map: {name}")


def load_map(path: Path) -> StateMap:
    """Raises BadMap with file and place."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise BadMap(f"{path}: {reason}") from None
    return parse_map(text, str(path), is_json=path.suffix == ".json" or text.lstrip().startswith("{"))


def parse_map(text: str, file: str, *, is_json: bool = False) -> StateMap:
    """Raises BadMap."""
    try:
        content = json.loads(text) if is_json else tomllib.loads(text)
    except json.JSONDecodeError as error:
        raise BadMap(f"{file}:{error.lineno}:{error.colno}: not a JSON file: {error.msg}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadMap(f"{file}: not a TOML file: {error}") from None
    if not isinstance(content, dict):
        raise BadMap(f"{file}: expected an object that gives a new name for each old one, or a map")
    if content and all(isinstance(value, str) for value in content.values()):
        content = {"names": content}
    return _Reader(file, [] if is_json else text.splitlines()).read(content)


class _Reader:
    """Makes a StateMap of a parsed file; `lines` are a TOML file's own."""

    def __init__(self, file: str, lines: list[str]) -> None:
        self._file = file
        self._lines = lines
        self._names: dict[str, str] = {}
        self._places: dict[str, str] = {}

    def read(self, content: dict[str, Any]) -> StateMap:
        self._known(content, {"names", "register", "table", "action"}, self._file)
        self._read_names(content.get("names", {}))
        registers = self._section(content, "register", _conversion, _REGISTER_KEYS)
        tables = self._section(content, "table", _table, {"keys", "drop_keys", "add_keys"})
        actions = self._section(content, "action", _action, {"params", "drop_params", "add_params", "drop"})
        return StateMap(self._names, registers, tables, actions, self._places)

    def _read_names(self, names: Any) -> None:
        place = f"{self._file}: names"
        if not isinstance(names, dict) or not all(isinstance(value, str) for value in names.values()):
            raise BadMap(f"{place}: expected an old name with its new one on each line")
        for old, new in names.items():
            self._places[old] = f"{self._file}{self._line_of(old)}: names: {old}"
            self._names[old] = new

    def _section(
        self, content: dict[str, Any], kind: str, make: Callable[[dict[str, Any]], Any], keys: set[str]
    ) -> dict[str, Any]:
        items = content.get(kind, [])
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise BadMap(f"{self._file}: {kind}: write [[{kind}]] (an array of tables) for each one")
        result: dict[str, Any] = {}
        for number, item in enumerate(items, 1):
            where = f"{self._file}{self._header_line(kind, number)}: {kind} {number}"
            old = item.get("old")
            if not isinstance(old, str):
                raise BadMap(f'{where}: old = "NAME" is missing')
            where += f" ({old})"
            self._known(item, keys | {"old", "new"}, where)
            if old in result:
                raise BadMap(f"{where}: listed twice")
            new = item.get("new", self._names.get(old, old))
            if not isinstance(new, str):
                raise BadMap(f"{where}: new must be a name, not {new!r}")
            if self._names.get(old, new) != new:
                raise BadMap(f"{where}: new is '{new}', but [names] has '{self._names[old]}'; give one of them")
            try:
                result[old] = make(item)
            except (ValueError, TypeError, ZeroDivisionError) as error:
                raise BadMap(f"{where}: {error}") from None
            self._places[old] = where
            if new != old:
                self._names[old] = new
        return result

    def _known(self, item: dict[str, Any], keys: set[str], where: str) -> None:
        unknown = sorted(set(item) - keys)
        if unknown:
            raise BadMap(f"{where}: '{unknown[0]}' is not a known key; known are {', '.join(sorted(keys))}")

    def _header_line(self, kind: str, number: int) -> str:
        """Line of the n-th [[kind]]."""
        headers = [n for n, line in enumerate(self._lines, 1) if re.match(rf"\s*\[\[\s*{kind}\s*\]\]", line)]
        return f":{headers[number - 1]}" if number <= len(headers) else ""

    def _line_of(self, name: str) -> str:
        found = [n for n, line in enumerate(self._lines, 1) if re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*=", line)]
        return f":{found[0]}" if found else ""


_REGISTER_KEYS = {"scale", "overflow", "first", "count", "stride", "offset", "initial", "members"}


def _conversion(item: dict[str, Any]) -> Conversion:
    overflow = item.get("overflow", "truncate")
    if overflow not in ("truncate", "saturate"):
        raise ValueError('overflow is "truncate" or "saturate"')
    scale = item.get("scale", 1)
    if isinstance(scale, bool) or not isinstance(scale, int | float | str):
        raise ValueError('scale is a number, or a fraction such as "1/8"')
    try:
        factor = Fraction(str(scale))
    except ValueError:
        raise ValueError(f'scale is a number, or a fraction such as "1/8", not {scale!r}') from None
    if factor <= 0:
        raise ValueError(f"scale must be above 0, not {scale}")
    numbers = {name: _integer(item, name, minimum) for name, minimum in _MINIMUM.items() if name in item}
    return Conversion(scale=factor, saturate=overflow == "saturate", members=_strings(item, "members"), **numbers)


_MINIMUM = {"first": 0, "count": 1, "stride": 1, "offset": 0, "initial": None}


def _integer(item: dict[str, Any], name: str, minimum: int | None) -> int:
    value = item[name]
    if isinstance(value, bool) or not isinstance(value, int) or (minimum is not None and value < minimum):
        raise ValueError(f"{name} must be a whole number" + ("" if minimum is None else f" from {minimum} on"))
    return value


def _table(item: dict[str, Any]) -> TableChange:
    add = _object(item, "add_keys")
    for name, value in add.items():
        if value != ANY and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise ValueError(f'add_keys: {name} is a number, or "{ANY}" for any value')
    return TableChange(
        keys=_strings(item, "keys"),
        drop=_names(item, "drop_keys"),
        add={name: None if value == ANY else value for name, value in add.items()},
    )


def _action(item: dict[str, Any]) -> ActionChange:
    add = _object(item, "add_params")
    for name, value in add.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"add_params: {name} must be a number from 0 on, not {value!r}")
    drop = item.get("drop", False)
    if not isinstance(drop, bool):
        raise ValueError(f"drop must be true or false, not {drop!r}")
    return ActionChange(_strings(item, "params"), _names(item, "drop_params"), add, drop)


def _object(item: dict[str, Any], name: str) -> dict[str, Any]:
    value = item.get(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a table of names and values, not {value!r}")
    return value


def _strings(item: dict[str, Any], name: str) -> dict[str, str]:
    value = _object(item, name)
    if not all(isinstance(new, str) for new in value.values()):
        raise ValueError(f"{name} must give a new name for each old one")
    return value


def _names(item: dict[str, Any], name: str) -> tuple[str, ...]:
    value = item.get(name, [])
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ValueError(f"{name} must be a list of names, not {value!r}")
    return tuple(value)
