"""Random packets for a generated program."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.bmv2.scenario import PORTS

COUNT = 12


@dataclass(frozen=True)
class Layout:
    """Widths of the fields of `h` after its first ones, and of `o`; whether segments follow."""

    fields: tuple[int, ...]
    optional: tuple[int, ...]
    stack: bool


def packets(chosen: random.Random, layout: Layout) -> tuple[tuple[int, bytes, int], ...]:
    return tuple(
        (chosen.choice(PORTS), _frame(chosen, layout), chosen.choice((1, 10, 1000, 10**6))) for _ in range(COUNT)
    )


def _frame(chosen: random.Random, layout: Layout) -> bytes:
    op = chosen.randrange(16)
    frame = bytes((op, chosen.choice((chosen.randrange(16), chosen.randrange(256))), 0, 0, 0))
    frame += _header(chosen, layout.fields)
    if layout.optional and op & 1:
        frame += _header(chosen, layout.optional)
    if layout.stack:
        deep = chosen.choice((1, 1, 2, 2, 3, 4))  # one more than there is room for is an error of the parser
        frame += bytes((0x80 if level == deep - 1 else 0) | chosen.randrange(128) for level in range(deep))
    frame += chosen.randbytes(chosen.choice((0, 1, chosen.randrange(60))))
    return frame[: chosen.randint(1, len(frame))] if chosen.random() < 0.08 else frame


def _header(chosen: random.Random, widths: tuple[int, ...]) -> bytes:
    value, bits = 0, 0
    for width in widths:
        top = (1 << width) - 1
        field = chosen.choice((0, 1, top, top >> 1, chosen.randrange(top + 1), chosen.randrange(top + 1)))
        value, bits = value << width | field, bits + width
    pad = -bits % 8
    return (value << pad).to_bytes((bits + pad) // 8, "big")
