"""What clones say of the state, if nothing else is known."""

from __future__ import annotations

from collections.abc import Mapping

from state4.clones.header import CloneLayout
from state4.clones.updates import Updates
from state4.values import RegisterSpec


def replayed(layout: CloneLayout, updates: Updates, specs: Mapping[str, RegisterSpec]) -> dict[str, list[int]]:
    """The registers of the layout's components after the updates, from all zero. `specs`: by name."""
    found = {}
    for component in layout.components:
        spec = specs[component.name]
        values = spec.zeros()
        indices, rows = updates.of(layout.number(component.name))
        for index, value in zip(indices, spec.from_little_endian(rows), strict=True):
            values[int(index)] = value
        found[spec.name] = spec.integers(values)
    return found
