"""Random entries for a generated table, as the text of a file of entries."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """`keys`: (field, kind, width); `actions`: (name, parameters with their widths)."""

    name: str
    keys: tuple[tuple[str, str, int], ...]
    actions: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]


def table_entries(chosen: random.Random, table: Table) -> str:
    """A few entries, all different; priorities differ, so that the order does not matter."""
    text = ""
    seen = set()
    ordered = any(kind in ("ternary", "range", "optional") for _, kind, _ in table.keys)
    for number in range(chosen.randint(0, 8)):
        match = {field: _match(chosen, field, kind, width) for field, kind, width in table.keys}
        if (shown := str(sorted(match.items()))) in seen:
            continue
        seen.add(shown)
        action, params = chosen.choice(table.actions)
        data = ", ".join(f"{name} = {_number(chosen, width)}" for name, width in params)
        fields = ", ".join(f'"{field}" = {value}' for field, value in match.items())
        text += f'[[entry]]\ntable = "{table.name}"\nmatch = {{ {fields} }}\naction = "{action}"\n'
        text += f"params = {{ {data} }}\n" if params else ""
        text += f"priority = {number + 1}\n" if ordered else ""
    return text


def _small(chosen: random.Random, field: str, width: int) -> int:
    """A value that packets are likely to have."""
    if field in ("hdr.h.op", "hdr.h.pick"):
        return chosen.randrange(16)
    return chosen.choice((0, 1, (1 << width) - 1, chosen.randrange(1 << width))) % (1 << width)


def _number(chosen: random.Random, width: int) -> str:
    """TOML integers have 64 bits; wider ones are written as text."""
    return f'"{chosen.randrange(1 << width):#x}"'


def _match(chosen: random.Random, field: str, kind: str, width: int) -> str:
    value = _small(chosen, field, width)
    if kind == "lpm":
        length = chosen.randint(0, width)
        mask = ((1 << length) - 1) << (width - length)
        return f'"{value & mask:#x}/{length}"' if length else '"*"'
    if kind == "ternary":
        mask = chosen.choice((0, (1 << width) - 1, 1, 3, chosen.randrange(1 << width))) % (1 << width)
        return f'"{value & mask:#x}&&&{mask:#x}"' if mask else '"*"'
    if kind == "range":
        low, high = sorted((value, _small(chosen, field, width)))
        return f'"{low:#x}..{high:#x}"'
    if kind == "optional" and chosen.random() < 0.2:
        return '"*"'
    return f'"{value:#x}"'
