"""Reading and writing the bits of values: fields of a header in a packet, data of a hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from p4front.types.types import BoolType, VarbitType, strip
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr, Operand
from softswitch.codegen.values.layout import Leaf, scalar_width


def load(p: CExpr, bit: int, width: int) -> CExpr:
    """The `width` bits at bit `bit` after the C pointer `p` (up to 128 bits)."""
    if width == 0:
        return cexpr.constant("0u")
    first, skip = divmod(bit, 8)
    span = -(-(skip + width) // 8)
    at = after(p, first)
    if width <= 64 and span <= 8:
        right = 8 * span - skip - width
        value = cexpr.call(f"ss_be{8 * span}", at)
        if right:
            value = cexpr.binary(">>", value, right)
        return cexpr.binary("&", value, scalars.literal((1 << width) - 1, width)) if skip else value
    if width <= 64:
        return cexpr.call("ss_get_bits", p, bit, width)
    if width == 128 and skip == 0:
        return cexpr.call("ss_be128", at)
    return cexpr.call("ss_get_bits128", p, bit, width)


def after(p: CExpr, count: int) -> CExpr:
    """The pointer that many bytes further on."""
    return cexpr.binary("+", p, count) if count else p


def read_leaf(leaf: Leaf, p: CExpr, bit: int) -> str:
    """A statement that fills a scalar from the packet."""
    width = scalar_width(leaf.type) or 0
    if scalars.is_wide(width):
        limbs = cexpr.member(leaf.c, "w")
        return f"{cexpr.call('ss_get_limbs', limbs, scalars.limbs(width), p, bit, width)};"
    value = load(p, bit, width)
    if isinstance(strip(leaf.type), BoolType):
        value = cexpr.binary("!=", value, 0)
    return f"{leaf.c} = {value};"


def read_all(leaves: Sequence[Leaf], p: CExpr, varbit_bits: str = "0") -> list[str]:
    """Statements that fill all leaves from the pointer variable `p`, which moves behind a varbit's bytes."""
    lines: list[str] = []
    bit = 0
    for leaf in leaves:
        if isinstance(strip(leaf.type), VarbitType):
            data, bits = cexpr.member(leaf.c, "data"), cexpr.member(leaf.c, "bits")
            lines.append(f"{bits} = {varbit_bits};")
            lines.append(f"{cexpr.call('ss_copy_bits', data, 0, p, bit, bits)};")
            lines.append(f"{p} += {cexpr.binary('/', bits, 8)};")
            continue
        lines.append(read_leaf(leaf, p, bit))
        bit += scalar_width(leaf.type) or 0
    return lines


def put_bits(p: CExpr, bit: Operand, width: int, value: CExpr) -> str:
    """A statement that stores a value at any bit after `p`; it leaves the other bits of a byte as they are."""
    if scalars.is_wide(width):
        return f"{cexpr.call('ss_put_limbs', p, bit, width, cexpr.member(value, 'w'))};"
    return f"{cexpr.call('ss_put_bits' if width <= 64 else 'ss_put_bits128', p, bit, width, value)};"


@dataclass
class Writer:
    """Collects statements that write values to consecutive bits after the C pointer `p`. Neighbours are joined so that
    most stores are of whole bytes."""

    p: CExpr
    lines: list[str] = field(default_factory=list)
    bit: int = 0  # bits written so far, those that wait included
    leaves_gaps: bool = False
    """Some stores keep the other bits of a byte, which must be zero beforehand."""
    _waiting: list[tuple[CExpr, int]] = field(default_factory=list)
    _start: int = 0

    def scalar(self, value: CExpr, width: int) -> None:
        """Appends the low `width` bits of a value."""
        if width == 0:
            return
        if not self._waiting:
            self._start = self.bit
        total = sum(w for _, w in self._waiting)
        if width <= 64 and self._start % 8 == 0 and total + width <= 64:
            self._waiting.append((value, width))
            self.bit += width
            if self.bit % 8 == 0:
                self.flush()
            return
        self.flush()
        self._start = self.bit
        self.bit += width
        if width <= 64 and self._start % 8 == 0:
            self._waiting.append((value, width))
            if width % 8 == 0:
                self.flush()
        elif width == 128 and self._start % 8 == 0:
            self._call("ss_put128", after(self.p, self._start // 8), value)
        else:
            self.leaves_gaps = True
            self.lines.append(put_bits(self.p, self._start, width, value))

    def _call(self, function: str, *arguments: Operand) -> None:
        self.lines.append(f"{cexpr.call(function, *arguments)};")

    def varbit(self, value: CExpr) -> None:
        """Appends a varbit; `p` moves by its bytes."""
        self.flush()
        data, bits = cexpr.member(value, "data"), cexpr.member(value, "bits")
        self._call("ss_copy_bits", self.p, self.bit, data, 0, bits)
        self.lines.append(f"{self.p} += {cexpr.binary('/', bits, 8)};")

    def leaf(self, leaf: Leaf) -> None:
        if isinstance(strip(leaf.type), VarbitType):
            self.varbit(leaf.c)
        else:
            self.scalar(leaf.c, scalar_width(leaf.type) or 0)

    def flush(self) -> None:
        """Writes what waits; a last part of a byte is filled up with zeros."""
        if not self._waiting:
            return
        total = sum(w for _, w in self._waiting)
        size = -(-total // 8) * 8
        left = size
        joined: CExpr | None = None
        for value, width in self._waiting:
            left -= width
            wide = cexpr.cast("uint64_t" if size > 32 else "uint32_t", value)
            part = cexpr.binary("<<", wide, left) if left else value
            joined = part if joined is None else cexpr.binary("|", joined, part)
        self._call(f"ss_put{size}", after(self.p, self._start // 8), joined or 0)
        self._waiting.clear()
