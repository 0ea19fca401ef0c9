"""Packets that are meaningful to a program: generated along its parser's paths, with constants from its text."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from conformance.program_values import Values, field_of, keysets
from p4front.program import Program
from p4front.syntax import ast
from p4front.types.types import BitType, BoolType, IntType, StructType, strip

MAX_STATES = 24
"""Limit on parser states per path, which ends a loop over a header stack."""
DEEPER = 4
"""How much more likely a transition to a further state is than one that ends the parser."""
Sample = dict[str, int]
"""What one packet has where a table may look: values by field and 1 by header, without the name of their struct, as in
"ipv4.dstAddr" and "tags[0]"; and "ingress_port"."""


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
        self.values = Values(program, self._random, ports)
        self._samples: list[Sample] = []

    def packets(self, count: int) -> Iterator[tuple[int, bytes]]:
        """Yields (port, frame)."""
        for _ in range(count):
            port = self._random.choice(self._ports)
            headers = self._headers()
            self._samples.append(_sample(port, headers))
            yield port, self._frame(headers)

    def sample(self) -> Sample:
        """Of a packet generated before, any; empty if there is none."""
        return self._random.choice(self._samples) if self._samples else {}

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

    def _headers(self) -> list[_Extracted]:
        """Those that the parser extracts on one of its paths."""
        headers: list[_Extracted] = []
        ahead: list[tuple[ast.Expr, int]] = []
        state = self._states.get("start")
        for _ in range(MAX_STATES):
            if state is None:
                break
            for call in (node for node in state.walk() if isinstance(node, ast.Call)):
                if extracted := self._extract(call):
                    self._fill(extracted, ahead)
                    headers.append(extracted)
            state = self._next(state, headers, ahead)
        return headers

    def _frame(self, headers: list[_Extracted]) -> bytes:
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
        values = {name: self.values.of_field(name.rpartition(".")[2], width) for name, width in fields}
        return _Extracted(expr.span.text, fields, values)

    def _fill(self, header: _Extracted, ahead: list[tuple[ast.Expr, int]]) -> None:
        """Gives a header what the parser was told to find when it looked ahead."""
        for key, value in ahead:
            type_ = strip(self._program.types[key])
            width = type_.width if isinstance(type_, BitType) else 0
            first, bits = header.fields[0] if header.fields else ("", 0)
            name = field_of(key)
            if name in header.values or bits == width:
                header.values[name if name in header.values else first] = value
        ahead.clear()

    def _next(
        self, state: ast.ParserState, headers: list[_Extracted], ahead: list[tuple[ast.Expr, int]]
    ) -> ast.ParserState | None:
        """Chooses a transition. `ahead`: takes keys that no header extracted so far has, with their values."""
        transition = state.transition
        if transition is None:
            return None
        if transition.target is not None:
            return self._states.get(transition.target.text)
        assert transition.select is not None
        cases = transition.select.cases
        (case,) = self._random.choices(cases, [DEEPER if c.target.text in self._states else 1 for c in cases])
        for key, keyset in zip(transition.select.keys, keysets(case.keyset), strict=False):
            value = self._program.constants.get(keyset)
            if isinstance(value, tuple) and value and isinstance(value[0], int):
                value = value[0]  # the first value of a mask or a range
            if isinstance(value, int) and not self._set(key, int(value), headers):
                ahead.append((key, int(value)))
        return self._states.get(case.target.text)

    def _set(self, key: ast.Expr, value: int, headers: list[_Extracted]) -> bool:
        """Gives a field the value that a select case requires; False if no header has it."""
        if not isinstance(key, ast.Member):
            return False
        place = key.base.span.text.removesuffix(".last")
        for header in reversed(headers):
            same = header.place == place or header.place == f"{place}.next"
            if same and key.member.text in header.values:
                header.values[key.member.text] = value
                return True
        return False


def _fields(type_: StructType, prefix: str = "") -> Iterator[tuple[str, int]]:
    for item in type_.fields:
        inner = strip(item.type)
        if isinstance(inner, StructType):
            yield from _fields(inner, f"{prefix}{item.name}.")
        elif isinstance(inner, (BitType, IntType)):
            yield f"{prefix}{item.name}", inner.width
        else:
            yield f"{prefix}{item.name}", int(isinstance(inner, BoolType))


def _sample(port: int, headers: list[_Extracted]) -> Sample:
    sample, counts = {"ingress_port": port}, dict[str, int]()
    for header in headers:
        place = header.place.partition(".")[2]
        if place.endswith(".next"):
            stack = place.removesuffix(".next")
            place = f"{stack}[{counts.setdefault(stack, 0)}]"
            counts[stack] += 1
        sample[place] = 1
        sample |= {f"{place}.{name}": value for name, value in header.values.items()}
    return sample
