"""Operators: arithmetic, shifts, comparisons, logic, `?:` and casts (8.5-8.11)."""

from __future__ import annotations

from p4front.elaborate.evaluate import evaluate
from p4front.syntax import ast
from p4front.types.types import BOOL, IntegerType, Type, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import integers
from softswitch.codegen.expressions.rvalues import (
    AGGREGATES,
    addressable,
    convert,
    final_type,
    has_effects,
    register,
    rvalue,
    rvalues,
    type_of,
)
from softswitch.codegen.functions.function_body import FunctionBody, Value
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.layout import is_aggregate, is_signed, scalar_width


@register(ast.Cast)
def _cast(body: FunctionBody, expr: ast.Cast) -> Value:
    return convert(body, rvalue(body, expr.operand), type_of(body, expr))


@register(ast.Unary)
def _unary(body: FunctionBody, expr: ast.Unary) -> Value:
    operand = rvalue(body, expr.operand)
    if expr.op == "!":
        return Value(cexpr.negation(operand.c), BOOL, operand.stable)
    width = scalar_width(operand.type)
    if width is None or expr.op == "+":
        return operand
    c = scalars.negate(operand.c, width) if expr.op == "-" else scalars.invert(operand.c, width)
    return Value(c, operand.type, operand.stable)


@register(ast.Binary)
def _binary(body: FunctionBody, expr: ast.Binary) -> Value:
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
        body.unit.layout.need_limbs(left_width + right_width)
        result = type_of(body, expr)
        return Value(scalars.concat(left.c, left_width, right.c, right_width), result)
    signed = is_signed(left.type)
    if expr.op in ("<", "<=", ">", ">="):
        return Value(scalars.compare(expr.op, left.c, right.c, left_width, signed), BOOL)
    return Value(scalars.arithmetic(expr.op, left.c, right.c, left_width, signed), left.type)


def _logical(body: FunctionBody, expr: ast.Binary) -> Value:
    left = rvalue(body, expr.left)
    if not has_effects(body, expr.right):
        right = rvalue(body, expr.right)
        return Value(cexpr.binary(expr.op, left.c, right.c), BOOL)
    result = body.temp("bool", left.c)
    with body.braces(f"if ({result if expr.op == '&&' else cexpr.negation(result)})"):
        body.emit(f"{result} = {rvalue(body, expr.right).c};")
    return Value(result, BOOL, True)


def _equality(body: FunctionBody, expr: ast.Binary, left_type: Type, right_type: Type) -> Value:
    typed = right_type if isinstance(expr.left, AGGREGATES) or isinstance(left_type, IntegerType) else left_type
    left, right = rvalues(body, [expr.left, expr.right], [typed, typed])
    if is_aggregate(typed):
        left, right = addressable(body, left), addressable(body, right)
    width = scalar_width(typed)
    if width is None and not is_aggregate(typed):
        raise refuse(expr.span, f"values of type {typed} cannot be compared")
    equal = body.unit.layout.equal(left.c, right.c, typed)
    return Value(equal if expr.op == "==" else cexpr.negation(equal), BOOL)


def _shift(body: FunctionBody, expr: ast.Binary, left_type: Type) -> Value:
    known = evaluate(body.env, expr.right)
    amount: Value | int
    if isinstance(known, int):
        left, amount = rvalue(body, expr.left), int(known)
    else:
        left, amount = rvalues(body, [expr.left, expr.right])
    if scalar_width(left.type) is None:
        raise refuse(expr.span, f"a shift of type {left_type} is not supported")
    return Value(shifted(expr.op, left, amount, expr), left.type)


def shifted(op: str, value: Value, by: Value | int, where: ast.Node) -> CExpr:
    """`value << by` or `value >> by` of a scalar."""
    width, signed = scalar_width(value.type) or 0, is_signed(value.type)
    if isinstance(by, int):
        return scalars.shift_by(op, value.c, by, width, signed)
    by_width = scalar_width(by.type)
    if by_width is None:
        raise refuse(where.span, f"a shift by a value of type {by.type} is not supported")
    return scalars.shift(op, value.c, by.c, by_width, width, signed)


@register(ast.Ternary)
def _ternary(body: FunctionBody, expr: ast.Ternary) -> Value:
    type_ = final_type(body, expr)
    known = evaluate(body.env, expr.cond)
    if isinstance(known, bool):
        return rvalue(body, expr.then if known else expr.otherwise, type_)
    cond = rvalue(body, expr.cond)
    if isinstance(strip(type_), IntegerType):
        type_ = final_type(body, expr.then)
    if not has_effects(body, expr.then) and not has_effects(body, expr.otherwise):
        then, otherwise = rvalue(body, expr.then, type_), rvalue(body, expr.otherwise, type_)
        return Value(cexpr.ternary(cond.c, then.c, otherwise.c), type_)
    result = body.temp(body.unit.layout.c_type(type_), body.unit.layout.zero(type_))
    with body.braces(f"if ({cond.c})"):
        body.emit(f"{result} = {rvalue(body, expr.then, type_).c};")
    with body.braces("else"):
        body.emit(f"{result} = {rvalue(body, expr.otherwise, type_).c};")
    return Value(result, type_, True)
