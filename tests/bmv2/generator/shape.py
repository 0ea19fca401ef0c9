"""What a generated program can read and write, anywhere in it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.bmv2.generator.expressions import WIDTHS, Value

SMALL = (Value("hdr.h.op", 8), Value("hdr.h.pick", 8))
"""Fields with small numbers, on which much depends; programs write the second only."""


@dataclass(frozen=True)
class Shape:
    """`fields` of the header that is always there, of the `optional` one (none: there is none), and the metadata.

    `stack`: whether there is a stack of segments.
    """

    random: random.Random
    fields: tuple[Value, ...]
    optional: tuple[Value, ...]
    stack: bool
    metadata: tuple[Value, ...]

    def target(self, *, unsigned: bool = False) -> Value:
        """Something that a statement can assign to."""
        pool = [*self.fields, *self.metadata]
        if unsigned:
            pool = [*(value for value in pool if not value.signed), SMALL[1]]
        return self.random.choice(pool)


def shape(chosen: random.Random) -> Shape:
    def fields(prefix: str, count: int) -> tuple[Value, ...]:
        widths = [chosen.choice(WIDTHS) for _ in range(count)]
        return tuple(Value(f"{prefix}{i}", w, w > 1 and chosen.random() < 0.2) for i, w in enumerate(widths))

    return Shape(
        chosen,
        fields("hdr.h.f", chosen.randint(3, 7)),
        fields("hdr.o.g", chosen.randint(1, 3)) if chosen.random() < 0.6 else (),
        chosen.random() < 0.4,
        fields("meta.m", chosen.randint(1, 3)),
    )
