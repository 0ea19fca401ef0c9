"""Members, elements and slices as values (8.7, 8.16-8.18)."""

from __future__ import annotations

from p4front.elaborate.evaluate import evaluate, require_int
from p4front.syntax import ast
from p4front.types.types import BitType, StackType, StructType, TupleType, TypeOfType, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import calls, lvalues
from softswitch.codegen.expressions.rvalues import addressable, register, rvalue, rvalues, type_of
from softswitch.codegen.functions.function_body import FunctionBody, Value
from softswitch.codegen.names import field_name
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.layout import element, scalar_width


@register(ast.PathExpr)
def _variable(body: FunctionBody, expr: ast.PathExpr) -> Value:
    if not lvalues.is_lvalue(body, expr):
        raise refuse(expr.span, "this expression is not supported at run time")
    return lvalues.load(body, lvalues.lvalue(body, expr))


@register(ast.Member)
def _member(body: FunctionBody, expr: ast.Member) -> Value:
    name = expr.member.text
    if calls.is_table_result(body, expr.base):
        return calls.table_result(body, expr)
    base_type = strip(type_of(body, expr.base))
    if isinstance(base_type, TypeOfType):
        raise refuse(expr.span, "a type is not a value")
    if lvalues.is_lvalue(body, expr.base):
        if isinstance(base_type, StackType) and name in ("lastIndex", "size"):
            base = lvalues.lvalue(body, expr.base)
            if name == "size":
                return Value(scalars.literal(base_type.size, 32), BitType(32), True)
            return Value(cexpr.binary("-", cexpr.member(base.c, "next"), 1), BitType(32))
        return lvalues.load(body, lvalues.lvalue(body, expr))
    base_value = addressable(body, rvalue(body, expr.base))
    if isinstance(base_type, StructType):
        info = base_type.field(name)
        if info is not None:
            return Value(cexpr.member(base_value.c, field_name(name)), info.type, base_value.stable)
    raise refuse(expr.span, f"member {name} is not supported here")


@register(ast.Index)
def _index(body: FunctionBody, expr: ast.Index) -> Value:
    """Element of a tuple or stack."""
    if lvalues.is_lvalue(body, expr):
        return lvalues.load(body, lvalues.lvalue(body, expr))
    base = addressable(body, rvalue(body, expr.base))
    base_type = strip(base.type)
    index = evaluate(body.env, expr.index)
    if isinstance(index, int) and isinstance(base_type, TupleType):
        return Value(cexpr.member(base.c, f"f{index}"), base_type.items[index], base.stable)
    if isinstance(index, int) and isinstance(base_type, StackType) and 0 <= index < base_type.size:
        return Value(element(base.c, index), base_type.element, base.stable)
    raise refuse(expr.span, "only a variable can be indexed at run time")


@register(ast.Slice)
def _slice(body: FunctionBody, expr: ast.Slice) -> Value:
    base = rvalue(body, expr.base)
    width = scalar_width(base.type)
    if width is None:
        raise refuse(expr.span, f"a slice of type {base.type} is not supported")
    hi = require_int(body.env, expr.hi, "the bound of a slice")
    lo = require_int(body.env, expr.lo, "the bound of a slice")
    return Value(scalars.bits(base.c, width, hi, lo), BitType(hi - lo + 1), base.stable)


@register(ast.PlusSlice)
def _plus_slice(body: FunctionBody, expr: ast.PlusSlice) -> Value:
    width = require_int(body.env, expr.width, "the width of a slice")
    base, low = rvalues(body, [expr.base, expr.low])
    base_width = scalar_width(base.type)
    if base_width is None:
        raise refuse(expr.span, f"a slice of type {base.type} is not supported")
    body.unit.layout.need_limbs(width)
    known = evaluate(body.env, expr.low)
    if isinstance(known, int) and known + width <= base_width:
        return Value(scalars.bits(base.c, base_width, known + width - 1, known), BitType(width), base.stable)
    at = body.temp("uint64_t", scalars.clip(low.c, scalar_width(low.type) or 64), "low")
    return lvalues.window_value(base, at, width)
