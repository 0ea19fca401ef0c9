"""The P4 text of a dirty map, and the marks behind writes.

A mark follows the write, never precedes it: code that clears a mark and then reads the block sees every write whose
mark was cleared. Marking is a read and a write of one word, which must be atomic with respect to other packets:
softswitch runs one packet after the other; bmv2 locks all registers of an action while it runs, and p4c makes one
action of statements without a branch between them, as this block's are. Hence there is no flag that enables marking: it
would be a branch, and checking it costs as much as marking.
"""

from __future__ import annotations

from collections.abc import Sequence

from p4front.program import Program
from p4front.syntax import ast
from state4.dirty.layout import MapLayout
from state4.instrumentation.bits import as_bits
from state4.instrumentation.running import MAP

INDEX_BITS = 32


class MapCode:
    """`layout`: of the map; `register`: the type of a register of 32-bit words; `annotations`: what else the map's
    declaration says."""

    def __init__(self, layout: MapLayout, prefix: str, register: str, annotations: str = "") -> None:
        self.layout = layout
        self._prefix = prefix
        self._register = register
        self._annotations = annotations

    def declarations(self) -> str:
        shifts = ", ".join(str(part.shift) for part in self.layout.parts)
        name = self.layout.register
        return (
            "/* ---- added by state4 instrument: which blocks of registers were written ---- */\n"
            "// A bit for each block of 2^shift cells, from bit 0 of word 0 on; each register begins with a new word.\n"
            f"@{MAP}[{shifts}]\n{self._annotations}"
            f"{self._register}({self.layout.words}) {name};\n"
            "// Marks the block of a cell that was written. place: (first word << 5) | shift.\n"
            f"void {self._prefix}_mark(in bit<32> place, in bit<{INDEX_BITS}> index) {{\n"
            "    @atomic {\n"
            "        bit<32> block = index >> (bit<8>)(place & 31);\n"
            "        bit<32> at = (place >> 5) + (block >> 5);\n"
            "        bit<32> word;\n"
            f"        {name}.read(word, at);\n"
            f"        {name}.write(at, word | (32w1 << (bit<8>)(block & 31)));\n"
            "    }\n"
            "}\n/* ---- end ---- */\n\n"
        )

    def mark(self, program: Program, index: ast.Expr, numbers: Sequence[int], number: str) -> str:
        """The call that follows a write. `numbers`: of the registers that it may mean, from 1; `number`: the expression
        that tells which one."""
        return f"{self._prefix}_mark({self.place(numbers, number)}, {as_bits(program, index, INDEX_BITS)});"

    def place(self, numbers: Sequence[int], number: str) -> str:
        """The expression by which `mark` finds the part of the map, as in `state4.dirty.layout`."""
        places = {n: self.layout.parts[n - 1].place for n in numbers}
        if len(set(places.values())) == 1:
            return f"32w{next(iter(places.values()))}"
        *others, last = sorted(places)
        text = f"32w{places[last]}"
        for n in reversed(others):
            text = f"({number} == {n} ? 32w{places[n]} : {text})"
        return text
