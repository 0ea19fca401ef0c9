"""Priorities of a table's entries (14.2.1.4): the written ones, and those that follow from their order."""

from __future__ import annotations

from p4front.check.arguments import Mismatch
from p4front.match_kinds import need_priority
from p4front.program import Program
from p4front.syntax import ast


def needs_priorities(table: ast.TableDecl) -> bool:
    """Whether several entries may match one packet, so that priorities decide between them."""
    return need_priority(key.match_kind.text for key in table.keys or [])


def largest_wins(program: Program, table: ast.TableDecl) -> bool:
    prop = table.property("largest_priority_wins")
    return prop is None or program.constants.get(prop.value) is not False


def entry_priorities(program: Program, table: ast.TableDecl) -> list[int]:
    """The priority of each entry in order; without written ones the first entry wins and the last has 1 (or the first
    has 1 if the smallest wins). Entries of a table that needs none get 0."""
    if not needs_priorities(table):
        return [0] * len(table.entries)
    prop = table.property("priority_delta")
    value = program.constants.get(prop.value) if prop is not None else None
    delta = value if isinstance(value, int) else 1
    step = -delta if largest_wins(program, table) else delta
    written = [program.constants.get(e.priority) if e.priority is not None else None for e in table.entries]
    count = len(table.entries)
    current = 1 if step > 0 or any(isinstance(p, int) for p in written) else 1 + (count - 1) * delta
    priorities = []
    for priority in written:
        current = priority if isinstance(priority, int) else current
        priorities.append(current)
        current += step
    return priorities


def priority_problems(program: Program, table: ast.TableDecl) -> list[Mismatch]:
    """What is wrong with the priorities of a table's entries."""
    written = [e for e in table.entries if e.priority is not None]
    if not written or not needs_priorities(table):
        return []
    first = table.entries[0]
    if first.priority is None:
        return [Mismatch("the first entry needs a priority, since another entry has one", first.span)]
    for entry, priority in zip(table.entries, entry_priorities(program, table), strict=True):
        if priority < 0:
            return [Mismatch(f"this entry's priority would be {priority}: priorities are not negative", entry.span)]
    return []
