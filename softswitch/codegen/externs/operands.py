"""What most externs need: values of `in` arguments, places of `out` arguments, data taken apart."""

from __future__ import annotations

from dataclasses import dataclass

from p4front.elaborate.evaluate import evaluate, require_int
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BitType, Type
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import lvalues, rvalues
from softswitch.codegen.functions.function_body import FunctionBody, LValue, Value
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.layout import Leaf, scalar_width


def argument(info: CallInfo, name: str, where: ast.Node) -> ast.Expr:
    """The expression given for a parameter."""
    for arg in info.args:
        if arg.param_name == name:
            expr = arg.expr if arg.expr is not None else arg.default
            if expr is not None:
                return expr
    raise refuse(where.span, f"{info.name} needs an argument for {name}")


def has_argument(info: CallInfo, name: str) -> bool:
    return any(arg.param_name == name and arg.expr is not None for arg in info.args)


def scalar(body: FunctionBody, expr: ast.Expr, want: Type | None = None) -> Value:
    """A scalar argument; a literal without a width gets the type `want` (bit<32> without)."""
    value = rvalues.rvalue(body, expr, want)
    if scalar_width(value.type) is None:
        raise refuse(expr.span, "a value of type bit<W> is needed here")
    return value


def as64(value: Value) -> CExpr:
    """A scalar as a uint64_t, too large ones as its largest."""
    return scalars.clip(value.c, scalar_width(value.type) or 64)


def shown_index(index: Value, cells: int) -> tuple[str, list[CExpr]]:
    """An index into an array for the packet's story: printf conversion and arguments."""
    number = as64(index)
    beyond = cexpr.ternary(in_range(index, cells), cexpr.constant('""'), cexpr.constant('", out of range"'))
    return "%llu%s", [cexpr.cast("unsigned long long", number), beyond]


def in_range(index: Value, cells: int) -> CExpr:
    """Whether an array has a cell of that index."""
    return cexpr.binary("<", as64(index), cells)


def constant(body: FunctionBody, expr: ast.Expr, what: str) -> int:
    return require_int(body.env, expr, what)


def target(body: FunctionBody, expr: ast.Expr) -> LValue | None:
    """Where an `out` argument goes; None for `_`."""
    return None if isinstance(expr, ast.DontCare) else lvalues.lvalue(body, expr)


def assign(body: FunctionBody, where: LValue | None, number: CExpr, width: int) -> None:
    """Stores a C number of `width` bits, cut or extended to the place's width."""
    if where is None:
        return
    type_ = lvalues.stored_type(where)
    to = scalar_width(type_) or width
    body.unit.layout.need_limbs(to)
    lvalues.store(body, where, rvalues.convert(body, Value(number, BitType(width)), type_))


@dataclass(frozen=True)
class Part:
    """One field of an extern's data: a leaf, with the header that it is a field of, if it is one."""

    leaf: Leaf
    header: CExpr | None


def parts(body: FunctionBody, expr: ast.Expr) -> list[Part]:
    """The scalars and varbits of an extern's data argument: a list, tuple, struct or header."""
    out: list[Part] = []
    for item in flatten(body, expr):
        out += _parts_of(body, item)
    return out


def flatten(body: FunctionBody, expr: ast.Expr) -> list[ast.Expr]:
    """The expressions of nested lists and struct expressions."""
    if isinstance(expr, ast.ListExpr) and not expr.has_default:
        return [e for item in expr.items for e in flatten(body, item)]
    if isinstance(expr, ast.StructExpr) and not expr.has_default:
        return [e for item in expr.fields for e in flatten(body, item.value)]
    if isinstance(expr, ast.Cast) and isinstance(expr.operand, (ast.ListExpr, ast.StructExpr)):
        return flatten(body, expr.operand)
    return [expr]


def _parts_of(body: FunctionBody, expr: ast.Expr) -> list[Part]:
    if evaluate(body.env, expr) is None and lvalues.is_lvalue(body, expr):
        where = lvalues.lvalue(body, expr)
        if where.slice is None and where.window is None:
            leaves = body.unit.layout.leaves(where.c, where.type)
            return [Part(leaf, leaf.headers[-1] if leaf.headers else where.header) for leaf in leaves]
    value = rvalues.addressable(body, body.keep(rvalues.rvalue(body, expr)))
    return [Part(leaf, None) for leaf in body.unit.layout.leaves(value.c, value.type)]
