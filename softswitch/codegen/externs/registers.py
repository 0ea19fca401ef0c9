"""register<T> (v1model). Cells are 1, 2, 4, 8 or 8 * n bytes; out of range, reads give 0 and writes do nothing.

A struct or header in a cell is the concatenation of its fields, the first one most significant."""

from __future__ import annotations

from p4front.elaborate.objects import ExternObject
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BitType, BoolType, Type, strip
from softswitch.codegen.expressions import lvalues, rvalues
from softswitch.codegen.externs import operands
from softswitch.codegen.functions.function_body import FunctionBody, Value
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.context import pipeline_object
from softswitch.codegen.values.layout import is_aggregate, is_header, scalar_width


def _cells(body: FunctionBody, obj: ExternObject) -> CExpr:
    """The storage, as an array of cells of the C type that holds them."""
    c_type = scalars.ct(body.unit.registers[body.unit.numbers[obj]].width)
    cells = cexpr.call("ss_array_cells", pipeline_object("arrays", body.unit.numbers[obj]))
    return cexpr.cast(f"{c_type} *", cells)


def read(body: FunctionBody, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Value | None:
    """read(out result, in index)"""
    register = body.unit.registers[body.unit.numbers[obj]]
    result = operands.target(body, operands.argument(info, "result", expr))
    index = body.keep(operands.scalar(body, operands.argument(info, "index", expr), BitType(32)))
    zero = scalars.literal(0, register.width)
    chosen = cexpr.index(_cells(body, obj), _native(index))
    cell = cexpr.ternary(operands.in_range(index, register.cells), chosen, zero)
    if result is not None:
        raw = body.temp(scalars.ct(register.width), cell, "cell")
        shown = scalars.shown(raw, register.width)
        body.trace_values(f"register {register.name}[{{}}] is {{}}", operands.shown_index(index, register.cells), shown)
        lvalues.store(body, result, _unpacked(body, raw, register.width, obj.type_args[0]))
    return None


def _native(index: Value) -> CExpr:
    """An index, known to be in range, as a C integer."""
    width = scalar_width(index.type) or 32
    return index.c if width <= 64 else scalars.clip(index.c, width)


def _unpacked(body: FunctionBody, raw: CExpr, width: int, type_: Type) -> Value:
    if isinstance(strip(type_), BoolType):
        return Value(cexpr.binary("!=", raw, 0), type_)
    if not is_aggregate(type_):
        return Value(raw, type_, True)
    value = body.temp(body.unit.layout.c_type(type_), "{0}", "value")
    if is_header(strip(type_)):
        body.emit(f"{cexpr.member(value, 'valid_')} = true;")
    left = width
    for leaf in body.unit.layout.leaves(value, type_):
        size = scalar_width(leaf.type) or 0
        left -= size
        part = Value(scalars.bits(raw, width, left + size - 1, left), BitType(size))
        body.emit(f"{leaf.c} = {rvalues.convert(body, part, leaf.type).c};")
    return Value(value, type_, True)


def _packed(body: FunctionBody, value: Value) -> CExpr:
    """The fields of a struct or header, one after another."""
    packed, width = scalars.literal(0, 1), 0
    for leaf in body.unit.layout.leaves(rvalues.addressable(body, value).c, value.type):
        size = scalar_width(leaf.type) or 0
        body.unit.layout.need_limbs(width + size)
        packed = scalars.concat(packed, width, leaf.c, size) if width else leaf.c
        width += size
    return packed


def write(body: FunctionBody, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Value | None:
    """write(in index, in value)"""
    register = body.unit.registers[body.unit.numbers[obj]]
    type_ = obj.type_args[0]
    exprs = [operands.argument(info, "index", expr), operands.argument(info, "value", expr)]
    index, value = rvalues.rvalues(body, exprs, [BitType(32), type_])
    index = body.keep(index)
    content = _packed(body, value) if is_aggregate(type_) else value.c
    if not value.stable:
        content = body.temp(scalars.ct(register.width), content, "cell")
    body.emit(f"if ({operands.in_range(index, register.cells)})")
    body.emit(f"    {cexpr.index(_cells(body, obj), _native(index))} = {content};")
    shown = scalars.shown(content, register.width)
    body.trace_values(f"register {register.name}[{{}}] = {{}}", operands.shown_index(index, register.cells), shown)
    return None
