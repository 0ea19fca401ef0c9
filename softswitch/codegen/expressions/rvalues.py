"""Values of expressions. Side effects become statements before the value, in P4's order (8, 8.1).

Which kinds of expressions there are is written in the other modules of this room: each registers what it can make a
value of. `rvalue` itself knows constants and implicit casts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from p4front.elaborate.evaluate import evaluate
from p4front.syntax import ast
from p4front.types.constants import ConstValue
from p4front.types.types import BitType, BoolType, EnumType, ErrorType, IntegerType, Type, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.functions.function_body import FunctionBody, Value
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.layout import is_aggregate, is_signed, scalar_width

E = TypeVar("E", bound=ast.Expr)
Handler: TypeAlias = Callable[[FunctionBody, E], Value]
Initialiser: TypeAlias = Callable[[FunctionBody, ast.Expr, Type], Value]

AGGREGATES = (ast.ListExpr, ast.StructExpr, ast.InvalidExpr, ast.DefaultExpr)
"""Expressions whose type is that of the place that they go to."""

_HANDLERS: dict[type[ast.Expr], Handler[Any]] = {}
_INTEGERS: list[Handler[ast.Expr]] = []
_INITIALISERS: list[Initialiser] = []


def register(kind: type[E]) -> Callable[[Handler[E]], Handler[E]]:
    """The decorated function gives the values of this kind of expressions."""

    def registered(handler: Handler[E]) -> Handler[E]:
        _HANDLERS[kind] = handler
        return handler

    return registered


def register_integers(handler: Handler[ast.Expr]) -> Handler[ast.Expr]:
    """The decorated function gives the values of type `int`."""
    _INTEGERS.append(handler)
    return handler


def register_initialisers(initialiser: Initialiser) -> Initialiser:
    """The decorated function gives lists, struct expressions and the like as values of a type."""
    _INITIALISERS.append(initialiser)
    return initialiser


def bit_type(width: int) -> Type:
    return BitType(width)


def type_of(body: FunctionBody, expr: ast.Expr) -> Type:
    """The type of `expr` here, before an implicit cast."""
    return body.env.type(body.unit.program.types[expr])


def final_type(body: FunctionBody, expr: ast.Expr) -> Type:
    """The type of `expr` after its implicit cast, if it has one."""
    cast = body.unit.program.implicit_casts.get(expr)
    return body.env.type(cast) if cast is not None else type_of(body, expr)


def has_effects(body: FunctionBody, expr: ast.Expr) -> bool:
    """Whether evaluating `expr` emits statements whose order or execution matters."""
    return body.unit.has_effects(expr, body.kind == "parser")


def is_integer(body: FunctionBody, expr: ast.Expr) -> bool:
    return isinstance(strip(type_of(body, expr)), IntegerType)


def rvalue(body: FunctionBody, expr: ast.Expr, want: Type | None = None) -> Value:
    """The value of `expr`. `want`: the type of the place that it goes to, where that is known; it types literals and
    initialisers."""
    if isinstance(expr, AGGREGATES) or (isinstance(expr, ast.Cast) and is_aggregate(type_of(body, expr))):
        return _INITIALISERS[0](body, expr, want or final_type(body, expr))
    constant = evaluate(body.env, expr)
    if constant is not None:
        return constant_value(body, constant, want if want is not None else final_type(body, expr), expr)
    value = _computed(body, expr)
    cast = body.unit.program.implicit_casts.get(expr)
    return convert(body, value, body.env.type(cast)) if cast is not None else value


def _computed(body: FunctionBody, expr: ast.Expr) -> Value:
    handler = _INTEGERS[0] if is_integer(body, expr) else _HANDLERS.get(type(expr))
    if handler is None:
        raise refuse(expr.span, "this expression is not supported at run time")
    return handler(body, expr)


def constant_value(body: FunctionBody, value: ConstValue, type_: Type, expr: ast.Expr) -> Value:
    if isinstance(strip(type_), IntegerType) and isinstance(value, int):
        type_ = BitType(max(32, int(value).bit_length()))
    return Value(body.unit.layout.constant(value, type_, expr.span), type_, True)


def rvalues(body: FunctionBody, exprs: Sequence[ast.Expr], wants: Sequence[Type | None] = ()) -> list[Value]:
    """Values from left to right: one that a later expression could still change is saved first."""
    values: list[Value] = []
    for i, expr in enumerate(exprs):
        value = rvalue(body, expr, wants[i] if i < len(wants) else None)
        if any(has_effects(body, later) for later in exprs[i + 1 :]):
            value = body.keep(value)
        values.append(value)
    return values


def addressable(body: FunctionBody, value: Value) -> Value:
    """The value as an l-value of C, so that its address can be taken."""
    if value.c.lvalue:
        return value
    return Value(body.temp(body.unit.layout.c_type(value.type), value.c), value.type, True)


def convert(body: FunctionBody, value: Value, target: Type) -> Value:
    """An explicit or implicit cast of a scalar (8.11); other values keep their representation."""
    source_plain, plain = strip(value.type), strip(target)
    width, to = scalar_width(source_plain), scalar_width(plain)
    if width is None or to is None or isinstance(plain, (EnumType, ErrorType)):
        return Value(value.c, target, value.stable)
    body.unit.layout.need_limbs(to)
    if isinstance(plain, BoolType) and not isinstance(source_plain, BoolType):
        return Value(cexpr.binary("!=", value.c, 0), target, value.stable)
    if isinstance(source_plain, BoolType) and not isinstance(plain, BoolType):
        return Value(scalars.cast(cexpr.cast("uint32_t", value.c), 1, False, to), target, value.stable)
    return Value(scalars.cast(value.c, width, is_signed(source_plain), to), target, value.stable)
