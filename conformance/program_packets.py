"""Packets that are meaningful to a program: generated along its parser's paths, with constants from its text."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from p4front.program import Program
from p4front.syntax import ast
from p4front.types.types import BitType, BoolType, IntType, StructType, strip

MAX_STATES = 24
"""Limit on parser states per path, which ends a loop over a header stack."""
SMALL = (0, 1, 2, 3)


@dataclass
class _Extracted:
    """One header of a packet being generated: fields in order, as (name, width), and their values."""

    place: str
    fields: list[tuple[str, int]]
    values: dict[str, int] = field(default_factory=dict)


class PacketMaker:
    """Random packets for one program, the same for the same seed. `ports`: ingress ports."""

    def __init__(self, program: Program, parser: ast.ParserDecl, seed: str, ports: range) -> None:
        self._program = program
        self._states = {state.name.text: state for state in parser.states}
        self._random = random.Random(seed)
        self._ports = ports
        self._constants = _constants(program)

    def packets(self, count: int) -> Iterator[tuple[int, bytes]]:
        """Yields (port, frame)."""
        for _ in range(count):
            yield self._random.choice(self._ports), self._frame()

    def changed(self, frames: list[bytes], count: int) -> Iterator[tuple[int, bytes]]:
        """Frames seen before, unchanged or with some bytes changed, cut or added."""
        for _ in range(count if frames else 0):
            frame = bytearray(self._random.choice(frames))
            kind = self._random.randrange(5)
            if kind == 1 and frame:
                frame[self._random.randrange(len(frame))] = self._random.choice(
                    (0, 1, 255, self._random.randrange(256))
                )
            elif kind == 2:
                del frame[self._random.randint(0, len(frame)) :]
            elif kind == 3:
                frame += self._random.randbytes(self._random.randrange(40))
            yield self._random.choice(self._ports), bytes(frame)

    def value(self, width: int) -> int:
        """A number of so many bits, mostly a small one or one that the program compares with."""
        kind = self._random.random()
        known = self._constants.get(width, ())
        if known and kind < 0.45:
            return self._random.choice(known)
        if kind < 0.85:
            return self._random.choice(SMALL) % (1 << width)
        return self._random.getrandbits(width)

    def _frame(self) -> bytes:
        headers: list[_Extracted] = []
        state = self._states.get("start")
        for _ in range(MAX_STATES):
            if state is None:
                break
            for call in (node for node in state.walk() if isinstance(node, ast.Call)):
                if extracted := self._extract(call):
                    headers.append(extracted)
            state = self._next(state, headers)
        bits = "".join(format(h.values[name], f"0{width}b") for h in headers for name, width in h.fields)
        whole = len(bits) // 8
        frame = int(bits[: 8 * whole] or "0", 2).to_bytes(whole, "big")
        return frame + self._random.randbytes(self._random.choice((0, 4, 30)))

    def _extract(self, call: ast.Call) -> _Extracted | None:
        info = self._program.calls.get(call)
        if info is None or info.kind != "method" or info.name != "extract" or info.args[0].expr is None:
            return None
        expr = info.args[0].expr
        type_ = strip(self._program.types[expr])
        if not isinstance(type_, StructType):
            return None
        fields = [(name, width) for name, width in _fields(type_) if width]
        return _Extracted(expr.span.text, fields, {name: self.value(width) for name, width in fields})

    def _next(self, state: ast.ParserState, headers: list[_Extracted]) -> ast.ParserState | None:
        transition = state.transition
        if transition is None:
            return None
        if transition.target is not None:
            return self._states.get(transition.target.text)
        assert transition.select is not None
        case = self._random.choice(transition.select.cases)
        keysets = case.keyset.items if isinstance(case.keyset, ast.KeysetTuple) else [case.keyset]
        for key, keyset in zip(transition.select.keys, keysets, strict=False):
            self._set(key, keyset, headers)
        return self._states.get(case.target.text)

    def _set(self, key: ast.Expr, keyset: ast.Expr, headers: list[_Extracted]) -> None:
        """Gives a field the value that a select case requires."""
        value = self._program.constants.get(keyset)
        if isinstance(value, tuple) and value and isinstance(value[0], int):
            value = value[0]  # the first value of a mask or a range
        if not isinstance(value, int) or not isinstance(key, ast.Member):
            return
        place = key.base.span.text.removesuffix(".last")
        for header in reversed(headers):
            same = header.place == place or header.place == f"{place}.next"
            if same and key.member.text in header.values:
                header.values[key.member.text] = int(value)
                return


def _fields(type_: StructType, prefix: str = "") -> Iterator[tuple[str, int]]:
    for item in type_.fields:
        inner = strip(item.type)
        if isinstance(inner, StructType):
            yield from _fields(inner, f"{prefix}{item.name}.")
        elif isinstance(inner, (BitType, IntType)):
            yield f"{prefix}{item.name}", inner.width
        else:
            yield f"{prefix}{item.name}", int(isinstance(inner, BoolType))


def _constants(program: Program) -> dict[int, list[int]]:
    """The numbers in the program's own text, by width."""
    found: dict[int, set[int]] = {}
    for expr, value in program.constants.items():
        type_ = program.types.get(expr)
        inner = strip(type_) if type_ is not None else None
        if isinstance(inner, BitType) and isinstance(value, int) and not isinstance(value, bool):
            found.setdefault(inner.width, set()).add(value % (1 << inner.width))
    return {width: sorted(values) for width, values in found.items()}
