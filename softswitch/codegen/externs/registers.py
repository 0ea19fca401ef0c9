"""register<T> (v1model). Cells are 1, 2, 4, 8 or 8 * n bytes; out of range, reads give 0 and writes do nothing."""

from __future__ import annotations

from p4front import ast
from p4front.program import CallInfo
from p4front.types import BitType, BoolType, Type, strip
from softswitch.codegen import expressions, places, scalars
from softswitch.codegen.body import Body, Val
from softswitch.codegen.env import ExternObject
from softswitch.codegen.externs import operands
from softswitch.codegen.layout import scalar_width


def _cell(obj: ExternObject, body: Body) -> tuple[int, Type, str]:
    """Number of cells, type of a cell, and its C type in memory."""
    info = body.gen.registers[obj.index]
    type_ = obj.type_args[0]
    return info.cells, type_, scalars.ct(info.width)


def _cells(obj: ExternObject, c_type: str) -> str:
    return f"(({c_type} *)ss_array_cells(x->pipeline->arrays[{obj.index}]))"


def read(body: Body, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Val | None:
    """read(out result, in index)"""
    cells, type_, c_type = _cell(obj, body)
    result = operands.target(body, operands.argument(info, "result", expr))
    index = body.keep(operands.scalar(body, operands.argument(info, "index", expr), BitType(32)))
    width = scalar_width(type_) or 1
    zero = scalars.literal(0, width)
    cell = f"({operands.as64(index)} < {cells} ? {_cells(obj, c_type)}[{index.text}] : {zero})"
    if isinstance(strip(type_), BoolType):
        cell = f"({cell} != 0)"
    if result is not None:
        value = Val(body.temp(body.gen.layout.c_type(type_), cell, "cell"), type_, True)
        places.store(body, result, value)
    return None


def write(body: Body, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Val | None:
    """write(in index, in value)"""
    cells, type_, c_type = _cell(obj, body)
    index_expr, value_expr = operands.argument(info, "index", expr), operands.argument(info, "value", expr)
    index, value = expressions.rvalues(body, [index_expr, value_expr], [BitType(32), type_])
    index = body.keep(index)
    body.emit(f"if ({operands.as64(index)} < {cells})")
    body.emit(f"    {_cells(obj, c_type)}[{index.text}] = {value.text};")
    return None
