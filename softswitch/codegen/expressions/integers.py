"""Values of type `int` at run time: they come from a cast of a bit<W> or int<W>, and have no width of their own (8.11).

Each is computed in a width that holds every value that it can have: (int)x + 1 for a bit<8> x in 9 bits. A value that
cannot be negative has the type bit<W> in the generated code, any other one int<W>. The cast around it cuts it to its
target.
"""

from __future__ import annotations

from p4front.elaborate.evaluate import evaluate, require_int
from p4front.syntax import ast
from p4front.types.types import BOOL, BitType, IntType, Type
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import rvalues
from softswitch.codegen.functions.function_body import FunctionBody, Value
from softswitch.codegen.values import scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.layout import is_signed, scalar_width

MAX_BITS = 4096
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


@rvalues.register_integers
def value(body: FunctionBody, expr: ast.Expr) -> Value:
    """An expression of type `int`."""
    known = evaluate(body.env, expr)
    if isinstance(known, int) and not isinstance(known, bool):
        width = max(1, known.bit_length() + (known < 0))
        return Value(scalars.literal(known, width), IntType(width) if known < 0 else BitType(width), True)
    if isinstance(expr, ast.Cast):
        return value(body, expr.operand) if rvalues.is_integer(body, expr.operand) else _scalar(body, expr.operand)
    if isinstance(expr, ast.Unary) and expr.op in ("-", "+"):
        operand = value(body, expr.operand)
        if expr.op == "+":
            return operand
        width = _width(operand) + 1
        return Value(scalars.negate(_extended(body, operand, width, expr), width), IntType(width))
    if isinstance(expr, ast.Binary) and expr.op in ("<<", ">>"):
        return _shift(body, expr)
    if isinstance(expr, ast.Binary):
        left, right = _both(body, expr)
        type_ = _result(expr, left, right)
        width = scalar_width(type_) or 1
        a, b = (_extended(body, operand, width, expr) for operand in (left, right))
        return Value(scalars.arithmetic(expr.op, a, b, width, isinstance(type_, IntType)), type_)
    raise refuse(expr.span, "an `int` at run time is a cast of a bit<W> or int<W>, and what operators make of it")


def compare(body: FunctionBody, expr: ast.Binary) -> Value:
    """A comparison of two values of type `int`."""
    left, right = _both(body, expr)
    signed = is_signed(left.type) or is_signed(right.type)
    width = max(_width(operand) + (signed and not is_signed(operand.type)) for operand in (left, right))
    a, b = (_extended(body, operand, width, expr) for operand in (left, right))
    return Value(scalars.compare(expr.op, a, b, width, signed), BOOL)


def _scalar(body: FunctionBody, expr: ast.Expr) -> Value:
    found = rvalues.rvalue(body, expr)
    if scalar_width(found.type) is None:
        raise refuse(expr.span, f"a value of type {found.type} cannot become an `int`")
    return Value(found.c, IntType(_width(found)) if is_signed(found.type) else BitType(_width(found)), found.stable)


def _both(body: FunctionBody, expr: ast.Binary) -> tuple[Value, Value]:
    left = value(body, expr.left)
    if rvalues.has_effects(body, expr.right):
        left = body.keep(left)
    return left, value(body, expr.right)


def _result(expr: ast.Binary, left: Value, right: Value) -> Type:
    """The narrowest type that we know to hold the result."""
    signed = is_signed(left.type) or is_signed(right.type)
    a, b = (_width(operand) + (signed and not is_signed(operand.type)) for operand in (left, right))
    if expr.op in ("/", "%"):
        if signed:
            raise refuse(expr.span, f"{expr.op} needs values that cannot be negative")
        return BitType(max(a, b))
    widths = {"+": max(a, b) + 1, "-": max(a, b) + 1, "*": a + b, "&": max(a, b), "|": max(a, b), "^": max(a, b)}
    if expr.op not in widths:
        raise refuse(expr.span, f"{expr.op} of values of type int is not supported at run time")
    width = widths[expr.op]
    if width > MAX_BITS:
        raise refuse(expr.span, f"this value of type int may need more than {MAX_BITS} bits")
    return IntType(width) if signed or expr.op == "-" else BitType(width)


def _shift(body: FunctionBody, expr: ast.Binary) -> Value:
    amount = require_int(body.env, expr.right, "the amount that an `int` is shifted by")
    operand = value(body, expr.left)
    signed, width = is_signed(operand.type), _width(operand)
    if expr.op == "<<":
        width += amount
        if width > MAX_BITS:
            raise refuse(expr.span, f"this value of type int may need more than {MAX_BITS} bits")
    shifted = scalars.shift_by(expr.op, _extended(body, operand, width, expr), amount, width, signed)
    return Value(shifted, IntType(width) if signed else BitType(width))


def _width(operand: Value) -> int:
    return scalar_width(operand.type) or 1


def _extended(body: FunctionBody, operand: Value, width: int, where: ast.Node) -> CExpr:
    body.unit.layout.need_limbs(width)
    return scalars.cast(operand.c, _width(operand), is_signed(operand.type), width)
