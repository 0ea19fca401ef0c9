"""Reading and writing the bits of values: fields of a header in a packet, data of a hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from p4front.types.types import BoolType, VarbitType, strip
from softswitch.codegen.values import scalars
from softswitch.codegen.values.layout import Leaf, scalar_width


def load(p: str, bit: int, width: int) -> str:
    """The `width` bits at bit `bit` after the C pointer `p`, as a C expression (up to 128 bits)."""
    if width == 0:
        return "0u"
    first, skip = divmod(bit, 8)
    span = -(-(skip + width) // 8)
    at = f"{p} + {first}" if first else p
    if width <= 64 and span <= 8:
        right = 8 * span - skip - width
        text = f"ss_be{8 * span}({at})"
        if right:
            text = f"{text} >> {right}"
        return f"({text}) & {scalars.literal((1 << width) - 1, width)}" if skip else text
    if width <= 64:
        return f"ss_get_bits({p}, {bit}, {width})"
    if width == 128 and skip == 0:
        return f"ss_be128({at})"
    return f"ss_get_bits128({p}, {bit}, {width})"


def read_leaf(leaf: Leaf, p: str, bit: int) -> str:
    """A statement that fills a scalar from the packet."""
    width = scalar_width(leaf.type) or 0
    if scalars.is_wide(width):
        return f"ss_get_limbs({leaf.text}.w, {scalars.limbs(width)}, {p}, {bit}, {width});"
    tail = " != 0" if isinstance(strip(leaf.type), BoolType) else ""
    text = load(p, bit, width)
    return f"{leaf.text} = {f'({text}){tail}' if tail else text};"


def read_all(leaves: Sequence[Leaf], p: str, varbit_bits: str = "0") -> list[str]:
    """Statements that fill all leaves from the pointer variable `p`, which moves behind a varbit's bytes."""
    lines: list[str] = []
    bit = 0
    for leaf in leaves:
        if isinstance(strip(leaf.type), VarbitType):
            lines.append(f"{leaf.text}.bits = {varbit_bits};")
            lines.append(f"ss_copy_bits({leaf.text}.data, 0, {p}, {bit}, {leaf.text}.bits);")
            lines.append(f"{p} += {leaf.text}.bits / 8;")
            continue
        lines.append(read_leaf(leaf, p, bit))
        bit += scalar_width(leaf.type) or 0
    return lines


@dataclass
class Writer:
    """Collects statements that write values to consecutive bits after the C pointer `p`. Neighbours are joined so that
    most stores are of whole bytes."""

    p: str
    lines: list[str] = field(default_factory=list)
    bit: int = 0  # bits written so far, those that wait included
    _waiting: list[tuple[str, int]] = field(default_factory=list)
    _start: int = 0

    def scalar(self, text: str, width: int) -> None:
        """Appends the low `width` bits of a value."""
        if width == 0:
            return
        if not self._waiting:
            self._start = self.bit
        total = sum(w for _, w in self._waiting)
        if width <= 64 and self._start % 8 == 0 and total + width <= 64:
            self._waiting.append((text, width))
            self.bit += width
            if self.bit % 8 == 0:
                self.flush()
            return
        self.flush()
        self._start = self.bit
        self.bit += width
        if width <= 64 and self._start % 8 == 0:
            self._waiting.append((text, width))
            if width % 8 == 0:
                self.flush()
        elif width <= 64:
            self.lines.append(f"ss_put_bits({self.p}, {self._start}, {width}, {text});")
        elif width == 128 and self._start % 8 == 0:
            self.lines.append(f"ss_put128({self._at()}, {text});")
        elif width <= scalars.WIDE:
            self.lines.append(f"ss_put_bits128({self.p}, {self._start}, {width}, {text});")
        else:
            self.lines.append(f"ss_put_limbs({self.p}, {self._start}, {width}, {text}.w);")

    def _at(self) -> str:
        return f"{self.p} + {self._start // 8}" if self._start >= 8 else self.p

    def varbit(self, text: str) -> None:
        """Appends a varbit; `p` moves by its bytes."""
        self.flush()
        self.lines.append(f"ss_copy_bits({self.p}, {self.bit}, {text}.data, 0, {text}.bits);")
        self.lines.append(f"{self.p} += {text}.bits / 8;")

    def leaf(self, leaf: Leaf) -> None:
        if isinstance(strip(leaf.type), VarbitType):
            self.varbit(leaf.text)
        else:
            self.scalar(leaf.text, scalar_width(leaf.type) or 0)

    def flush(self) -> None:
        """Writes what waits; a last part of a byte is filled up with zeros."""
        if not self._waiting:
            return
        total = sum(w for _, w in self._waiting)
        size = -(-total // 8) * 8
        left = size
        parts: list[str] = []
        for text, width in self._waiting:
            left -= width
            wide = f"(uint64_t){text}" if size > 32 else f"(uint32_t){text}"
            parts.append(f"{wide} << {left}" if left else text)
        self.lines.append(f"ss_put{size}({self._at()}, {' | '.join(parts)});")
        self._waiting.clear()
