"""Compile-time values inside an instance: what the front end folded, plus constructor parameters (10.3, 18.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4front.program import ConstValue
from p4front.syntax import ast
from p4front.types import constants
from p4front.types.types import BoolType, Type, TypeOfType, strip
from softswitch.codegen.env import Constant, Env
from softswitch.codegen.errors import refuse
from softswitch.codegen.values.layout import scalar_width

if TYPE_CHECKING:
    from softswitch.codegen.generator import Generator


def evaluate(gen: Generator, env: Env, expr: ast.Expr) -> ConstValue | None:
    """The value of `expr`, None if it is known only at run time."""
    program = gen.program
    known = program.constants.get(expr)
    if known is not None and not isinstance(known, ast.Node):
        return known
    value: ConstValue | None = None
    if isinstance(expr, (ast.IntLiteral, ast.BoolLiteral, ast.StringLiteral)):
        value = expr.value
    elif isinstance(expr, ast.PathExpr):
        decl = program.refs.get(expr)
        if decl is not None:
            binding = env.lookup(decl)
            if isinstance(binding, Constant):
                value = binding.value
            elif isinstance(decl, ast.ConstantDecl):
                value = evaluate(gen, env, decl.value)
    elif isinstance(expr, ast.Member):
        value = _member(gen, env, expr)
    elif isinstance(expr, ast.Cast):
        value = evaluate(gen, env, expr.operand)
    elif isinstance(expr, ast.Unary):
        operand = evaluate(gen, env, expr.operand)
        if expr.op == "!" and isinstance(operand, bool):
            value = not operand
        elif isinstance(operand, int):
            value = {"-": -operand, "~": ~operand, "+": operand}.get(expr.op)
    elif isinstance(expr, ast.Binary):
        value = _binary(gen, env, expr)
    elif isinstance(expr, ast.Ternary):
        cond = evaluate(gen, env, expr.cond)
        if isinstance(cond, bool):
            value = evaluate(gen, env, expr.then if cond else expr.otherwise)
    elif isinstance(expr, ast.Slice):
        base, hi, lo = (evaluate(gen, env, e) for e in (expr.base, expr.hi, expr.lo))
        if isinstance(base, int) and isinstance(hi, int) and isinstance(lo, int):
            value = base >> lo & ((1 << (hi - lo + 1)) - 1)
    elif isinstance(expr, ast.ListExpr):
        items = [evaluate(gen, env, item) for item in expr.items]
        known_items = [item for item in items if item is not None]
        if len(known_items) == len(items) and not expr.has_default:
            value = tuple(known_items)
    if value is None:
        return None
    type_ = program.types.get(expr)
    return value if type_ is None else normalise(value, env.resolve(type_))


def normalise(value: ConstValue, type_: Type) -> ConstValue:
    """An int brought into the range of its type; a bool for a bit<1> and the other way round."""
    plain = strip(type_)
    if isinstance(plain, BoolType) and isinstance(value, int):
        return bool(value)
    return constants.wrap(int(value), plain) if isinstance(value, int) and not isinstance(plain, BoolType) else value


def _member(gen: Generator, env: Env, expr: ast.Member) -> ConstValue | None:
    base_type = gen.program.types.get(expr.base)
    if isinstance(base_type, TypeOfType):
        return None  # folded by the front end already
    base = evaluate(gen, env, expr.base)
    return base.get(expr.member.text) if isinstance(base, dict) else None


def _binary(gen: Generator, env: Env, expr: ast.Binary) -> ConstValue | None:
    a, b = evaluate(gen, env, expr.left), evaluate(gen, env, expr.right)
    if expr.op in ("&&", "||") and isinstance(a, bool):
        return a if a == (expr.op == "||") else b
    if a is None or b is None:
        return None
    if expr.op in ("==", "!="):
        return (a == b) == (expr.op == "==")
    if not isinstance(a, int) or not isinstance(b, int):
        return None
    type_ = env.resolve(gen.program.types[expr])
    try:
        if expr.op in ("<", "<=", ">", ">="):
            return constants.compare(expr.op, a, b)
        if expr.op in ("<<", ">>"):
            return constants.shift(expr.op, a, b, type_)
        if expr.op == "++":
            right = scalar_width(env.resolve(gen.program.types[expr.right]))
            return constants.concatenate(a, b, right or 0, type_)
        return constants.arithmetic(expr.op, a, b, type_)
    except (constants.FoldError, KeyError):
        return None


def require_int(gen: Generator, env: Env, expr: ast.Expr, what: str) -> int:
    """A compile-time integer; refuses a value that is known only at run time."""
    value = evaluate(gen, env, expr)
    if isinstance(value, bool) or not isinstance(value, int):
        raise refuse(expr.span, f"{what} must be a compile-time integer")
    return value
