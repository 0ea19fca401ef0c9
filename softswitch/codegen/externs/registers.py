"""register<T> (v1model). Cells are 1, 2, 4, 8 or 8 * n bytes; out of range, reads give 0 and writes do nothing.

A struct or header in a cell is the concatenation of its fields, the first one most significant."""

from __future__ import annotations

from p4front.elaborate.objects import ExternObject
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BitType, BoolType, Type, strip
from softswitch.codegen.expressions import expressions, places
from softswitch.codegen.externs import operands
from softswitch.codegen.statements.body import Body, Val
from softswitch.codegen.values import scalars
from softswitch.codegen.values.layout import is_aggregate, is_header, scalar_width


def _cells(body: Body, obj: ExternObject) -> str:
    """The storage, as an array of cells of the C type that holds them."""
    c_type = scalars.ct(body.gen.registers[body.gen.numbers[obj]].width)
    return f"(({c_type} *)ss_array_cells(x->pipeline->arrays[{body.gen.numbers[obj]}]))"


def read(body: Body, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Val | None:
    """read(out result, in index)"""
    register = body.gen.registers[body.gen.numbers[obj]]
    result = operands.target(body, operands.argument(info, "result", expr))
    index = body.keep(operands.scalar(body, operands.argument(info, "index", expr), BitType(32)))
    zero = scalars.literal(0, register.width)
    chosen = f"{_cells(body, obj)}[{index_text(index)}]"
    cell = f"({operands.as64(index)} < {register.cells} ? {chosen} : {zero})"
    if result is not None:
        raw = body.temp(scalars.ct(register.width), cell, "cell")
        shown = scalars.shown(raw, register.width)
        body.trace_values(f"register {register.name}[{{}}] is {{}}", operands.shown_index(index, register.cells), shown)
        places.store(body, result, _unpacked(body, raw, register.width, obj.type_args[0]))
    return None


def index_text(index: Val) -> str:
    """An index, known to be in range, as a C integer."""
    width = scalar_width(index.type) or 32
    return index.text if width <= 64 else scalars.clip(index.text, width)


def _unpacked(body: Body, raw: str, width: int, type_: Type) -> Val:
    if isinstance(strip(type_), BoolType):
        return Val(f"({raw} != 0)", type_)
    if not is_aggregate(type_):
        return Val(raw, type_, True)
    name = body.temp(body.gen.layout.c_type(type_), "{0}", "value")
    if is_header(strip(type_)):
        body.emit(f"{name}.valid_ = true;")
    left = width
    for leaf in body.gen.layout.leaves(name, type_):
        size = scalar_width(leaf.type) or 0
        left -= size
        part = Val(scalars.bits(raw, width, left + size - 1, left), BitType(size))
        body.emit(f"{leaf.text} = {expressions.convert(body, part, leaf.type).text};")
    return Val(name, type_, True)


def write(body: Body, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Val | None:
    """write(in index, in value)"""
    register = body.gen.registers[body.gen.numbers[obj]]
    type_ = obj.type_args[0]
    exprs = [operands.argument(info, "index", expr), operands.argument(info, "value", expr)]
    index, value = expressions.rvalues(body, exprs, [BitType(32), type_])
    index = body.keep(index)
    text = value.text
    if is_aggregate(type_):
        value = expressions.addressable(body, value)
        text, width = "", 0
        for leaf in body.gen.layout.leaves(value.text, type_):
            size = scalar_width(leaf.type) or 0
            body.gen.layout.need_limbs(width + size)
            text = scalars.concat(text, width, leaf.text, size) if text else leaf.text
            width += size
    if not value.atom:
        text = body.temp(scalars.ct(register.width), places.bare(text), "cell")
    body.emit(f"if ({operands.as64(index)} < {register.cells})")
    body.emit(f"    {_cells(body, obj)}[{index_text(index)}] = {text};")
    shown = scalars.shown(text, register.width)
    body.trace_values(f"register {register.name}[{{}}] = {{}}", operands.shown_index(index, register.cells), shown)
    return None
