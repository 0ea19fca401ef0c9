"""Expressions: values, operators, casts. Side effects become statements before the value, in P4's order (8, 8.1)."""

from __future__ import annotations

from collections.abc import Sequence

from p4front.elaborate.evaluate import evaluate, require_int
from p4front.syntax import ast
from p4front.types.constants import ConstValue
from p4front.types.types import (
    BOOL,
    BitType,
    BoolType,
    EnumType,
    ErrorType,
    IntegerType,
    StackType,
    StructType,
    TupleType,
    Type,
    TypeOfType,
    strip,
)
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import calls, places
from softswitch.codegen.names import field_name
from softswitch.codegen.statements.body import Body, Val
from softswitch.codegen.values import cexpr, initialisers, integers, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.layout import element, is_aggregate, is_signed, scalar_width

_AGGREGATES = (ast.ListExpr, ast.StructExpr, ast.InvalidExpr, ast.DefaultExpr)


def bit_type(width: int) -> Type:
    return BitType(width)


def type_of(body: Body, expr: ast.Expr) -> Type:
    """The type of `expr` here, before an implicit cast."""
    return body.env.type(body.gen.program.types[expr])


def final_type(body: Body, expr: ast.Expr) -> Type:
    """The type of `expr` after its implicit cast, if it has one."""
    cast = body.gen.program.implicit_casts.get(expr)
    return body.env.type(cast) if cast is not None else type_of(body, expr)


def has_effects(body: Body, expr: ast.Expr) -> bool:
    """Whether evaluating `expr` emits statements whose order or execution matters."""
    return body.gen.has_effects(expr, body.kind == "parser")


def rvalue(body: Body, expr: ast.Expr, want: Type | None = None) -> Val:
    """The value of `expr`. `want`: the type of the place that it goes to, where that is known; it types literals and
    initialisers."""
    if isinstance(expr, _AGGREGATES) or (isinstance(expr, ast.Cast) and is_aggregate(type_of(body, expr))):
        return initialisers.build(body, expr, want or final_type(body, expr))
    constant = evaluate(body.env, expr)
    if constant is not None:
        return constant_value(body, constant, want if want is not None else final_type(body, expr), expr)
    value = _rvalue(body, expr)
    cast = body.gen.program.implicit_casts.get(expr)
    return convert(body, value, body.env.type(cast)) if cast is not None else value


def constant_value(body: Body, value: ConstValue, type_: Type, expr: ast.Expr) -> Val:
    if isinstance(strip(type_), IntegerType) and isinstance(value, int):
        type_ = BitType(max(32, int(value).bit_length()))
    return Val(body.gen.layout.constant(value, type_, expr.span), type_, True)


def rvalues(body: Body, exprs: Sequence[ast.Expr], wants: Sequence[Type | None] = ()) -> list[Val]:
    """Values from left to right: one that a later expression could still change is put aside first."""
    values: list[Val] = []
    for i, expr in enumerate(exprs):
        value = rvalue(body, expr, wants[i] if i < len(wants) else None)
        if any(has_effects(body, later) for later in exprs[i + 1 :]):
            value = body.keep(value)
        values.append(value)
    return values


def addressable(body: Body, value: Val) -> Val:
    """The value as an l-value of C, so that its address can be taken."""
    if value.c.lvalue:
        return value
    return Val(body.temp(body.gen.layout.c_type(value.type), value.c), value.type, True)


def _rvalue(body: Body, expr: ast.Expr) -> Val:
    if integers.is_integer(body, expr):
        return integers.value(body, expr)
    if isinstance(expr, ast.Member):
        return _member(body, expr)
    if isinstance(expr, (ast.PathExpr, ast.Index)) and places.is_place(body, expr):
        return places.load(body, places.place(body, expr))
    if isinstance(expr, ast.Index):
        return _index(body, expr)
    if isinstance(expr, ast.Slice):
        return _slice(body, expr)
    if isinstance(expr, ast.PlusSlice):
        return _plus_slice(body, expr)
    if isinstance(expr, ast.Unary):
        return _unary(body, expr)
    if isinstance(expr, ast.Binary):
        return _binary(body, expr)
    if isinstance(expr, ast.Ternary):
        return _ternary(body, expr)
    if isinstance(expr, ast.Cast):
        return convert(body, rvalue(body, expr.operand), type_of(body, expr))
    if isinstance(expr, ast.Call):
        value = calls.call(body, expr)
        if value is None:
            raise refuse(expr.span, "this call gives no value")
        return value
    raise refuse(expr.span, "this expression is not supported at run time")


def _member(body: Body, expr: ast.Member) -> Val:
    name = expr.member.text
    if calls.is_table_result(body, expr.base):
        return calls.table_result(body, expr)
    base_type = strip(type_of(body, expr.base))
    if isinstance(base_type, TypeOfType):
        raise refuse(expr.span, "a type is not a value")
    if places.is_place(body, expr.base):
        if isinstance(base_type, StackType) and name in ("lastIndex", "size"):
            base = places.place(body, expr.base)
            if name == "size":
                return Val(scalars.literal(base_type.size, 32), BitType(32), True)
            return Val(cexpr.binary("-", cexpr.member(base.c, "next"), 1), BitType(32))
        return places.load(body, places.place(body, expr))
    base_value = addressable(body, rvalue(body, expr.base))
    if isinstance(base_type, StructType):
        info = base_type.field(name)
        if info is not None:
            return Val(cexpr.member(base_value.c, field_name(name)), info.type, base_value.atom)
    raise refuse(expr.span, f"member {name} is not supported here")


def _index(body: Body, expr: ast.Index) -> Val:
    """Element of a tuple or stack that is not an l-value."""
    base = addressable(body, rvalue(body, expr.base))
    base_type = strip(base.type)
    index = evaluate(body.env, expr.index)
    if isinstance(index, int) and isinstance(base_type, TupleType):
        return Val(cexpr.member(base.c, f"f{index}"), base_type.items[index], base.atom)
    if isinstance(index, int) and isinstance(base_type, StackType) and 0 <= index < base_type.size:
        return Val(element(base.c, index), base_type.element, base.atom)
    raise refuse(expr.span, "only a variable can be indexed at run time")


def _slice(body: Body, expr: ast.Slice) -> Val:
    base = rvalue(body, expr.base)
    width = scalar_width(base.type)
    if width is None:
        raise refuse(expr.span, f"a slice of type {base.type} is not supported")
    hi = require_int(body.env, expr.hi, "the bound of a slice")
    lo = require_int(body.env, expr.lo, "the bound of a slice")
    return Val(scalars.bits(base.c, width, hi, lo), BitType(hi - lo + 1), base.atom)


def _plus_slice(body: Body, expr: ast.PlusSlice) -> Val:
    width = require_int(body.env, expr.width, "the width of a slice")
    base, low = rvalues(body, [expr.base, expr.low])
    base_width = scalar_width(base.type)
    if base_width is None:
        raise refuse(expr.span, f"a slice of type {base.type} is not supported")
    body.gen.layout.need_limbs(width)
    known = evaluate(body.env, expr.low)
    if isinstance(known, int) and known + width <= base_width:
        return Val(scalars.bits(base.c, base_width, known + width - 1, known), BitType(width), base.atom)
    at = body.temp("uint64_t", scalars.clip(low.c, scalar_width(low.type) or 64), "low")
    return places.window_value(base, at, width)


def _unary(body: Body, expr: ast.Unary) -> Val:
    operand = rvalue(body, expr.operand)
    if expr.op == "!":
        return Val(cexpr.negation(operand.c), BOOL, operand.atom)
    width = scalar_width(operand.type)
    if width is None or expr.op == "+":
        return operand
    c = scalars.negate(operand.c, width) if expr.op == "-" else scalars.invert(operand.c, width)
    return Val(c, operand.type, operand.atom)


def _binary(body: Body, expr: ast.Binary) -> Val:
    if expr.op in ("&&", "||"):
        return _logical(body, expr)
    left_type, right_type = final_type(body, expr.left), final_type(body, expr.right)
    if expr.op in integers.COMPARISONS and all(isinstance(strip(t), IntegerType) for t in (left_type, right_type)):
        return integers.compare(body, expr)
    if expr.op in ("==", "!="):
        return _equality(body, expr, left_type, right_type)
    if expr.op in ("<<", ">>"):
        return _shift(body, expr, left_type)
    left, right = rvalues(body, [expr.left, expr.right])
    left_width, right_width = scalar_width(left.type), scalar_width(right.type)
    if left_width is None or right_width is None:
        raise refuse(expr.span, f"{expr.op} on values of type {left.type} and {right.type} is not supported")
    if expr.op == "++":
        body.gen.layout.need_limbs(left_width + right_width)
        result = type_of(body, expr)
        return Val(scalars.concat(left.c, left_width, right.c, right_width), result)
    signed = is_signed(left.type)
    if expr.op in ("<", "<=", ">", ">="):
        return Val(scalars.compare(expr.op, left.c, right.c, left_width, signed), BOOL)
    return Val(scalars.arithmetic(expr.op, left.c, right.c, left_width, signed), left.type)


def _logical(body: Body, expr: ast.Binary) -> Val:
    left = rvalue(body, expr.left)
    if not has_effects(body, expr.right):
        right = rvalue(body, expr.right)
        return Val(cexpr.binary(expr.op, left.c, right.c), BOOL)
    result = body.temp("bool", left.c)
    with body.braces(f"if ({result if expr.op == '&&' else cexpr.negation(result)})"):
        body.emit(f"{result} = {rvalue(body, expr.right).c};")
    return Val(result, BOOL, True)


def _equality(body: Body, expr: ast.Binary, left_type: Type, right_type: Type) -> Val:
    typed = right_type if isinstance(expr.left, _AGGREGATES) or isinstance(left_type, IntegerType) else left_type
    left, right = rvalues(body, [expr.left, expr.right], [typed, typed])
    if is_aggregate(typed):
        left, right = addressable(body, left), addressable(body, right)
    width = scalar_width(typed)
    if width is None and not is_aggregate(typed):
        raise refuse(expr.span, f"values of type {typed} cannot be compared")
    equal = body.gen.layout.equal(left.c, right.c, typed)
    return Val(equal if expr.op == "==" else cexpr.negation(equal), BOOL)


def _shift(body: Body, expr: ast.Binary, left_type: Type) -> Val:
    known = evaluate(body.env, expr.right)
    amount: Val | int
    if isinstance(known, int):
        left, amount = rvalue(body, expr.left), int(known)
    else:
        left, amount = rvalues(body, [expr.left, expr.right])
    if scalar_width(left.type) is None:
        raise refuse(expr.span, f"a shift of type {left_type} is not supported")
    return Val(shifted(expr.op, left, amount, expr), left.type)


def shifted(op: str, value: Val, by: Val | int, where: ast.Node) -> CExpr:
    """`value << by` or `value >> by` of a scalar."""
    width, signed = scalar_width(value.type) or 0, is_signed(value.type)
    if isinstance(by, int):
        return scalars.shift_by(op, value.c, by, width, signed)
    by_width = scalar_width(by.type)
    if by_width is None:
        raise refuse(where.span, f"a shift by a value of type {by.type} is not supported")
    return scalars.shift(op, value.c, by.c, by_width, width, signed)


def _ternary(body: Body, expr: ast.Ternary) -> Val:
    type_ = final_type(body, expr)
    known = evaluate(body.env, expr.cond)
    if isinstance(known, bool):
        return rvalue(body, expr.then if known else expr.otherwise, type_)
    cond = rvalue(body, expr.cond)
    if isinstance(strip(type_), IntegerType):
        type_ = final_type(body, expr.then)
    if not has_effects(body, expr.then) and not has_effects(body, expr.otherwise):
        then, otherwise = rvalue(body, expr.then, type_), rvalue(body, expr.otherwise, type_)
        return Val(cexpr.ternary(cond.c, then.c, otherwise.c), type_)
    result = body.temp(body.gen.layout.c_type(type_), body.gen.layout.zero(type_))
    with body.braces(f"if ({cond.c})"):
        body.emit(f"{result} = {rvalue(body, expr.then, type_).c};")
    with body.braces("else"):
        body.emit(f"{result} = {rvalue(body, expr.otherwise, type_).c};")
    return Val(result, type_, True)


def convert(body: Body, value: Val, target: Type) -> Val:
    """An explicit or implicit cast of a scalar (8.11); other values keep their representation."""
    source_plain, plain = strip(value.type), strip(target)
    width, to = scalar_width(source_plain), scalar_width(plain)
    if width is None or to is None or isinstance(plain, (EnumType, ErrorType)):
        return Val(value.c, target, value.atom)
    body.gen.layout.need_limbs(to)
    if isinstance(plain, BoolType) and not isinstance(source_plain, BoolType):
        return Val(cexpr.binary("!=", value.c, 0), target, value.atom)
    if isinstance(source_plain, BoolType) and not isinstance(plain, BoolType):
        return Val(scalars.cast(cexpr.cast("uint32_t", value.c), 1, False, to), target, value.atom)
    return Val(scalars.cast(value.c, width, is_signed(source_plain), to), target, value.atom)
