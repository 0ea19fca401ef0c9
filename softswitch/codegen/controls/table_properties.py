"""Table properties that v1model gives a meaning: size, counters, meters, implementation."""

from __future__ import annotations

from p4front.elaborate.objects import ExternObject, Table
from softswitch.codegen.errors import refuse

MAX_SIZE = (1 << 31) - 1
_KINDS = {
    "counters": ("direct_counter",),
    "meters": ("direct_meter",),
    "implementation": ("action_profile", "action_selector"),
}


def check(table: Table) -> None:
    """Raises P4Error for a table that the switch cannot have."""
    given = table.decl.property("size")
    if given is not None and table.size > MAX_SIZE:
        raise refuse(given.value.span, f"the size of a table must be from 0 to {MAX_SIZE}")
    for name, obj in (
        ("counters", table.counters),
        ("meters", table.meters),
        ("implementation", table.implementation),
    ):
        _check_object(table, name, obj)


def _check_object(table: Table, name: str, obj: ExternObject | None) -> None:
    prop = table.decl.property(name)
    if prop is None:
        return
    if obj is None or obj.kind not in _KINDS[name]:
        raise refuse(prop.value.span, f"{name} must be an instance of {' or '.join(_KINDS[name])}")
    if obj.kind.startswith("direct_") and obj.tables[0] is not table:
        raise refuse(prop.value.span, f"{obj.name} already belongs to table {obj.tables[0].name}")
