"""L-values: where an expression stores, and how a value gets there (6.6, 8.17, 8.18)."""

from __future__ import annotations

from p4front.elaborate.evaluate import evaluate, require_int
from p4front.syntax import ast
from p4front.types.types import StackType, StructType, TupleType, Type, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import parser_errors, rvalues
from softswitch.codegen.functions.environment import Variable
from softswitch.codegen.functions.function_body import FunctionBody, LValue, Value
from softswitch.codegen.names import field_name
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.layout import element, is_header, is_union, members, scalar_width


def is_lvalue(body: FunctionBody, expr: ast.Expr) -> bool:
    """Whether `expr` names storage."""
    if isinstance(expr, ast.PathExpr):
        decl = body.unit.program.refs.get(expr)
        return decl is not None and isinstance(body.env.lookup(decl), Variable)
    if isinstance(expr, (ast.Member, ast.Index, ast.Slice, ast.PlusSlice)):
        return is_lvalue(body, expr.base)
    return False


def lvalue(body: FunctionBody, expr: ast.Expr) -> LValue:
    """The place that `expr` names. Indices are evaluated here, once, in order."""
    if isinstance(expr, ast.PathExpr):
        decl = body.unit.program.refs.get(expr)
        binding = body.env.lookup(decl) if decl is not None else None
        if isinstance(binding, Variable):
            return LValue(binding.c, binding.type)
    elif isinstance(expr, ast.Member):
        return _member(body, expr)
    elif isinstance(expr, ast.Index):
        return _element(body, lvalue(body, expr.base), expr)
    elif isinstance(expr, ast.Slice):
        base = lvalue(body, expr.base)
        hi = require_int(body.env, expr.hi, "the bound of a slice")
        lo = require_int(body.env, expr.lo, "the bound of a slice")
        start = base.slice[1] if base.slice else 0
        return LValue(base.c, base.type, (start + hi, start + lo))
    elif isinstance(expr, ast.PlusSlice):
        return _window(body, lvalue(body, expr.base), expr)
    raise refuse(expr.span, "this expression cannot be stored to")


def _window(body: FunctionBody, base: LValue, expr: ast.PlusSlice) -> LValue:
    """`base[low +: width]`; bits beyond the base read as zero, and writes to them are lost."""
    if base.slice is not None or base.window is not None:
        raise refuse(expr.span, "a slice of a slice with a computed start is not supported")
    width = require_int(body.env, expr.width, "the width of a slice")
    low = evaluate(body.env, expr.low)
    if isinstance(low, int) and low + width <= (scalar_width(base.type) or 0):
        return LValue(base.c, base.type, (low + width - 1, low))
    value = rvalues.rvalue(body, expr.low)
    at = body.temp("uint64_t", scalars.clip(value.c, scalar_width(value.type) or 64), "low")
    return LValue(base.c, base.type, window=(at, width))


def _member(body: FunctionBody, expr: ast.Member) -> LValue:
    base = lvalue(body, expr.base)
    type_ = strip(base.type)
    name = expr.member.text
    if isinstance(type_, StackType):
        return stack_member(body, base, type_, expr)
    if isinstance(type_, StructType):
        info = type_.field(name)
        if info is not None:
            return LValue(
                cexpr.member(base.c, field_name(name)),
                info.type,
                union=(base.c, type_) if is_union(type_) else None,
                header=base.c if is_header(type_) else base.header,
                next_of=base.next_of if is_union(type_) else None,
            )
    raise refuse(expr.span, f"{type_} has no member {name} that can be stored to")


def stack_member(body: FunctionBody, base: LValue, type_: StackType, expr: ast.Member) -> LValue:
    """`stack.next` and `stack.last` in a parser; out of bounds is a parser error (8.18)."""
    name, filled = expr.member.text, cexpr.member(base.c, "next")
    if name == "next":
        parser_errors.reject_if(body, cexpr.binary(">=", filled, type_.size), "StackOutOfBounds")
        return LValue(element(base.c, filled), type_.element, next_of=base.c)
    if name == "last":
        outside = cexpr.binary("||", cexpr.binary("==", filled, 0), cexpr.binary(">", filled, type_.size))
        parser_errors.reject_if(body, outside, "StackOutOfBounds")
        return LValue(element(base.c, cexpr.binary("-", filled, 1)), type_.element)
    raise refuse(expr.span, f"a header stack has no member {name} that can be stored to")


def _element(body: FunctionBody, base: LValue, expr: ast.Index) -> LValue:
    type_ = strip(base.type)
    index = evaluate(body.env, expr.index)
    if isinstance(type_, TupleType) and isinstance(index, int):
        return LValue(cexpr.member(base.c, f"f{index}"), type_.items[index])
    if not isinstance(type_, StackType):
        raise refuse(expr.span, f"{type_} cannot be indexed")
    if isinstance(index, int):
        if 0 <= index < type_.size:
            return LValue(element(base.c, index), type_.element)
        at = scalars.literal(type_.size, 32)
    else:
        value = rvalues.rvalue(body, expr.index)
        width = scalar_width(value.type) or 32
        at = body.temp("uint64_t", scalars.clip(value.c, width), "index")
    # Outside the stack: reads give an invalid header, writes go nowhere.
    c_type = body.unit.layout.c_type(type_.element)
    outside = body.temp(c_type, "{0}", "outside")
    inside = cexpr.binary("<", at, type_.size)
    chosen = cexpr.ternary(inside, cexpr.address(element(base.c, at)), cexpr.address(outside))
    return LValue(cexpr.dereference(body.temp(f"{c_type} *", chosen, "element")), type_.element)


def load(body: FunctionBody, where: LValue) -> Value:
    """The value at a place."""
    if where.window is not None:
        return window_value(Value(where.c, where.type), *where.window)
    if where.slice is None:
        return Value(where.c, where.type)
    hi, lo = where.slice
    width = scalar_width(where.type) or 0
    return Value(scalars.bits(where.c, width, hi, lo), rvalues.bit_type(hi - lo + 1))


def window_value(base: Value, low: CExpr, size: int) -> Value:
    """`size` bits of a scalar from bit `low` on."""
    width = scalar_width(base.type) or 0
    shifted = scalars.shift(">>", base.c, low, 64, width, False)
    return Value(scalars.cast(shifted, width, False, size), rvalues.bit_type(size))


def stored_type(where: LValue) -> Type:
    """Type of the values that a place holds."""
    if where.window is not None:
        return rvalues.bit_type(where.window[1])
    return where.type if where.slice is None else rvalues.bit_type(where.slice[0] - where.slice[1] + 1)


def store(body: FunctionBody, where: LValue, value: Value) -> None:
    """Assigns. Of a header union's members the others become invalid, whether the value is valid or not (8.20)."""
    if where.window is not None:
        low, size = where.window
        width = scalar_width(where.type) or 0
        ones = scalars.shift("<<", scalars.literal((1 << size) - 1, width), low, 64, width, False)
        moved = scalars.shift("<<", scalars.cast(value.c, size, False, width), low, 64, width, False)
        kept = scalars.arithmetic("&", where.c, scalars.invert(ones, width), width, False)
        body.emit(f"{where.c} = {scalars.arithmetic('|', kept, moved, width, False)};")
        return
    if where.slice is not None:
        hi, lo = where.slice
        width = scalar_width(where.type) or 0
        body.emit(f"{where.c} = {scalars.insert(where.c, value.c, width, hi, lo)};")
        return
    body.emit(f"{where.c} = {value.c};")
    for other in union_siblings(where):
        body.emit(other)


def union_siblings(where: LValue) -> list[str]:
    """Statements that make the other headers of `where`'s union invalid."""
    if where.union is None:
        return []
    union, type_ = where.union
    others = [cexpr.member(union, name) for name, _ in members(type_)]
    return [f"{cexpr.member(other, 'valid_')} = false;" for other in others if other != where.c]
