"""Tables from the `measured` part of any summary, whatever its experiment: nested mappings with numbers as leaves.

A number is a plain one, a spread (as written by stats.Spread) or a list of numbers, one per repeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.claims.stats import Spread, spread

_SPREAD_KEYS = frozenset(Spread.__dataclass_fields__)


@dataclass(frozen=True)
class Numbers:
    """A table. `cells[row][column]` in the order of `rows` and `columns`; empty cells have no value."""

    title: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]


def flat_numbers(content: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Spread | str]]:
    """Every value of nested mappings by its path in words."""
    for keys, value in _leaves(content, path):
        yield " ".join(keys), value


def number_tables(measured: Any) -> Iterator[Numbers]:
    """The tables that show everything measured.

    A list of mappings is a table of its own. Of the rest, one level of names makes a list, two a table, three a table
    for each of the innermost names; for deeper ones the names in the middle are joined.
    """
    for path, records in _lists_of_records(measured, ()):
        yield _records(" ".join(path), records)
    leaves = list(_leaves(measured, (), records=False))
    tables: dict[str, dict[str, dict[str, str]]] = {}
    for path, value in leaves:
        title, row, column = _place(path)
        tables.setdefault(title, {}).setdefault(row, {})[column] = in_short(value)
    for title, rows in tables.items():
        columns = tuple(dict.fromkeys(column for cells in rows.values() for column in cells))
        names = tuple(rows)
        if len(columns) > _MAX_COLUMNS and len(names) < len(columns):
            turned = tuple(tuple(rows[name].get(column, "") for name in names) for column in columns)
            yield Numbers(title, "", names, columns, turned)
            continue
        cells = tuple(tuple(rows[name].get(column, "") for column in columns) for name in names)
        yield Numbers(title, "", columns, names, cells)


_MAX_COLUMNS = 8


def _lists_of_records(content: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    if _is_records(content):
        yield path, content
    elif isinstance(content, Mapping):
        for key, inner in content.items():
            yield from _lists_of_records(inner, (*path, str(key)))


def _is_records(content: Any) -> bool:
    """Whether it is already a table: a list of mappings."""
    return isinstance(content, list) and bool(content) and all(isinstance(item, Mapping) for item in content)


def _records(title: str, records: list[Mapping[str, Any]]) -> Numbers:
    """One row per mapping, numbered; columns are the names inside."""
    flat = [{name: in_short(value) for name, value in flat_numbers(record)} for record in records]
    columns = tuple(dict.fromkeys(name for record in flat for name in record))
    rows = tuple(str(position) for position in range(1, len(records) + 1))
    cells = tuple(tuple(record.get(column, "") for column in columns) for record in flat)
    return Numbers(title, "", columns, rows, cells)


def _place(path: tuple[str, ...]) -> tuple[str, str, str]:
    """Title, row and column of a value."""
    names = path or ("value",)
    if len(names) == 1:
        return "", names[0], "measured"
    if len(names) == 2:
        return "", *names
    return names[-1], names[0], " ".join(names[1:-1])


def _leaves(
    content: Any, path: tuple[str, ...], *, records: bool = True
) -> Iterator[tuple[tuple[str, ...], Spread | str]]:
    """Every value with its path; without those in lists of mappings unless `records`."""
    if _is_records(content) and not records:
        return
    if isinstance(content, Mapping):
        if content.keys() == _SPREAD_KEYS:
            yield path, Spread(**content)
            return
        for key, inner in content.items():
            yield from _leaves(inner, (*path, str(key)), records=records)
    elif isinstance(content, list):
        values = [item for item in content if isinstance(item, (int, float)) and not isinstance(item, bool)]
        if values and len(values) == len(content):
            yield path, spread(values)
        else:
            for position, inner in enumerate(content, start=1):
                yield from _leaves(inner, (*path, str(position)), records=records)
    elif isinstance(content, bool):
        yield path, "yes" if content else "no"
    elif isinstance(content, (int, float)):
        yield path, number(content)
    elif content is not None:
        yield path, str(content)


def number(value: float) -> str:
    """Three significant digits, without an exponent if that is readable: 1.82, 0.0123, 463870, 2.1e-06."""
    if value == int(value) and abs(value) < 1e9:
        return str(int(value))
    if abs(value) >= 1000:
        return f"{value:.0f}" if abs(value) < 1e9 else f"{value:.3g}"
    return f"{value:.3g}"


def in_short(value: Spread | str) -> str:
    """`1.82 [1.80, 1.84]` for several values, the value alone if there is one or all are equal."""
    if isinstance(value, str):
        return value
    if value.low == value.high:
        return number(value.median)
    return f"{number(value.median)} [{number(value.low)}, {number(value.high)}]"


def in_words(value: Spread, unit: str = "") -> str:
    """The same with its basis: `1.82 s [1.80, 1.84], n = 3`, or `1.82 s (one run)`."""
    middle = f"{number(value.median)} {unit}".strip()
    if value.count == 1:
        return f"{middle} (one run)"
    return f"{middle} [{number(value.low)}, {number(value.high)}], n = {value.count}"
