"""Differences between what a switch holds and what it should, by component and cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from finsy.proto import p4i, p4r

from state4.plan.entities import entity_identity
from state4.values import Cells, RegisterSpec
from state4.verify.entities import name_of, says

DEFAULT_LIMIT = 10


@dataclass(frozen=True)
class Difference:
    """`component`: such as "register MyIngress.count"; `where`: a cell or an entry; `expected`, `found`: in words or
    numbers, "" for an entry that is not there."""

    component: str
    where: str
    expected: str
    found: str

    def __str__(self) -> str:
        should = self.expected or "not be there"
        verb = "should be " if self.expected else "should "
        return f"{self.component} {self.where}: {verb}{should}, is {self.found or 'not there'}"


@dataclass
class Comparison:
    """`compared`, `differing`: cells or entries of each component, and how many of them differ; `listed`: the first
    `limit` differences of each component; `unchecked`: what could not be compared, with the reason."""

    limit: int = DEFAULT_LIMIT
    compared: dict[str, int] = field(default_factory=dict)
    differing: dict[str, int] = field(default_factory=dict)
    listed: list[Difference] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Differences in all."""
        return sum(self.differing.values())

    def as_dict(self) -> dict[str, Any]:
        return {
            "differences": self.total,
            "compared": dict(self.compared),
            "differing": dict(self.differing),
            "listed": [vars(difference) for difference in self.listed],
            "unchecked": list(self.unchecked),
        }

    def start_again(self) -> None:
        """Forgets what was compared."""
        self.compared.clear()
        self.differing.clear()
        self.listed.clear()

    # ------------------------------------------------------------ arrays

    def register(self, spec: RegisterSpec, expected: Cells, found: Cells) -> None:
        """All cells of a register, both in the form of `spec`."""
        rows = [np.ascontiguousarray(cells).view(np.uint8).reshape(spec.cells, -1) for cells in (expected, found)]
        where = np.flatnonzero((rows[0] != rows[1]).any(axis=1))
        shown = where[: self.limit]
        numbers = zip(spec.integers(expected[shown]), spec.integers(found[shown]), strict=True)
        self._add(
            f"register {spec.name}",
            spec.cells,
            len(where),
            ((f"[{i}]", str(one), str(other)) for i, (one, other) in zip(shown.tolist(), numbers, strict=True)),
        )

    def counter(self, name: str, expected: Cells, found: Cells) -> None:
        """Packets and bytes of an indirect counter, [cells, 2] each."""
        where = np.flatnonzero((expected != found).any(axis=1))
        self._add(
            f"counter {name}",
            len(expected),
            len(where),
            ((f"[{i}]", _counts(expected[i]), _counts(found[i])) for i in where[: self.limit].tolist()),
        )

    def one(self, component: str, where: str, expected: str, found: str, *, differs: bool) -> None:
        """A component that is as it should be, or is not."""
        self._add(component, 1, int(differs), [(where, expected, found)] if differs else ())

    def _add(self, component: str, compared: int, differing: int, listed: Iterable[tuple[str, str, str]]) -> None:
        self.compared[component] = self.compared.get(component, 0) + compared
        if differing:
            before = self.differing.get(component, 0)
            self.differing[component] = before + differing
            room = max(0, self.limit - before)
            self.listed += [Difference(component, *one) for one in list(listed)[:room]]

    # ------------------------------------------------------------ entries

    def entities(
        self,
        expected: Sequence[p4r.Entity],
        found: Sequence[p4r.Entity],
        p4info: p4i.P4Info,
        *,
        complete: bool,
        counts: bool = False,
    ) -> None:
        """`complete`: what is found and not expected is a difference; otherwise only in tables of which some entry is
        expected. `counts`: direct counters are compared."""
        wanted, there = ({entity_identity(entity): entity for entity in some} for some in (expected, found))
        named = {name_of(entity, p4info)[0] for entity in expected}
        for number in {**wanted, **there}:
            one, other = wanted.get(number), there.get(number)
            either = one if one is not None else other
            assert either is not None
            component, where = name_of(either, p4info)
            if one is None and not (complete or component in named):
                continue
            for found_difference in _differences(one, other, p4info, counts=counts):
                self._add(component, 0, 1, [(where, *found_difference)])
            self._add(component, 1, 0, ())


def _differences(
    one: p4r.Entity | None, other: p4r.Entity | None, p4info: p4i.P4Info, *, counts: bool
) -> Iterator[tuple[str, str]]:
    """What is expected, and what is found in its place."""
    if one is None or other is None:
        yield _words(one, p4info), _words(other, p4info)
        return
    if says(one) != says(other):
        yield _words(one, p4info), _words(other, p4info)
    if counts and one.table_entry.HasField("counter_data") and other.table_entry.HasField("counter_data"):
        pair = [(e.table_entry.counter_data.packet_count, e.table_entry.counter_data.byte_count) for e in (one, other)]
        if pair[0] != pair[1]:
            yield _counts(pair[0]), _counts(pair[1])


def _words(entity: p4r.Entity | None, p4info: p4i.P4Info) -> str:
    """What an entity says, on one line."""
    if entity is None:
        return ""
    action = entity.table_entry.action.action if entity.HasField("table_entry") else None
    if action is not None and action.action_id:
        names = {a.preamble.id: a.preamble.name for a in p4info.actions}
        values = ", ".join(f"0x{int.from_bytes(p.value, 'big'):x}" for p in action.params)
        return f"{names.get(action.action_id, action.action_id)}({values})"
    return " ".join(str(entity).split())


def _counts(pair: Mapping[int, Any] | Any) -> str:
    return f"{int(pair[0])} packets, {int(pair[1])} bytes"
