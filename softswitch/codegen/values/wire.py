"""Headers on the wire: one C function per header type that extracts it, and one that emits it.

A header occupies whole bytes: one whose fields end inside a byte is padded with zeros."""

from __future__ import annotations

from collections.abc import Sequence

from p4front.text.source import Span
from p4front.types.types import StackType, StructType, TupleType, Type, VarbitType, strip
from softswitch.codegen.names import Namer, identifier
from softswitch.codegen.values import cexpr, packing
from softswitch.codegen.values.layout import Layout, is_header, is_union, members, min_bits, wire_bits


def wire_bytes(type_: Type) -> int:
    """Most bytes that emitting a value of the type writes."""
    plain = strip(type_)
    if isinstance(plain, StackType):
        return plain.size * wire_bytes(plain.element)
    if is_header(plain):
        return -(-wire_bits(plain) // 8)
    if isinstance(plain, (StructType, TupleType)):
        sizes = [wire_bytes(t) for _, t in members(plain)]
        return max(sizes, default=0) if is_union(plain) else sum(sizes)
    return -(-wire_bits(plain) // 8)


class Wire:
    """The extract and emit functions of a program, each made once."""

    def __init__(self, layout: Layout, names: Namer, errors: Sequence[str], functions: list[str]) -> None:
        """`errors`: the members of `error`, by number; `functions` receives the text of what is made."""
        self._layout, self._names, self._errors, self._functions = layout, names, errors, functions
        self._extract: dict[Type, str] = {}
        self._emit: dict[Type, str] = {}

    def extract(self, type_: StructType, span: Span) -> str:
        """Name of `uint32_t f(struct ss_x *x, T *h[, uint32_t varbit_bits])`: an error number, 0 if all is well."""
        known = self._extract.get(type_)
        if known is not None:
            return known
        c_type = self._layout.c_type(type_, span)
        name = self._names.fresh(f"extract_{identifier(c_type.split()[-1])}")
        leaves = list(self._layout.leaves(cexpr.dereference(cexpr.name("h")), type_))
        fixed = -(-min_bits(type_) // 8)
        has_varbit = any(isinstance(strip(leaf.type), VarbitType) for leaf in leaves)
        number = self._errors.index
        lines = []
        if has_varbit:
            limit = wire_bits(type_) - min_bits(type_)
            lines += [
                "if (varbit_bits % 8 != 0)",
                f"    return {number('ParserInvalidArgument')};",
                f"if ((uint64_t)(x->end - x->at) < {fixed} + (uint64_t)varbit_bits / 8)",
                f"    return {number('PacketTooShort')};",
                f"if (varbit_bits > {limit})",
                f"    return {number('HeaderTooShort')};",
            ]
        elif fixed:
            lines += [f"if (__builtin_expect(x->end - x->at < {fixed}, 0))", f"    return {number('PacketTooShort')};"]
        lines.append("const uint8_t *p = x->at;")
        lines += packing.read_all(leaves, cexpr.name("p"), "varbit_bits")
        lines.append("h->valid_ = true;")
        lines.append(f"x->at = p + {fixed};")
        lines.append("return 0;")
        parameters = f"struct ss_x *x, {c_type} *h{', uint32_t varbit_bits' if has_varbit else ''}"
        text = "".join(f"    {line}\n" for line in lines)
        self._functions.append(f"static uint32_t {name}({parameters})\n{{\n{text}}}")
        self._extract[type_] = name
        return name

    def emit(self, type_: StructType, span: Span) -> str:
        """Name of `void f(struct ss_x *x, const T *h)`, which appends a valid header to the output."""
        known = self._emit.get(type_)
        if known is not None:
            return known
        c_type = self._layout.c_type(type_, span)
        name = self._names.fresh(f"emit_{identifier(c_type.split()[-1])}")
        writer = packing.Writer(cexpr.name("p"))
        leaves = list(self._layout.leaves(cexpr.dereference(cexpr.name("h")), type_))
        bits = wire_bits(type_)
        for leaf in leaves:
            writer.leaf(leaf)
        writer.flush()
        size = -(-bits // 8)
        lines = [f"if (!h->valid_ || x->out_limit - x->out < {size})", "    return;", "uint8_t *p = x->out;"]
        if writer.leaves_gaps:
            lines.append(f"memset(p, 0, {size});")
        lines += writer.lines
        lines.append(f"x->out = p + {-(-min_bits(type_) // 8)};")
        text = "".join(f"    {line}\n" for line in lines)
        self._functions.append(f"static void {name}(struct ss_x *x, const {c_type} *h)\n{{\n{text}}}")
        self._emit[type_] = name
        return name
